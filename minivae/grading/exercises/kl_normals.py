"""Lesson 06: the KL divergence between any two normals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, Term, register
from minivae.grading.exercises.kl_to_standard_normal import LATENTS, some_normals

Rng = np.random.Generator
Wrong = Callable[..., object]
KL_OF_TWO = "½ (σq²/σp² + (μq − μp)²/σp² − 1 − log σq²/σp²)"


def kl_normals(mu_q: Array, log_var_q: Array, mu_p: Array, log_var_p: Array) -> Array:
    """½ (σq²/σp² + (μq − μp)²/σp² − 1 − log(σq²/σp²)), of each entry."""
    distance = (mu_q - mu_p) ** 2 * np.exp(-log_var_p)
    return 0.5 * (np.exp(log_var_q - log_var_p) + distance - 1 - (log_var_q - log_var_p))


def _two_normals(rng: Rng) -> Arguments:
    mu_q, log_var_q = some_normals(rng)
    return mu_q, log_var_q, rng.standard_normal((13, 5)) - 0.4, rng.uniform(-1, 1.8, (13, 5))


def _distance(mu_q: Array, mu_p: Array, log_var: Array) -> Array:
    return 0.5 * (mu_q - mu_p) ** 2 * np.exp(-log_var)


def _kl_of_two_mistake(code: str, name: str, yours: str, question: str, more: str, wrong: Wrong) -> Mistake:
    return Mistake(code, name, yours, KL_OF_TWO, question, more, wrong)


register(
    Exercise(
        name="kl_normals",
        reference=kl_normals,
        cases=_two_normals,
        sizes=LATENTS,
        terms={
            "kl_normals": (
                Term("½ σq²/σp²", lambda v: 0.5 * np.exp(v["log_var_q"] - v["log_var_p"])),
                Term("½ (μq − μp)²/σp²", lambda v: _distance(v["mu_q"], v["mu_p"], v["log_var_p"])),
                Term("−½", lambda v: np.full_like(v["mu_q"], -0.5)),
                Term("−½ log σq²", lambda v: -0.5 * v["log_var_q"]),
                Term("½ log σp²", lambda v: 0.5 * v["log_var_p"]),
                Term("½ (μq − μp)²/σq²", lambda v: _distance(v["mu_q"], v["mu_p"], v["log_var_q"]), expected=0),
                Term("½ (μq − μp)²", lambda v: _distance(v["mu_q"], v["mu_p"], 0 * v["mu_p"]), expected=0),
                Term("½ σq²", lambda v: 0.5 * np.exp(v["log_var_q"]), expected=0),
            )
        },
        mistakes=(
            _kl_of_two_mistake(
                "K3",
                "the direction is swapped: KL(p ‖ q) for KL(q ‖ p)",
                "½ (σp²/σq² + (μq − μp)²/σq² − 1 − log σp²/σq²)",
                "From which of the two do the draws come over which log q − log p is averaged?",
                "From q, the first of the two. p is the code that is used: its σ² stands below the line.",
                lambda mu_q, log_var_q, mu_p, log_var_p: kl_normals(mu_p, log_var_p, mu_q, log_var_q),
            ),
            _kl_of_two_mistake(
                "Q36",
                "the distance of the means is measured in units of σq",
                "½ (σq²/σp² + (μq − μp)²/σq² − 1 − log σq²/σp²)",
                "Where does the distance come from: from log q or from log p?",
                "From −log p = ½ (z − μp)²/σp² + …, averaged over z from q.",
                lambda mu_q, log_var_q, mu_p, log_var_p: (
                    kl_normals(mu_q, log_var_q, mu_p, log_var_p)
                    + _distance(mu_q, mu_p, log_var_q)
                    - _distance(mu_q, mu_p, log_var_p)
                ),
            ),
            _kl_of_two_mistake(
                "Q37",
                "the distance of the means is not measured in units of σp",
                "½ (σq²/σp² + (μq − μp)² − 1 − log σq²/σp²)",
                "Does your KL change if z is measured in centimetres, not metres? Should it?",
                "Divide (μq − μp)² by σp².",
                lambda mu_q, log_var_q, mu_p, log_var_p: (
                    kl_normals(mu_q, log_var_q, mu_p, log_var_p)
                    + _distance(mu_q, mu_p, 0 * mu_p)
                    - _distance(mu_q, mu_p, log_var_p)
                ),
            ),
            _kl_of_two_mistake(
                "K9",
                "the sign of the logarithm",
                "½ (σq²/σp² + (μq − μp)²/σp² − 1 + log σq²/σp²)",
                "What happens to your KL as σq goes to 0?",
                "A needle is expensive: −log σq² must go to +∞.",
                lambda mu_q, log_var_q, mu_p, log_var_p: (
                    kl_normals(mu_q, log_var_q, mu_p, log_var_p) + log_var_q - log_var_p
                ),
            ),
            _kl_of_two_mistake(
                "Q38",
                "σ where σ² belongs, in the ratio",
                "½ (σq/σp + (μq − μp)²/σp² − 1 − log σq²/σp²)",
                "What is the mean of (z − μq)² over draws from q: σq or σq²?",
                "σq²/σp² = exp(logvar_q − logvar_p), with no ½ in the exponent.",
                lambda mu_q, log_var_q, mu_p, log_var_p: (
                    kl_normals(mu_q, log_var_q, mu_p, log_var_p)
                    + 0.5 * np.exp((log_var_q - log_var_p) / 2)
                    - 0.5 * np.exp(log_var_q - log_var_p)
                ),
            ),
            _kl_of_two_mistake(
                "K6",
                "log-variances are read as log σ; here they are log σ²",
                "σ² = exp(2·logvar), log σ² = 2·logvar",
                "If logvar is 0.5, what is σ²? And σ?",
                "Both conventions are good, but only one can hold in one program: here σ² = exp(logvar).",
                lambda mu_q, log_var_q, mu_p, log_var_p: kl_normals(mu_q, 2 * log_var_q, mu_p, 2 * log_var_p),
            ),
            _kl_of_two_mistake(
                "K1",
                "the ½ is missing",
                "σq²/σp² + (μq − μp)²/σp² − 1 − log σq²/σp²",
                "What is it for two normals with σ = 1 and means 1 apart? Compare with lesson 06's ½μ².",
                "Every part of a Gaussian log-density has a ½.",
                lambda *normals: 2 * kl_normals(*normals),
            ),
            _kl_of_two_mistake(
                "K4",
                "the −1 is missing",
                "½ (σq²/σp² + (μq − μp)²/σp² − log σq²/σp²)",
                "What is your KL of a distribution and itself?",
                "−1 is the mean of −((z − μq)/σq)².",
                lambda *normals: kl_normals(*normals) + 0.5,
            ),
            _kl_of_two_mistake(
                "K10",
                "the difference of the means is not squared",
                "½ (σq²/σp² + (μq − μp)/σp² − 1 − log σq²/σp²)",
                "Does it matter to which side q lies of p?",
                "Only the distance counts: (μq − μp)².",
                lambda mu_q, log_var_q, mu_p, log_var_p: (
                    kl_normals(mu_q, log_var_q, mu_p, log_var_p)
                    - _distance(mu_q, mu_p, log_var_p)
                    + 0.5 * (mu_q - mu_p) * np.exp(-log_var_p)
                ),
            ),
        ),
    )
)
