"""Lesson 06: what a normal density pays for pixels, with a σ for each or one σ for all."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, Term, register
from minivae.grading.exercises.log_probability_mistakes import averaged, base_2, negative

Rng = np.random.Generator
Wrong = Callable[..., object]
LOG2PI = float(np.log(2 * np.pi))
PIXELS = {13: "B", 7: "D"}

GAUSSIAN = "Σ ½ (log 2π + logvar + (x − μ)²/exp(logvar))"


def gaussian_nll(x: Array, mu: Array, log_var: Array) -> Array:
    """Σ_d ½ (log 2π + log σ² + (x − μ)²/σ²)."""
    return 0.5 * (LOG2PI + log_var + (x - mu) ** 2 * np.exp(-log_var)).sum(axis=1)


def one_sigma_nll(x: Array, mu: Array, log_var: float) -> Array:
    """D/2 · (log 2π + log σ²) + Σ_d (x − μ)²/(2σ²), with one σ for all pixels."""
    return gaussian_nll(x, mu, np.full_like(x, log_var))


def _densities(rng: Rng) -> Arguments:
    return rng.standard_normal((13, 7)), rng.standard_normal((13, 7)), rng.uniform(-1.5, 1.5, (13, 7))


def _square(x: Array, mu: Array, log_var: Array) -> Array:
    return 0.5 * ((x - mu) ** 2 * np.exp(-log_var)).sum(axis=1)


def _density_mistake(code: str, name: str, yours: str, question: str, more: str, wrong: Wrong) -> Mistake:
    return Mistake(code, name, yours, GAUSSIAN, question, more, wrong)


register(
    Exercise(
        name="gaussian_nll",
        reference=gaussian_nll,
        cases=_densities,
        sizes=PIXELS,
        terms={
            "gaussian_nll": (
                Term("the constant, D · ½ log 2π", lambda v: np.full(len(v["x"]), v["x"].shape[1] * LOG2PI / 2)),
                Term("the scale, ½ Σ log σ²", lambda v: 0.5 * v["log_var"].sum(axis=1)),
                Term("the square, ½ Σ (x−μ)²/σ²", lambda v: _square(v["x"], v["mu"], v["log_var"])),
                Term("½ Σ (x−μ)²/σ", lambda v: _square(v["x"], v["mu"], v["log_var"] / 2), expected=0),
                Term("½ Σ (x−μ)²", lambda v: _square(v["x"], v["mu"], 0 * v["log_var"]), expected=0),
                Term("½ Σ (x−μ)²/σ⁴", lambda v: _square(v["x"], v["mu"], 2 * v["log_var"]), expected=0),
            )
        },
        mistakes=(
            _density_mistake(
                "R10",
                "the ½ before the square is missing",
                "Σ ½ (log 2π + logvar) + (x − μ)²/exp(logvar)",
                "What is the exponent of a normal density?",
                "exp(−½ (x − μ)²/σ²): the ½ stays when the logarithm is taken.",
                lambda x, mu, log_var: gaussian_nll(x, mu, log_var) + _square(x, mu, log_var),
            ),
            _density_mistake(
                "Q14",
                "the ½ is missing everywhere",
                "Σ log 2π + logvar + (x − μ)²/exp(logvar)",
                "The density has 1/√(2πσ²) in front. What becomes of the root in the logarithm?",
                "log √(2πσ²) = ½ (log 2π + log σ²), and the exponent has its own ½.",
                lambda x, mu, log_var: 2 * gaussian_nll(x, mu, log_var),
            ),
            _density_mistake(
                "Q15",
                "divided by σ, not by σ²",
                "Σ ½ (log 2π + logvar + (x − μ)²/exp(logvar/2))",
                "(x − μ)²/σ² has no unit. Has yours, if x is measured in metres?",
                "The square of a distance is measured in units of the variance, exp(logvar).",
                lambda x, mu, log_var: (
                    gaussian_nll(x, mu, log_var) + _square(x, mu, log_var / 2) - _square(x, mu, log_var)
                ),
            ),
            _density_mistake(
                "K6",
                "logvar is read as log σ; here it is log σ²",
                "Σ ½ (log 2π + 2·logvar + (x − μ)²/exp(2·logvar))",
                "If logvar is 0.5, what is σ²? And σ?",
                "Both conventions are good, but only one can hold in one program: here σ² = exp(logvar).",
                lambda x, mu, log_var: gaussian_nll(x, mu, 2 * log_var),
            ),
            _density_mistake(
                "Q46",
                "the variance is squared once more",
                "Σ ½ (log 2π + logvar + (x − μ)²/exp(logvar)²)",
                "If logvar is 0.5, what is σ²? Which number do you divide by?",
                "exp(logvar) is σ² already, not σ.",
                lambda x, mu, log_var: (
                    gaussian_nll(x, mu, log_var) + _square(x, mu, 2 * log_var) - _square(x, mu, log_var)
                ),
            ),
            _density_mistake(
                "Q16",
                "log σ² where log σ belongs: its ½ is missing",
                "Σ ½ log 2π + logvar + ½ (x − μ)²/exp(logvar)",
                "The density has 1/σ in front. How is log σ written with logvar?",
                "log σ = ½ log σ² = ½ logvar.",
                lambda x, mu, log_var: gaussian_nll(x, mu, log_var) + 0.5 * log_var.sum(axis=1),
            ),
            _density_mistake(
                "Q17",
                "a quarter of logvar: log σ was halved once more",
                "Σ ½ (log 2π + logvar/2 + (x − μ)²/exp(logvar))",
                "log σ = ½ logvar. How often is it halved in your formula?",
                "½ (log 2π + log σ²): inside the parentheses stands log σ², not log σ.",
                lambda x, mu, log_var: gaussian_nll(x, mu, log_var) - 0.25 * log_var.sum(axis=1),
            ),
            _density_mistake(
                "Q18",
                "log 2π is missing",
                "Σ ½ (logvar + (x − μ)²/exp(logvar))",
                "What is the area under exp(−½x²)? Is it 1?",
                "It is √(2π). Without log 2π your density does not integrate to 1, and cannot be compared with others.",
                lambda x, mu, log_var: gaussian_nll(x, mu, log_var) - 0.5 * LOG2PI * x.shape[1],
            ),
            _density_mistake(
                "Q19",
                "the normaliser log σ² is missing",
                "Σ ½ (log 2π + (x − μ)²/exp(logvar))",
                "If σ may be learned, what keeps yours from growing without end?",
                "A wider density is a lower one: ½ log σ² is what its width costs.",
                lambda x, mu, log_var: gaussian_nll(x, mu, log_var) - 0.5 * log_var.sum(axis=1),
            ),
            _density_mistake(
                "Q20",
                "everything is divided by the variance, not the square alone",
                "Σ ½ (log 2π + logvar + (x − μ)²) / exp(logvar)",
                "Which part of your formula does the division reach? Look at the parentheses.",
                "Only (x − μ)² is measured in units of σ².",
                lambda x, mu, log_var: (0.5 * (LOG2PI + log_var + (x - mu) ** 2) / np.exp(log_var)).sum(axis=1),
            ),
            _density_mistake(
                "Q21",
                "multiplied by the variance, not divided",
                "Σ ½ (log 2π + logvar + (x − μ)²·exp(logvar))",
                "Which should a large σ make cheaper, a large error or a small one?",
                "exp(−logvar) = 1/σ².",
                lambda x, mu, log_var: (
                    gaussian_nll(x, mu, log_var) + _square(x, mu, -log_var) - _square(x, mu, log_var)
                ),
            ),
            averaged("R1", gaussian_nll, "pixels", GAUSSIAN),
            negative("Q22", gaussian_nll, GAUSSIAN),
            base_2("Q23", gaussian_nll, "Σ −log N(x; μ, σ²)"),
        ),
    )
)

register(
    Exercise(
        name="one_sigma_nll",
        reference=one_sigma_nll,
        cases=lambda rng: (*_densities(rng)[:2], float(rng.uniform(0.4, 1.5) * rng.choice([-1, 1]))),
        sizes=PIXELS,
        terms={
            "one_sigma_nll": (
                Term("the constant, D · ½ log 2π", lambda v: np.full(len(v["x"]), v["x"].shape[1] * LOG2PI / 2)),
                Term("the scale, D · ½ log σ²", lambda v: np.full(len(v["x"]), 0.5 * v["x"].shape[1] * v["log_var"])),
                Term("the square, ½ Σ (x−μ)²/σ²", lambda v: _square(v["x"], v["mu"], v["log_var"])),
            )
        },
        mistakes=tuple(
            Mistake(code, name, yours, "D/2 (log 2π + logvar) + Σ ½ (x − μ)²/exp(logvar)", question, more, wrong)
            for code, name, yours, question, more, wrong in (
                (
                    "Q31",
                    "log σ is counted once, not once for each pixel",
                    "D/2 log 2π + ½ logvar + Σ ½ (x − μ)²/exp(logvar)",
                    "How many normal densities are multiplied? How many factors 1/σ are there?",
                    "A product of D densities has σ^−D in front: ½ logvar comes D times.",
                    lambda x, mu, log_var: one_sigma_nll(x, mu, log_var) - 0.5 * (x.shape[1] - 1) * log_var,
                ),
                (
                    "Q32",
                    "the whole normaliser is counted once, not once for each pixel",
                    "½ (log 2π + logvar) + Σ ½ (x − μ)²/exp(logvar)",
                    "How many normal densities are multiplied? How many factors 1/√(2πσ²) are there?",
                    "The sum over the pixels covers all three terms; σ being shared does not change that.",
                    lambda x, mu, log_var: one_sigma_nll(x, mu, log_var) - 0.5 * (x.shape[1] - 1) * (LOG2PI + log_var),
                ),
                (
                    "Q33",
                    "the squares are averaged, not summed",
                    "D/2 (log 2π + logvar) + mean ½ (x − μ)²/exp(logvar)",
                    "Which terms of your formula come once for each pixel?",
                    "All three: the constant, the scale and the square.",
                    lambda x, mu, log_var: (
                        one_sigma_nll(x, mu, log_var) - (1 - 1 / x.shape[1]) * _square(x, mu, np.asarray(log_var))
                    ),
                ),
                (
                    "R1",
                    "the mean over the pixels in place of their sum",
                    "½ (log 2π + logvar) + mean ½ (x − μ)²/exp(logvar)",
                    "Of two independent pixels: is the joint density the product, or the root of the product?",
                    "Densities of independent pixels multiply, so their logarithms add.",
                    lambda x, mu, log_var: one_sigma_nll(x, mu, log_var) / x.shape[1],
                ),
            )
        ),
    )
)
