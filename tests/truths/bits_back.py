"""Bits-back coding with asymmetric numeral systems, as short as it can be: a message is one whole number.

A symbol with the frequency f of 2^r, whose frequencies before it sum to c, is pushed and popped by (Duda 2009)

    push   s → 2^r · (s div f) + c + (s mod f)         log₂ s grows by −log₂(f / 2^r), and a rounding of about f/s
    pop    the slot s mod 2^r tells the symbol;  s → f · (s div 2^r) + slot − c

which undo each other exactly. Popping a symbol of a distribution from random bits *draws* from it. So an image x is
sent with a latent z by popping z from q(z|x), pushing x with p(x|z), and pushing z with p(z): the bits that z used up
come back when the receiver, who knows x by then, pushes z with q(z|x) (Townsend, Bird & Barber 2019).
"""

from __future__ import annotations

import itertools
import math
from statistics import NormalDist

import numpy as np

from minivae.distributions import Bernoulli

PRECISION = 16  # r: probabilities are multiples of 2^−16


def frequencies(p):
    """Whole numbers near 2^r · p along the last axis, at least 1 and with the sum 2^r."""
    f = np.floor(p * (2**PRECISION - p.shape[-1])).astype(np.int64) + 1
    largest = f.argmax(axis=-1)[..., None]
    rest = 2**PRECISION - f.sum(axis=-1, keepdims=True)
    np.put_along_axis(f, largest, np.take_along_axis(f, largest, -1) + rest, -1)
    return f


def push(s, f, symbol):
    start, size = int(f[:symbol].sum()), int(f[symbol])
    return ((s // size) << PRECISION) + start + s % size


def pop(s, f):
    slot = s & (2**PRECISION - 1)
    ends = f.cumsum()
    symbol = int(np.searchsorted(ends, slot, side="right"))
    return int(f[symbol]) * (s >> PRECISION) + slot - int(ends[symbol] - f[symbol]), symbol


class BitsBack:
    """A codec for binary x made of a minivae model, with z on a grid of `bins` values in each dimension.

    The bins have equal mass under the prior; z stands for the middle of its bin, and q(z|x) for its mass there.

    Attributes:
        q: frequencies of q(z_j|x) for each image, (N, L, bins).
        z: all values of z, (bins^L, L).
        p: frequencies of (x_i = 0, x_i = 1) for each of them, (bins^L, D, 2).
    """

    def __init__(self, model, x, bins):
        self.bins, self.shape = bins, (bins,) * model.latent_dim
        inverse = NormalDist().inv_cdf
        edges = [-math.inf, *(inverse(i / bins) for i in range(1, bins)), math.inf]
        q = model.encode(x)
        distances = (np.array(edges) - q.mean.data[..., None]) / q.stddev.data[..., None]
        cdf = 0.5 * (1 + np.vectorize(math.erf)(distances / math.sqrt(2)))
        self.q = frequencies(np.diff(cdf, axis=-1))
        middles = [inverse((i + 0.5) / bins) for i in range(bins)]
        self.z = np.array(list(itertools.product(middles, repeat=model.latent_dim)))
        decoded = model.decode(self.z)
        assert isinstance(decoded, Bernoulli)
        ones = decoded.mean.data
        self.p = frequencies(np.stack([1 - ones, ones], axis=-1))
        self.prior = frequencies(np.full(bins, 1 / bins))

    def encode(self, s, n, x):
        """Put the n-th image, x, on top of the message s. Returns the message and the z that was used."""
        at = []
        for f in self.q[n]:
            s, k = pop(s, f)
            at.append(k)
        for f, pixel in zip(self.p[self.index(at)], x, strict=True):
            s = push(s, f, int(pixel))
        for k in at:
            s = push(s, self.prior, k)
        return s, at

    def decode(self, s, n):
        """Take an image off the message: the exact reverse. `n` only says whose q(z|x) it is, which depends on x."""
        at = []
        for _ in self.shape:
            s, k = pop(s, self.prior)
            at.insert(0, k)
        x = []
        for f in self.p[self.index(at)][::-1]:
            s, pixel = pop(s, f)
            x.insert(0, pixel)
        for f, k in zip(self.q[n][::-1], at[::-1], strict=True):
            s = push(s, f, k)
        return s, x

    def index(self, at):
        return int(np.ravel_multi_index(at, self.shape))

    # --- what it should cost, in bits -----------------------------------------------------------------------

    def log_q(self, n):
        """log₂ q(z|x) for all z: (bins^L,)."""
        log_q = sum(
            np.log2(f / 2**PRECISION).reshape([-1 if i == j else 1 for i in range(len(self.shape))])
            for j, f in enumerate(self.q[n])
        )
        return np.broadcast_to(log_q, self.shape).ravel()

    def net_bits(self, n, x):
        """log₂ q(z|x) − log₂ p(x|z) − log₂ p(z) for all z: (bins^L,)."""
        chosen = np.take_along_axis(self.p, np.asarray(x, np.int64)[None, :, None], axis=2)[..., 0]
        return self.log_q(n) - np.log2(chosen / 2**PRECISION).sum(axis=1) + len(self.shape) * math.log2(self.bins)

    def negative_elbo(self, n, x):
        """−ELBO of x in bits, with the q on the grid: the average of `net_bits` over z from it."""
        return float(2 ** self.log_q(n) @ self.net_bits(n, x))
