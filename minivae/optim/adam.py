"""Adam and AdamW."""

from __future__ import annotations

import math
from collections.abc import Iterable

from minivae.autodiff import Tensor
from minivae.backend import Array, array_module
from minivae.optim.optimizer import Optimizer


class Adam(Optimizer):
    """Steps of about lr in every coordinate, whatever the scale of the gradient (Kingma & Ba 2015, algorithm 1).

        m = β₁·m + (1 − β₁)·g                      the mean of recent gradients
        v = β₂·v + (1 − β₂)·g²                     the mean of their squares
        p = p − lr · m̂ / (√v̂ + ε)                  m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ)

    m and v start at 0; dividing by 1 − βᵗ, the sum of the weights so far, makes them means from the first step on.

    Args:
        params: the tensors to learn.
        lr: the learning rate.
        betas: (β₁, β₂), each in [0, 1): the averages reach back about 1/(1 − β) steps.
        eps: added to √v̂, so that a zero gradient divides by more than zero.
        weight_decay: adds weight_decay · p to the gradient (for decay that Adam does not rescale, see AdamW).

    Raises:
        ConfigError: an option out of range, or parameters that cannot be optimised.
    """

    options = ("lr", "beta1", "beta2", "eps", "weight_decay")
    averages = ("exp_avg", "exp_avg_sq")  # m and v
    n_scratch = 2

    beta1: float
    beta2: float
    eps: float
    weight_decay: float

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr)
        self.beta1 = self._in_range("betas[0]", betas[0], below=1)
        self.beta2 = self._in_range("betas[1]", betas[1], below=1)
        self.eps = self._in_range("eps", eps)
        self.weight_decay = self._in_range("weight_decay", weight_decay)

    def update(self, t: int, p: Array, g: Array, *averages_and_scratch: Array) -> None:
        """One step: see the class. Arrays: p, g, m, v and two of scratch."""
        m, v, scratch, decayed = averages_and_scratch
        if self.weight_decay:
            array_module(p).multiply(p, self.weight_decay, out=decayed)
            decayed += g
            g = decayed
        self._adam(t, p, g, m, v, scratch)

    def _adam(self, t: int, p: Array, g: Array, m: Array, v: Array, s: Array) -> None:
        """The formula, without temporaries: s is scratch.

        The corrections move into two numbers, as in the last paragraph of Kingma & Ba's section 2:
        m̂ / (√v̂ + ε) = (c₂/c₁) · m / (√v + c₂·ε) with c₁ = 1 − β₁ᵗ, c₂ = √(1 − β₂ᵗ).
        """
        xp = array_module(p)
        c1, c2 = 1 - self.beta1**t, math.sqrt(1 - self.beta2**t)

        m *= self.beta1
        m += xp.multiply(g, 1 - self.beta1, out=s)

        v *= self.beta2
        xp.square(g, out=s)
        s *= 1 - self.beta2
        v += s

        xp.sqrt(v, out=s)
        s += c2 * self.eps
        xp.divide(m, s, out=s)
        s *= self.lr * c2 / c1
        p -= s


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2).

        p = p − lr · weight_decay · p              first
        p = p − lr · m̂ / (√v̂ + ε)                  then, m̂ and v̂ from the gradient of the loss alone

    In Adam the decay is part of the gradient and is divided by √v̂ with it, so that weights with large gradients
    decay less. Here all decay alike.

    Args:
        params: the tensors to learn.
        lr: the learning rate.
        betas: (β₁, β₂), see Adam.
        eps: see Adam.
        weight_decay: the share of the weight taken off at each step is lr · weight_decay.

    Raises:
        ConfigError: an option out of range, or parameters that cannot be optimised.
    """

    n_scratch = 1

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay)

    def update(self, t: int, p: Array, g: Array, *averages_and_scratch: Array) -> None:
        """One step: see the class. Arrays: p, g, m, v and one of scratch."""
        if self.weight_decay:
            p *= 1 - self.lr * self.weight_decay
        self._adam(t, p, g, *averages_and_scratch)
