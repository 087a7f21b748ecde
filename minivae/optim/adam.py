"""Adam and AdamW."""

from __future__ import annotations

import math
from collections.abc import Iterable

from minivae.autodiff import Tensor
from minivae.backend import Array, array_module
from minivae.optim.optimizer import Optimizer


class Adam(Optimizer):
    """Steps of about lr in every coordinate, whatever the scale of the gradient (Kingma & Ba 2015, algorithm 1).

        m = β₁·m + g                               the sum of all gradients, older ones weighted less
        v = β₂·v + g²                              the same of their squares
        p = p − lr · m̂ / (√v̂ + ε)                  m̂ = m / Σβ₁ᵏ, v̂ = v / Σβ₂ᵏ, k from 0 to t − 1: weighted means

    The paper keeps (1 − β)·m, an average that starts at 0 and so is too small at first, and corrects that bias by
    dividing by 1 − βᵗ. As Σβᵏ = (1 − βᵗ)/(1 − β), m̂ and v̂ are the same. Keeping sums saves two passes over memory.

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
    averages = ("decayed_sum", "decayed_sum_sq")  # m and v
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

        The divisions move into two numbers: m̂ / (√v̂ + ε) = (√w₂/w₁) · m / (√v + √w₂·ε) with w₁ = Σβ₁ᵏ, w₂ = Σβ₂ᵏ.
        """
        xp = array_module(p)
        w1 = (1 - self.beta1**t) / (1 - self.beta1)
        root_w2 = math.sqrt((1 - self.beta2**t) / (1 - self.beta2))

        m *= self.beta1
        m += g

        v *= self.beta2
        v += xp.square(g, out=s)

        xp.sqrt(v, out=s)
        s += root_w2 * self.eps
        xp.divide(m, s, out=s)
        s *= self.lr * root_w2 / w1
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
