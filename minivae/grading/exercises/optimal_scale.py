"""Lesson 12: the best shared variance of a Gaussian likelihood, and the loss that is left with it."""

from __future__ import annotations

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, Term, register
from minivae.grading.program import Program, Step

Rng = np.random.Generator
VARIANCE = "σ² = (1/BD) Σ_b Σ_d (x − m)²"
NATS = "½ D (log 2πσ² + 1)"


def optimal_scale(x: Array, mean: Array) -> tuple[float, float]:
    """σ² = the mean squared error; −log N(x; mean, σ²) at it, ½ D (log 2πσ² + 1), nats per image."""
    variance = np.mean((x - mean) ** 2)
    return variance, 0.5 * x.shape[1] * (np.log(2 * np.pi * variance) + 1)


def _case(rng: Rng) -> Arguments:
    x = rng.uniform(0, 1, (13, 7))
    return x, x + 0.2 + float(rng.uniform(0.2, 0.5)) * rng.standard_normal((13, 7))


STEPS: dict[str, Step] = {
    "squares": lambda v: (v.x - v.mean) ** 2,
    "variance": lambda v: v.squares.mean(),
    "returned": lambda v: v.variance,
    "dims": lambda v: v.x.shape[1],
    "log_term": lambda v: np.log(2 * np.pi * v.variance),
    "square_term": lambda v: 1.0,
    "nats": lambda v: 0.5 * v.dims * (v.log_term + v.square_term),
}


def _mistake(code: str, name: str, yours: str, right: str, question: str, more: str, **steps: Step) -> Mistake:
    # each step is changed by itself: several are several ways to make the mistake
    return Mistake(code, name, yours, right, question, more, changes=tuple({key: step} for key, step in steps.items()))


register(
    Exercise(
        name="optimal_scale",
        reference=optimal_scale,
        cases=_case,
        returns=("variance", "nats"),
        sizes={13: "B", 7: "D"},
        program=Program(STEPS, ("x", "mean"), {"variance": "returned", "nats": "nats"}),
        terms={
            "variance": (Term("the mean squared error", lambda v: v.squares.mean()),),
            "nats": (
                Term("½ D log 2πσ²", lambda v: 0.5 * v.x.shape[1] * np.log(2 * np.pi * v.variance)),
                Term("½ D, the cost of the squares", lambda v: 0.5 * v.x.shape[1]),
            ),
        },
        mistakes=(
            _mistake(
                "Y1",
                "the squares are summed over the pixels, not averaged",
                "σ² = (1/B) Σ_b Σ_d (x − m)²",
                VARIANCE,
                "How many squares share this one σ²?",
                "B·D of them. The derivative of the loss has one −½ for each pixel of each image.",
                variance=lambda v: v.squares.sum(axis=1).mean(),
            ),
            _mistake(
                "Y2",
                "the standard deviation in place of the variance",
                "σ = √((1/BD) Σ_b Σ_d (x − m)²)",
                VARIANCE,
                "In which unit is your number: that of x, or its square?",
                "The variance is the mean square itself; its root is σ.",
                variance=lambda v: np.sqrt(v.squares.mean()),
                returned=lambda v: np.sqrt(v.variance),
            ),
            _mistake(
                "Y3",
                "the scatter of the errors about their own mean, not about 0",
                "σ² = Var(x − m)",
                VARIANCE,
                "If every reconstruction were too bright by 0.2, and otherwise perfect: what should σ² be?",
                "m is what the decoder says. What it misses by, all of it, is paid for: the mean of (x − m)².",
                variance=lambda v: (v.x - v.mean).var(),
            ),
            _mistake(
                "Y4",
                "½ of the mean squared error",
                "σ² = ½ (1/BD) Σ_b Σ_d (x − m)²",
                VARIANCE,
                "The loss has ½ log σ² and ½ (x − m)²/σ². What becomes of the two halves when you set the slope to 0?",
                "They cancel.",
                variance=lambda v: 0.5 * v.squares.mean(),
            ),
            _mistake(
                "Y5",
                "what the squares themselves cost is left out",
                "½ D log 2πσ²",
                NATS,
                "Put σ² = the mean of (x − m)² into ½ (x − m)²/σ², and average. What comes out for each pixel?",
                "½ for each pixel, whatever σ is.",
                square_term=lambda v: 0.0,
            ),
            _mistake(
                "Y6",
                "the loss of one pixel, not of an image",
                "½ (log 2πσ² + 1)",
                NATS,
                "Nats per image: are the pixels summed or averaged?",
                "Each of the D pixels has a density of its own; their logarithms add.",
                dims=lambda v: 1,
            ),
            _mistake(
                "Y7",
                "the loss of the whole batch, not of an image",
                "½ B D (log 2πσ² + 1)",
                NATS,
                "If the same batch came twice, should the loss for each image change?",
                "Sum over pixels, mean over the batch.",
                dims=lambda v: v.x.size,
            ),
            _mistake(
                "Y8",
                "log 2π is left out",
                "½ D (log σ² + 1)",
                NATS,
                "Is your number a negative log-density, or that plus a constant?",
                "It changes no gradient; but the number cannot be turned into bits without it.",
                log_term=lambda v: np.log(v.variance),
            ),
            _mistake(
                "Y9",
                "½ too often: log σ where log σ² belongs",
                "½ D (½ log 2πσ² + 1)",
                NATS,
                "log √(2πσ²) = ½ log 2πσ². Where is that ½ in your formula, and is it there twice?",
                "½ D stands in front already.",
                log_term=lambda v: 0.5 * np.log(2 * np.pi * v.variance),
            ),
        ),
    )
)
