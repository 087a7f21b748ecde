"""The step written out in NumPy: no graph, no classes, every array reused where it can be. The dense VAE only.

What a library adds to this is the price of not having to write it.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from benchmarks.work import Work
from minivae.optim.chunks import CHUNK_BYTES

Pair = tuple[np.ndarray, np.ndarray]


def step(work: Work) -> Callable[[], float] | None:
    """Forward, backward, Adam."""
    if work.channels:
        return None
    weights = [p.data.copy() for p in work.model().parameters()]
    m, v = ([np.zeros_like(w) for w in weights] for _ in range(2))
    x, eps = work.batch_and_noise()
    x = x.reshape(len(x), -1)
    t = 0

    def run() -> float:
        nonlocal t
        t += 1
        loss, gradients = loss_and_gradients(weights, x, eps, len(work.hidden))
        for arrays in zip(weights, gradients, m, v, strict=True):
            adam(t, *(a.reshape(-1) for a in arrays))
        return loss

    return run


def loss_and_gradients(
    weights: list[np.ndarray], x: np.ndarray, eps: np.ndarray, layers: int
) -> tuple[float, list[np.ndarray]]:
    """−ELBO in nats per example, and its gradient for each weight and bias."""
    pairs = list(zip(weights[::2], weights[1::2], strict=True))
    encoder, (mu_head, logvar_head), decoder = pairs[:layers], pairs[layers : layers + 2], pairs[layers + 2 :]

    hidden = [x]
    for w, b in encoder:
        hidden.append(relu(dense(hidden[-1], w, b)))
    mu, logvar = dense(hidden[-1], *mu_head), dense(hidden[-1], *logvar_head)
    noise = np.exp(0.5 * logvar) * eps
    decoded = [mu + noise]
    for w, b in decoder[:-1]:
        decoded.append(relu(dense(decoded[-1], w, b)))
    logits = dense(decoded[-1], *decoder[-1])

    t = np.exp(-np.abs(logits))
    excess = np.expm1(logvar)  # σ² − 1
    nll = (np.maximum(logits, 0) - logits * x + np.log1p(t)).sum()
    loss = float(nll + 0.5 * (mu * mu + excess - logvar).sum()) / len(x)

    d = np.maximum(t, logits >= 0)  # becomes d_logits = (sigmoid(logits) − x)/B
    d /= 1 + t
    d -= x
    d *= 1 / len(x)
    backwards: list[Pair] = []
    for h, (w, _) in zip(decoded[:0:-1], decoder[:0:-1], strict=True):
        backwards.append(weight_gradients(h, d))
        d = (d @ w.T) * (h > 0)
    backwards.append(weight_gradients(decoded[0], d))
    d_z = d @ decoder[0][0].T
    d_mu = d_z + mu * (1 / len(x))
    d_logvar = 0.5 * d_z * noise + (0.5 / len(x)) * excess
    backwards += [weight_gradients(hidden[-1], d_logvar), weight_gradients(hidden[-1], d_mu)]
    d = d_mu @ mu_head[0].T + d_logvar @ logvar_head[0].T
    for i in range(layers, 0, -1):
        d *= hidden[i] > 0
        backwards.append(weight_gradients(hidden[i - 1], d))
        if i > 1:
            d = d @ encoder[i - 1][0].T
    return loss, [gradient for pair in reversed(backwards) for gradient in pair]


def dense(x: np.ndarray, w: np.ndarray, b: np.ndarray) -> np.ndarray:
    """x @ w + b."""
    y = x @ w
    y += b
    return y


def relu(y: np.ndarray) -> np.ndarray:
    """max(y, 0), in y's own memory."""
    return np.maximum(y, 0, out=y)


def weight_gradients(x: np.ndarray, d: np.ndarray) -> Pair:
    """Of a dense layer's weight and bias."""
    return x.T @ d, d.sum(axis=0)


def adam(t: int, p: np.ndarray, g: np.ndarray, m: np.ndarray, v: np.ndarray) -> None:
    """As in minivae/optim/adam.py, piece by piece."""
    root_w2 = math.sqrt((1 - 0.999**t) / (1 - 0.999))
    size = 1e-3 * root_w2 * (1 - 0.9) / (1 - 0.9**t)
    length = CHUNK_BYTES // p.itemsize
    scratch = np.empty(min(length, p.size), p.dtype)
    for start in range(0, p.size, length):
        piece = slice(start, start + length)
        pp, gg, mm, vv = p[piece], g[piece], m[piece], v[piece]
        s = scratch[: pp.size]
        mm *= 0.9
        mm += gg
        vv *= 0.999
        vv += np.square(gg, out=s)
        np.sqrt(vv, out=s)
        s += root_w2 * 1e-8
        np.divide(mm, s, out=s)
        s *= size
        pp -= s
