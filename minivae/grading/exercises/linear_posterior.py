"""Lesson 11: the posterior of a linear decoder, and what a diagonal one lacks."""

from __future__ import annotations

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, register
from minivae.grading.program import Program, Step, Values

Rng = np.random.Generator
B, D, L = 13, 7, 3
SIZES = {B: "B", D: "D", L: "L"}

M_RIGHT = "M = WᵀW + σ²I"
MEANS = "M⁻¹Wᵀx"
COVARIANCE = "σ²M⁻¹"
GAP = "½ (Σ_j log M_jj − log det M)"


def linear_posterior(x: Array, W: Array, sigma2: float) -> tuple[Array, ...]:
    """M, the means M⁻¹Wᵀx, and the covariance σ²M⁻¹ that all x share."""
    M = W.T @ W + sigma2 * np.eye(W.shape[1])
    inverse = np.linalg.inv(M)
    return M, x @ W @ inverse, sigma2 * inverse


def rotation_gap(W: Array, sigma2: float) -> tuple[Array, Array]:
    """M, and log p(x) − ELBO for the best diagonal posterior."""
    M = W.T @ W + sigma2 * np.eye(W.shape[1])
    return M, 0.5 * (np.sum(np.log(np.diag(M))) - np.linalg.slogdet(M)[1])


M_STEPS: dict[str, Step] = {
    "noise": lambda v: v.sigma2,
    "M": lambda v: v.W.T @ v.W + v.noise * np.eye(v.W.shape[1]),
}
POSTERIOR_STEPS: dict[str, Step] = {
    "means": lambda v: np.linalg.solve(v.M, v.W.T @ v.x.T).T,
    "covariance": lambda v: v.sigma2 * np.linalg.inv(v.M),
}
GAP_STEPS: dict[str, Step] = {
    "log_diagonal": lambda v: np.sum(np.log(np.diag(v.M))),
    "log_det": lambda v: np.linalg.slogdet(v.M)[1],
    "gap": lambda v: 0.5 * (v.log_diagonal - v.log_det),
}

M_MISTAKES = (
    Mistake(
        "LV18",
        "the prior is left out: this is least squares",
        "M = WᵀW",
        M_RIGHT,
        "Where did the ½|z|² of the prior go?",
        "The precision is WᵀW/σ² + I; times σ² that is WᵀW + σ²I.",
        changes=({"noise": lambda v: 0.0},),
    ),
    Mistake(
        "LV19",
        "I in place of σ²I",
        "M = WᵀW + I",
        M_RIGHT,
        "The precision is WᵀW/σ² + I. By what is it multiplied to become M?",
        "By σ², the I as well.",
        changes=({"noise": lambda v: 1.0},),
    ),
    Mistake(
        "LV20",
        "σ is taken for σ²",
        "M = WᵀW + σI",
        M_RIGHT,
        "Is sigma2 a variance or a standard deviation?",
        "sigma2 is σ² already; no root is needed.",
        changes=({"noise": lambda v: np.sqrt(v.sigma2)},),
    ),
)


def _precision(v: Values) -> Array:
    return v.W.T @ v.W / v.sigma2 + np.eye(v.W.shape[1])


def _precision_for_m(*changes: dict[str, Step]) -> Mistake:
    return Mistake(
        "LV50",
        "the precision itself, not M",
        "M = WᵀW/σ² + I",
        M_RIGHT,
        "The text calls the matrix in the exponent M/σ². What is M, then?",
        "M is σ² times the precision.",
        changes=changes,
    )


def _weight(rng: Rng) -> Array:
    return rng.standard_normal((D, L))


def _posterior_case(rng: Rng) -> Arguments:
    return 2 * rng.standard_normal((B, D)), _weight(rng), float(rng.uniform(0.2, 0.6))


def _copied_variances(M: Array) -> Array:
    """KL(q ‖ posterior) if q has the variances of the true posterior, σ²(M⁻¹)_jj."""
    inverse = np.diag(np.linalg.inv(M))
    return 0.5 * (np.sum(inverse * np.diag(M)) - len(M) - np.sum(np.log(inverse)) - np.linalg.slogdet(M)[1])


register(
    Exercise(
        name="linear_posterior",
        reference=linear_posterior,
        cases=_posterior_case,
        returns=("M", "means", "covariance"),
        sizes=SIZES,
        program=Program(
            M_STEPS | POSTERIOR_STEPS,
            ("x", "W", "sigma2"),
            {name: name for name in ("M", "means", "covariance")},
        ),
        mistakes=(
            *M_MISTAKES,
            _precision_for_m(
                {
                    "M": _precision,
                    "means": lambda v: np.linalg.solve(v.M, v.W.T @ v.x.T).T / v.sigma2,
                    "covariance": lambda v: np.linalg.inv(v.M),
                },
                {"M": _precision},
            ),
            Mistake(
                "LV21",
                "divided by σ², although M holds that factor already",
                "M⁻¹Wᵀx/σ²",
                MEANS,
                "Which matrix is the precision, M or M/σ²? What does its inverse do to the 1/σ² before Wᵀx?",
                "mean = (M/σ²)⁻¹ Wᵀx/σ²: the two σ² cancel.",
                changes=({"means": lambda v: np.linalg.solve(v.M, v.W.T @ v.x.T).T / v.sigma2},),
            ),
            Mistake(
                "LV22",
                "M⁻¹ is missing: the data are only projected",
                "Wᵀx",
                MEANS,
                "If the columns of W are twice as long, do the codes of the same x get longer or shorter?",
                "Set the slope of log p(x, z) along z to zero, and solve for z.",
                changes=({"means": lambda v: v.x @ v.W},),
            ),
            Mistake(
                "LV23",
                "σ² is missing in the covariance",
                "M⁻¹",
                COVARIANCE,
                "If the columns of W are zero, the posterior is the prior. Which covariance do you get then?",
                "The precision is M/σ², so the covariance is σ²M⁻¹.",
                changes=({"covariance": lambda v: np.linalg.inv(v.M)},),
            ),
            Mistake(
                "LV24",
                "the precision, not the covariance",
                "M/σ²",
                COVARIANCE,
                "With little noise, is z known well or badly? Is your covariance small or large then?",
                "The matrix in the exponent is the precision. The covariance is its inverse.",
                changes=({"covariance": lambda v: v.M / v.sigma2},),
            ),
            Mistake(
                "LV25",
                "only the diagonal is inverted",
                "σ²/M_jj on the diagonal, 0 elsewhere",
                COVARIANCE,
                "Are the columns of this W orthogonal?",
                "The true posterior has correlations. A diagonal one is what a VAE's encoder is restricted to.",
                changes=({"covariance": lambda v: v.sigma2 * np.diag(1 / np.diag(v.M))},),
            ),
        ),
    )
)

register(
    Exercise(
        name="rotation_gap",
        reference=rotation_gap,
        cases=lambda rng: (_weight(rng), float(rng.uniform(0.2, 0.6))),
        returns=("M", "gap"),
        sizes=SIZES,
        program=Program(M_STEPS | GAP_STEPS, ("W", "sigma2"), {"M": "M", "gap": "gap"}),
        mistakes=(
            *M_MISTAKES,
            _precision_for_m({"M": _precision}),
            Mistake(
                "LV26",
                "the ½ is missing",
                "Σ_j log M_jj − log det M",
                GAP,
                "With which factor do log-variances stand in a KL divergence of two normals?",
                "KL = ½ (…), as in lesson 06.",
                changes=({"gap": lambda v: v.log_diagonal - v.log_det},),
            ),
            Mistake(
                "LV27",
                "the sign: a KL divergence is never negative",
                "½ (log det M − Σ_j log M_jj)",
                GAP,
                "Can log p(x) − ELBO be negative?",
                "log s_j = log σ² − log M_jj enters with a minus, so log M_jj with a plus.",
                changes=({"gap": lambda v: 0.5 * (v.log_det - v.log_diagonal)},),
            ),
            Mistake(
                "LV28",
                "the logarithm of the trace, not the sum of the logarithms",
                "½ (log Σ_j M_jj − log det M)",
                GAP,
                "What is the gap if M is diagonal? Is yours 0 then?",
                "np.log(np.diag(M)).sum(): first the logarithm, then the sum.",
                changes=({"log_diagonal": lambda v: np.log(np.trace(v.M))},),
            ),
            Mistake(
                "LV29",
                "the variances of the true posterior are copied, and they are not the best ones",
                "s_j = σ²(M⁻¹)_jj",
                "s_j = σ²/M_jj, where the KL divergence is smallest",
                "Which s_j makes s_j M_jj/σ² − log s_j smallest?",
                "Its derivative is M_jj/σ² − 1/s_j. With this s_j the bracket becomes Σ log M_jj − log det M.",
                changes=({"gap": lambda v: _copied_variances(v.M)},),
            ),
        ),
    )
)
