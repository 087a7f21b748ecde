"""Lesson 03: the way back through a dense layer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, Term, register

Rng = np.random.Generator
LAYER = {7: "B", 5: "I", 3: "O"}

BIAS_MEAN = Mistake(
    code="DN1",
    name="the bias's gradient averaged over the batch",
    yours="d_b = mean over the batch",
    right="d_b = sum over the batch",
    question="The bias is copied to every example. What happens to a cotangent when a copy is undone?",
    more="It is summed. A 1/B, if the loss has one, is in the incoming cotangent already.",
)


def _layer_case(rng: Rng) -> Arguments:
    return tuple(rng.standard_normal(shape) for shape in ((7, 5), (5, 3), (3,), (7, 3)))


def dense_backward(x: Array, w: Array, b: Array, g: Array) -> tuple[Array, Array, Array]:
    """Of x·w + b: g·wᵀ, xᵀ·g, and the sum of g over the batch."""
    return g @ w.T, x.T @ g, g.sum(axis=0)


register(
    Exercise(
        name="dense_backward",
        reference=dense_backward,
        cases=_layer_case,
        returns=("d_x", "d_w", "d_b"),
        sizes=LAYER,
        terms={
            "d_x": (Term("g·wᵀ", lambda v: v["g"] @ v["w"].T),),
            "d_w": (Term("xᵀ·g", lambda v: v["x"].T @ v["g"]),),
            "d_b": (Term("Σ_b g", lambda v: v["g"].sum(axis=0)),),
        },
        mistakes=(
            replace(
                BIAS_MEAN,
                wrong=lambda x, w, b, g: (g @ w.T, x.T @ g, g.mean(axis=0)),
            ),
            Mistake(
                code="DN2",
                name="the weight's gradient averaged over the batch",
                yours="d_w = xᵀ·g / B",
                right="d_w = xᵀ·g",
                question="Is there a mean in y = x·w + b?",
                more="The 1/B belongs to the loss; it is in g already.",
                wrong=lambda x, w, b, g: (g @ w.T, x.T @ g / len(x), g.sum(axis=0)),
            ),
            Mistake(
                code="DN3",
                name="the cotangent is missing from d_w",
                yours="d_w = xᵀ·1",
                right="d_w = xᵀ·g",
                question="Does your d_w change when g does?",
                more="d_w[i, o] = Σ_b x[b, i]·g[b, o].",
                wrong=lambda x, w, b, g: (g @ w.T, x.T @ np.ones_like(g), g.sum(axis=0)),
            ),
            Mistake(
                code="DN4",
                name="the bias added to its own gradient",
                yours="d_b = Σ_b (g + b)",
                right="d_b = Σ_b g",
                question="How fast does y change with b? Does that depend on the value of b?",
                more="The slope of x·w + b along b is 1, whatever b is.",
                wrong=lambda x, w, b, g: (g @ w.T, x.T @ g, (g + b).sum(axis=0)),
            ),
        ),
    )
)
