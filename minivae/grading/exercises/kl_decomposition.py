"""Lesson 07: the mean KL term over the data set, cut into information and mismatch (Hoffman & Johnson 2016)."""

from __future__ import annotations

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, register
from minivae.grading.program import Program, Step

Rng = np.random.Generator


def _log_sum_exp(a: Array, axis: int) -> Array:
    top = a.max(axis=axis, keepdims=True)
    return np.squeeze(top, axis) + np.log(np.sum(np.exp(a - top), axis=axis))


def kl_parts(log_q: Array, log_prior: Array) -> tuple[Array, float, float, float]:
    """(log_aggregate, average_kl, information, mismatch), estimated from one draw z_m of each q(z|x_m).

    log_q: log q(z_m|x_n) in row m, column n, (N, N).  log_prior: log p(z_m), (N,).  In nats.
    """
    own = np.diag(log_q)
    log_aggregate = _log_sum_exp(log_q, 1) - np.log(len(log_q))
    information, mismatch = np.mean(own - log_aggregate), np.mean(log_aggregate - log_prior)
    return log_aggregate, np.mean(own - log_prior), information, mismatch


def _table(rng: Rng) -> Arguments:
    """13 normal densities with one latent number, a draw from each; the prior is a standard normal."""
    mu, sigma = 1.3 * rng.standard_normal(13), np.exp(rng.uniform(-2.0, 0.3, 13))
    z = mu + sigma * rng.standard_normal(13)
    constant = -0.5 * np.log(2 * np.pi)
    log_q = constant - np.log(sigma) - 0.5 * ((z[:, None] - mu) / sigma) ** 2
    return log_q, constant - 0.5 * z**2


def _far(rng: Rng) -> Arguments:
    log_q, log_prior = _table(rng)
    return log_q - 2000.0, log_prior - 2000.0


STEPS: dict[str, Step] = {
    "own": lambda v: np.diag(v.log_q),
    "count": lambda v: np.log(len(v.log_q)),
    "log_aggregate": lambda v: _log_sum_exp(v.log_q, 1) - v.count,
    "average_kl": lambda v: np.mean(v.own - v.log_prior),
    "information": lambda v: np.mean(v.own - v.log_aggregate),
    "mismatch": lambda v: np.mean(v.log_aggregate - v.log_prior),
}
AGGREGATE = "log q(z_m) = log (1/N) Σ_n q(z_m|x_n)"
OWN = "log q(z_m|x_m)"

MISTAKES = (
    Mistake(
        "EL40",
        "averaged over the draws, not over the images: the wrong axis",
        "log (1/N) Σ_m q(z_m|x_n)",
        AGGREGATE,
        "At one point z_m: which densities are mixed there, and do they stand in a row or in a column?",
        "Row m holds the densities of all N images at the same z_m: sum over axis 1.",
        changes=({"log_aggregate": lambda v: _log_sum_exp(v.log_q, 0) - v.count},),
    ),
    Mistake(
        "EL41",
        "−log N is forgotten: a sum of densities, not their mixture",
        "log Σ_n q(z_m|x_n)",
        AGGREGATE,
        "What is the area under your aggregate?",
        "The aggregate draws an image first, each with probability 1/N.",
        changes=({"count": lambda v: 0.0},),
    ),
    Mistake(
        "EL42",
        "the mean of the logarithms, not the logarithm of the mean",
        "(1/N) Σ_n log q(z_m|x_n)",
        AGGREGATE,
        "Is your information larger than log N? Can it be?",
        "By Jensen, the mean of the logarithms is too small, and the information too large.",
        changes=({"log_aggregate": lambda v: v.log_q.mean(axis=1)},),
    ),
    Mistake(
        "EL43",
        "an image's own density is left out of the mixture",
        "log (1/(N−1)) Σ_{n≠m} q(z_m|x_n)",
        AGGREGATE,
        "Is your information larger than log N? Can it be?",
        "q(z) mixes all N images. Its own part is what keeps the information below log N.",
        changes=(
            {
                "log_aggregate": lambda v: (
                    _log_sum_exp(np.where(np.eye(len(v.log_q)), -np.inf, v.log_q), 1) - np.log(len(v.log_q) - 1)
                )
            },
        ),
    ),
    Mistake(
        "EL44",
        "all entries of the table, not those on the diagonal",
        "(1/N²) Σ_m Σ_n log q(z_m|x_n)",
        OWN,
        "From which q was z_m drawn? Under which q does KL(q(z|x_m) ‖ p) ask for its density?",
        "np.diag(log_q) picks the density of each draw under its own q.",
        changes=({"own": lambda v: v.log_q.mean(axis=1)},),
    ),
    Mistake(
        "EL45",
        "the mismatch with the wrong sign",
        "log p(z_m) − log q(z_m)",
        "log q(z_m) − log p(z_m)",
        "A KL divergence is never negative. Is yours, on average?",
        "KL(q(z) ‖ p(z)) = E_q(z)[log q(z) − log p(z)].",
        changes=({"mismatch": lambda v: np.mean(v.log_prior - v.log_aggregate)},),
    ),
    Mistake(
        "EL47",
        "information and mismatch have changed places",
        "information = mean of log q(z_m) − log p(z_m)",
        "information = mean of log q(z_m|x_m) − log q(z_m)",
        "Which of the two is 0 if all q(z|x_n) are the same?",
        "The information compares q(z|x_m) with the mixture q(z), the mismatch compares q(z) with the prior.",
        changes=(
            {
                "information": lambda v: np.mean(v.log_aggregate - v.log_prior),
                "mismatch": lambda v: np.mean(v.own - v.log_aggregate),
            },
        ),
    ),
    Mistake(
        "EL46",
        "sums over the images, not means",
        "Σ_m",
        "(1/N) Σ_m",
        "Twice as many images: should the mean KL term double?",
        "np.mean in all three.",
        changes=(
            {
                "average_kl": lambda v: np.sum(v.own - v.log_prior),
                "information": lambda v: np.sum(v.own - v.log_aggregate),
                "mismatch": lambda v: np.sum(v.log_aggregate - v.log_prior),
            },
        ),
    ),
)

register(
    Exercise(
        name="kl_parts",
        reference=kl_parts,
        cases=_table,
        returns=("log_aggregate", "average_kl", "information", "mismatch"),
        sizes={13: "N"},
        extremes={"log-densities of −2000, as in many dimensions": _far},
        program=Program(
            STEPS,
            ("log_q", "log_prior"),
            {name: name for name in ("log_aggregate", "average_kl", "information", "mismatch")},
        ),
        mistakes=MISTAKES,
    )
)
