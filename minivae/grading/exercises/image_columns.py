"""Lesson 04: im2col, which copies every window of an image into a row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, register
from minivae.grading.exercises.convolution_sizes import conv_output_size

Rng = np.random.Generator
Kernel = tuple[int, int]
Shape = tuple[int, ...]

# Pairwise distinct, so that exchanged axes show; along both axes one row of the padded image lies in no window.
BATCH, INPUTS, OUTPUTS, KERNEL, STRIDE, PADDING = 2, 3, 7, (5, 4), 2, 1
IMAGE, COUNT = (14, 17), (6, 8)
SIZES = {2: "N", 3: "C", 7: "O", 14: "H", 17: "W", 5: "kh", 4: "kw", 6: "H'", 8: "W'", 96: "N·H'·W'", 60: "C·kh·kw"}


def count_windows(shape: Shape, kernel: Kernel, stride: int, padding: int) -> tuple[int, int]:
    """How many windows lie below and beside each other on images of this shape (N, C, H, W)."""
    rows, columns = (conv_output_size(n, k, stride, padding, 1) for n, k in zip(shape[2:], kernel, strict=True))
    return rows, columns


def met(i: int, count: int, stride: int) -> slice:
    """Where entry i of each of `count` windows lies on the padded image, along one axis."""
    return slice(i, i + count * stride, stride)


def windows_of(x: Array, kernel: Kernel, stride: int, padding: int, **how: Any) -> Array:
    """All windows, (N, H', W', C, kh, kw)."""
    (kh, kw), (rows, columns) = kernel, count_windows(x.shape, kernel, stride, padding)
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)), **how)
    windows = np.empty((len(x), rows, columns, x.shape[1], kh, kw), x.dtype)
    for i in range(kh):
        for j in range(kw):
            entry = padded[:, :, met(i, rows, stride), met(j, columns, stride)]
            windows[..., i, j] = entry.transpose(0, 2, 3, 1)
    return windows


def im2col(x: Array, kernel: Kernel, stride: int, padding: int) -> Array:
    """Every window of x (N, C, H, W) as a row: (N·H'·W', C·kh·kw)."""
    return rows_of(windows_of(x, kernel, stride, padding))


def rows_of(windows: Array) -> Array:
    """Windows in six axes -> one row each."""
    return windows.reshape(int(np.prod(windows.shape[:3])), -1)


def _image(rng: Rng) -> Arguments:
    return rng.standard_normal((BATCH, INPUTS, *IMAGE)), KERNEL, STRIDE, PADDING


def _axes(*order: int) -> Callable[..., Array]:
    """im2col with the six axes (N, H', W', C, kh, kw) in another order."""
    return lambda x, k, s, p: (
        windows_of(x, k, s, p).transpose(order).reshape(int(np.prod([len(x), *count_windows(x.shape, k, s, p)])), -1)
    )


def _without_stride(x: Array, kernel: Kernel, stride: int, padding: int) -> Array:
    rows, columns = count_windows(x.shape, kernel, stride, padding)
    return rows_of(windows_of(x, kernel, 1, padding)[:, :rows, :columns])


COLUMN_ORDER = Mistake(
    "CV14",
    "the entries of a row in another order: the channel changes fastest",
    "columns of (kh, kw, C)",
    "columns of (C, kh, kw)",
    "The weight has the shape (O, C, kh, kw). In which order do its numbers lie in w.reshape(O, −1)?",
    "Channel first: the row of a window is window.reshape(−1), with window (C, kh, kw).",
    wrong=_axes(0, 1, 2, 4, 5, 3),
)
KERNEL_AXES = Mistake(
    "CV15",
    "the two axes of the kernel are exchanged",
    "columns of (C, kw, kh)",
    "columns of (C, kh, kw)",
    "Which of the two, i (down) or j (to the right), changes faster along your row?",
    "The last axis changes fastest: j.",
    wrong=_axes(0, 1, 2, 3, 5, 4),
)

register(
    Exercise(
        name="im2col",
        reference=im2col,
        cases=_image,
        returns=("columns",),
        sizes=SIZES,
        mistakes=(
            COLUMN_ORDER,
            KERNEL_AXES,
            Mistake(
                "CV16",
                "the rows in another order: the image changes fastest",
                "rows of (H', W', N)",
                "rows of (N, H', W')",
                "Whose windows stand in the first rows: all those of the first image, or the first of all images?",
                "The axes before the reshape are (N, H', W', C, kh, kw).",
                wrong=_axes(1, 2, 0, 3, 4, 5),
            ),
            Mistake(
                "CV17",
                "the rows go down the image, not along it",
                "rows of (N, W', H')",
                "rows of (N, H', W')",
                "Which window stands in the second row: the one to the right of the first, or the one below it?",
                "v, along the width, changes faster than u.",
                wrong=_axes(0, 2, 1, 3, 4, 5),
            ),
            Mistake(
                "CV18",
                "the windows are one pixel apart: the stride is not used",
                "x[u + i, v + j]",
                "x[u·stride + i, v·stride + j]",
                "Where does the second window begin?",
                "met(i, count, stride) has the stride in it.",
                wrong=_without_stride,
            ),
            Mistake(
                "CV19",
                "padded with the pixels at the edge, not with zeros",
                'np.pad(..., mode="edge")',
                "np.pad(...), zeros",
                "What stands in the corner of the first window?",
                "np.pad without a mode puts zeros.",
                wrong=lambda x, k, s, p: rows_of(windows_of(x, k, s, p, mode="edge")),
            ),
        ),
    )
)
