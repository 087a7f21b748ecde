"""Lesson 05: how good is a reconstruction? Its squared error, beside that of the mean image."""

from __future__ import annotations

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, Term, register
from minivae.grading.program import Program, Step

Rng = np.random.Generator


def explained_variance(x: Array, x_hat: Array, mean: Array) -> tuple[Array, Array, Array]:
    """Squared error per image of x̂ and of the mean image, and 1 − their ratio."""
    error = np.sum((x - x_hat) ** 2) / len(x)
    error_of_mean = np.sum((x - mean) ** 2) / len(x)
    return error, error_of_mean, 1 - error / error_of_mean


STEPS: dict[str, Step] = {
    "n": lambda v: len(v.x),
    "squares": lambda v: (v.x - v.x_hat) ** 2,
    "error": lambda v: np.sum(v.squares) / v.n,
    "base": lambda v: v.mean,
    "squares_of_mean": lambda v: (v.x - v.base) ** 2,
    "error_of_mean": lambda v: np.sum(v.squares_of_mean) / v.n,
    "explained": lambda v: 1 - v.error / v.error_of_mean,
}
ERROR = "(1/N) Σ_n Σ_d (x − x̂)²"
SHARE = "1 − error / error_of_mean"


def _case(rng: Rng) -> Arguments:
    """7 images of 5 pixels, a poor reconstruction, and the mean of other images."""
    x = rng.uniform(0, 1, (7, 5))
    return x, x + 0.2 * rng.standard_normal((7, 5)), rng.uniform(0.2, 0.8, 5)


register(
    Exercise(
        name="explained_variance",
        reference=explained_variance,
        cases=_case,
        returns=("error", "error_of_mean", "explained"),
        sizes={7: "N", 5: "D"},
        program=Program(
            STEPS, ("x", "x_hat", "mean"), {name: name for name in ("error", "error_of_mean", "explained")}
        ),
        mistakes=(
            Mistake(
                "AE1",
                "the mean over the pixels, too",
                "(1/(N·D)) Σ (x − x̂)²",
                ERROR,
                "An image with twice as many pixels, each as wrong as before: is its error the same, or larger?",
                "In this course errors are summed over pixels, and averaged over images only.",
                changes=({"n": lambda v: v.x.size},),
            ),
            Mistake(
                "AE2",
                "the sum over the images, not their mean",
                "Σ_n Σ_d (x − x̂)²",
                ERROR,
                "If every image came twice, should the error per image change?",
                "Divide by the number of images, len(x).",
                changes=({"n": lambda v: 1},),
            ),
            Mistake(
                "AE3",
                "the share that is left over, not the share explained",
                "error / error_of_mean",
                SHARE,
                "Which value should a perfect reconstruction get?",
                "The ratio is what remains unexplained. Take it away from 1.",
                changes=({"explained": lambda v: v.error / v.error_of_mean},),
            ),
            Mistake(
                "AE4",
                "the variance of the reconstruction, not what it explains",
                "Σ (x̂ − mean)² / Σ (x − mean)²",
                SHARE,
                "Which value does your formula give to a reconstruction that belongs to another image?",
                "The two agree for a projection (PCA on its own training data) and for nothing else.",
                changes=({"explained": lambda v: np.sum((v.x_hat - v.base) ** 2) / np.sum(v.squares_of_mean)},),
            ),
            Mistake(
                "AE5",
                "a ratio for each image, then the mean of the ratios",
                "1 − (1/N) Σ_n (error_n / error_of_mean_n)",
                SHARE,
                "An image near the mean has almost nothing to explain. How much does it weigh in your number?",
                "Add up both errors over all images first, and divide once.",
                changes=({"explained": lambda v: 1 - np.mean(v.squares.sum(axis=1) / v.squares_of_mean.sum(axis=1))},),
            ),
            Mistake(
                "AE6",
                "the mean of these images, not the mean that was given",
                "x − x.mean(axis=0)",
                "x − mean",
                "The mean of the test images: would it be known to somebody who has seen training images only?",
                "Use the argument `mean`. It comes from the training images.",
                changes=({"base": lambda v: v.x.mean(axis=0)},),
            ),
            Mistake(
                "AE7",
                "one grey value for all pixels",
                "x − mean.mean()",
                "x − mean",
                "How many entries has the mean image?",
                "Each pixel has its own mean; `mean` has the shape (D,).",
                changes=({"base": lambda v: v.mean.mean()}, {"base": lambda v: v.x.mean()}),
            ),
        ),
        terms={
            "explained": (
                Term("1", lambda v: 1.0),
                Term("−error/error_of_mean", lambda v: -v.error / v.error_of_mean),
            )
        },
    )
)
