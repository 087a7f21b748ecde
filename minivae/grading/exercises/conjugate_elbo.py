"""Lesson 07: the ELBO, in closed form, of the model z ~ N(0, 1), x ~ N(a z + b, s²)."""

from __future__ import annotations

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, Term, register
from minivae.grading.exercises.conjugate_posterior import LOG_2PI, N, Rng, data, gaussian_posterior
from minivae.grading.program import Program, Step, Values


def gaussian_elbo(x: Array, a: float, b: float, s2: float, mu: Array, logvar: Array) -> dict[str, Array]:
    """E_q log p(x|z), KL(q ‖ p(z)) and the ELBO for q = N(mu, exp(logvar))."""
    square = (x - b - a * mu) ** 2 + a**2 * np.exp(logvar)
    expected = -0.5 * (LOG_2PI + np.log(s2) + square / s2)
    kl = 0.5 * (mu**2 + np.exp(logvar) - 1 - logvar)
    return {"expected_log_px_given_z": expected, "kl": kl, "elbo": expected - kl}


def _data_and_q(rng: Rng) -> Arguments:
    return (*data(rng), 0.8 * rng.standard_normal(N), rng.uniform(-2.0, 1.0, N))


ELBO: dict[str, Step] = {
    "distance": lambda v: v.x - v.b - v.a * v.mu,
    "log_variance": lambda v: v.logvar,
    "variance": lambda v: np.exp(v.log_variance),
    "spread": lambda v: v.a**2 * v.variance,
    "constant": lambda v: LOG_2PI + np.log(v.s2),
    "expected": lambda v: -0.5 * (v.constant + (v.distance**2 + v.spread) / v.s2),
    "one": lambda v: 1.0,
    "half": lambda v: 0.5,
    "kl": lambda v: v.half * (v.mu**2 + v.variance - v.one - v.log_variance),
    "sign": lambda v: -1.0,
    "elbo": lambda v: v.expected + v.sign * v.kl,
}


def _kl_to_posterior(v: Values) -> Array:
    mean, variance, _ = gaussian_posterior(v.x, v.a, v.b, v.s2)
    return v.half * (np.log(variance) - v.log_variance - v.one + (v.variance + (v.mu - mean) ** 2) / variance)


ERROR = "E_q (x − b − a z)² = (x − b − a μ)² + a² σ²"
KL = "½ (μ² + σ² − 1 − logvar)"

ELBO_MISTAKES = (
    Mistake(
        "EL30",
        "evaluated at z = μ: the width of q is forgotten",
        "(x − b − a μ)²",
        ERROR,
        "Does z lie at μ exactly? What does its scatter do to the mean of the square?",
        "E[(c − a z)²] = (c − a μ)² + a² σ². Without the second term the number may exceed log p(x).",
        changes=({"spread": lambda v: 0 * v.variance},),
    ),
    Mistake(
        "EL31",
        "σ² without the factor a²",
        "(x − b − a μ)² + σ²",
        ERROR,
        "What is the variance of a z, if that of z is σ²?",
        "A factor comes out of a variance squared.",
        changes=({"spread": lambda v: v.variance}, {"spread": lambda v: v.a * v.variance}),
    ),
    Mistake(
        "K6",
        "logvar is read as log σ",
        "σ² = exp(2 logvar)",
        "σ² = exp(logvar)",
        "logvar is the logarithm of which quantity?",
        "logvar = log σ², so σ² = exp(logvar).",
        changes=({"log_variance": lambda v: 2 * v.logvar}, {"variance": lambda v: np.exp(2 * v.logvar)}),
    ),
    Mistake(
        "EL32",
        "σ where σ² belongs",
        "exp(logvar / 2)",
        "σ² = exp(logvar)",
        "logvar is the logarithm of which quantity?",
        "exp(logvar/2) is σ. All squares here need σ².",
        changes=({"variance": lambda v: np.exp(v.logvar / 2)},),
    ),
    Mistake(
        "EL33",
        "the constant of log p(x|z) is left out",
        "−½ (…)²/s²",
        "−½ (log 2π + log s² + (…)²/s²)",
        "Is your number the mean of a log-density, or that and a constant?",
        "It changes no gradient in μ and logvar, but without it the number is no bound on log p(x).",
        changes=({"constant": lambda v: 0.0 * v.s2}, {"constant": lambda v: np.log(v.s2)}),
    ),
    Mistake(
        "K1",
        "no ½ in the KL term",
        "μ² + σ² − 1 − logvar",
        KL,
        "What is the KL divergence for μ = 2 and σ = 1? It is ½ of a squared distance.",
        "The ½ comes from the ½ in the exponent of the normal density.",
        changes=({"half": lambda v: 1.0},),
    ),
    Mistake(
        "K4",
        "the −1 is missing from the KL term",
        "½ (μ² + σ² − logvar)",
        KL,
        "What is KL(q ‖ p) if q is the prior itself? And yours?",
        "−E_q ½ (z − μ)²/σ² = −½.",
        changes=({"one": lambda v: 0.0},),
    ),
    Mistake(
        "EL37",
        "the KL to the posterior, not to the prior",
        "KL(q ‖ p(z|x))",
        "KL(q ‖ p(z))",
        "Form A contains one KL term, form B the other. Which form begins with E_q log p(x|z)?",
        "In form B x is in the first term only: the KL term depends on μ and logvar alone.",
        changes=({"kl": _kl_to_posterior},),
    ),
    Mistake(
        "K2",
        "the KL term with the wrong sign",
        "E_q log p(x|z) + KL",
        "E_q log p(x|z) − KL",
        "Should a q that strays from the prior raise the bound, or lower it?",
        "The KL term is a price: it is subtracted. Added, the number exceeds log p(x).",
        changes=({"sign": lambda v: 1.0},),
    ),
    Mistake(
        "EL34",
        "the loss, −ELBO, in place of the ELBO",
        "KL − E_q log p(x|z)",
        "E_q log p(x|z) − KL",
        "Which of the two is a lower bound on log p(x)?",
        "The ELBO grows when things get better; its negative is the loss.",
        changes=({"elbo": lambda v: v.kl - v.expected},),
    ),
)


def _terms() -> dict[str, tuple[Term, ...]]:
    def per_image(v: Values, value: float) -> Array:
        return np.full(len(v.x), value)

    return {
        "expected_log_px_given_z": (
            Term("−½ log 2π", lambda v: per_image(v, -0.5 * LOG_2PI)),
            Term("−½ (x − b − a μ)²/s²", lambda v: -0.5 * (v.x - v.b - v.a * v.mu) ** 2 / v.s2),
            Term("−½ a² σ²/s²", lambda v: -0.5 * v.a**2 * np.exp(v.logvar) / v.s2),
            Term("−½ log s²", lambda v: per_image(v, -0.5 * np.log(v.s2))),
        ),
        "kl": (
            Term("½ μ²", lambda v: 0.5 * v.mu**2),
            Term("½ σ²", lambda v: 0.5 * np.exp(v.logvar)),
            Term("−½", lambda v: per_image(v, -0.5)),
            Term("−½ logvar", lambda v: -0.5 * v.logvar),
        ),
    }


register(
    Exercise(
        name="gaussian_elbo",
        reference=gaussian_elbo,
        cases=_data_and_q,
        sizes={N: "N"},
        program=Program(
            ELBO,
            ("x", "a", "b", "s2", "mu", "logvar"),
            {"expected_log_px_given_z": "expected", "kl": "kl", "elbo": "elbo"},
        ),
        mistakes=ELBO_MISTAKES,
        terms=_terms(),
    )
)
