"""Lesson 10: what each latent number carries, and the aggregate posterior's first two moments."""

from __future__ import annotations

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, register
from minivae.grading.program import Program, Step

Rng = np.random.Generator
SIZES = {13: "N", 5: "L"}
THRESHOLD = 0.01


def latent_report(mu: Array, logvar: Array) -> tuple[Array, Array, int]:
    """KL of each latent number, mean over images; the variance of its mean; how many of these exceed 0.01."""
    kl = 0.5 * (mu**2 + np.exp(logvar) - 1 - logvar).mean(axis=0)
    variance = mu.var(axis=0)
    return kl, variance, int((variance > THRESHOLD).sum())


def aggregate_moments(mu: Array, logvar: Array) -> tuple[Array, Array]:
    """Mean and variance of z, when first an image is drawn and then z from its q."""
    return mu.mean(axis=0), np.exp(logvar).mean(axis=0) + mu.var(axis=0)


def _codes(rng: Rng) -> Arguments:
    """Posteriors of 13 images; the means of one latent number hardly move, those of another not much."""
    mu = rng.standard_normal((13, 5)) * np.array([1.0, 0.04, 1.3, 0.3, 0.7]) + rng.uniform(0.2, 0.6, 5)
    return mu, rng.uniform(-2, 1.2, (13, 5))


REPORT: dict[str, Step] = {
    "half": lambda v: 0.5,
    "one": lambda v: 1.0,
    "bracket": lambda v: v.mu**2 + np.exp(v.logvar) - v.one - v.logvar,
    "images": lambda v: float(len(v.mu)),
    "kl": lambda v: v.half * v.bracket.sum(axis=0) / v.images,
    "variance": lambda v: v.mu.var(axis=0),
    "active": lambda v: int((v.variance > THRESHOLD).sum()),
}
KL, VARIANCE = "(1/N) Σ_n ½ (μ² + e^logvar − 1 − logvar)", "(1/N) Σ_n (μ_n − mean of μ)²"

register(
    Exercise(
        name="latent_report",
        reference=latent_report,
        cases=_codes,
        returns=("kl", "variance", "active"),
        sizes=SIZES,
        program=Program(REPORT, ("mu", "logvar"), {"kl": "kl", "variance": "variance", "active": "active"}),
        mistakes=(
            Mistake(
                "K1",
                "the ½ of the KL divergence is missing",
                "(1/N) Σ_n (μ² + e^logvar − 1 − logvar)",
                KL,
                "What is the KL of N(1, 1) from N(0, 1)?",
                "Every part of the KL divergence has the ½ of the log-density.",
                changes=({"half": lambda v: 1.0},),
            ),
            Mistake(
                "K4",
                "the −1 is missing",
                "(1/N) Σ_n ½ (μ² + e^logvar − logvar)",
                KL,
                "What should KL be where q is the prior, μ = 0 and logvar = 0? What is yours?",
                "An unused latent number must cost 0, so each of them has its −½.",
                changes=({"one": lambda v: 0.0},),
            ),
            Mistake(
                "FV20",
                "summed over the images, not averaged",
                "Σ_n …",
                KL,
                "Does your number double when the same images come twice?",
                "Mean over the images (axis 0), and no sum over the latent numbers: each has its own entry.",
                changes=({"images": lambda v: 1.0},),
            ),
            Mistake(
                "FV21",
                "the KL of the mean posterior, not the mean of the KLs",
                "KL at the mean μ and the mean logvar",
                KL,
                "One code lies at +2, another at −2. Is the price of both that of a code at 0?",
                "First the KL of each image, then the mean over images.",
                changes=(
                    {
                        "bracket": lambda v: np.broadcast_to(
                            v.mu.mean(axis=0) ** 2 + np.exp(v.logvar.mean(axis=0)) - 1 - v.logvar.mean(axis=0),
                            v.mu.shape,
                        )
                    },
                ),
            ),
            Mistake(
                "FV22",
                "the mean square in place of the variance",
                "(1/N) Σ_n μ_n²",
                VARIANCE,
                "A latent number has μ = 3 for every image. Does it tell images apart?",
                "Subtract the mean over images before you square: mu.var(axis=0).",
                changes=({"variance": lambda v: (v.mu**2).mean(axis=0)},),
            ),
            Mistake(
                "FV23",
                "the encoder's own variance in place of the variance of its means",
                "(1/N) Σ_n e^logvar",
                VARIANCE,
                "An unused latent number has σ = 1 for every image. What does your number say of it?",
                "Active is what moves from image to image: μ.",
                changes=({"variance": lambda v: np.exp(v.logvar).mean(axis=0)},),
            ),
            Mistake(
                "FV24",
                "the standard deviation in place of the variance",
                "√ of it",
                VARIANCE,
                "In which unit is the threshold of 0.01 given?",
                "Var(μ) > 0.01 is a standard deviation above 0.1.",
                changes=({"variance": lambda v: v.mu.std(axis=0)},),
            ),
        ),
    )
)

MOMENTS: dict[str, Step] = {
    "mean": lambda v: v.mu.mean(axis=0),
    "within": lambda v: np.exp(v.logvar).mean(axis=0),
    "between": lambda v: v.mu.var(axis=0),
    "variance": lambda v: v.within + v.between,
}
TOTAL = "mean of e^logvar + variance of μ"

register(
    Exercise(
        name="aggregate_moments",
        reference=aggregate_moments,
        cases=_codes,
        returns=("mean", "variance"),
        sizes=SIZES,
        program=Program(MOMENTS, ("mu", "logvar"), {"mean": "mean", "variance": "variance"}),
        mistakes=(
            Mistake(
                "FV30",
                "the spread of the means alone",
                "variance of μ",
                TOTAL,
                "If all images had the same μ, would all draws be the same?",
                "Each draw lies around its μ with the variance e^logvar: add the mean of that.",
                changes=({"within": lambda v: 0.0},),
            ),
            Mistake(
                "FV31",
                "the spread around the means alone",
                "mean of e^logvar",
                TOTAL,
                "Half of the codes are sure to be at −1, the other half at +1. Is the variance of all draws 0?",
                "The means differ from image to image: add their variance.",
                changes=({"between": lambda v: 0.0},),
            ),
            Mistake(
                "FV32",
                "the standard deviation for the variance within an image",
                "mean of e^(logvar/2) + variance of μ",
                TOTAL,
                "Which power of σ is e^(logvar/2)? Which powers may be added?",
                "Variances add. e^logvar is σ².",
                changes=({"within": lambda v: np.exp(v.logvar / 2).mean(axis=0)},),
            ),
            Mistake(
                "FV33",
                "the exponential of the mean, not the mean of the exponentials",
                "e^(mean of logvar) + variance of μ",
                TOTAL,
                "Variances 1 and 9 mixed half and half: is the mean variance 3 or 5?",
                "Exponentiate each logvar, then take the mean over images.",
                changes=({"within": lambda v: np.exp(v.logvar.mean(axis=0))},),
            ),
            Mistake(
                "FV34",
                "the mean square in place of the variance of μ",
                "mean of e^logvar + mean of μ²",
                TOTAL,
                "If every code were shifted by 3, would the draws scatter more?",
                "Subtract the mean first: mu.var(axis=0).",
                changes=({"between": lambda v: (v.mu**2).mean(axis=0)},),
            ),
            Mistake(
                "FV35",
                "log σ² added as if it were σ²",
                "mean of logvar + variance of μ",
                TOTAL,
                "Can your variance be negative?",
                "Take the exponential of logvar first.",
                changes=({"within": lambda v: v.logvar.mean(axis=0)},),
            ),
        ),
    )
)
