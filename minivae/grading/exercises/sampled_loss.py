"""Lesson 08: −ELBO with drawn z, and its gradient."""

from __future__ import annotations

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, Term, register
from minivae.grading.exercises.normal_draws import SIZES, L, normal_and_noise
from minivae.grading.exercises.pathwise import DRAW, THE_DRAW
from minivae.grading.program import Program, Step

Rng = np.random.Generator


def sampled_loss(x: Array, mu: Array, logvar: Array, eps: Array, tau2: float) -> dict[str, Array]:
    """−ELBO and its gradient, with p(x|z) = N(z, τ²), q = N(μ, e^logvar), a standard normal prior."""
    n = len(eps)
    noise = np.exp(logvar / 2) * eps
    z = mu + noise
    reconstruction = 0.5 * np.sum((x - z) ** 2 / tau2 + np.log(2 * np.pi * tau2)) / n
    kl = 0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar)
    d_z = (z - x) / (tau2 * n)
    d_logvar = np.sum(0.5 * d_z * noise, axis=0) + 0.5 * (np.exp(logvar) - 1)
    named = {"z": z, "reconstruction": reconstruction, "kl": kl, "loss": reconstruction + kl}
    return named | {"d_z": d_z, "d_mu": d_z.sum(axis=0) + mu, "d_logvar": d_logvar}


LOSS: dict[str, Step] = {
    "n": lambda v: len(v.eps),
    "constant": lambda v: np.log(2 * np.pi * v.tau2),
    "reconstruction": lambda v: 0.5 * np.sum((v.x - v.z) ** 2 / v.tau2 + v.constant) / v.n,
    "kl_half": lambda v: 0.5,
    "kl": lambda v: v.kl_half * np.sum(v.mu**2 + np.exp(v.logvar) - 1 - v.logvar),
    "loss": lambda v: v.reconstruction + v.kl,
    "g_n": lambda v: len(v.eps),
    "g_error": lambda v: (v.z - v.x) / v.tau2,
    "d_z": lambda v: v.g_error / v.g_n,
    "g_kl_half": lambda v: 0.5,
    "g_kl_mu": lambda v: 2 * v.g_kl_half * v.mu,
    "g_kl_logvar": lambda v: v.g_kl_half * (np.exp(v.logvar) - 1),
    "d_mu": lambda v: np.sum(v.d_z * v.g_to_mu, axis=0) + v.g_kl_mu,
    "d_logvar": lambda v: np.sum(v.d_z * v.g_to_logvar, axis=0) + v.g_kl_logvar,
}

LOSS_MISTAKES = (
    Mistake(
        "N1",
        "the 1/N of the mean over the draws is missing",
        "d_z = (z − x)/τ²",
        "d_z = (z − x)/(τ² N)",
        "The loss is a mean over N draws. By how much does it change if one of a thousand moves?",
        "The factor 1/N stands in front of the sum, and stays there.",
        changes=({"g_n": lambda v: 1},),
    ),
    Mistake(
        "N2",
        "the sign of d_z: this is the gradient of log p(x|z)",
        "d_z = (x − z)/(τ² N)",
        "d_z = (z − x)/(τ² N)",
        "If z is larger than x and grows, does the loss grow or fall?",
        "The loss is −log p(x|z): it grows with the distance.",
        changes=({"g_error": lambda v: (v.x - v.z) / v.tau2},),
    ),
    Mistake(
        "K19",
        "the KL term is absent from the backward pass",
        "d_mu = Σ_n d_z,  d_logvar = Σ_n ½ d_z ε σ",
        "d_mu = Σ_n d_z + μ,  d_logvar = Σ_n ½ d_z ε σ + ½(σ² − 1)",
        "Of how many terms is your loss the sum?",
        "The KL term depends on μ and logvar directly, not through z.",
        changes=({"g_kl_mu": lambda v: 0 * v.mu, "g_kl_logvar": lambda v: 0 * v.mu},),
    ),
    Mistake(
        "K1",
        "no ½ in the KL term",
        "Σ (μ² + σ² − 1 − logvar)",
        "½ Σ (μ² + σ² − 1 − logvar)",
        "What is the KL divergence for μ = 2 and σ = 1? It is ½ of a squared distance.",
        "The ½ comes from the ½ in the exponent of the normal density.",
        changes=({"kl_half": lambda v: 1.0, "g_kl_half": lambda v: 1.0},),
    ),
    Mistake(
        "N3",
        "log 2πτ² is left out",
        "½ Σ_j (x − z)²/τ²",
        "½ Σ_j ((x − z)²/τ² + log 2πτ²)",
        "Is your number the negative logarithm of a density, or that and a constant?",
        "It changes no gradient, but without it the loss cannot be held against −log p(x).",
        changes=({"constant": lambda v: 0.0},),
    ),
)


def _loss_case(rng: Rng) -> Arguments:
    return (2 * rng.standard_normal(L), *normal_and_noise(rng), float(rng.uniform(0.2, 0.6)))


register(
    Exercise(
        name="sampled_loss",
        reference=sampled_loss,
        cases=_loss_case,
        sizes=SIZES,
        program=Program(
            DRAW | LOSS,
            ("x", "mu", "logvar", "eps", "tau2"),
            {name: name for name in ("z", "reconstruction", "kl", "loss", "d_z", "d_mu", "d_logvar")},
        ),
        mistakes=THE_DRAW + LOSS_MISTAKES,
        terms={
            "d_mu": (
                Term("Σ_n d_z", lambda v: v.d_z.sum(axis=0), group="reconstruction term"),
                Term("μ", lambda v: v.mu, group="KL term"),
            ),
            "d_logvar": (
                Term("Σ_n ½ d_z ε σ", lambda v: np.sum(v.d_z * v.g_to_logvar, axis=0), group="reconstruction term"),
                Term("½ σ²", lambda v: 0.5 * np.exp(v.logvar), group="KL term"),
                Term("−½", lambda v: -0.5 * np.ones_like(v.logvar), group="KL term"),
            ),
        },
    )
)
