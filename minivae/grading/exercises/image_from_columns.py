"""Lesson 04: col2im, the transpose of im2col, which adds every row to the window that it was copied from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, Term, register
from minivae.grading.exercises.image_columns import (
    BATCH,
    COLUMN_ORDER,
    COUNT,
    IMAGE,
    INPUTS,
    KERNEL,
    PADDING,
    SIZES,
    STRIDE,
    Kernel,
    Shape,
    count_windows,
    im2col,
)
from minivae.grading.program import Program, Step

Rng = np.random.Generator


def put_back(
    columns: Array, shape: Shape, kernel: Kernel, stride: int, padding: int, keep: str = "all", step: int = 0
) -> Array:
    """The padded image onto which every window was put back.

    Where windows overlap it keeps "all" of them, added up, or the "last", or the "first". `step` is how far windows
    are apart, if not `stride`.
    """
    (n, c, height, width), (kh, kw) = shape, kernel
    rows, wide = count_windows(shape, kernel, stride, padding)
    windows, step = columns.reshape(n, rows, wide, c, kh, kw), step or stride
    image = np.zeros((n, c, height + 2 * padding, width + 2 * padding), columns.dtype)
    places = [(u, v) for u in range(rows) for v in range(wide)]
    for u, v in reversed(places) if keep == "first" else places:
        place = (..., slice(u * step, u * step + kh), slice(v * step, v * step + kw))
        image[place] = windows[:, u, v] + (image[place] if keep == "all" else 0)
    return image


def crop(image: Array, shape: Shape, padding: int) -> Array:
    """The image without its padding."""
    return image[:, :, padding : padding + shape[2], padding : padding + shape[3]]


def col2im(columns: Array, shape: Shape, kernel: Kernel, stride: int, padding: int) -> Array:
    """The transpose of im2col: every row is added to the window that it was copied from."""
    return crop(put_back(columns, shape, kernel, stride, padding), shape, padding)


def _columns(rng: Rng) -> Arguments:
    rows = BATCH * COUNT[0] * COUNT[1]
    return rng.standard_normal((rows, INPUTS * KERNEL[0] * KERNEL[1])), (BATCH, INPUTS, *IMAGE), KERNEL, STRIDE, PADDING


def _overlaps(shape: Shape, kernel: Kernel, stride: int, padding: int) -> Array:
    """How many windows each pixel lies in; 1 where there is none, so that one can divide by it."""
    ones = np.ones(shape)
    return np.maximum(col2im(im2col(ones, kernel, stride, padding), shape, kernel, stride, padding), 1)


def _other_rows(columns: Array, order: Shape, sizes: Shape) -> Array:
    """The entries of each row, which stand in another order of axes, brought into that of (C, kh, kw)."""
    return columns.reshape(len(columns), *sizes).transpose(0, *order).reshape(len(columns), -1)


def _kept(which: str) -> dict[str, Step]:
    return {"padded": lambda v: put_back(v.rows, v.shape, v.kernel, v.stride, v.padding, which)}


COL2IM_STEPS: dict[str, Step] = {
    "rows": lambda v: v.columns,
    **_kept("all"),
    "sum": lambda v: crop(v.padded, v.shape, v.padding),
    "image": lambda v: v.sum,
}

register(
    Exercise(
        name="col2im",
        reference=col2im,
        cases=_columns,
        returns=("image",),
        sizes=SIZES,
        program=Program(COL2IM_STEPS, ("columns", "shape", "kernel", "stride", "padding"), {"image": "image"}),
        terms={"image": (Term("Σ over windows", lambda v: v.image),)},
        mistakes=(
            Mistake(
                "CV20",
                "where windows overlap, one of them overwrites the others",
                "image[place] = windows[...]",
                "image[place] += windows[...]",
                "A pixel was copied into several windows. How many of their cotangents reach it?",
                "All of them, and they add up: += and not =.",
                changes=(_kept("first"), _kept("last")),
            ),
            Mistake(
                "CV21",
                "where windows overlap, their mean is taken, not their sum",
                "the mean over windows",
                "the sum over windows",
                "A pixel that is read twice: does the loss depend on it half as much for each?",
                "Copying is undone by adding. A mean would undo im2col; its transpose is asked for.",
                changes=({"image": lambda v: v.sum / _overlaps(v.shape, v.kernel, v.stride, v.padding)},),
            ),
            Mistake(
                "CV22",
                "the padding is cut off at one end only",
                "image[:, :, :H, :W]",
                "image[:, :, padding:padding + H, padding:padding + W]",
                "Where in the padded image is the pixel (0, 0) of the image?",
                "At (padding, padding).",
                changes=({"image": lambda v: crop(v.padded, v.shape, 0)},),
            ),
            Mistake(
                "CV23",
                "the windows are put back one pixel apart: the stride is not used",
                "image[u + i, v + j]",
                "image[u·stride + i, v·stride + j]",
                "From where was the second window copied?",
                "met(i, count, stride) has the stride in it.",
                changes=({"padded": lambda v: put_back(v.rows, v.shape, v.kernel, v.stride, v.padding, step=1)},),
            ),
            replace(
                COLUMN_ORDER,
                code="CV24",
                wrong=None,
                changes=({"rows": lambda v: _other_rows(v.columns, (3, 1, 2), (*v.kernel, v.shape[1]))},),
            ),
        ),
    )
)
