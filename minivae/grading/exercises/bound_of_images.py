"""Lesson 07: the importance-weighted bound on log p(x), as it is reported for a set of images."""

from __future__ import annotations

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, register
from minivae.grading.exercises.marginal_likelihood import log_mean_exp
from minivae.grading.program import Program, Step

Rng = np.random.Generator
LOG_2PI = float(np.log(2 * np.pi))


def bound_of_images(log_px_given_z: Array, z: Array, mu: Array, logvar: Array) -> tuple[Array, float]:
    """(log_w, bound): the log-weights of K draws for each image, and the mean over images of log (1/K) Σ_k w_k.

    log_px_given_z: (K, N).  z: the draws, (K, N, L).  mu, logvar: of q(z|x), (N, L).  The prior is standard normal.
    """
    log_pz = -0.5 * np.sum(LOG_2PI + z**2, axis=2)
    log_qz = -0.5 * np.sum(LOG_2PI + logvar + (z - mu) ** 2 / np.exp(logvar), axis=2)
    log_w = log_px_given_z + log_pz - log_qz
    return log_w, float(np.mean(log_mean_exp(log_w)))


def _case(rng: Rng) -> Arguments:
    K, N, L = 5, 13, 3
    mu, logvar = rng.standard_normal((N, L)), rng.uniform(-2.0, 1.0, (N, L))
    z = mu + np.exp(logvar / 2) * rng.standard_normal((K, N, L))
    return rng.normal(-9.0, 1.0, (K, N)), z, mu, logvar


def _far(rng: Rng) -> Arguments:
    log_px_given_z, *others = _case(rng)
    return (log_px_given_z - 2000.0, *others)


STEPS: dict[str, Step] = {
    "prior_constant": lambda v: LOG_2PI,
    "q_constant": lambda v: LOG_2PI,
    "log_scale": lambda v: v.logvar,
    "variance": lambda v: np.exp(v.logvar),
    "log_pz": lambda v: -0.5 * np.sum(v.prior_constant + v.z**2, axis=2),
    "log_qz": lambda v: -0.5 * np.sum(v.q_constant + v.log_scale + (v.z - v.mu) ** 2 / v.variance, axis=2),
    "log_w": lambda v: v.log_px_given_z + v.log_pz - v.log_qz,
    "log_mean": lambda v: log_mean_exp(v.log_w),
    "bound": lambda v: np.mean(v.log_mean),
}
BOUND = "(1/N) Σ_n log (1/K) Σ_k w_kn"
WEIGHT = "log w = log p(x|z) + log p(z) − log q(z|x)"
LOG_Q = "−½ Σ_j (log 2π + logvar + (z − μ)²/σ²)"

MISTAKES = (
    Mistake(
        "EL50",
        "the logarithm of a mean over the images, not over the draws: the wrong axis",
        "(1/K) Σ_k log (1/N) Σ_n w_kn",
        BOUND,
        "If one image among many is a thousand times easier than the others, what becomes of your number?",
        "The weights of one image are averaged inside the logarithm, over axis 0. Images are averaged outside it.",
        changes=({"log_mean": lambda v: log_mean_exp(v.log_w.T)},),
    ),
    Mistake(
        "EL51",
        "one logarithm for the whole table",
        "log (1/NK) Σ_n Σ_k w_kn",
        BOUND,
        "If one image among many is a thousand times easier than the others, what becomes of your number?",
        "Each image has a log p(x) of its own; average those.",
        changes=({"log_mean": lambda v: log_mean_exp(v.log_w.reshape(-1, 1))},),
    ),
    Mistake(
        "I1",
        "the mean of the logarithms, not the logarithm of the mean",
        "(1/N) Σ_n (1/K) Σ_k log w_kn",
        BOUND,
        "Does your bound become tighter when K grows?",
        "The mean of log w is the ELBO again, whatever K. The weights are averaged before the logarithm.",
        changes=({"log_mean": lambda v: v.log_w.mean(axis=0)},),
    ),
    Mistake(
        "I2",
        "−log K is forgotten",
        "(1/N) Σ_n log Σ_k w_kn",
        BOUND,
        "If all K weights are the same, what should the bound be?",
        "A mean, not a sum: without −log K the bound grows with K past log p(x).",
        changes=({"log_mean": lambda v: log_mean_exp(v.log_w) + np.log(len(v.z))},),
    ),
    Mistake(
        "EL52",
        "summed over the images",
        "Σ_n log (1/K) Σ_k w_kn",
        BOUND,
        "Twice as many images: should the number double?",
        "Nats per image: the mean over the N images.",
        changes=({"bound": lambda v: np.sum(v.log_mean)},),
    ),
    Mistake(
        "EL53",
        "log 2π dropped from the prior alone",
        "log p(z) = −½ Σ_j z²",
        "log p(z) = −½ Σ_j (log 2π + z²)",
        "Two densities are divided by each other. May one of them lose its constant?",
        "The weights become (2π)^(L/2) times too large: 0.919 nats for each latent dimension.",
        changes=({"prior_constant": lambda v: 0.0},),
    ),
    Mistake(
        "EL54",
        "log 2π dropped from q alone",
        "log q = −½ Σ_j (logvar + (z − μ)²/σ²)",
        "log q = " + LOG_Q,
        "Two densities are divided by each other. May one of them lose its constant?",
        "The weights become (2π)^(L/2) times too small.",
        changes=({"q_constant": lambda v: 0.0},),
    ),
    Mistake(
        "EL55",
        "logvar is missing from log q",
        "−½ Σ_j (log 2π + (z − μ)²/σ²)",
        LOG_Q,
        "Is a narrow density higher at its centre than a wide one? Is yours?",
        "The density is divided by σ: −½ logvar in its logarithm.",
        changes=({"log_scale": lambda v: 0 * v.logvar},),
    ),
    Mistake(
        "K6",
        "logvar is read as log σ",
        "−½ Σ_j (log 2π + 2 logvar + (z − μ)²/exp(2 logvar))",
        LOG_Q,
        "logvar is the logarithm of which quantity?",
        "logvar = log σ², so σ² = exp(logvar).",
        changes=({"log_scale": lambda v: 2 * v.logvar, "variance": lambda v: np.exp(2 * v.logvar)},),
    ),
    Mistake(
        "EL56",
        "σ where σ² belongs",
        "(z − μ)²/σ",
        LOG_Q,
        "In units of what is the distance measured before it is squared?",
        "((z − μ)/σ)² = (z − μ)²/exp(logvar).",
        changes=({"variance": lambda v: np.exp(v.logvar / 2)},),
    ),
    Mistake(
        "EL57",
        "the mean over the latent dimensions, not the sum",
        "(1/L) Σ_j",
        "Σ_j",
        "What is the logarithm of a product of L densities?",
        "np.sum over axis 2, in both densities.",
        changes=(
            {
                "log_pz": lambda v: -0.5 * np.mean(LOG_2PI + v.z**2, axis=2),
                "log_qz": lambda v: -0.5 * np.mean(LOG_2PI + v.logvar + (v.z - v.mu) ** 2 / v.variance, axis=2),
            },
        ),
    ),
    Mistake(
        "EL58",
        "q(z|x) is missing from the weights",
        "log w = log p(x|z) + log p(z)",
        WEIGHT,
        "The draws come from q, not from the prior. What corrects for that?",
        "Divide by the density that the draws came from.",
        changes=({"log_w": lambda v: v.log_px_given_z + v.log_pz},),
    ),
    Mistake(
        "EL59",
        "p(z) is missing from the weights",
        "log w = log p(x|z) − log q(z|x)",
        WEIGHT,
        "Which density is it that is to be integrated over z?",
        "p(x, z) = p(x|z) p(z) stands above, q(z|x) below.",
        changes=({"log_w": lambda v: v.log_px_given_z - v.log_qz},),
    ),
)

register(
    Exercise(
        name="bound_of_images",
        reference=bound_of_images,
        cases=_case,
        returns=("log_w", "bound"),
        sizes={5: "K", 13: "N", 3: "L"},
        extremes={"log-likelihoods of −2000, usual for images": _far},
        program=Program(STEPS, ("log_px_given_z", "z", "mu", "logvar"), {"log_w": "log_w", "bound": "bound"}),
        mistakes=MISTAKES,
    )
)
