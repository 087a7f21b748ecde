"""Lesson 03: the way back through a dense layer with a ReLU and a shortcut around both."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Exercise, Mistake, Term, register
from minivae.grading.exercises.dense_layer import BIAS_MEAN
from minivae.grading.program import Program, Step


def relu_mask(a: Array) -> Array:
    """The slope of the ReLU: 1 where a > 0, else 0."""
    return (a > 0).astype(float)


RESIDUAL_STEPS: dict[str, Step] = {
    "a": lambda v: v.x @ v.w + v.b,
    "d_a": lambda v: v.g * relu_mask(v.a),
    "d_x": lambda v: v.g + v.d_a @ v.w.T,
    "d_w": lambda v: v.x.T @ v.d_a,
    "d_b": lambda v: v.d_a.sum(axis=0),
}


def residual_backward(x: Array, w: Array, b: Array, g: Array) -> tuple[Array, Array, Array, Array]:
    """Of y = x + relu(x·w + b): the gradients at a = x·w + b, x (along both paths), w and b."""
    d_a = g * (x @ w + b > 0)
    return d_a, g + d_a @ w.T, x.T @ d_a, d_a.sum(axis=0)


register(
    Exercise(
        name="residual_backward",
        reference=residual_backward,
        cases=lambda rng: tuple(rng.standard_normal(shape) for shape in ((7, 5), (5, 5), (5,), (7, 5))),
        returns=("d_a", "d_x", "d_w", "d_b"),
        sizes={7: "B", 5: "I"},
        program=Program(RESIDUAL_STEPS, ("x", "w", "b", "g"), {name: name for name in ("d_a", "d_x", "d_w", "d_b")}),
        terms={
            "d_x": (
                Term("g, along the shortcut", lambda v: v.g),
                Term("d_a·wᵀ, along the layer", lambda v: v.d_a @ v.w.T),
            )
        },
        mistakes=(
            Mistake(
                code="DN5",
                name="the shortcut's gradient overwritten, not added to",
                yours="d_x = d_a·wᵀ",
                right="d_x = g + d_a·wᵀ",
                question="Along how many paths does x reach y? How many of them does your d_x know?",
                more="Two paths, two contributions, and they add up: += and not =.",
                changes=({"d_x": lambda v: v.d_a @ v.w.T},),
            ),
            Mistake(
                code="DN6",
                name="the layer's gradient is missing from d_x",
                yours="d_x = g",
                right="d_x = g + d_a·wᵀ",
                question="Along how many paths does x reach y? How many of them does your d_x know?",
                more="The second one leads through the layer: d_a·wᵀ.",
                changes=({"d_x": lambda v: v.g},),
            ),
            Mistake(
                code="DN7",
                name="the transpose is missing",
                yours="d_x = g + d_a·w",
                right="d_x = g + d_a·wᵀ",
                question="w is square here, so both products exist. Which index of w must be summed over?",
                more="d_x[b, i] = Σ_o d_a[b, o]·w[i, o]: the second index of w, so w.T stands on the right.",
                changes=({"d_x": lambda v: v.g + v.d_a @ v.w},),
            ),
            Mistake(
                code="DN8",
                name="the slope of the ReLU taken at the output y",
                yours="d_a = g where y > 0",
                right="d_a = g where a > 0",
                question="Which number does the ReLU see: a, or y = x + relu(a)?",
                more="Its slope is 1 where a > 0 and 0 elsewhere.",
                changes=({"d_a": lambda v: v.g * relu_mask(v.x + np.maximum(v.a, 0))},),
            ),
            Mistake(
                code="DN9",
                name="the ReLU is missing on the way back",
                yours="d_a = g",
                right="d_a = g where a > 0, else 0",
                question="If a is negative and moves a little, does y move?",
                more="Multiply by (a > 0).",
                changes=({"d_a": lambda v: v.g},),
            ),
            Mistake(
                code="DN10",
                name="the shortcut led through the ReLU",
                yours="d_x = d_a + d_a·wᵀ",
                right="d_x = g + d_a·wᵀ",
                question="Which operations does the shortcut pass on its way from x to y?",
                more="Only the sum. So g arrives as it is, not d_a.",
                changes=({"d_x": lambda v: v.d_a + v.d_a @ v.w.T},),
            ),
            replace(BIAS_MEAN, code="DN11", changes=({"d_b": lambda v: v.d_a.mean(axis=0)},)),
        ),
    )
)
