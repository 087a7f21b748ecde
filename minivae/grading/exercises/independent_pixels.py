"""Lesson 10: one biased coin for each pixel, the baseline of every VAE on black-and-white images."""

from __future__ import annotations

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, register
from minivae.grading.program import Program, Step, Values

Rng = np.random.Generator


def independent_pixels(x_train: Array, x_test: Array) -> tuple[Array, Array]:
    """p = (white + 1)/(N + 2) at each place, and −log p(x) of each test image under it."""
    p = (x_train.sum(axis=0) + 1) / (len(x_train) + 2)
    return p, -(x_test * np.log(p) + (1 - x_test) * np.log(1 - p)).sum(axis=1)


PIXELS: dict[str, Step] = {
    "fitted_on": lambda v: v.x_train,
    "white": lambda v: 1.0,
    "both": lambda v: 2.0,
    "p": lambda v: (v.fitted_on.sum(axis=0) + v.white) / (len(v.fitted_on) + v.both),
    "of_white": lambda v: -v.x_test * np.log(v.p),
    "of_black": lambda v: -(1 - v.x_test) * np.log(1 - v.p),
    "unit": lambda v: 1.0,
    "nats": lambda v: (v.of_white + v.of_black).sum(axis=1) / v.unit,
}
P, NATS = "p = (white + 1)/(N + 2)", "Σ_d −(x log p + (1 − x) log(1 − p))"


def _entropy(v: Values) -> Array:
    """The entropy of the coins, once for each image."""
    return np.full(len(v.x_test), -(v.p * np.log(v.p) + (1 - v.p) * np.log(1 - v.p)).sum()) / v.unit


def _images(rng: Rng, n: int) -> Array:
    """Black and white images of seven pixels, the first all black and the second all white."""
    x = (rng.random((n, 7)) < rng.uniform(0.2, 0.8, 7)).astype(float)
    x[0], x[1] = 0, 1
    return x


def _surprise(rng: Rng) -> Arguments:
    """A place that is black in all training images, and white in a test image."""
    x_train, x_test = _images(rng, 13), _images(rng, 5)
    x_train[:, 2] = 0
    return x_train, x_test


register(
    Exercise(
        name="independent_pixels",
        reference=independent_pixels,
        cases=lambda rng: (_images(rng, 13), _images(rng, 5)),
        returns=("p", "nats"),
        sizes={13: "N", 5: "M", 7: "D"},
        extremes={"a place that is black in all training images": _surprise},
        program=Program(PIXELS, ("x_train", "x_test"), {"p": "p", "nats": "nats"}),
        mistakes=(
            Mistake(
                "FV1",
                "the coins were fitted to the test images",
                "p from x_test",
                "p from x_train",
                "Had you known the test images before they came, would this be a prediction?",
                "The counts, and their number N, come from x_train.",
                changes=({"fitted_on": lambda v: v.x_test},),
            ),
            Mistake(
                "FV2",
                "the imagined images are missing",
                "p = white/N",
                P,
                "What does a white pixel cost at a place that was black in all training images?",
                "One white and one black image are added in thought: + 1 for the white one, + 2 for both.",
                changes=({"white": lambda v: 0.0, "both": lambda v: 0.0},),
            ),
            Mistake(
                "FV3",
                "only the white one of the two imagined images is counted",
                "p = (white + 1)/(N + 1)",
                P,
                "How many images are there, with the two imagined ones? Can your p be 1?",
                "One white and one black image were added, so the number of images is N + 2.",
                changes=({"both": lambda v: 1.0},),
            ),
            Mistake(
                "FV4",
                "the black pixels cost nothing",
                "Σ_d −x log p",
                NATS,
                "Does your number change if a black pixel becomes more surprising?",
                "A black pixel has the probability 1 − p, and costs −log(1 − p).",
                changes=({"of_black": lambda v: np.zeros_like(v.x_test)},),
            ),
            Mistake(
                "FV5",
                "the mean over the pixels in place of their sum",
                "(1/D) Σ_d …",
                NATS,
                "An image of twice as many pixels: does it cost as many nats, or twice as many?",
                "Probabilities of independent pixels multiply, so their logarithms add: .sum(axis=1).",
                changes=({"unit": lambda v: float(v.x_test.shape[1])},),
            ),
            Mistake(
                "FV6",
                "a logarithm to base 2: bits, not nats",
                "Σ_d −(x log₂ p + …)",
                NATS,
                "What is the unit of a loss in this course?",
                "np.log is the natural logarithm; its unit is the nat.",
                changes=({"unit": lambda v: float(np.log(2))},),
            ),
            Mistake(
                "FV7",
                "the entropy of the coins, not the length of the images",
                "Σ_d −(p log p + (1 − p) log(1 − p))",
                NATS,
                "Two test images differ. Does your number for them?",
                "The pixel x decides which logarithm is paid; p only sets the prices.",
                changes=({"nats": _entropy},),
            ),
        ),
    )
)
