"""Lesson 05: new codes, drawn from the normal distribution that has the mean and covariance of given codes."""

from __future__ import annotations

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, Term, register
from minivae.grading.program import Program, Step

Rng = np.random.Generator


def draw_codes(z: Array, eps: Array) -> tuple[Array, Array, Array]:
    """Mean and covariance (1/N) of the codes, and mean + R·ε with R·Rᵀ = covariance, R lower triangular."""
    mean = z.mean(axis=0)
    covariance = (z - mean).T @ (z - mean) / len(z)
    return mean, covariance, mean + eps @ np.linalg.cholesky(covariance).T


STEPS: dict[str, Step] = {
    "mean": lambda v: v.z.mean(axis=0),
    "n": lambda v: len(v.z),
    "centred": lambda v: v.z - v.mean,
    "covariance": lambda v: v.centred.T @ v.centred / v.n,
    "root": lambda v: np.linalg.cholesky(v.covariance),
    "spread": lambda v: v.eps @ v.root.T,
    "start": lambda v: v.mean,
    "draws": lambda v: v.start + v.spread,
}
DRAWS = "mean + R·ε, for each row ε"
COVARIANCE = "(1/N) Σ (z − mean)(z − mean)ᵀ"


def _case(rng: Rng) -> Arguments:
    """13 codes of 3 numbers that go together, and noise for 7 draws."""
    mixing = rng.standard_normal((3, 3)) + 2 * np.eye(3)
    return [2, -1, 3] + rng.standard_normal((13, 3)) @ mixing, rng.standard_normal((7, 3))


register(
    Exercise(
        name="draw_codes",
        reference=draw_codes,
        cases=_case,
        returns=("mean", "covariance", "draws"),
        sizes={13: "N", 7: "M", 3: "L"},
        program=Program(STEPS, ("z", "eps"), {name: name for name in ("mean", "covariance", "draws")}),
        mistakes=(
            Mistake(
                "AE39",
                "the codes are not centred",
                "(1/N) Σ z zᵀ",
                COVARIANCE,
                "If all codes move by the same amount, does their covariance change? Does yours?",
                "Subtract the mean first.",
                changes=({"centred": lambda v: v.z},),
            ),
            Mistake(
                "AE40",
                "divided by N − 1",
                "(1/(N − 1)) Σ (z − mean)(z − mean)ᵀ",
                COVARIANCE,
                "By what does this exercise ask you to divide?",
                "np.cov divides by N − 1 unless you say bias=True. Both are in use; here it is N, as in PCA.",
                changes=({"n": lambda v: len(v.z) - 1},),
            ),
            Mistake(
                "AE41",
                "not divided by the number of codes",
                "Σ (z − mean)(z − mean)ᵀ",
                COVARIANCE,
                "If every code came twice, should the covariance double?",
                "The covariance is a mean over codes: divide by N.",
                changes=({"n": lambda v: 1},),
            ),
            Mistake(
                "AE42",
                "the transpose of the root is missing",
                "eps @ R",
                "eps @ R.T",
                "Each draw is a row of eps. What does R·ε become for a row?",
                "(R·ε)ᵀ = εᵀ·Rᵀ. With eps @ R the draws have the covariance Rᵀ·R, which is another one.",
                changes=({"spread": lambda v: v.eps @ v.root},),
            ),
            Mistake(
                "AE43",
                "the covariance in place of its root",
                "mean + covariance·ε",
                DRAWS,
                "In one dimension: is ε multiplied by the variance, or by the standard deviation?",
                "R plays the part of σ: R·Rᵀ is the covariance, as σ² is the variance.",
                changes=({"spread": lambda v: v.eps @ v.covariance},),
            ),
            Mistake(
                "AE44",
                "each number of the code is drawn on its own",
                "mean + σ·ε, with the standard deviations alone",
                DRAWS,
                "If two numbers of the codes rise and fall together, do they in your draws?",
                "The entries beside the diagonal of the covariance are lost. np.linalg.cholesky keeps them.",
                changes=({"spread": lambda v: v.eps * np.sqrt(np.diag(v.covariance))},),
            ),
            Mistake(
                "AE45",
                "the mean is not added",
                "R·ε",
                DRAWS,
                "Around which point do your draws scatter?",
                "Noise has mean 0. Shift it to the mean of the codes.",
                changes=({"start": lambda v: 0.0},),
            ),
        ),
        terms={
            "draws": (
                Term("mean", lambda v: v.mean + 0 * v.eps),
                Term("R·ε", lambda v: v.eps @ v.root.T),
                Term("ε", lambda v: v.eps, 0),
            )
        },
    )
)
