"""Lesson 02: pullbacks of single operations."""

from __future__ import annotations

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, Term, register
from minivae.ops.activations import logistic as sigmoid

Rng = np.random.Generator
SIZES = {7: "B", 5: "D"}


def mul_pullback(x: Array, y: Array, g: Array) -> tuple[Array, Array]:
    """Of x·y: g·y and g·x."""
    return g * y, g * x


def sum_pullback(x: Array, g: Array) -> Array:
    """Of the sum along axis 1: g for every summand."""
    return np.ones_like(x) * g[:, None]


def matmul_pullback(x: Array, w: Array, g: Array) -> tuple[Array, Array]:
    """Of x·w: g·wᵀ and xᵀ·g."""
    return g @ w.T, x.T @ g


def softplus_pullback(x: Array, g: Array) -> Array:
    """Of log(1 + exp x): g·σ(x)."""
    return g * sigmoid(x)


def _below_one(x: Array) -> Array:
    return np.exp(x - x.max(axis=1, keepdims=True))


def _logsumexp(x: Array) -> Array:
    top = x.max(axis=1, keepdims=True)
    return top + np.log(np.exp(x - top).sum(axis=1, keepdims=True))


def logsumexp_pullback(x: Array, g: Array) -> Array:
    """Of log Σ exp x along axis 1: g·softmax(x)."""
    return g[:, None] * np.exp(x - _logsumexp(x))


def _rows(rng: Rng) -> Arguments:
    return 2 * rng.standard_normal((7, 5)), rng.standard_normal(7)


def _matrices(rng: Rng) -> Arguments:
    return rng.standard_normal((7, 5)), rng.standard_normal((5, 3)), rng.standard_normal((7, 3))


register(
    Exercise(
        name="mul_pullback",
        reference=mul_pullback,
        cases=lambda rng: tuple(rng.standard_normal((3, 7, 5))),
        returns=("d_x", "d_y"),
        sizes=SIZES,
        mistakes=(
            Mistake(
                code="A5",
                name="the two results exchanged",
                yours="d_x = g·x, d_y = g·y",
                right="d_x = g·y, d_y = g·x",
                question="In x·y, what is the slope along x?",
                more="d(x·y)/dx = y.",
                wrong=lambda x, y, g: (g * x, g * y),
            ),
            Mistake(
                code="A6",
                name="the cotangent is missing",
                yours="d_x = y, d_y = x",
                right="d_x = g·y, d_y = g·x",
                question="Where did g go?",
                more="A pullback multiplies what comes in, g, by the local slope.",
                wrong=lambda x, y, g: (y, x),
            ),
        ),
    )
)

register(
    Exercise(
        name="sum_pullback",
        reference=sum_pullback,
        cases=_rows,
        returns=("d_x",),
        sizes=SIZES,
        mistakes=(
            Mistake(
                code="A7",
                name="shared out in place of copied",
                yours="d_x = g / D",
                right="d_x = g",
                question="If one entry of a row grows by 1, by how much does the row's sum grow?",
                more="By 1, however long the row is. Division belongs to the mean.",
                wrong=lambda x, g: np.ones_like(x) * g[:, None] / x.shape[1],
            ),
            Mistake(
                code="A8",
                name="multiplied by x",
                yours="d_x = g·x",
                right="d_x = g",
                question="Does the slope of a sum depend on how large the summands are?",
                more="The slope along each summand is 1.",
                wrong=lambda x, g: g[:, None] * x,
            ),
        ),
    )
)

register(
    Exercise(
        name="matmul_pullback",
        reference=matmul_pullback,
        cases=_matrices,
        returns=("d_x", "d_w"),
        sizes={7: "B", 5: "I", 3: "O"},
        mistakes=(
            Mistake(
                code="A9",
                name="the cotangent is missing from d_w: the mean or sum of x is there in its place",
                yours="d_w = xᵀ·1",
                right="d_w = xᵀ·g",
                question="Does your d_w change when g does?",
                more="d_w[i, o] = Σ_b x[b, i]·g[b, o].",
                wrong=lambda x, w, g: (g @ w.T, x.T @ np.ones_like(g)),
            ),
            Mistake(
                code="A10",
                name="d_w averaged over the batch",
                yours="d_w = xᵀ·g / B",
                right="d_w = xᵀ·g",
                question="Is there a mean in y = x·w?",
                more="The 1/B belongs to the loss; it is in g already.",
                wrong=lambda x, w, g: (g @ w.T, x.T @ g / len(x)),
            ),
        ),
    )
)

register(
    Exercise(
        name="softplus_pullback",
        reference=softplus_pullback,
        cases=lambda rng: tuple(2 * rng.standard_normal((2, 7, 5))),
        returns=("d_x",),
        extremes={"x = ±1000": lambda rng: (np.array([-1000.0, 1000.0]), np.array([0.5, -2.0]))},
        terms={
            "d_x": (
                Term("g·σ(x)", lambda v: v["g"] * sigmoid(v["x"])),
                Term("g·σ(x)²", lambda v: v["g"] * sigmoid(v["x"]) ** 2, expected=0),
                Term("g", lambda v: v["g"], expected=0),
            )
        },
        mistakes=(
            Mistake(
                code="A11",
                name="the derivative of the sigmoid for that of the softplus",
                yours="g·σ(x)(1 − σ(x))",
                right="g·σ(x)",
                question="The softplus is the integral of which function?",
                more="d/dx log(1 + e^x) = e^x/(1 + e^x) = σ(x), with nothing more.",
                wrong=lambda x, g: g * sigmoid(x) * (1 - sigmoid(x)),
            ),
            Mistake(
                code="A12",
                name="the sigmoid of −x",
                yours="g·σ(−x)",
                right="g·σ(x)",
                question="For large x, softplus(x) is nearly x. What is its slope there?",
                more="It tends to 1: σ(x), not σ(−x).",
                wrong=lambda x, g: g * sigmoid(-x),
            ),
            Mistake(
                code="A13",
                name="the cotangent is missing",
                yours="σ(x)",
                right="g·σ(x)",
                question="Where did g go?",
                more="A pullback multiplies what comes in, g, by the local slope.",
                wrong=lambda x, g: sigmoid(x),
            ),
        ),
    )
)

register(
    Exercise(
        name="logsumexp_pullback",
        reference=logsumexp_pullback,
        cases=_rows,
        returns=("d_x",),
        sizes=SIZES,
        extremes={
            "x = ±1000": lambda rng: (
                np.array([[1000.0, 999.0, 0.0], [-1000.0, -1001.0, -1000.0]]),
                np.array([0.5, -2.0]),
            )
        },
        mistakes=(
            Mistake(
                code="A14",
                name="the log of the sum left out: the derivative of Σ exp x",
                yours="g·exp(x)",
                right="g·exp(x) / Σ exp(x)",
                question="What is the derivative of log s with respect to s?",
                more="1/s: divide by the sum of the row.",
                wrong=lambda x, g: g[:, None] * np.exp(x),
            ),
            Mistake(
                code="A15",
                name="one sum for the whole table",
                yours="g·e / Σ e over the whole table",
                right="g·e / Σ e over the row, e = exp(x − the largest of the row)",
                question="Do the entries of one row change the result of another?",
                more="Sum along axis 1, with keepdims=True.",
                wrong=lambda x, g: g[:, None] * _below_one(x) / _below_one(x).sum(),
            ),
            Mistake(
                code="A16",
                name="the cotangent is missing",
                yours="exp(x) / Σ exp(x)",
                right="g·exp(x) / Σ exp(x)",
                question="Where did g go?",
                more="A pullback multiplies what comes in, g, by the local slope. Each row has its own g.",
                wrong=lambda x, g: np.exp(x - _logsumexp(x)),
            ),
        ),
    )
)
