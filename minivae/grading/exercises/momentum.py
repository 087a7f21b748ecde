"""Lesson 03: one step of descent with momentum."""

from __future__ import annotations

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, Term, register
from minivae.grading.program import Program, Step, Values

Rng = np.random.Generator


def _momentum_case(rng: Rng) -> Arguments:
    w, v, g = rng.standard_normal((3, 7, 5))
    return w, v, g, float(rng.uniform(0.2, 0.6)), float(rng.uniform(0.6, 0.9))


MOMENTUM_STEPS: dict[str, Step] = {
    "v_new": lambda v: v.momentum * v.v + v.g,
    "w_new": lambda v: v.w - v.lr * v.v_new,
}


def momentum_step(w: Array, v: Array, g: Array, lr: float, momentum: float) -> tuple[Array, Array]:
    """v ← momentum·v + g, then w ← w − lr·v; returns the new v and w."""
    v = momentum * v + g
    return v, w - lr * v


def _momentum(v: Values) -> tuple[Array, Array]:
    return momentum_step(v.w, v.v, v.g, v.lr, v.momentum)


register(
    Exercise(
        name="momentum_step",
        reference=momentum_step,
        cases=_momentum_case,
        returns=("v", "w"),
        program=Program(MOMENTUM_STEPS, ("w", "v", "g", "lr", "momentum"), {"v": "v_new", "w": "w_new"}),
        terms={
            "v": (Term("momentum·v", lambda v: v.momentum * v.v), Term("g", lambda v: v.g)),
            "w": (Term("w", lambda v: v.w), Term("−lr·v", lambda v: -v.lr * v.v_new)),
        },
        mistakes=(
            Mistake(
                code="DN32",
                name="ascent in place of descent",
                yours="w + lr·v",
                right="w − lr·v",
                question="The gradient points to where the loss grows. Where do you want to go?",
                more="Against it: subtract.",
                changes=({"w_new": lambda v: v.w + v.lr * v.v_new},),
            ),
            Mistake(
                code="DN33",
                name="the gradient subtracted from the velocity, and the velocity from the weight",
                yours="v = momentum·v − g, w − lr·v",
                right="v = momentum·v + g, w − lr·v",
                question="How often does a minus turn the direction of g on its way to w?",
                more="Once is right. Here the minus stands in the second line alone.",
                changes=({"v_new": lambda v: v.momentum * v.v - v.g},),
            ),
            Mistake(
                code="DN34",
                name="an average in place of the sum",
                yours="v = momentum·v + (1 − momentum)·g",
                right="v = momentum·v + g",
                question="How large is v after many equal gradients, with your formula and with the lesson's?",
                more="With the factor (1 − momentum), v tends to g; without it to g/(1 − momentum). Adam averages.",
                changes=({"v_new": lambda v: v.momentum * v.v + (1 - v.momentum) * v.g},),
            ),
            Mistake(
                code="DN35",
                name="the step taken with the old velocity",
                yours="w − lr·(old v)",
                right="w − lr·(new v)",
                question="Which is done first: the new velocity, or the step?",
                more="The new gradient must already count in this step.",
                changes=({"w_new": lambda v: v.w - v.lr * v.v},),
            ),
            Mistake(
                code="DN36",
                name="the velocity forgotten in the step",
                yours="w − lr·g",
                right="w − lr·v",
                question="Does the velocity have any effect on your w?",
                more="The step follows v, which contains g.",
                changes=({"w_new": lambda v: v.w - v.lr * v.g},),
            ),
            Mistake(
                code="DN37",
                name="the learning rate inside the velocity",
                yours="v = momentum·v + lr·g, w − v",
                right="v = momentum·v + g, w − lr·v",
                question="If lr is changed during training, which part of the old velocity should feel it?",
                more="Keep v free of lr, and multiply once, in the step.",
                changes=(
                    {"v_new": lambda v: v.momentum * v.v + v.lr * v.g, "w_new": lambda v: v.w - v.v_new},
                    {"v_new": lambda v: v.momentum * v.v + v.lr * v.g},
                ),
            ),
            Mistake(
                code="DN56",
                name="the minus and the learning rate inside the velocity",
                yours="v = momentum·v − lr·g, w + v",
                right="v = momentum·v + g, w − lr·v",
                question="If lr is changed during training, which part of the old velocity should feel it?",
                more="Keep v free of lr and of the minus: both stand in the second line, once.",
                changes=({"v_new": lambda v: v.momentum * v.v - v.lr * v.g, "w_new": lambda v: v.w + v.v_new},),
            ),
            Mistake(
                code="DN38",
                name="the momentum on the gradient, not on the velocity",
                yours="v + momentum·g",
                right="momentum·v + g",
                question="Which of the two should fade with time?",
                more="The old velocity: each step keeps the share `momentum` of it.",
                changes=({"v_new": lambda v: v.v + v.momentum * v.g},),
            ),
            Mistake(
                code="DN53",
                name="the results in another order",
                yours="return w, v",
                right="return v, w",
                question="In which order does the docstring want the results?",
                more="First the velocity, then the weight.",
                changes=({"v_new": lambda v: _momentum(v)[1], "w_new": lambda v: _momentum(v)[0]},),
            ),
        ),
    )
)
