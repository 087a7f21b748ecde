"""Gradient descent, with momentum if wished."""

from __future__ import annotations

from collections.abc import Iterable

from minivae.autodiff import Tensor
from minivae.backend import Array, array_module
from minivae.errors import ConfigError
from minivae.optim.optimizer import Optimizer


class SGD(Optimizer):
    """p = p − lr · g; with momentum μ the step follows a decaying sum of gradients (Polyak 1964).

        b = μ·b + (1 − dampening)·g                b = g at the first step
        p = p − lr · b                             or, with nesterov, p − lr · (g + μ·b)

    Nesterov's form looks ahead to where the momentum leads (Sutskever et al. 2013).

    Args:
        params: the tensors to learn.
        lr: the learning rate.
        momentum: μ, in [0, 1): the step grows up to 1/(1 − μ) times.
        dampening: takes this share off each new gradient but the first.
        weight_decay: adds weight_decay · p to the gradient.
        nesterov: look ahead; needs momentum, and no dampening.

    Raises:
        ConfigError: an option out of range, or parameters that cannot be optimised.
    """

    options = ("lr", "momentum", "dampening", "weight_decay", "nesterov")
    n_scratch = 2

    momentum: float
    dampening: float
    weight_decay: float
    nesterov: bool

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        self.averages = ("momentum_buffer",) if momentum else ()  # b
        super().__init__(params, lr)
        self.momentum = self._in_range("momentum", momentum, below=1)
        self.dampening = self._in_range("dampening", dampening)
        self.weight_decay = self._in_range("weight_decay", weight_decay)
        self.nesterov = bool(nesterov)
        if nesterov and (momentum == 0 or dampening != 0):
            raise ConfigError(
                f"SGD: nesterov=True needs momentum above 0 and dampening = 0, got {momentum} and {dampening}"
            )

    def update(self, t: int, p: Array, g: Array, *averages_and_scratch: Array) -> None:
        """One step: see the class. Arrays: p, g, b (with momentum), two of scratch."""
        xp = array_module(p)
        *average, s, decayed = averages_and_scratch
        if self.weight_decay:
            xp.multiply(p, self.weight_decay, out=decayed)
            decayed += g
            g = decayed
        if self.momentum:
            (b,) = average
            if t == 1:
                b[...] = g
            else:
                b *= self.momentum
                b += xp.multiply(g, 1 - self.dampening, out=s)
            if self.nesterov:
                xp.multiply(b, self.momentum, out=s)
                s += g
                g = s
            else:
                g = b
        p -= xp.multiply(g, self.lr, out=s)
