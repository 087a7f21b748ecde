"""Lesson 12: the gradient of a grey level's log-probability, by hand."""

from __future__ import annotations

import numpy as np

from minivae.grading.exercise import Exercise, Mistake, Term, register
from minivae.grading.exercises.discretised_logistic import (
    HALF,
    SIZES,
    logistic_backward,
    some_levels,
    some_tails,
)
from minivae.grading.exercises.elbo_steps import sigmoid
from minivae.grading.program import Program, Step

STEPS: dict[str, Step] = {
    "scale": lambda v: np.exp(v.log_scale),
    "not_black": lambda v: (v.x > HALF) * 1.0,
    "not_white": lambda v: (v.x < 1 - HALF) * 1.0,
    "inside": lambda v: v.not_black * v.not_white,
    "b": lambda v: (v.x + HALF - v.mean) / v.scale,
    "a": lambda v: (v.x - HALF - v.mean) / v.scale,
    "delta": lambda v: 2 * HALF / v.scale,
    "d_b": lambda v: v.not_white * sigmoid(-v.b),
    "d_a": lambda v: -v.not_black * sigmoid(v.a),
    "d_delta": lambda v: v.inside * np.exp(-v.delta) / -np.expm1(-v.delta),
    "d_mean": lambda v: -(v.d_b + v.d_a) / v.scale,
    "d_log_scale": lambda v: -(v.b * v.d_b + v.a * v.d_a + v.delta * v.d_delta),
}


def _mistake(code: str, name: str, yours: str, right: str, question: str, more: str, **steps: Step) -> Mistake:
    return Mistake(code, name, yours, right, question, more, changes=(steps,))


D_MEAN = "d_mean = −(d_b + d_a)/s"
D_LOG_SCALE = "d_log_scale = −(b·d_b + a·d_a + δ·d_delta)"

register(
    Exercise(
        name="logistic_backward",
        reference=logistic_backward,
        cases=some_levels,
        sizes=SIZES,
        extremes={"means far away and scales as small as exp(−12)": some_tails},
        program=Program(
            STEPS,
            ("x", "mean", "log_scale"),
            {name: name for name in ("d_b", "d_a", "d_delta", "d_mean", "d_log_scale")},
        ),
        terms={
            "d_mean": (
                Term("−d_b/s", lambda v: -v.d_b / v.scale),
                Term("−d_a/s", lambda v: -v.d_a / v.scale),
            ),
            "d_log_scale": (
                Term("−b·d_b", lambda v: -v.b * v.d_b),
                Term("−a·d_a", lambda v: -v.a * v.d_a),
                Term("−δ·d_delta", lambda v: -v.delta * v.d_delta),
            ),
        },
        mistakes=(
            _mistake(
                "Y40",
                "σ(b) where σ(−b) belongs",
                "d_b = σ(b)",
                "d_b = σ(−b)",
                "If b is very large, the cell's upper edge is far out. Does moving it farther still change much?",
                "The derivative of −softplus(−b) is +σ(−b): two minus signs, and softplus′ = σ, at −b.",
                d_b=lambda v: v.not_white * sigmoid(v.b),
            ),
            _mistake(
                "Y41",
                "σ(−a) where σ(a) belongs",
                "d_a = −σ(−a)",
                "d_a = −σ(a)",
                "If a is very negative, the cell's lower edge is far out. Does moving it farther still change much?",
                "The derivative of −softplus(a) is −σ(a).",
                d_a=lambda v: -v.not_black * sigmoid(-v.a),
            ),
            _mistake(
                "Y42",
                "the sign of d_a",
                "d_a = +σ(a)",
                "d_a = −σ(a)",
                "If the lower edge moves up, does the cell become larger or smaller?",
                "Smaller, so log P falls: the derivative is negative.",
                d_a=lambda v: v.not_black * sigmoid(v.a),
            ),
            _mistake(
                "Y43",
                "e^−δ is missing above the fraction line",
                "d_delta = 1/(1 − e^−δ)",
                "d_delta = e^−δ/(1 − e^−δ)",
                "If δ is very large, log(1 − e^−δ) is almost 0. What should its slope be?",
                "The inner derivative of 1 − e^−δ is e^−δ.",
                d_delta=lambda v: v.inside / -np.expm1(-v.delta),
            ),
            _mistake(
                "Y44",
                "black and white have edges that they do not have",
                "d_a at x = 0, d_b at x = 1, d_delta at both",
                "d_a = 0 at x = 0,  d_b = 0 at x = 1,  d_delta = 0 at both",
                "Does log σ(b), the log-probability of black, depend on a?",
                "The first cell has no lower edge, the last no upper one. What is not in log P has the slope 0.",
                not_black=lambda v: np.ones_like(v.x),
                not_white=lambda v: np.ones_like(v.x),
            ),
            _mistake(
                "Y45",
                "d_delta at the first and the last level, whose cells have no width",
                "d_delta = e^−δ/(1 − e^−δ) everywhere",
                "d_delta = 0 at x = 0 and x = 1",
                "Does log σ(b), the log-probability of black, depend on δ?",
                "log(1 − e^−δ) stands in log P only where the cell has both edges.",
                inside=lambda v: np.ones_like(v.x),
            ),
            _mistake(
                "Y46",
                "the sign of d_mean",
                "d_mean = (d_b + d_a)/s",
                D_MEAN,
                "If the mean grows, do the edges, measured from it, move up or down?",
                "b = (x + ½/255 − m)/s, so ∂b/∂m = −1/s.",
                d_mean=lambda v: (v.d_b + v.d_a) / v.scale,
            ),
            _mistake(
                "Y47",
                "the 1/s is missing in d_mean",
                "d_mean = −(d_b + d_a)",
                D_MEAN,
                "If s is small, a small change of the mean moves the edges by many units of s. By how many?",
                "∂b/∂m = ∂a/∂m = −1/s.",
                d_mean=lambda v: -(v.d_b + v.d_a),
            ),
            _mistake(
                "Y48",
                "the way through δ is missing",
                "d_log_scale = −(b·d_b + a·d_a)",
                D_LOG_SCALE,
                "On which of b, a and δ does log s act?",
                "On all three: each is something divided by s, so each has the derivative −(itself) along log s.",
                d_log_scale=lambda v: -(v.b * v.d_b + v.a * v.d_a),
            ),
            _mistake(
                "Y49",
                "the derivative along s, not along log s",
                "−(b·d_b + a·d_a + δ·d_delta)/s",
                D_LOG_SCALE,
                "d/d(log s) = s · d/ds. Which of the two did you take?",
                "∂b/∂s = −b/s, but ∂b/∂(log s) = −b.",
                d_log_scale=lambda v: -(v.b * v.d_b + v.a * v.d_a + v.delta * v.d_delta) / v.scale,
            ),
            _mistake(
                "Y50",
                "the sign of d_log_scale",
                "b·d_b + a·d_a + δ·d_delta",
                D_LOG_SCALE,
                "If s grows, does b grow or shrink?",
                "b = (…)/s, so ∂b/∂(log s) = −b.",
                d_log_scale=lambda v: v.b * v.d_b + v.a * v.d_a + v.delta * v.d_delta,
            ),
        ),
    )
)
