"""Lesson 11: the loss of a VAE with a linear decoder, without draws, and the noise variance that suits it best."""

from __future__ import annotations

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, Term, register
from minivae.grading.program import Program, Step, Values

Rng = np.random.Generator
B, D, L = 13, 7, 3
SIZES = {B: "B", D: "D", L: "L"}

DISTORTION = "mean over b of |x − Wm|² + Σ_j s_j |w_j|²"
RECONSTRUCTION = "½ (D log 2πσ² + distortion/σ²)"
KL = "½ Σ_j (m_j² + s_j − 1 − log s_j)"
BEST = "σ² = distortion/D"


def linear_vae_loss(
    x: Array, W: Array, mu: Array, logvar: Array, sigma2: float, beta: float
) -> tuple[Array, Array, Array, Array]:
    """E|x − Wz|² over z ~ N(μ, e^logvar), reconstruction, KL, loss: means over the batch, in nats per example."""
    variance = np.exp(logvar)
    distortion = (np.sum((x - mu @ W.T) ** 2) + np.sum(variance * np.sum(W**2, axis=0))) / len(x)
    reconstruction = 0.5 * (x.shape[1] * np.log(2 * np.pi * sigma2) + distortion / sigma2)
    kl = 0.5 * np.sum(mu**2 + variance - 1 - logvar) / len(x)
    return distortion, reconstruction, kl, reconstruction + beta * kl


def best_sigma2(x: Array, W: Array, mu: Array, logvar: Array) -> Array:
    """E|x − Wz|²/D, averaged over the batch."""
    return linear_vae_loss(x, W, mu, logvar, 1.0, 1.0)[0] / x.shape[1]


DISTORTION_STEPS: dict[str, Step] = {
    "error": lambda v: np.sum((v.x - v.mu @ v.W.T) ** 2) / len(v.x),
    "spread_of_z": lambda v: np.exp(v.logvar),
    "lengths": lambda v: np.sum(v.W**2, axis=0),
    "spread": lambda v: np.sum(v.spread_of_z * v.lengths) / len(v.x),
    "distortion": lambda v: v.error + v.spread,
}
LOSS_STEPS: dict[str, Step] = {
    "constant": lambda v: v.x.shape[1] * np.log(2 * np.pi * v.sigma2),
    "scale": lambda v: v.sigma2,
    "rec_half": lambda v: 0.5,
    "reconstruction": lambda v: v.rec_half * (v.constant + v.distortion / v.scale),
    "kl_half": lambda v: 0.5,
    "kl": lambda v: v.kl_half * np.sum(v.mu**2 + np.exp(v.logvar) - 1 - v.logvar) / len(v.x),
    "rec_weight": lambda v: 1.0,
    "kl_weight": lambda v: v.beta,
    "loss": lambda v: v.rec_weight * v.reconstruction + v.kl_weight * v.kl,
}
BEST_STEPS: dict[str, Step] = {
    "count": lambda v: v.x.shape[1],
    "sigma2": lambda v: v.distortion / v.count,
}

DISTORTION_MISTAKES = (
    Mistake(
        "LV30",
        "z is put at its mean: the spread of z is forgotten",
        "mean over b of |x − Wm|²",
        DISTORTION,
        "Two encoders have the same m, one is sure of it and one is not. Who reconstructs better from a drawn z?",
        "z_j = m_j + √s_j ε_j. The mean of the square has an extra term, E|Σ_j √s_j ε_j w_j|² = Σ_j s_j |w_j|².",
        changes=({"spread": lambda v: 0.0},),
    ),
    Mistake(
        "LV31",
        "the standard deviations of z, not its variances",
        "… + Σ_j √s_j |w_j|²",
        DISTORTION,
        "Which power of ε stands in |√s ε w|²? And so which power of √s?",
        "The variance is exp(logvar); exp(logvar/2) is its root.",
        changes=({"spread_of_z": lambda v: np.exp(v.logvar / 2)},),
    ),
    Mistake(
        "LV32",
        "the lengths of the columns are not squared",
        "… + Σ_j s_j |w_j|",
        DISTORTION,
        "By which factor does the variance of Wz grow if W is doubled?",
        "|√s_j ε_j w_j|² = s_j ε_j² |w_j|²: everything is squared.",
        changes=({"lengths": lambda v: np.sqrt(np.sum(v.W**2, axis=0))},),
    ),
    Mistake(
        "LV33",
        "the spread is counted D times: noise of z, not of Wz, in each pixel",
        "… + D Σ_j s_j",
        DISTORTION,
        "How far does x̂ move if z_j moves by one? Where in your formula is W?",
        "z_j moves x̂ along the column w_j, by |w_j|.",
        changes=({"lengths": lambda v: np.full(v.W.shape[1], float(v.x.shape[1]))},),
    ),
)


def _case(rng: Rng) -> Arguments:
    x, W, mu = 2 * rng.standard_normal((B, D)), rng.standard_normal((D, L)), rng.standard_normal((B, L))
    return x, W, mu, rng.uniform(-2.0, 1.5, (B, L))


def _loss_case(rng: Rng) -> Arguments:
    return (*_case(rng), float(rng.uniform(0.2, 0.6)), float(rng.uniform(1.5, 3.0)))


def _kl_squares(v: Values) -> Array:
    return 0.5 * np.sum(v.mu**2 + np.exp(v.logvar)) / len(v.x)


register(
    Exercise(
        name="linear_vae_loss",
        reference=linear_vae_loss,
        cases=_loss_case,
        returns=("distortion", "reconstruction", "kl", "loss"),
        sizes=SIZES,
        program=Program(
            DISTORTION_STEPS | LOSS_STEPS,
            ("x", "W", "mu", "logvar", "sigma2", "beta"),
            {name: name for name in ("distortion", "reconstruction", "kl", "loss")},
        ),
        mistakes=(
            *DISTORTION_MISTAKES,
            Mistake(
                "LV34",
                "log 2πσ² is counted once, not D times",
                "½ (log 2πσ² + distortion/σ²)",
                RECONSTRUCTION,
                "How many pixels has x? Each has a density, and a normalising constant, of its own.",
                "The sum over pixels makes D log 2πσ² of it.",
                changes=({"constant": lambda v: np.log(2 * np.pi * v.sigma2)},),
            ),
            Mistake(
                "LV35",
                "divided by σ, not by σ²",
                "½ (D log 2πσ² + distortion/σ)",
                RECONSTRUCTION,
                "The distortion is a square. In which unit must it be counted to give a number without a unit?",
                "sigma2 is σ²; divide by it as it is.",
                changes=({"scale": lambda v: np.sqrt(v.sigma2)},),
            ),
            Mistake(
                "LV36",
                "the ½ of the log-density is missing",
                "D log 2πσ² + distortion/σ²",
                RECONSTRUCTION,
                "What is −log N(x; 0, σ²) for one pixel?",
                "−log N = ½ (log 2πσ² + x²/σ²).",
                changes=({"rec_half": lambda v: 1.0},),
            ),
            Mistake(
                "K1",
                "no ½ in the KL term",
                "Σ_j (m_j² + s_j − 1 − log s_j)",
                KL,
                "What is the KL divergence for m = 2 and s = 1? It is ½ of a squared distance.",
                "The ½ comes from the ½ in the exponent of the normal density.",
                changes=({"kl_half": lambda v: 1.0},),
            ),
            Mistake(
                "K16",
                "β is never applied",
                "reconstruction + KL",
                "reconstruction + β · KL",
                "Does your loss change when β does?",
                "Only the loss holds β. The KL term itself is returned without it.",
                changes=({"kl_weight": lambda v: 1.0},),
            ),
            Mistake(
                "K17",
                "β on the reconstruction",
                "β · reconstruction + KL",
                "reconstruction + β · KL",
                "Which of the two terms should weigh more if β is large?",
                "β multiplies the KL term.",
                changes=({"kl_weight": lambda v: 1.0, "rec_weight": lambda v: v.beta},),
            ),
        ),
        terms={
            "kl": (
                Term("½ Σ (m² + s)", _kl_squares),
                Term("−½ L", lambda v: -0.5 * v.mu.shape[1]),
                Term("−½ Σ log s", lambda v: -0.5 * np.sum(v.logvar) / len(v.x)),
            ),
            "loss": (
                Term("reconstruction", lambda v: v.reconstruction),
                Term("β · KL", lambda v: v.beta * v.kl),
            ),
        },
    )
)

register(
    Exercise(
        name="best_sigma2",
        reference=best_sigma2,
        cases=_case,
        returns=("sigma2",),
        sizes=SIZES,
        program=Program(DISTORTION_STEPS | BEST_STEPS, ("x", "W", "mu", "logvar"), {"sigma2": "sigma2"}),
        mistakes=(
            *DISTORTION_MISTAKES,
            Mistake(
                "LV37",
                "not divided by the number of pixels",
                "σ² = distortion",
                BEST,
                "σ² is the variance of one pixel. For how many pixels does the distortion stand?",
                "Set the derivative of D log σ² + distortion/σ² to zero.",
                changes=({"count": lambda v: 1},),
            ),
            Mistake(
                "LV38",
                "divided by D − L",
                "σ² = distortion/(D − L)",
                BEST,
                "Which number stands before log σ² in the loss?",
                "D. It is the dropped eigenvalues that have D − L in common; the distortion has more in it than those.",
                changes=({"count": lambda v: v.x.shape[1] - v.W.shape[1]},),
            ),
            Mistake(
                "LV39",
                "the standard deviation, not the variance",
                "√(distortion/D)",
                BEST,
                "Which unit has the answer, that of x or that of x²?",
                "sigma2 stands for σ².",
                changes=({"sigma2": lambda v: np.sqrt(v.distortion / v.count)},),
            ),
        ),
    )
)
