"""Lesson 08: a baseline for the score function, made of the other draws."""

from __future__ import annotations

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Exercise, Mistake, register
from minivae.grading.exercises.normal_draws import SIZES, L, N
from minivae.grading.program import Program, Step


def leave_one_out(values: Array, s: Array) -> tuple[Array, Array]:
    """The mean of the other values, and (value − that)·score."""
    baseline = (values.sum() - values) / (len(values) - 1)
    return baseline, (values - baseline)[:, None] * s


OTHERS = "b_n = Σ_{m≠n} f_m / (N − 1)"
BASELINE: dict[str, Step] = {
    "baseline": lambda v: (v.values.sum() - v.values) / (len(v.values) - 1),
    "weight": lambda v: v.values - v.baseline,
    "estimates": lambda v: v.weight[:, None] * v.s,
}
BASELINE_MISTAKES = (
    Mistake(
        "L1",
        "the baseline depends on the draw that it is subtracted for",
        "b_n = Σ_m f_m / N",
        OTHERS,
        "Is draw n itself in your baseline? Then is E[b_n s_n] still 0?",
        "With the mean of all, the estimate's mean is (1 − 1/N) times the gradient. Leave draw n out.",
        changes=({"baseline": lambda v: np.full(len(v.values), v.values.mean())},),
    ),
    Mistake(
        "L2",
        "the others are summed, but divided by the number of all",
        "b_n = Σ_{m≠n} f_m / N",
        OTHERS,
        "How many numbers are in your sum?",
        "N − 1 of them.",
        changes=({"baseline": lambda v: (v.values.sum() - v.values) / len(v.values)},),
    ),
    Mistake(
        "L3",
        "the baseline is added",
        "(f_n + b_n) s_n",
        "(f_n − b_n) s_n",
        "If all values were equal, how large should every estimate be?",
        "0: the baseline is subtracted.",
        changes=({"weight": lambda v: v.values + v.baseline},),
    ),
    Mistake(
        "L4",
        "each draw is its own baseline",
        "b_n = f_n",
        OTHERS,
        "What is left of f_n − f_n?",
        "The baseline of draw n is made of all draws but n.",
        changes=({"baseline": lambda v: v.values},),
    ),
    Mistake(
        "L5",
        "the baseline is not used",
        "f_n s_n",
        "(f_n − b_n) s_n",
        "Where did the baseline go?",
        "Subtract it from the value, before the score multiplies.",
        changes=({"weight": lambda v: v.values},),
    ),
    Mistake(
        "L6",
        "the baseline is subtracted after the score has multiplied",
        "f_n s_n − b_n",
        "(f_n − b_n) s_n",
        "Is the mean of b_n itself 0, or that of b_n s_n?",
        "Only what the score multiplies averages away.",
        changes=({"estimates": lambda v: v.values[:, None] * v.s - v.baseline[:, None]},),
    ),
)

register(
    Exercise(
        name="leave_one_out",
        reference=leave_one_out,
        cases=lambda rng: (2 + rng.standard_normal(N), rng.standard_normal((N, L))),
        returns=("baseline", "estimates"),
        sizes=SIZES,
        program=Program(BASELINE, ("values", "s"), {"baseline": "baseline", "estimates": "estimates"}),
        mistakes=BASELINE_MISTAKES,
    )
)
