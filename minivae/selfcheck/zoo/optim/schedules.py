"""Wrong versions of the learning-rate schedules."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minivae.autodiff import Tensor
from minivae.optim import (
    SGD,
    ConstantLR,
    CosineAnnealingLR,
    LambdaLR,
    LinearLR,
    LRScheduler,
    SequentialLR,
)
from minivae.selfcheck.zoo.sabotage import methods
from minivae.selfcheck.zoo.subject import Subject, Trial, Verdict
from minivae.selfcheck.zoo.trials import all_of, compare

BASE = 0.2
STEPS = 9


def rates(make: Callable[[SGD], LRScheduler]) -> list[float]:
    """The learning rate before each of the steps. Half-way a new schedule takes over from the old one's state."""
    optimiser = SGD([Tensor(np.zeros(2), requires_grad=True)], lr=BASE)
    schedule = make(optimiser)
    found = []
    for t in range(STEPS):
        found.append(optimiser.lr)
        schedule.step()
        if t == STEPS // 2:
            state, schedule = schedule.state_dict(), make(optimiser)
            schedule.load_state_dict(state)
    return found


def table(**settings: tuple[tuple[Any, ...], Sequence[float]]) -> Trial:
    """The schedule's arguments, and the learning rates in units of the optimiser's."""

    def run(target: Any, seed: int) -> Verdict:
        return all_of(
            [
                compare(rates(lambda o, a=arguments: target(o, *a)), BASE * np.array(factors), what=name)  # type: ignore[misc]
                for name, (arguments, factors) in settings.items()
            ]
        )

    return Trial("table", run)


def _in_sequence(target: Any, seed: int) -> Verdict:
    """Three steps of warm-up, two at half the rate, then a cosine."""

    def make(optimiser: SGD) -> LRScheduler:
        parts = [LinearLR(optimiser, 0.25, 1.0, 3), ConstantLR(optimiser, 0.5, 9), CosineAnnealingLR(optimiser, 4)]
        return target(optimiser, parts, [3, 5])

    return compare(
        rates(make), BASE * np.array([0.25, 0.5, 0.75, 0.5, 0.5, 1.0, 0.8535533905932737, 0.5, 0.14644660940672624])
    )


def _formula(schedule: type[LRScheduler], lr_at: Callable[[Any, int], float]) -> Any:
    return methods(schedule, lr_at=lr_at)


def _compounded(schedule: Any) -> Any:
    """The factor is applied to the learning rate of the moment, again and again."""

    def lr_at(self: Any, epoch: int) -> float:
        return self.optimizer.lr * schedule.lr_at(self, epoch) / self.base_lr

    return methods(schedule, lr_at=lr_at)


def _cosine(f: Callable[[float], float]) -> Any:
    """eta_min + (base_lr − eta_min)·f(share of T_max)."""
    return _formula(CosineAnnealingLR, lambda self, t: self.eta_min + (self.base_lr - self.eta_min) * f(t / self.T_max))


def _linear(share: Callable[[int, int], float]) -> Any:
    """From start_factor to end_factor by share(t, total_iters)."""

    def lr_at(self: Any, t: int) -> float:
        factor = self.start_factor + (self.end_factor - self.start_factor) * share(t, self.total_iters)
        return self.base_lr * factor

    return _formula(LinearLR, lr_at)


def _goes_on_counting(self: Any, t: int) -> float:
    turn = sum(t >= milestone for milestone in self.milestones)
    return self.schedulers[turn].lr_at(t)


def _one_late(self: Any, t: int) -> float:
    turn = sum(t > milestone for milestone in self.milestones)
    return self.schedulers[turn].lr_at(t - [0, *self.milestones][turn])


def _since_the_first_milestone(self: Any, t: int) -> float:
    turn = sum(t >= milestone for milestone in self.milestones)
    return self.schedulers[turn].lr_at(t - (self.milestones[0] if turn else 0))


_COSINES = [math.cos(math.pi * t / 16) ** 2 for t in range(STEPS)]  # (1 + cos 2a)/2 = cos² a


def subjects() -> list[Subject]:
    """The schedules. What can be wrong in all of them is tried with the cosine."""
    return [
        Subject(
            "optimiser",
            "CosineAnnealingLR",
            CosineAnnealingLR,
            (table(to_zero=((8,), _COSINES), to_eta_min=((8, 0.5 * BASE), [0.5 + 0.5 * c for c in _COSINES])),),
            {
                "a straight line": _cosine(lambda x: 1 - x),
                "a quarter of a cosine": _cosine(lambda x: math.cos(math.pi * x / 2)),
                "a whole cosine, down and up": _cosine(lambda x: (1 + math.cos(2 * math.pi * x)) / 2),
                "π forgotten": _cosine(lambda x: (1 + math.cos(x)) / 2),
                "a sine: it rises": _cosine(lambda x: (1 - math.cos(math.pi * x)) / 2),
                "eta_min added twice": _formula(
                    CosineAnnealingLR,
                    lambda self, t: self.eta_min + self.base_lr * (1 + math.cos(math.pi * t / self.T_max)) / 2,
                ),
                "the end is reached one step early": _formula(
                    CosineAnnealingLR,
                    lambda self, t: (
                        self.eta_min
                        + (self.base_lr - self.eta_min) * (1 + math.cos(math.pi * t / (self.T_max - 1))) / 2
                    ),
                ),
                "the factor applied to the rate of the moment": _compounded(CosineAnnealingLR),
                "step() forgets to set the rate": methods(
                    CosineAnnealingLR, step=lambda self: setattr(self, "last_epoch", self.last_epoch + 1)
                ),
                "starts anew after resuming": methods(CosineAnnealingLR, load_state_dict=lambda self, state: None),
            },
        ),
        Subject(
            "optimiser",
            "LinearLR",
            LinearLR,
            (
                table(
                    up=((0.25, 1.0, 3), [0.25, 0.5, 0.75, *[1.0] * 6]),
                    down=((1.0, 0.5, 4), [1, 0.875, 0.75, 0.625, *[0.5] * 5]),
                ),
            ),
            {
                "counted from 1": _linear(lambda t, n: min(1.0, (t + 1) / n)),
                "it never stops": _linear(lambda t, n: t / n),
                "one step too long": _linear(lambda t, n: min(1.0, t / (n + 1))),
                "start and end swapped": _linear(lambda t, n: 1 - min(1.0, t / n)),
                "a jump at the end": _linear(lambda t, n: float(t >= n)),
                "the factor applied to the rate of the moment": _compounded(LinearLR),
            },
        ),
        Subject(
            "optimiser",
            "ConstantLR",
            ConstantLR,
            (table(half=((0.5, 3), [0.5] * 3 + [1.0] * 6)),),
            {
                "one step too long": _formula(
                    ConstantLR, lambda self, t: self.base_lr * (self.factor if t <= self.total_iters else 1)
                ),
                "before and after swapped": _formula(
                    ConstantLR, lambda self, t: self.base_lr * (1 if t < self.total_iters else self.factor)
                ),
                "the factor is the rate": _formula(
                    ConstantLR, lambda self, t: self.factor if t < self.total_iters else self.base_lr
                ),
            },
        ),
        Subject(
            "optimiser",
            "LambdaLR",
            LambdaLR,
            (table(power=((lambda t: 0.9**t,), [0.9**t for t in range(STEPS)])),),
            {
                "the factor is the rate": _formula(LambdaLR, lambda self, t: self.lr_lambda(t)),
                "counted from 1": _formula(LambdaLR, lambda self, t: self.base_lr * self.lr_lambda(t + 1)),
                "the factor applied to the rate of the moment": _compounded(LambdaLR),
            },
        ),
        Subject(
            "optimiser",
            "SequentialLR",
            SequentialLR,
            (Trial("table", _in_sequence),),
            {
                "a later schedule goes on counting": _formula(SequentialLR, _goes_on_counting),
                "one step late": _formula(SequentialLR, _one_late),
                "counted from the first milestone": _formula(SequentialLR, _since_the_first_milestone),
                "never the second": _formula(SequentialLR, lambda self, t: self.schedulers[0].lr_at(t)),
            },
        ),
    ]
