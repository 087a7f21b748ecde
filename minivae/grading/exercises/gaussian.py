"""The reconstruction term of a Gaussian decoder with one learned scale, and the noise of the draw."""

from __future__ import annotations

from typing import Any

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, Term, register

LOG_2PI = np.log(2 * np.pi)
NLL = "Σ_d (½ (x − m)²/σ² + log σ + ½ log 2π)"
Rng = np.random.Generator


def gaussian_reconstruction(x: Array, mean: Array, log_sigma: float) -> Array:
    """−log N(x; mean, σ²) with one σ for all pixels, summed over pixels, averaged over the batch, in nats."""
    z = (x - mean) * np.exp(-log_sigma)
    return np.sum(0.5 * z**2 + log_sigma + 0.5 * LOG_2PI) / len(x)


def draw_eps(rng: Rng, shape: tuple[int, ...]) -> Array:
    """ε ~ N(0, 1), the noise of the draw z = μ + σ·ε."""
    return rng.standard_normal(shape)


def _squares(x: Array, mean: Array, log_sigma: float) -> Array:
    """½ (x − m)²/σ², summed over pixels, averaged over the batch."""
    return np.sum(0.5 * (x - mean) ** 2) * np.exp(-2 * log_sigma) / len(x)


def _case(rng: Rng) -> Arguments:
    x = rng.uniform(0, 1, (13, 7))
    return x, x + 0.5 * rng.standard_normal((13, 7)), float(rng.choice([-1, 1]) * rng.uniform(0.3, 0.9))


def _shares(draw: Array) -> dict[str, Any]:
    """What tells a standard normal from other noise: the shares of it below a few limits."""
    return {f"share of ε below {limit}": np.mean(draw < limit) for limit in (-1, 0, 1, 2)}


register(
    Exercise(
        name="gaussian_reconstruction",
        reference=gaussian_reconstruction,
        cases=_case,
        returns=("reconstruction",),
        sizes={13: "B", 7: "D"},
        mistakes=(
            Mistake(
                "R10",
                "the ½ of the Gaussian's log-density is missing",
                "Σ_d ((x − m)²/σ² + log σ + ½ log 2π)",
                NLL,
                "For a given error, which σ makes your loss smallest? Is it the root of the mean squared error?",
                "log N = −½ ((x − m)/σ)² − log σ − ½ log 2π.",
                wrong=lambda x, m, s: gaussian_reconstruction(x, m, s) + _squares(x, m, s),
            ),
            Mistake(
                "G1",
                "log σ is counted once for each image, not once for each pixel",
                "Σ_d ½ (x − m)²/σ² + log σ + …",
                NLL,
                "Each of the D pixels has a density of its own. How many normalising constants come with them?",
                "log σ stands inside the sum over pixels: D·log σ. Counted once, the learned σ becomes far too small.",
                wrong=lambda x, m, s: gaussian_reconstruction(x, m, s) - (x.shape[1] - 1) * s,
            ),
            Mistake(
                "G2",
                "the squared error is divided by σ, not by σ²",
                "Σ_d (½ (x − m)²/σ + log σ + ½ log 2π)",
                NLL,
                "x is measured in grey levels. Which unit has your (x − m)²/σ?",
                "Distances are counted in units of σ before they are squared: ((x − m)/σ)².",
                wrong=lambda x, m, s: (
                    gaussian_reconstruction(x, m, s) + _squares(x, m, s) * (np.exp(np.asarray(s)) - 1)
                ),
            ),
            Mistake(
                "G3",
                "½ log 2π is left out",
                "Σ_d (½ (x − m)²/σ² + log σ)",
                NLL,
                "Is your number a negative log-density, in nats, or that plus a constant?",
                "It changes no gradient, but without it losses cannot be compared with those of other likelihoods.",
                wrong=lambda x, m, s: gaussian_reconstruction(x, m, s) - 0.5 * LOG_2PI * x.shape[1],
            ),
            Mistake(
                "G4",
                "the division by σ² reaches log σ², too (precedence)",
                "Σ_d ½ (log σ² + (x − m)²)/σ² + …",
                NLL,
                "Which of your two terms should be divided by σ², and where are the parentheses?",
                "½ (log σ² + (x − m)²/σ²): only the square is measured in units of σ.",
                wrong=lambda x, m, s: (
                    gaussian_reconstruction(x, m, s) + x.shape[1] * s * (np.exp(-2 * np.asarray(s)) - 1)
                ),
            ),
            Mistake(
                "G5",
                "averaged over the pixels",
                "(1/D) Σ_d (…)",
                NLL,
                "An image with twice the pixels says twice as much. Does your reconstruction term?",
                "Sum over pixels, mean over the batch.",
                wrong=lambda x, m, s: gaussian_reconstruction(x, m, s) / x.shape[1],
            ),
            Mistake(
                "G6",
                "summed over the batch",
                "Σ_b (…)",
                "(1/B) Σ_b (…)",
                "If the same batch came twice, should the loss for each example change?",
                "Sum over pixels, mean over the batch.",
                wrong=lambda x, m, s: gaussian_reconstruction(x, m, s) * len(x),
            ),
            Mistake(
                "G7",
                "the log-likelihood, not its negative",
                "log N",
                "−log N",
                "A loss falls when things get better. Does yours, when m comes closer to x?",
                "The loss is −ELBO, so its reconstruction term is −log p(x|z).",
                wrong=lambda x, m, s: -gaussian_reconstruction(x, m, s),
            ),
        ),
        terms={
            "reconstruction": (
                Term("½ Σ (x − m)²/σ² / B", lambda v: _squares(v.x, v.mean, v.log_sigma)),
                Term("D log σ", lambda v: v.x.shape[1] * v.log_sigma),
                Term("½ D log 2π", lambda v: 0.5 * v.x.shape[1] * LOG_2PI),
                Term("½ Σ (x − m)² / B", lambda v: _squares(v.x, v.mean, 0.0), 0),
                Term("½ Σ (x − m)²/σ / B", lambda v: _squares(v.x, v.mean, v.log_sigma / 2), 0),
            )
        },
    )
)

register(
    Exercise(
        name="draw_eps",
        reference=draw_eps,
        cases=lambda rng: (rng, (400, 500)),
        statistics=_shares,
        tolerance=0.05,  # more than six standard errors of the difference between two draws of 200,000
        mistakes=(
            Mistake(
                "Z12",
                "uniform noise instead of normal noise",
                "ε ~ U(0, 1): rng.random, rand",
                "ε ~ N(0, 1): rng.standard_normal, randn",
                "Can your ε be negative? Can it be 2?",
                "One letter: rand is uniform on [0, 1), randn is normal. Only a test of the distribution sees it.",
                wrong=lambda rng, shape: rng.random(shape),
            ),
            Mistake(
                "Z14",
                "uniform noise around 0 instead of normal noise",
                "ε ~ U(−1, 1)",
                "ε ~ N(0, 1)",
                "How often is your ε larger than 1? How often is a standard normal variable?",
                "rng.standard_normal(shape) has mean 0, variance 1 and the tails of a Gaussian.",
                wrong=lambda rng, shape: rng.uniform(-1, 1, shape),
            ),
        ),
    )
)
