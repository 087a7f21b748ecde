"""Lesson 11: the likelihood of probabilistic PCA, and its maximum from the eigenvalues."""

from __future__ import annotations

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, register
from minivae.grading.program import Program, Step

Rng = np.random.Generator
D, L = 7, 3
SIZES = {D: "D", L: "L"}
LOG_2PI = np.log(2 * np.pi)

C_RIGHT = "C = WWᵀ + σ²I"
LIKELIHOOD = "−½ (D log 2π + log det C + tr C⁻¹S)"
NOISE = "σ² = (λ_{L+1} + … + λ_D)/(D − L)"
WEIGHT = "W = U (Λ − σ²I)^½"


def ppca_log_likelihood(S: Array, W: Array, sigma2: float) -> tuple[Array, ...]:
    """C, log det C, tr C⁻¹S, and the mean of log N(x; μ, C) over data with the covariance S."""
    C = W @ W.T + sigma2 * np.eye(len(S))
    log_det, squares = np.linalg.slogdet(C)[1], np.trace(np.linalg.solve(C, S))
    return C, log_det, squares, -0.5 * (len(S) * LOG_2PI + log_det + squares)


def ppca_fit(values: Array, vectors: Array, L: int) -> tuple[Array, Array]:
    """σ² and W of the maximum (Tipping & Bishop 1999), from eigenvalues, largest first, and their eigenvectors."""
    sigma2 = values[L:].mean()
    return sigma2, vectors[:, :L] * np.sqrt(values[:L] - sigma2)


LIKELIHOOD_STEPS: dict[str, Step] = {
    "noise": lambda v: v.sigma2,
    "C": lambda v: v.W @ v.W.T + v.noise * np.eye(len(v.S)),
    "log_det": lambda v: np.linalg.slogdet(v.C)[1],
    "squares": lambda v: np.trace(np.linalg.solve(v.C, v.S)),
    "constant": lambda v: len(v.S) * LOG_2PI,
    "factor": lambda v: -0.5,
    "inside": lambda v: v.constant + v.log_det + v.squares,
    "log_likelihood": lambda v: v.factor * v.inside,
}
FIT_STEPS: dict[str, Step] = {
    "sigma2": lambda v: np.mean(v.values[v.L :]),
    "stretch": lambda v: np.sqrt(v.values[: v.L] - v.sigma2),
    "axes": lambda v: v.vectors[:, : v.L],
    "W": lambda v: v.axes * v.stretch,
}


def _likelihood_case(rng: Rng) -> Arguments:
    x = rng.standard_normal((13, D)) * rng.uniform(0.5, 2.0, D)
    return x.T @ x / len(x), rng.standard_normal((D, L)), float(rng.uniform(0.2, 0.6))


def _fit_case(rng: Rng) -> Arguments:
    values = np.sort(np.concatenate([rng.uniform(4.0, 9.0, L), rng.uniform(0.1, 0.9, D - L)]))[::-1].copy()
    return values, np.linalg.qr(rng.standard_normal((D, D)))[0], L


register(
    Exercise(
        name="ppca_log_likelihood",
        reference=ppca_log_likelihood,
        cases=_likelihood_case,
        returns=("C", "log_det", "squares", "log_likelihood"),
        sizes=SIZES,
        program=Program(
            LIKELIHOOD_STEPS,
            ("S", "W", "sigma2"),
            {name: name for name in ("C", "log_det", "squares", "log_likelihood")},
        ),
        mistakes=(
            Mistake(
                "LV1",
                "σ is taken for σ²",
                "C = WWᵀ + σI",
                C_RIGHT,
                "Is sigma2 a variance or a standard deviation? Which of them do you add to a covariance?",
                "sigma2 is the variance already; no root is needed.",
                changes=({"noise": lambda v: np.sqrt(v.sigma2)},),
            ),
            Mistake(
                "LV2",
                "the noise variance is squared once more",
                "C = WWᵀ + σ⁴I",
                C_RIGHT,
                "Is sigma2 a variance or a standard deviation?",
                "sigma2 is σ², the variance. Use it as it is.",
                changes=({"noise": lambda v: v.sigma2**2},),
            ),
            Mistake(
                "LV3",
                "the determinant is taken from the diagonal alone",
                "Σ_i log C_ii",
                "log det C, the sum of the logarithms of C's eigenvalues",
                "Is C diagonal?",
                "Of a matrix with other entries, the determinant is smaller than the product of its diagonal.",
                changes=({"log_det": lambda v: np.sum(np.log(np.diag(v.C)))},),
            ),
            Mistake(
                "LV4",
                "the diagonals of S and C are divided, in place of the trace of C⁻¹S",
                "Σ_i S_ii/C_ii",
                "tr C⁻¹S",
                "Pixels are correlated. Where in your formula would one see that?",
                "np.trace(np.linalg.solve(C, S)): first the product with the whole inverse, then the diagonal.",
                changes=({"squares": lambda v: np.sum(np.diag(v.S) / np.diag(v.C))},),
            ),
            Mistake(
                "LV5",
                "C in place of its inverse",
                "tr CS",
                "tr C⁻¹S",
                "If the model's variance grows, do the same data become more or less surprising?",
                "The exponent of a normal density holds the inverse of the covariance.",
                changes=({"squares": lambda v: np.trace(v.C @ v.S)},),
            ),
            Mistake(
                "LV6",
                "tr C⁻¹S is taken to be D, as if C were S",
                "−½ (D log 2π + log det C + D)",
                LIKELIHOOD,
                "For which C is tr C⁻¹S equal to D? Is this such a C?",
                "It is D at the maximum of the likelihood. Here W and σ² are arbitrary.",
                changes=(
                    {"squares": lambda v: float(len(v.S))},
                    {"inside": lambda v: v.constant + v.log_det + len(v.S)},
                ),
            ),
            Mistake(
                "LV7",
                "log 2π is counted once, not D times",
                "−½ (log 2π + log det C + tr C⁻¹S)",
                LIKELIHOOD,
                "How many pixels has x, and how many factors 1/√(2π) their density?",
                "One factor for each dimension: D log 2π.",
                changes=({"constant": lambda v: LOG_2PI},),
            ),
            Mistake(
                "LV8",
                "the ½ is missing",
                "−(D log 2π + log det C + tr C⁻¹S)",
                LIKELIHOOD,
                "Take D = 1: what is log N(x; 0, 1)?",
                "log N = −½ (log 2πσ² + x²/σ²): the ½ stands before all of it.",
                changes=({"factor": lambda v: -1.0},),
            ),
            Mistake(
                "LV9",
                "the sign: this is −log p",
                "½ (D log 2π + log det C + tr C⁻¹S)",
                LIKELIHOOD,
                "Data far from the mean: should log p(x) be higher or lower there?",
                "The squares make a density smaller, so they carry a minus.",
                changes=({"factor": lambda v: 0.5},),
            ),
            Mistake(
                "LV10",
                "the log-determinant has the wrong sign",
                "−½ (D log 2π − log det C + tr C⁻¹S)",
                LIKELIHOOD,
                "A wide density is a low one. Does your log p fall when all variances grow and the squares vanish?",
                "1/√det C stands before the exponential, so −½ log det C.",
                changes=({"inside": lambda v: v.constant - v.log_det + v.squares},),
            ),
        ),
    )
)

register(
    Exercise(
        name="ppca_fit",
        reference=ppca_fit,
        cases=_fit_case,
        returns=("sigma2", "W"),
        sizes=SIZES,
        program=Program(FIT_STEPS, ("values", "vectors", "L"), {"sigma2": "sigma2", "W": "W"}),
        mistakes=(
            Mistake(
                "LV11",
                "the sum of the dropped eigenvalues, not their mean",
                "σ² = λ_{L+1} + … + λ_D",
                NOISE,
                "σ² is the noise of one direction. For how many directions does your sum stand?",
                "The noise is the same in every direction, so it is the mean over the D − L dropped ones.",
                changes=({"sigma2": lambda v: np.sum(v.values[v.L :])},),
            ),
            Mistake(
                "LV12",
                "divided by D, not by D − L: PCA's squared error per pixel",
                "σ² = (λ_{L+1} + … + λ_D)/D",
                NOISE,
                "In how many directions does that sum show noise? What about the other L: have they none?",
                "There is noise along the kept axes too, hidden under the signal. Only D − L directions show it.",
                changes=({"sigma2": lambda v: np.sum(v.values[v.L :]) / len(v.values)},),
            ),
            Mistake(
                "LV13",
                "the largest dropped eigenvalue, not the mean of all dropped ones",
                "σ² = λ_{L+1}",
                NOISE,
                "One σ² has to serve all dropped directions. Which one makes them most probable?",
                "The derivative with respect to σ² holds the sum of all of them.",
                changes=({"sigma2": lambda v: v.values[v.L]},),
            ),
            Mistake(
                "LV14",
                "σ² is not taken away from the eigenvalues",
                "W = U Λ^½",
                WEIGHT,
                "Along a kept axis the model's variance is ℓ² + σ². What should it be?",
                "It should be λ, and the noise brings σ² of it.",
                changes=({"stretch": lambda v: np.sqrt(v.values[: v.L])},),
            ),
            Mistake(
                "LV15",
                "the root is missing",
                "W = U (Λ − σ²I)",
                WEIGHT,
                "z has the variance 1. Which variance has ℓ·z?",
                "ℓ² = λ − σ², and ℓ is what multiplies z.",
                changes=({"stretch": lambda v: v.values[: v.L] - v.sigma2},),
            ),
            Mistake(
                "LV16",
                "σ² is added, not taken away",
                "W = U (Λ + σ²I)^½",
                WEIGHT,
                "Along a kept axis the model's variance is ℓ² + σ². What should it be?",
                "It should be λ, and the noise brings σ² of it.",
                changes=({"stretch": lambda v: np.sqrt(v.values[: v.L] + v.sigma2)},),
            ),
            Mistake(
                "LV17",
                "the rows of the matrix of eigenvectors, not its columns",
                "W = (first L rows of U)ᵀ (Λ − σ²I)^½",
                WEIGHT,
                "Which of vectors[:, 0] and vectors[0] is multiplied by values[0] when S is applied to it?",
                "NumPy puts eigenvectors in columns: vectors[:, j] belongs to values[j].",
                changes=({"axes": lambda v: v.vectors[: v.L].T},),
            ),
        ),
    )
)
