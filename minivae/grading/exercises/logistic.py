"""Lesson 01: the gradient of logistic regression, which the lesson shows with a bug."""

from __future__ import annotations

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, Term, register

Rng = np.random.Generator


def _probabilities(w: Array, x: Array) -> Array:
    return 1 / (1 + np.exp(-(x @ w)))


def _data_term(w: Array, x: Array, y: Array) -> Array:
    """The gradient without the penalty: Xᵀ(p − y)/N."""
    return x.T @ (_probabilities(w, x) - y) / len(y)


def logistic_loss_gradient(w: Array, x: Array, y: Array, penalty: float) -> Array:
    """Xᵀ(p − y)/N + λ·w."""
    return _data_term(w, x, y) + penalty * w


def _logistic_case(rng: Rng) -> Arguments:
    labels = np.array([0.0, 1, 1, 0, 1, 0, 1])
    return rng.standard_normal(5), rng.standard_normal((7, 5)), labels, float(rng.uniform(0.2, 0.8))


register(
    Exercise(
        name="logistic_loss_gradient",
        reference=logistic_loss_gradient,
        cases=_logistic_case,
        sizes={7: "N", 5: "D"},
        terms={
            "logistic_loss_gradient": (
                Term("the data term, Xᵀ(p − y)/N", lambda v: _data_term(v["w"], v["x"], v["y"])),
                Term("the penalty term, λ·w", lambda v: v["penalty"] * v["w"]),
                Term("w without λ", lambda v: v["w"], expected=0),
            )
        },
        mistakes=(
            Mistake(
                code="D20",
                name="the mean is over the columns",
                yours="Xᵀ(p − y)/D + λ·w",
                right="Xᵀ(p − y)/N + λ·w",
                question="The loss is a mean over examples. Which axis of x counts them?",
                more="N = x.shape[0], the number of rows; it is also len(y).",
                wrong=lambda w, x, y, penalty: x.T @ (_probabilities(w, x) - y) / x.shape[1] + penalty * w,
            ),
            Mistake(
                code="D21",
                name="the 1/N of the mean is missing",
                yours="Xᵀ(p − y) + λ·w",
                right="Xᵀ(p − y)/N + λ·w",
                question="The loss is a mean. Where is its 1/N in your gradient?",
                more="It stands in front of the data term, not of the penalty.",
                wrong=lambda w, x, y, penalty: x.T @ (_probabilities(w, x) - y) + penalty * w,
            ),
            Mistake(
                code="D22",
                name="the ½ of the penalty kept",
                yours="Xᵀ(p − y)/N + ½λ·w",
                right="Xᵀ(p − y)/N + λ·w",
                question="What is the derivative of ½w²?",
                more="The ½ is there to cancel the 2.",
                wrong=lambda w, x, y, penalty: _data_term(w, x, y) + 0.5 * penalty * w,
            ),
            Mistake(
                code="D23",
                name="the penalty is missing",
                yours="Xᵀ(p − y)/N",
                right="Xᵀ(p − y)/N + λ·w",
                question="The loss has two terms. How many has your gradient?",
                more="The penalty ½λ Σ w² has a gradient too.",
                wrong=lambda w, x, y, penalty: _data_term(w, x, y),
            ),
            Mistake(
                code="D24",
                name="the sign of the data term",
                yours="Xᵀ(y − p)/N + λ·w",
                right="Xᵀ(p − y)/N + λ·w",
                question="If the model says p = 0.9 and the label is 0, should the loss grow with the logit?",
                more="d/dl [log(1 + e^l) − y·l] = p − y.",
                wrong=lambda w, x, y, penalty: -_data_term(w, x, y) + penalty * w,
            ),
            Mistake(
                code="D25",
                name="the penalty divided by N too",
                yours="Xᵀ(p − y)/N + λ·w/N",
                right="Xᵀ(p − y)/N + λ·w",
                question="Does the penalty stand inside the mean over the examples?",
                more="Only the data term is a mean; the penalty is added once.",
                wrong=lambda w, x, y, penalty: _data_term(w, x, y) + penalty * w / len(y),
            ),
        ),
    )
)
