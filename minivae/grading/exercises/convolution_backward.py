"""Lesson 04: the way back through a convolution."""

from __future__ import annotations

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, Term, register
from minivae.grading.exercises.convolution import OPTIONS, as_rows, close_windows, flipped
from minivae.grading.exercises.image_columns import (
    BATCH,
    COUNT,
    IMAGE,
    INPUTS,
    KERNEL,
    OUTPUTS,
    PADDING,
    SIZES,
    STRIDE,
    im2col,
)
from minivae.grading.exercises.image_from_columns import col2im, crop, put_back
from minivae.grading.program import Program, Step, Values

Rng = np.random.Generator


def conv2d_backward(x: Array, w: Array, g: Array, stride: int, padding: int) -> tuple[Array, Array, Array]:
    """Of y = columns·wᵀ + b, with every row of d_columns added to the window that it was copied from."""
    kernel, rows = w.shape[2:], as_rows(g)
    d_columns = rows @ w.reshape(len(w), -1)
    d_w = (rows.T @ im2col(x, kernel, stride, padding)).reshape(w.shape)
    return col2im(d_columns, x.shape, kernel, stride, padding), d_w, rows.sum(axis=0)


def _backward_case(rng: Rng) -> Arguments:
    x, w = rng.standard_normal((BATCH, INPUTS, *IMAGE)), rng.standard_normal((OUTPUTS, INPUTS, *KERNEL))
    return x, w, rng.standard_normal((BATCH, OUTPUTS, *COUNT)), STRIDE, PADDING


BACKWARD: dict[str, Step] = {
    "rows": lambda v: as_rows(v.g),
    "columns": lambda v: im2col(v.x, v.w.shape[2:], v.stride, v.padding),
    "kernel": lambda v: v.w,
    "d_padded": lambda v: _padded(v),
    "d_x": lambda v: crop(v.d_padded, v.x.shape, v.padding),
    "d_w": lambda v: (v.rows.T @ v.columns).reshape(v.w.shape),
    "d_b": lambda v: v.g.sum(axis=(0, 2, 3)),
}


def _padded(v: Values, keep: str = "all", step: int = 0) -> Array:
    """The gradient for the padded image."""
    d_columns = v.rows @ v.kernel.reshape(len(v.w), -1)
    return put_back(d_columns, v.x.shape, v.w.shape[2:], v.stride, v.padding, keep, step)


register(
    Exercise(
        name="conv2d_backward",
        reference=conv2d_backward,
        cases=_backward_case,
        returns=("d_x", "d_w", "d_b"),
        sizes=SIZES,
        program=Program(BACKWARD, ("x", "w", "g", *OPTIONS), {"d_x": "d_x", "d_w": "d_w", "d_b": "d_b"}),
        terms={
            "d_x": (Term("Σ g·w", lambda v: v.d_x),),
            "d_w": (Term("Σ g·x", lambda v: v.d_w),),
            "d_b": (Term("Σ g", lambda v: v.d_b),),
        },
        mistakes=(
            Mistake(
                "CV31",
                "the kernel is turned once too often in d_x",
                "d_x[u·stride + i, …] += g[u, …]·w[kh − 1 − i, …]",
                "d_x[u·stride + i, …] += g[u, …]·w[i, …]",
                "On the way forward, which weight did the upper left pixel of a window meet? And on the way back?",
                "The same one. The flip appears by itself when windows are put back; do not flip again.",
                changes=({"kernel": lambda v: flipped(v.w)},),
            ),
            Mistake(
                "CV32",
                "the padding is cut off at one end only",
                "d_x = d_padded[:, :, :H, :W]",
                "d_x = d_padded[:, :, padding:padding + H, padding:padding + W]",
                "Where in the padded image is the pixel (0, 0) of x?",
                "At (padding, padding).",
                changes=({"d_x": lambda v: crop(v.d_padded, v.x.shape, 0)},),
            ),
            Mistake(
                "CV33",
                "the stride is not used in d_x",
                "d_x[u + i, v + j]",
                "d_x[u·stride + i, v·stride + j]",
                "On the way forward, which pixels did the second window read?",
                "The way back writes where the way forward read: met(i, count, stride).",
                changes=({"d_padded": lambda v: _padded(v, step=1)},),
            ),
            Mistake(
                "CV34",
                "where windows overlap, one contribution overwrites the others",
                "d_x[place] = g·w",
                "d_x[place] += g·w",
                "A pixel is read by several windows. How many contributions does its gradient have?",
                "One for each window, and they add up: += and not =.",
                changes=(
                    {"d_padded": lambda v: _padded(v, "first")},
                    {"d_padded": lambda v: _padded(v, "last")},
                ),
            ),
            Mistake(
                "CV35",
                "the weight's gradient averaged over the batch",
                "d_w = Σ g·x / N",
                "d_w = Σ g·x",
                "Is there a mean over the batch in y = conv(x, w)?",
                "The 1/N belongs to the loss; it is in g already.",
                changes=({"d_w": lambda v: (v.rows.T @ v.columns).reshape(v.w.shape) / len(v.x)},),
            ),
            Mistake(
                "CV36",
                "the weight's gradient turned by 180°",
                "d_w[i, …] = Σ g[u, …]·x[u·stride + kh − 1 − i, …]",
                "d_w[i, …] = Σ g[u, …]·x[u·stride + i, …]",
                "Which pixels does the weight w[0, 0] meet: the upper left ones of the windows, or the lower right?",
                "d_w[i, j] collects what w[i, j] was multiplied with. Nothing is flipped.",
                changes=({"d_w": lambda v: flipped((v.rows.T @ v.columns).reshape(v.w.shape))},),
            ),
            Mistake(
                "CV37",
                "the stride is not used in d_w",
                "d_w[i, j] = Σ g[u, v]·x[u + i, v + j]",
                "d_w[i, j] = Σ g[u, v]·x[u·stride + i, v·stride + j]",
                "With which pixel did w[0, 0] make y[1, 1]?",
                "The same windows as on the way forward: hand the stride on to im2col.",
                changes=({"columns": close_windows},),
            ),
            Mistake(
                "CV38",
                "a mean in the bias's gradient where a sum is due",
                "d_b = mean of g",
                "d_b = sum of g over images, rows and columns",
                "The bias is copied to every place of every image. What happens to a cotangent when a copy is undone?",
                "It is summed, over three axes: N, H' and W'. A 1/N, if the loss has one, is in g already.",
                changes=(
                    {"d_b": lambda v: v.g.mean(axis=(0, 2, 3))},
                    {"d_b": lambda v: v.g.sum(axis=(2, 3)).mean(axis=0)},
                    {"d_b": lambda v: v.g.mean(axis=(2, 3)).sum(axis=0)},
                ),
            ),
            Mistake(
                "CV39",
                "the bias's gradient of one image only: the sum over the batch is missing",
                "d_b = Σ_{h,w} g[0]",
                "d_b = Σ_{n,h,w} g",
                "Which images does the bias touch?",
                "All of them. Sum over the axis 0, too.",
                changes=({"d_b": lambda v: v.g[0].sum(axis=(1, 2))},),
            ),
            Mistake(
                "CV46",
                "the cotangent is reshaped where it should be transposed",
                "g.reshape(−1, O)",
                "g.transpose(0, 2, 3, 1).reshape(−1, O)",
                "In which order do the numbers of g lie, and in which order do the rows of columns?",
                "g is (N, O, H', W'), and a row belongs to a window: move the channels to the end before the reshape.",
                changes=(
                    {"rows": lambda v: v.g.reshape(-1, len(v.w)), "d_b": lambda v: v.rows.sum(axis=0)},
                    {"rows": lambda v: v.g.reshape(-1, len(v.w))},
                ),
            ),
        ),
    )
)
