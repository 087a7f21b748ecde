"""Lesson 12: from nats of a density to bits of a byte, and bits of a discretised logistic without the half-cell bug."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, register
from minivae.grading.exercises.discretised_logistic import logistic_log_prob, some_levels

Rng = np.random.Generator
LN2 = np.log(2)
BITS = "(nats − D·log width) / (D·log 2)"
LEVEL_BITS = "−Σ_d log P / (D·log 2), cells from x − ½/255 to x + ½/255"
Wrong = Callable[..., object]


def density_to_bits(nats: float, dimensions: int, width: float) -> float:
    """(nats − D·log width)/(D·log 2): the bits of a cell of this width, where −log density costs so many nats."""
    return (nats - dimensions * np.log(width)) / (dimensions * LN2)


def logistic_bits(x: Array, mean: Array, log_scale: Array) -> Array:
    """−log₂ P of each image's grey levels, a mean over its pixels: x, mean, log_scale (B, D) -> (B,)."""
    return -logistic_log_prob(x, mean, log_scale).mean(axis=1) / LN2


def _density_case(rng: Rng) -> Arguments:
    return (
        float(rng.choice([-1, 1]) * rng.uniform(200, 600)),
        int(rng.integers(500, 900)),
        float(rng.uniform(3e-3, 9e-3)),
    )


def _mistake(code: str, name: str, yours: str, question: str, more: str, wrong: Wrong) -> Mistake:
    return Mistake(code, name, yours, BITS, question, more, wrong=wrong)


register(
    Exercise(
        name="density_to_bits",
        reference=density_to_bits,
        cases=_density_case,
        mistakes=(
            _mistake(
                "Y60",
                "the density is taken for a probability: the width of the cell is left out",
                "nats / (D·log 2)",
                "Can a file have fewer than no bits? Can your number be negative?",
                "The probability of a cell is about density × width, so its −log is nats − log width, for each pixel.",
                lambda nats, dimensions, width: nats / (dimensions * LN2),
            ),
            _mistake(
                "Y61",
                "the sign of the width's logarithm",
                "(nats + D·log width) / (D·log 2)",
                "Does a narrower cell have more probability, or less? So does it cost fewer bits, or more?",
                "−log(density × width) = −log density − log width, and log width is negative.",
                lambda nats, dimensions, width: (nats + dimensions * np.log(width)) / (dimensions * LN2),
            ),
            _mistake(
                "Y62",
                "the width is counted once for an image, not once for each pixel",
                "(nats − log width) / (D·log 2)",
                "The cell of an image with D pixels is a cube. What is its volume?",
                "widthᴰ: log width comes D times.",
                lambda nats, dimensions, width: (nats - np.log(width)) / (dimensions * LN2),
            ),
            _mistake(
                "Y63",
                "nats and bits are mixed: log width is not divided by log 2",
                "nats/(D·log 2) − log width",
                "In which unit is log width, and in which the number before it?",
                "np.log gives nats. Divide both by log 2.",
                lambda nats, dimensions, width: nats / (dimensions * LN2) - np.log(width),
            ),
            _mistake(
                "Y64",
                "nats for one dimension, not bits",
                "(nats − D·log width) / D",
                "What should 256 equally likely levels cost, in your unit?",
                "8 bits = 5.55 nats: divide by log 2.",
                lambda nats, dimensions, width: density_to_bits(nats, dimensions, width) * LN2,
            ),
            _mistake(
                "Y65",
                "bits for the whole image, not for one dimension",
                "(nats − D·log width) / log 2",
                "Does your number grow if the image has more pixels that cost the same?",
                "Divide by the number of dimensions.",
                lambda nats, dimensions, width: density_to_bits(nats, dimensions, width) * dimensions,
            ),
            _mistake(
                "Y66",
                "multiplied by log 2 in place of divided",
                "(nats − D·log width)·log 2 / D",
                "A coin costs log 2 = 0.69 nats and 1 bit. Which of the two numbers is the larger?",
                "1 bit = log 2 nats.",
                lambda nats, dimensions, width: density_to_bits(nats, dimensions, width) * LN2**2,
            ),
            _mistake(
                "Y67",
                "8 bits are added, whatever the width is",
                "nats/(D·log 2) + 8",
                "How wide are the cells here? Are there 256 of them between 0 and 1?",
                "8 = −log₂(1/256) is right for cells of 1/256 only. Use the width given.",
                lambda nats, dimensions, width: nats / (dimensions * LN2) + 8,
            ),
        ),
    )
)


# --- find the bug ----------------------------------------------------------------------------------------------


def _naive(half: float, x: Array, mean: Array, log_scale: Array) -> Array:
    """Bits with cells from x − half to x + half, the ends open."""
    sigmoid = lambda t: np.exp(-np.logaddexp(0, -t))  # noqa: E731
    below = np.where(x > 0.001, sigmoid((x - half - mean) * np.exp(-log_scale)), 0.0)
    above = np.where(x < 0.999, sigmoid((x + half - mean) * np.exp(-log_scale)), 1.0)
    return -np.log2(above - below).mean(axis=1)


register(
    Exercise(
        name="logistic_bits",
        reference=logistic_bits,
        cases=some_levels,
        sizes={13: "B", 7: "D"},
        mistakes=(
            Mistake(
                "Y25",
                "the cell reaches a whole level to each side, not half of one",
                "cells from x − 1/255 to x + 1/255",
                LEVEL_BITS,
                "What do the 256 probabilities sum to? How far apart are two levels, if white is 1?",
                "Levels are 1/255 apart, so an edge is ½/255 away. 1/255 is right where pixels run from −1 to 1.",
                wrong=lambda x, mean, log_scale: _naive(1 / 255, x, mean, log_scale),
            ),
            Mistake(
                "Y68",
                "a quarter of a level to each side",
                "cells from x − ¼/255 to x + ¼/255",
                LEVEL_BITS,
                "What do the 256 probabilities sum to? Are there gaps between the cells?",
                "Neighbouring levels are 1/255 apart: half of it belongs to each.",
                wrong=lambda x, mean, log_scale: _naive(0.25 / 255, x, mean, log_scale),
            ),
            Mistake(
                "Y69",
                "one is added to make up for the cells that are too wide",
                "−Σ_d log₂ [σ(x + 1/255) − σ(x − 1/255)]/D + 1",
                LEVEL_BITS,
                "Do the cells of black and white, which have one edge only, become twice as probable, too?",
                "Only where a cell has two edges is it about twice too wide. Mend the edges, not the sum.",
                wrong=lambda x, mean, log_scale: _naive(1 / 255, x, mean, log_scale) + 1,
            ),
            Mistake(
                "Y70",
                "nats, not bits",
                "−Σ_d log P / D",
                LEVEL_BITS,
                "What should 256 equally likely levels cost: 5.55 or 8?",
                "1 bit = log 2 nats: divide by log 2.",
                wrong=lambda x, mean, log_scale: logistic_bits(x, mean, log_scale) * LN2,
            ),
            Mistake(
                "Y71",
                "bits for the whole image, not for one dimension",
                "−Σ_d log₂ P",
                LEVEL_BITS,
                "Does your number grow if the image has more pixels that cost the same?",
                "Divide by the number of pixels, x.shape[1].",
                wrong=lambda x, mean, log_scale: logistic_bits(x, mean, log_scale) * x.shape[1],
            ),
            Mistake(
                "Y72",
                "the sign: lengths are positive",
                "Σ_d log₂ P / D",
                LEVEL_BITS,
                "Can a file be shorter than nothing?",
                "A length is minus the logarithm of a probability.",
                wrong=lambda x, mean, log_scale: -logistic_bits(x, mean, log_scale),
            ),
        ),
    )
)
