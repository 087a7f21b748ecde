"""Lesson 12: from a table of importance weights to a figure with its standard error."""

from __future__ import annotations

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, register
from minivae.grading.exercises.marginal_likelihood import log_mean_exp
from minivae.grading.program import Program, Step

Rng = np.random.Generator
PER_IMAGE = "L_b = log (1/K) Σ_k w_kb"
ERROR = "s(L_b) / √B"


def bound_report(log_weights: Array, dimensions: int) -> tuple[Array, float, float, float]:
    """log (1/K) Σ_k w for each image; minus its mean over images, the standard error of that, and bits per dimension.

    log_weights: (K, B), in nats.
    """
    top = log_weights.max(axis=0)
    per_image = top + np.log(np.mean(np.exp(log_weights - top), axis=0))
    nats = -per_image.mean()
    return per_image, nats, per_image.std(ddof=1) / np.sqrt(len(per_image)), nats / (dimensions * np.log(2))


def _case(rng: Rng) -> Arguments:
    return rng.normal(-9.0, 2.0, 13) + rng.normal(0.0, 1.0, (5, 13)), 7


def _images(rng: Rng) -> Arguments:
    return np.array([[-900.0, -2000.0, -350.0], [-903.0, -1990.0, -349.0]]), 784


STEPS: dict[str, Step] = {
    "per_image": lambda v: log_mean_exp(v.log_weights),
    "nats": lambda v: -v.per_image.mean(),
    "scatter": lambda v: v.per_image.std(ddof=1),
    "count": lambda v: len(v.per_image),
    "error": lambda v: v.scatter / np.sqrt(v.count),
    "bits": lambda v: v.nats / (v.dimensions * np.log(2)),
}


def _mistake(code: str, name: str, yours: str, right: str, question: str, more: str, **steps: Step) -> Mistake:
    return Mistake(code, name, yours, right, question, more, changes=(steps,))


register(
    Exercise(
        name="bound_report",
        reference=bound_report,
        cases=_case,
        returns=("per_image", "nats", "error", "bits"),
        sizes={5: "K", 13: "B"},
        extremes={"log-weights of −2000, usual for images": _images},
        program=Program(
            STEPS, ("log_weights", "dimensions"), {name: name for name in ("per_image", "nats", "error", "bits")}
        ),
        mistakes=(
            _mistake(
                "I1",
                "the mean of the logarithms, not the logarithm of the mean",
                "L_b = (1/K) Σ_k log w_kb",
                PER_IMAGE,
                "Does your bound become tighter when K grows?",
                "The mean of log w is the ELBO again, whatever K. The weights are averaged before the logarithm.",
                per_image=lambda v: v.log_weights.mean(axis=0),
            ),
            _mistake(
                "I2",
                "−log K is forgotten",
                "L_b = log Σ_k w_kb",
                PER_IMAGE,
                "If all K weights are the same, what should the bound be?",
                "A mean, not a sum: otherwise the bound passes log p(x) as K grows.",
                per_image=lambda v: log_mean_exp(v.log_weights) + np.log(len(v.log_weights)),
            ),
            _mistake(
                "Y80",
                "the best of the K draws",
                "L_b = max_k log w_kb",
                PER_IMAGE,
                "If you made many more draws, would your number stay below log p(x)?",
                "The largest weight grows without end as K does; their mean does not.",
                per_image=lambda v: v.log_weights.max(axis=0),
            ),
            _mistake(
                "Y81",
                "the sign: this is the bound on log p(x), and the loss is its negative",
                "mean_b L_b",
                "−mean_b L_b",
                "Is a length in nats positive or negative here?",
                "nats = −log p(x), bounded from above by minus the bound.",
                nats=lambda v: v.per_image.mean(),
            ),
            _mistake(
                "Y82",
                "the sum over the images, not their mean",
                "−Σ_b L_b",
                "−mean_b L_b",
                "Nats per image: does your number grow with the test set?",
                "Divide by the number of images.",
                nats=lambda v: -v.per_image.sum(),
            ),
            _mistake(
                "Y83",
                "the scatter over images, not the standard error of their mean",
                "s(L_b)",
                ERROR,
                "With a hundred times as many images, is the mean better known? Does your number say so?",
                "The variance of a mean of B independent numbers is s²/B.",
                error=lambda v: v.scatter,
            ),
            _mistake(
                "Y84",
                "B·K numbers are counted, but only the B images are independent",
                "s(log w_kb) / √(BK)",
                ERROR,
                "If you made more draws of the same few images, would you know more about other images?",
                "The unit is the image: B numbers L_b, one an image.",
                scatter=lambda v: v.log_weights.std(ddof=1),
                count=lambda v: v.log_weights.size,
            ),
            _mistake(
                "Y85",
                "divided by √K, not by √B",
                "s(L_b) / √K",
                ERROR,
                "Over how many numbers is the mean taken?",
                "Over the B images.",
                count=lambda v: len(v.log_weights),
            ),
            _mistake(
                "Y86",
                "divided by √(BK): the draws are no further images",
                "s(L_b) / √(BK)",
                ERROR,
                "Over how many numbers is the mean taken?",
                "Over the B images; the K draws made each of them.",
                count=lambda v: v.log_weights.size,
            ),
            _mistake(
                "Y87",
                "B where B − 1 belongs in the standard deviation",
                "√(Σ_b (L_b − mean)²/B) / √B",
                "√(Σ_b (L_b − mean)²/(B − 1)) / √B",
                "How far does one number scatter about the mean of itself?",
                "NumPy's std divides by B unless told ddof=1.",
                scatter=lambda v: v.per_image.std(),
            ),
            _mistake(
                "Y88",
                "bits for the whole image, not for one dimension",
                "nats / log 2",
                "nats / (D·log 2)",
                "Does your number grow if the image has more pixels that cost the same?",
                "Divide by the number of dimensions, too.",
                bits=lambda v: v.nats / np.log(2),
            ),
            _mistake(
                "Y89",
                "nats for one dimension, not bits",
                "nats / D",
                "nats / (D·log 2)",
                "What should a fair coin cost in bits?",
                "1 bit = log 2 nats: divide by log 2.",
                bits=lambda v: v.nats / v.dimensions,
            ),
        ),
    )
)
