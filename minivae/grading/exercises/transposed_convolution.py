"""Lesson 04: the transpose of a convolution, as a layer of its own."""

from __future__ import annotations

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, Term, register
from minivae.grading.exercises.convolution import as_rows, flipped
from minivae.grading.exercises.convolution_sizes import transposed_output_size
from minivae.grading.exercises.image_columns import BATCH, COUNT, INPUTS, KERNEL, OUTPUTS, SIZES
from minivae.grading.exercises.image_from_columns import crop, put_back
from minivae.grading.program import Program, Step, Values

STRIDE, PADDING, OUTPUT_PADDING = 3, 1, 2
PLACE = "y[u·stride + i − padding, …] += x[u, …]·w[i, …]"


def conv_transpose2d_forward(x: Array, w: Array, stride: int, padding: int, output_padding: int) -> Array:
    """Every pixel of x puts the kernel, times its value, on a window of y: (N, O, H', W')."""
    shape = _shape(x, w, stride, padding, output_padding)
    rows = as_rows(x) @ w.reshape(len(w), -1)
    return crop(put_back(rows, shape, w.shape[2:], stride, padding), shape, padding)


def _shape(x: Array, w: Array, stride: int, padding: int, extra: int) -> tuple[int, ...]:
    """Of the result: (N, O, H', W')."""
    sizes = (
        transposed_output_size(n, k, stride, padding, extra) for n, k in zip(x.shape[2:], w.shape[2:], strict=True)
    )
    return (len(x), w.shape[1], *sizes)


def _case(rng: np.random.Generator) -> Arguments:
    x, w = rng.standard_normal((BATCH, OUTPUTS, *COUNT)), rng.standard_normal((OUTPUTS, INPUTS, *KERNEL))
    return x, w, STRIDE, PADDING, OUTPUT_PADDING


def _put(v: Values, keep: str = "all", step: int = 0) -> Array:
    return put_back(v.pixels @ v.kernel.reshape(len(v.w), -1), v.shape, v.w.shape[2:], v.stride, v.padding, keep, step)


def _rest_is_zero(v: Values) -> Array:
    """The smallest size, with rows and columns of zeros after it."""
    y = np.array(crop(v.padded, v.shape, v.padding))
    y[:, :, y.shape[2] - v.output_padding :] = 0
    y[:, :, :, y.shape[3] - v.output_padding :] = 0
    return y


STEPS: dict[str, Step] = {
    "shape": lambda v: _shape(v.x, v.w, v.stride, v.padding, v.output_padding),
    "pixels": lambda v: as_rows(v.x),
    "kernel": lambda v: v.w,
    "padded_sum": lambda v: _put(v),
    "padded": lambda v: v.padded_sum,
    "y": lambda v: crop(v.padded, v.shape, v.padding),
}
ARGUMENTS = ("x", "w", "stride", "padding", "output_padding")

register(
    Exercise(
        name="conv_transpose2d_forward",
        reference=conv_transpose2d_forward,
        cases=_case,
        returns=("y",),
        sizes={**{n: name for n, name in SIZES.items() if n < 10}, 7: "I", 3: "O", 6: "H", 8: "W", 20: "H'", 25: "W'"},
        program=Program(STEPS, ARGUMENTS, {"y": "y"}),
        terms={"y": (Term("Σ x·w", lambda v: v.y),)},
        mistakes=(
            Mistake(
                "CV40",
                "the kernel is turned by 180°",
                "y[u·stride + i − padding, …] += x[u, …]·w[kh − 1 − i, …]",
                PLACE,
                "A single pixel of 1, all others 0: what should appear in y, the kernel or the kernel turned round?",
                "The kernel as it is. A convolution reads with w[i]; its transpose writes with the same w[i].",
                changes=({"kernel": lambda v: flipped(v.w)},),
            ),
            Mistake(
                "CV41",
                "the padding is cut off at one end only",
                "y = padded[:, :, :H', :W']",
                "y = padded[:, :, padding:padding + H', padding:padding + W']",
                "Where in the padded result is the pixel (0, 0) of the result?",
                "At (padding, padding).",
                changes=({"y": lambda v: crop(v.padded, v.shape, 0)},),
            ),
            Mistake(
                "CV42",
                "the windows are put one pixel apart: the stride is not used",
                "y[u + i − padding, …] += x[u, …]·w[i, …]",
                PLACE,
                "How far apart do two neighbours of x put their kernels?",
                "stride pixels apart: that is what makes the result larger.",
                changes=({"padded": lambda v: _put(v, step=1)},),
            ),
            Mistake(
                "CV43",
                "where kernels overlap, one overwrites the others",
                "y[place] = x·w",
                "y[place] += x·w",
                "Two pixels put their kernels on the same place. What stands there?",
                "The sum: += and not =.",
                changes=({"padded": lambda v: _put(v, "first")}, {"padded": lambda v: _put(v, "last")}),
            ),
            Mistake(
                "CV44",
                "output_padding filled with zeros",
                "np.pad(smallest y, zeros at the end)",
                "a larger y, of which every pixel is computed",
                "May a kernel reach into the last rows of your y?",
                "output_padding only says how large y is. The kernels are put down before the padding is cut off.",
                changes=({"y": _rest_is_zero},),
            ),
            Mistake(
                "CV45",
                "divided by how often kernels overlap",
                "the mean of the kernels that meet",
                "their sum",
                "Is a mean the transpose of a convolution, which adds up?",
                "Contributions add. (The pattern that this leaves is what the section on checkerboards is about.)",
                changes=({"padded": lambda v: v.padded_sum / _meetings(v)},),
            ),
            Mistake(
                "CV47",
                "the input is reshaped where it should be transposed",
                "x.reshape(−1, I)",
                "x.transpose(0, 2, 3, 1).reshape(−1, I)",
                "In which order do the numbers of x lie? What must one row of your matrix hold?",
                "x is (N, I, H, W), and a row holds the channels of one pixel: move them to the end, then reshape.",
                changes=({"pixels": lambda v: v.x.reshape(-1, len(v.w))},),
            ),
        ),
    )
)


def _meetings(v: Values) -> Array:
    """How many kernels meet at each pixel; 1 where there is none."""
    ones = np.ones((len(v.x) * v.x.shape[2] * v.x.shape[3], int(np.prod(v.w.shape[1:]))))
    return np.maximum(put_back(ones, v.shape, v.w.shape[2:], v.stride, v.padding), 1)
