"""Lesson 04: a convolution as one matrix product."""

from __future__ import annotations

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, Term, register
from minivae.grading.exercises.image_columns import (
    BATCH,
    IMAGE,
    INPUTS,
    KERNEL,
    OUTPUTS,
    PADDING,
    SIZES,
    STRIDE,
    count_windows,
    im2col,
    windows_of,
)
from minivae.grading.program import Program, Step, Values

Rng = np.random.Generator
OPTIONS = ("stride", "padding")
OUTPUT = "y = Σ x[u·stride + i, v·stride + j]·w[i, j] + b"


def conv2d_forward(x: Array, w: Array, b: Array, stride: int, padding: int) -> Array:
    """Windows times kernels, one matrix product: (N, O, H', W')."""
    y = im2col(x, w.shape[2:], stride, padding) @ w.reshape(len(w), -1).T + b
    return y.reshape(len(x), *count_windows(x.shape, w.shape[2:], stride, padding), len(w)).transpose(0, 3, 1, 2)


def as_rows(y: Array) -> Array:
    """(N, O, H', W') -> (N·H'·W', O)."""
    return y.transpose(0, 2, 3, 1).reshape(-1, y.shape[1])


def flipped(w: Array) -> Array:
    """The kernel turned by 180°."""
    return w[:, :, ::-1, ::-1]


def _forward_case(rng: Rng) -> Arguments:
    x, w = rng.standard_normal((BATCH, INPUTS, *IMAGE)), rng.standard_normal((OUTPUTS, INPUTS, *KERNEL))
    return x, w, rng.standard_normal(OUTPUTS), STRIDE, PADDING


FORWARD: dict[str, Step] = {
    "columns": lambda v: im2col(v.x, v.w.shape[2:], v.stride, v.padding),
    "matrix": lambda v: v.w.reshape(len(v.w), -1).T,
    "bias": lambda v: v.b,
    "rows": lambda v: v.columns @ v.matrix + v.bias,
    "y": lambda v: v.rows.reshape(len(v.x), *_count(v), len(v.w)).transpose(0, 3, 1, 2),
}


def _count(v: Values) -> tuple[int, int]:
    return count_windows(v.x.shape, v.w.shape[2:], v.stride, v.padding)


def close_windows(v: Values) -> Array:
    """The columns with windows one pixel apart."""
    rows, wide = _count(v)
    windows = windows_of(v.x, v.w.shape[2:], 1, v.padding)[:, :rows, :wide]
    return windows.reshape(windows.shape[0] * rows * wide, -1)


register(
    Exercise(
        name="conv2d_forward",
        reference=conv2d_forward,
        cases=_forward_case,
        returns=("y",),
        sizes=SIZES,
        program=Program(FORWARD, ("x", "w", "b", *OPTIONS), {"y": "y"}),
        terms={
            "y": (
                Term("Σ x·w", lambda v: v.y - v.b[:, None, None]),
                Term("b", lambda v: np.zeros_like(v.y) + v.b[:, None, None]),
            )
        },
        mistakes=(
            Mistake(
                "CV25",
                "the kernel is turned by 180°: this is the convolution of mathematics",
                "Σ x[u·stride + i, …]·w[kh − 1 − i, …]",
                OUTPUT,
                "Which weight meets the upper left pixel of the window?",
                "What this field calls a convolution is a correlation: w[0, 0] meets the upper left pixel.",
                changes=({"matrix": lambda v: flipped(v.w).reshape(len(v.w), -1).T},),
            ),
            Mistake(
                "CV26",
                "the weight is reshaped where it should be transposed",
                "w.reshape(−1, O)",
                "w.reshape(O, −1).T",
                "Are the numbers in one column of your matrix the weights of one output channel?",
                "w.reshape(O, −1) has one kernel in each row. A reshape to (−1, O) mixes the kernels.",
                changes=({"matrix": lambda v: v.w.reshape(-1, len(v.w))},),
            ),
            Mistake(
                "CV27",
                "the result is reshaped where it should be transposed",
                "y.reshape(N, O, H', W')",
                "y.reshape(N, H', W', O).transpose(0, 3, 1, 2)",
                "In which order do the numbers lie in the rows that the matrix product gave?",
                "Each row belongs to a window and holds its O channels: N, H', W', O. Then move the axis.",
                changes=({"y": lambda v: v.rows.reshape(len(v.x), len(v.w), *_count(v))},),
            ),
            Mistake(
                "CV28",
                "the bias is missing",
                "Σ x·w",
                OUTPUT,
                "What comes out for an image of zeros?",
                "b has one entry for each output channel; add it to every row.",
                changes=({"bias": lambda v: 0.0},),
            ),
            Mistake(
                "CV29",
                "the windows are one pixel apart: the stride is not used",
                "Σ x[u + i, v + j]·w[i, j] + b",
                OUTPUT,
                "Where does the second window begin?",
                "Hand the stride on to im2col.",
                changes=({"columns": close_windows},),
            ),
            Mistake(
                "CV30",
                "the mean over a window, not the sum",
                "(1/(C·kh·kw)) Σ x·w + b",
                OUTPUT,
                "What comes out if all weights and all pixels are 1?",
                "The products are added up; nothing is divided.",
                changes=({"rows": lambda v: v.columns @ v.matrix / v.columns.shape[1] + v.bias},),
            ),
        ),
    )
)
