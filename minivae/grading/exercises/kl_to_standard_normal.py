"""Lesson 06: the KL divergence of normals with diagonal covariance from the standard normal."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, Term, register
from minivae.grading.exercises.log_probability_mistakes import averaged, base_2, negative

Rng = np.random.Generator
Wrong = Callable[..., object]
LATENTS = {13: "B", 5: "L"}
KL = "½ Σ (μ² + exp(logvar) − 1 − logvar)"


def kl_to_standard_normal(mu: Array, log_var: Array) -> Array:
    """½ Σ_j (μ² + σ² − 1 − log σ²)."""
    return 0.5 * (mu**2 + np.exp(log_var) - 1 - log_var).sum(axis=1)


def some_normals(rng: Rng) -> Arguments:
    """(mu, log_var) of 13 normals in 5 dimensions."""
    return rng.standard_normal((13, 5)) + 0.3, rng.uniform(-2, 1.5, (13, 5))


def _kl_mistake(code: str, name: str, yours: str, question: str, more: str, wrong: Wrong) -> Mistake:
    return Mistake(code, name, yours, KL, question, more, wrong)


def _kl_with(change: Callable[[Array, Array], Array]) -> Wrong:
    """½ Σ of a wrong summand."""
    return lambda mu, log_var: 0.5 * change(mu, log_var).sum(axis=1)


register(
    Exercise(
        name="kl_to_standard_normal",
        reference=kl_to_standard_normal,
        cases=some_normals,
        sizes=LATENTS,
        terms={
            "kl_to_standard_normal": (
                Term("½ Σ μ²", lambda v: 0.5 * (v["mu"] ** 2).sum(axis=1)),
                Term("½ Σ σ²", lambda v: 0.5 * np.exp(v["log_var"]).sum(axis=1)),
                Term("−½ once for each dimension", lambda v: np.full(len(v["mu"]), -0.5 * v["mu"].shape[1])),
                Term("−½ Σ log σ²", lambda v: -0.5 * v["log_var"].sum(axis=1)),
                Term("½ Σ σ", lambda v: 0.5 * np.exp(v["log_var"] / 2).sum(axis=1), expected=0),
                Term("½ Σ σ⁴", lambda v: 0.5 * np.exp(2 * v["log_var"]).sum(axis=1), expected=0),
                Term("½ Σ 1/σ²", lambda v: 0.5 * np.exp(-v["log_var"]).sum(axis=1), expected=0),
                Term("½ Σ μ²/σ²", lambda v: 0.5 * (v["mu"] ** 2 * np.exp(-v["log_var"])).sum(axis=1), expected=0),
                Term("½ Σ μ", lambda v: 0.5 * v["mu"].sum(axis=1), expected=0),
            )
        },
        mistakes=(
            _kl_mistake(
                "K1",
                "the ½ of the KL divergence is missing",
                "Σ (μ² + exp(logvar) − 1 − logvar)",
                "Take μ = 1, σ = 1 in one dimension: how far apart are the two log-densities, on average?",
                "The log-density of a Gaussian is −½(…): every part of the KL divergence inherits that ½.",
                lambda mu, log_var: 2 * kl_to_standard_normal(mu, log_var),
            ),
            negative("K2", kl_to_standard_normal, KL),
            _kl_mistake(
                "K3",
                "the direction is swapped: KL(p ‖ q) for KL(q ‖ p)",
                "½ Σ ((1 + μ²)/exp(logvar) − 1 + logvar)",
                "From which of the two do the draws come over which log q − log p is averaged?",
                "From q. So σ², the mean square of q's draws, stands above the line, measured in units of the 1 of p.",
                _kl_with(lambda mu, log_var: (1 + mu**2) * np.exp(-log_var) - 1 + log_var),
            ),
            _kl_mistake(
                "K4",
                "the −1 is missing",
                "½ Σ (μ² + exp(logvar) − logvar)",
                "What should KL be where q is the prior, μ = 0 and σ = 1? What is yours?",
                "−1 comes from the mean of −((z − μ)/σ)², which is −1 for every dimension.",
                _kl_with(lambda mu, log_var: mu**2 + np.exp(log_var) - log_var),
            ),
            _kl_mistake(
                "K4b",
                "−1 once for each example, not once for each latent dimension",
                "½ (Σ (μ² + exp(logvar) − logvar) − 1)",
                "What is your KL where q is the prior in all L dimensions? Is the −1 inside your sum?",
                "KL of independent dimensions is a sum of one-dimensional KLs; each brings its own −1.",
                lambda mu, log_var: 0.5 * ((mu**2 + np.exp(log_var) - log_var).sum(axis=1) - 1),
            ),
            _kl_mistake(
                "K6",
                "logvar is read as log σ; here it is log σ²",
                "½ Σ (μ² + exp(2·logvar) − 1 − 2·logvar)",
                "If logvar is 0.5, what is σ²? And σ?",
                "Both conventions are good, but only one can hold in one program: here σ² = exp(logvar).",
                lambda mu, log_var: kl_to_standard_normal(mu, 2 * log_var),
            ),
            _kl_mistake(
                "K8",
                "(log σ)² where log σ² belongs",
                "½ Σ (μ² + exp(logvar) − 1 − (logvar/2)²)",
                "log σ²: what is squared, σ or its logarithm?",
                "log(σ²) = 2·log σ = logvar. It is already what you were given.",
                _kl_with(lambda mu, log_var: mu**2 + np.exp(log_var) - 1 - (log_var / 2) ** 2),
            ),
            _kl_mistake(
                "K9",
                "+ logvar where − logvar belongs",
                "½ Σ (μ² + exp(logvar) − 1 + logvar)",
                "What happens to your KL when σ goes to 0? What should happen, for a q that is a needle?",
                "−log σ² is what keeps σ from 0: KL has its minimum, 0, at logvar = 0.",
                _kl_with(lambda mu, log_var: mu**2 + np.exp(log_var) - 1 + log_var),
            ),
            _kl_mistake(
                "K10",
                "μ is not squared",
                "½ Σ (μ + exp(logvar) − 1 − logvar)",
                "Can a KL divergence be negative? What is yours at μ = −3, σ = 1?",
                "Only the distance from the prior's mean counts, not the direction: μ².",
                _kl_with(lambda mu, log_var: mu + np.exp(log_var) - 1 - log_var),
            ),
            _kl_mistake(
                "K11",
                "log σ where log σ² belongs",
                "½ Σ (μ² + exp(logvar) − 1 − logvar/2)",
                "Where is the minimum of your KL over logvar? Where should it be?",
                "exp(logvar) − c·logvar has its minimum at exp(logvar) = c; so c must be 1.",
                _kl_with(lambda mu, log_var: mu**2 + np.exp(log_var) - 1 - log_var / 2),
            ),
            _kl_mistake(
                "Q34",
                "σ where σ² belongs",
                "½ Σ (μ² + exp(logvar/2) − 1 − logvar)",
                "What is the mean of (z − μ)² over draws from q: σ or σ²?",
                "σ² = exp(logvar); exp(logvar/2) is σ.",
                _kl_with(lambda mu, log_var: mu**2 + np.exp(log_var / 2) - 1 - log_var),
            ),
            _kl_mistake(
                "Q47",
                "the variance is squared once more",
                "½ Σ (μ² + exp(logvar)² − 1 − logvar)",
                "If logvar is 0.5, what is σ²? Which number do you add?",
                "exp(logvar) is σ² already, not σ.",
                _kl_with(lambda mu, log_var: mu**2 + np.exp(2 * log_var) - 1 - log_var),
            ),
            averaged("K13", kl_to_standard_normal, "latent dimensions", KL),
            base_2("Q35", kl_to_standard_normal, KL.replace("logvar", "log σ²").replace("exp(log σ²)", "σ²")),
        ),
    )
)
