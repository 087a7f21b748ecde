"""Wrong versions of gradient descent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minivae.backend import Array
from minivae.optim import SGD
from minivae.selfcheck.zoo.optim.trials import closed_form, manners, trajectory
from minivae.selfcheck.zoo.sabotage import methods


def printed_sgd(
    p: float,
    gradients: Sequence[float],
    lr: float,
    momentum: float = 0.0,
    dampening: float = 0.0,
    weight_decay: float = 0.0,
    nesterov: bool = False,
) -> float:
    """Momentum as Sutskever et al. 2013 and PyTorch's manual have it."""
    b = None
    for g in gradients:
        g = g + weight_decay * p
        if momentum:
            b = g if b is None else momentum * b + (1 - dampening) * g
            g = g + momentum * b if nesterov else b
        p = p - lr * g
    return p


class PlainSGD(SGD):
    """SGD in four parts, each of which can be replaced by a wrong one."""

    def update(self, t: int, p: Array, g: Array, *rest: Array) -> None:
        """One step."""
        g = self.decayed(p, g)
        if self.momentum:
            rest[0][...] = self.followed(t, rest[0], g)
            g = self.ahead(g, rest[0])
        p -= self.change(g)

    def decayed(self, p: Array, g: Array) -> Array:
        """The gradient with that of the penalty."""
        return g + self.weight_decay * p

    def followed(self, t: int, b: Array, g: Array) -> Array:
        """The decaying sum of gradients."""
        return g if t == 1 else self.momentum * b + (1 - self.dampening) * g

    def ahead(self, g: Array, b: Array) -> Array:
        """The direction."""
        return g + self.momentum * b if self.nesterov else b

    def change(self, g: Array) -> Array:
        """The step."""
        return self.lr * g


_MU = 0.9

TRIALS = (
    closed_form(
        ("constant gradient", {"lr": 0.1}, 2.0, lambda p, t: p - 0.2 * t),
        ("zero gradient, decay", {"lr": 0.1, "weight_decay": 0.5}, 0.0, lambda p, t: p * 0.95**t),
        (
            "constant gradient, momentum",
            {"lr": 0.1, "momentum": _MU},
            2.0,
            lambda p, t: p - 0.2 * sum((1 - _MU**k) / (1 - _MU) for k in range(1, t + 1)),
        ),
        (
            "constant gradient, nesterov",
            {"lr": 0.1, "momentum": _MU, "nesterov": True},
            2.0,
            lambda p, t: p - 0.2 * sum((1 - _MU**k) / (1 - _MU) for k in range(2, t + 2)),
        ),
    ),
    trajectory(
        printed_sgd,
        [
            {"lr": 0.1, "momentum": 0.8, "dampening": 0.3},
            {"lr": 0.1, "momentum": 0.8, "weight_decay": 0.2, "nesterov": True},
        ],
    ),
    manners({"lr": 0.1, "momentum": 0.8, "weight_decay": 0.2}),
)


def decay_into_gradient(self: Any, p: Array, g: Array) -> Array:
    """The gradient itself is changed."""
    g += self.weight_decay * p
    return g


def _moved_for_all(self: Any) -> None:
    """A parameter without a gradient moves by its momentum all the same."""
    for p in self.params:
        p.grad = np.zeros(p.shape) if p.grad is None else p.grad
    SGD.step(self)


MUTANTS: dict[str, Any] = {
    "uphill": methods(PlainSGD, change=lambda self, g: -self.lr * g),
    "lr squared": methods(PlainSGD, change=lambda self, g: self.lr**2 * g),
    "the sign of the gradient, not its size": methods(PlainSGD, change=lambda self, g: self.lr * np.sign(g)),
    "decay with the wrong sign": methods(PlainSGD, decayed=lambda self, p, g: g - self.weight_decay * p),
    "decay by the sign of p": methods(PlainSGD, decayed=lambda self, p, g: g + self.weight_decay * np.sign(p)),
    "decay added to the gradient in place": methods(PlainSGD, decayed=decay_into_gradient),
    "momentum an average, (1 − μ)·g": methods(
        PlainSGD, followed=lambda self, t, b, g: self.momentum * b + (1 - self.momentum) * g
    ),
    "momentum takes the lr twice": methods(
        PlainSGD, followed=lambda self, t, b, g: self.lr * g if t == 1 else self.momentum * b + self.lr * g
    ),
    "no momentum": methods(PlainSGD, followed=lambda self, t, b, g: g),
    "momentum never decays": methods(PlainSGD, followed=lambda self, t, b, g: b + g),
    "dampening at the first step, too": methods(
        PlainSGD, followed=lambda self, t, b, g: self.momentum * b + (1 - self.dampening) * g
    ),
    "nesterov ignored": methods(PlainSGD, ahead=lambda self, g, b: b),
    "nesterov looks ahead with b, not g + μ·b": methods(
        PlainSGD, ahead=lambda self, g, b: self.momentum * b if self.nesterov else b
    ),
    "the momentum is not in the state": methods(
        PlainSGD,
        load_state_dict=lambda self, state: SGD.load_state_dict(
            self, {k: v * 0 if k.startswith("momentum_buffer") else v for k, v in state.items()}
        ),
    ),
    "what has no gradient moves by its momentum": methods(PlainSGD, step=_moved_for_all),
}
