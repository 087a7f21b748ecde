"""Wrong versions of Adam and AdamW."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minivae.backend import Array
from minivae.optim import Adam
from minivae.selfcheck.zoo.optim.sgd import decay_into_gradient
from minivae.selfcheck.zoo.optim.trials import closed_form, manners, trajectory
from minivae.selfcheck.zoo.sabotage import methods


def printed_adam(
    p: float,
    gradients: Sequence[float],
    lr: float,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    decoupled: bool = False,
) -> float:
    """Kingma & Ba 2015, algorithm 1; decoupled: Loshchilov & Hutter 2019, algorithm 2."""
    m = v = 0.0
    for t, g in enumerate(gradients, 1):
        if decoupled:
            p = p - lr * weight_decay * p
        else:
            g = g + weight_decay * p
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g * g
        p = p - lr * (m / (1 - betas[0] ** t)) / (math.sqrt(v / (1 - betas[1] ** t)) + eps)
    return p


def printed_adamw(p: float, gradients: Sequence[float], weight_decay: float = 1e-2, **options: Any) -> float:
    """Loshchilov & Hutter 2019, algorithm 2."""
    return printed_adam(p, gradients, weight_decay=weight_decay, decoupled=True, **options)


class PlainAdam(Adam):
    """Adam in four parts, each of which can be replaced by a wrong one."""

    def update(self, t: int, p: Array, g: Array, *rest: Array) -> None:
        """One step."""
        m, v = rest[:2]
        g = self.decayed(p, g)
        m[...], v[...] = self.averaged(m, v, g)
        p -= self.lr * self.step_of(*self.corrected(t, m, v))

    def decayed(self, p: Array, g: Array) -> Array:
        """The gradient with that of the penalty."""
        return g + self.weight_decay * p

    def averaged(self, m: Array, v: Array, g: Array) -> tuple[Array, Array]:
        """The means of gradients and of their squares."""
        return self.beta1 * m + (1 - self.beta1) * g, self.beta2 * v + (1 - self.beta2) * g * g

    def corrected(self, t: int, m: Array, v: Array) -> tuple[Array, Array]:
        """Both divided by the sum of their weights."""
        return m / (1 - self.beta1**t), v / (1 - self.beta2**t)

    def step_of(self, m: Array, v: Array) -> Array:
        """The direction, whose size is about 1."""
        return m / (np.sqrt(v) + self.eps)


class PlainAdamW(PlainAdam):
    """AdamW in the same parts."""

    def __init__(self, params: Any, lr: float = 1e-3, weight_decay: float = 1e-2, **options: Any) -> None:
        super().__init__(params, lr, weight_decay=weight_decay, **options)

    def decayed(self, p: Array, g: Array) -> Array:
        """The gradient as it is; the parameter decays."""
        p *= 1 - self.lr * self.weight_decay
        return g


def _decay_without_lr(self: Any, p: Array, g: Array) -> Array:
    p *= 1 - self.weight_decay
    return g


def _step_before_the_decay(self: Any, t: int, p: Array, g: Array, *rest: Array) -> None:
    factor = 1 - self.lr * self.weight_decay
    m, v = rest[:2]
    m[...], v[...] = self.averaged(m, v, g)
    p -= self.lr * self.step_of(*self.corrected(t, m, v))
    p *= factor


def _count_of_all(self: Any) -> None:
    """All parameters share one count, which goes on where one of them has no gradient."""
    Adam.step(self)
    self.steps = [max(self.steps)] * len(self.steps)


def adam_mutants(plain: type[PlainAdam]) -> dict[str, Any]:
    """What can be wrong in Adam and AdamW alike."""
    return {
        "no bias correction": methods(plain, corrected=lambda self, t, m, v: (m, v)),
        "m corrected, v not": methods(plain, corrected=lambda self, t, m, v: (m / (1 - self.beta1**t), v)),
        "v corrected, m not": methods(plain, corrected=lambda self, t, m, v: (m, v / (1 - self.beta2**t))),
        "the corrections swapped": methods(
            plain, corrected=lambda self, t, m, v: (m / (1 - self.beta2**t), v / (1 - self.beta1**t))
        ),
        "steps counted from 2": methods(plain, corrected=lambda self, t, m, v: PlainAdam.corrected(self, t + 1, m, v)),
        "β₁ and β₂ swapped": methods(
            plain,
            averaged=lambda self, m, v, g: (
                self.beta2 * m + (1 - self.beta2) * g,
                self.beta1 * v + (1 - self.beta1) * g * g,
            ),
        ),
        "β·g + (1 − β)·m": methods(
            plain,
            averaged=lambda self, m, v, g: (
                (1 - self.beta1) * m + self.beta1 * g,
                (1 - self.beta2) * v + self.beta2 * g * g,
            ),
        ),
        "v the mean of |g|, not of g²": methods(
            plain,
            averaged=lambda self, m, v, g: (
                self.beta1 * m + (1 - self.beta1) * g,
                self.beta2 * v + (1 - self.beta2) * np.abs(g),
            ),
        ),
        "v the variance of g, its mean square less its square mean": methods(
            plain, step_of=lambda self, m, v: m / (np.sqrt(np.maximum(v - m * m, 0)) + self.eps)
        ),
        "no square root": methods(plain, step_of=lambda self, m, v: m / (v + self.eps)),
        "ε under the root": methods(plain, step_of=lambda self, m, v: m / np.sqrt(v + self.eps)),
        "ε added before the correction": methods(
            plain,
            corrected=lambda self, t, m, v: (m / (1 - self.beta1**t) * math.sqrt(1 - self.beta2**t), v),
        ),
        "no momentum: g for m": methods(
            plain, averaged=lambda self, m, v, g: (g, self.beta2 * v + (1 - self.beta2) * g * g)
        ),
        "uphill": methods(plain, step_of=lambda self, m, v: -m / (np.sqrt(v) + self.eps)),
        "one count for all parameters": methods(plain, step=_count_of_all),
    }


ADAM_SETTINGS: list[dict[str, Any]] = [
    {"lr": 0.1},
    {"lr": 0.1, "betas": (0.8, 0.95), "eps": 1e-2, "weight_decay": 0.3},
]

ADAM_TRIALS = (
    closed_form(
        ("constant gradient", {"lr": 0.1, "eps": 0.5}, -2.0, lambda p, t: p + t * 0.1 * 2 / 2.5),
        ("zero gradient", {"lr": 0.1}, 0.0, lambda p, t: p),
    ),
    trajectory(printed_adam, ADAM_SETTINGS),
    manners(ADAM_SETTINGS[1]),
)

ADAMW_TRIALS = (
    closed_form(
        ("zero gradient", {"lr": 0.1, "weight_decay": 0.5}, 0.0, lambda p, t: p * 0.95**t),
        (
            "constant gradient",
            {"lr": 0.1, "eps": 0.5, "weight_decay": 0.5},
            -2.0,
            lambda p, t: p * 0.95**t + 0.1 * 2 / 2.5 * (1 - 0.95**t) / 0.05,
        ),
    ),
    trajectory(printed_adamw, ADAM_SETTINGS),
    manners(ADAM_SETTINGS[1]),
)

ADAM_MUTANTS = adam_mutants(PlainAdam) | {
    "decay decoupled, as in AdamW": methods(PlainAdam, decayed=PlainAdamW.decayed),
    "decay added to the gradient in place": methods(PlainAdam, decayed=decay_into_gradient),
}

ADAMW_MUTANTS = adam_mutants(PlainAdamW) | {
    "decay part of the gradient, as in Adam": methods(PlainAdamW, decayed=PlainAdam.decayed),
    "decay without lr": methods(PlainAdamW, decayed=_decay_without_lr),
    "decay after the step": methods(PlainAdamW, update=_step_before_the_decay),
    "no decay": methods(PlainAdamW, decayed=lambda self, p, g: g),
}
