"""Lesson 04: the size of what a convolution returns, and of what its transpose returns."""

from __future__ import annotations

import math

import numpy as np

from minivae.grading.exercise import Arguments, Exercise, Mistake, register

Rng = np.random.Generator

OUT = "⌊(size + 2·padding − reach) / stride⌋ + 1, reach = dilation·(kernel − 1) + 1"
BACK = "(size − 1)·stride + kernel − 2·padding + output_padding"


def conv_output_size(size: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    """How many windows fit along one axis."""
    reach = dilation * (kernel - 1) + 1
    return (size + 2 * padding - reach) // stride + 1


def transposed_output_size(size: int, kernel: int, stride: int, padding: int, output_padding: int) -> int:
    """From the first pixel of the first window to the last of the last, without the padding, and the rest."""
    return (size - 1) * stride + kernel - 2 * padding + output_padding


def _settings(rng: Rng) -> Arguments:
    """Windows that do not fit exactly, and a dilation larger than the stride: every mistake changes the size."""
    stride, windows = int(rng.integers(3, 6)), int(rng.integers(40, 90))
    kernel, dilation, padding = int(rng.integers(4, 8)), int(rng.integers(7, 10)), 4 * stride
    left_over = int(rng.integers(1, stride))
    size = (windows - 1) * stride + left_over + dilation * (kernel - 1) + 1 - 2 * padding
    return size, kernel, stride, padding, dilation


def _transposed_settings(rng: Rng) -> Arguments:
    stride = int(rng.integers(4, 8))
    return int(rng.integers(40, 90)), 2 * stride + 3, stride, int(rng.integers(8, 11)), int(rng.integers(1, stride))


register(
    Exercise(
        name="conv_output_size",
        reference=conv_output_size,
        cases=_settings,
        mistakes=(
            Mistake(
                "CV1",
                "the + 1 is missing: these are the steps between windows, not the windows",
                "⌊(size + 2·padding − reach) / stride⌋",
                OUT,
                "How often can a window as wide as the image be laid on it? What does your formula say?",
                "After the first window, ⌊room / stride⌋ more steps are possible. The first one counts, too.",
                wrong=lambda n, k, s, p, d: conv_output_size(n, k, s, p, d) - 1,
            ),
            Mistake(
                "CV2",
                "the padding is counted on one side only",
                "⌊(size + padding − reach) / stride⌋ + 1",
                OUT,
                "On how many sides of a row are zeros put?",
                "A row of the padded image has size + 2·padding pixels.",
                wrong=lambda n, k, s, p, d: (n + p - d * (k - 1) - 1) // s + 1,
            ),
            Mistake(
                "CV3",
                "rounded up, not down",
                "⌈(size + 2·padding − reach) / stride⌉ + 1",
                OUT,
                "If the last window would hang over the edge by a pixel, is it laid?",
                "Only whole windows count. // rounds down.",
                wrong=lambda n, k, s, p, d: -(-(n + 2 * p - d * (k - 1) - 1) // s) + 1,
            ),
            Mistake(
                "CV4",
                "the dilation is not used",
                "⌊(size + 2·padding − kernel) / stride⌋ + 1",
                OUT,
                "How far is it from the first to the last entry of a kernel with holes?",
                "There are kernel − 1 gaps of dilation pixels each: reach = dilation·(kernel − 1) + 1.",
                wrong=lambda n, k, s, p, d: (n + 2 * p - k) // s + 1,
            ),
            Mistake(
                "CV5",
                "the reach is one gap too long",
                "reach = dilation·kernel",
                "reach = dilation·(kernel − 1) + 1",
                "How many gaps lie between the entries of a kernel with 2 entries?",
                "One fewer than entries; and the last entry itself takes one pixel.",
                wrong=lambda n, k, s, p, d: (n + 2 * p - d * k) // s + 1,
            ),
            Mistake(
                "CV6",
                "the stride is not used",
                "size + 2·padding − reach + 1",
                OUT,
                "If every second window is left out, how many remain?",
                "The room, size + 2·padding − reach, is crossed in steps of stride pixels.",
                wrong=lambda n, k, s, p, d: n + 2 * p - d * (k - 1),
            ),
            Mistake(
                "CV7",
                "not rounded at all",
                "(size + 2·padding − reach) / stride + 1",
                OUT,
                "Can there be a third of a window?",
                "Use //, which divides and rounds down.",
                wrong=lambda n, k, s, p, d: (n + 2 * p - d * (k - 1) - 1) / s + 1,
            ),
        ),
    )
)

register(
    Exercise(
        name="transposed_output_size",
        reference=transposed_output_size,
        cases=_transposed_settings,
        mistakes=(
            Mistake(
                "CV8",
                "one stride too many: between the windows there are size − 1 steps",
                "size·stride + kernel − 2·padding + output_padding",
                BACK,
                "How many steps are there from the first of two windows to the last?",
                "The last window begins (size − 1)·stride pixels after the first one.",
                wrong=lambda n, k, s, p, e: n * s + k - 2 * p + e,
            ),
            Mistake(
                "CV9",
                "the padding is added: it has to be cut off",
                "(size − 1)·stride + kernel + 2·padding + output_padding",
                BACK,
                "The convolution added zeros around its input. Does its transpose return the gradient of these?",
                "The transpose undoes what the convolution did to the size: minus 2·padding.",
                wrong=lambda n, k, s, p, e: (n - 1) * s + k + 2 * p + e,
            ),
            Mistake(
                "CV10",
                "the padding is cut off on one side only",
                "(size − 1)·stride + kernel − padding + output_padding",
                BACK,
                "On how many sides were zeros put?",
                "On both: 2·padding.",
                wrong=lambda n, k, s, p, e: (n - 1) * s + k - p + e,
            ),
            Mistake(
                "CV11",
                "output_padding is not used",
                "(size − 1)·stride + kernel − 2·padding",
                BACK,
                "Of the several sizes that the convolution makes equal, which one does your formula always give?",
                "The smallest. output_padding says how much larger it was.",
                wrong=lambda n, k, s, p, e: (n - 1) * s + k - 2 * p,
            ),
            Mistake(
                "CV12",
                "output_padding on both sides",
                "(size − 1)·stride + kernel − 2·padding + 2·output_padding",
                BACK,
                "Where were the pixels that no window reached: at one end, or at both?",
                "The windows begin at the first pixel, so what they do not reach lies at the end.",
                wrong=lambda n, k, s, p, e: (n - 1) * s + k - 2 * p + 2 * e,
            ),
            Mistake(
                "CV13",
                "the size of a convolution, not of its transpose",
                "⌊(size + 2·padding − kernel) / stride⌋ + 1",
                BACK,
                "Should the result be larger than size, or smaller?",
                "Solve the convolution's formula for its input size.",
                wrong=lambda n, k, s, p, e: math.floor((n + 2 * p - k) / s) + 1,
            ),
        ),
    )
)
