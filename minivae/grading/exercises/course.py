"""Lesson 00: the mean square and its gradient, the unit of a loss, an array that must stay as it is."""

from __future__ import annotations

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, Term, register

Rng = np.random.Generator
SIZES = {7: "B", 5: "D"}


def _table(rng: Rng) -> Arguments:
    """A table (7, 5) of numbers on both sides of 0, some of them larger than 1."""
    return (2 * rng.standard_normal((7, 5)),)


def mean_square(x: Array) -> Array:
    """The mean of the squares of all entries."""
    return np.mean(x**2)


def mean_square_gradient(x: Array) -> Array:
    """2·x/N."""
    return 2 * x / x.size


def nats_per_example(losses: Array) -> Array:
    """Sum over the pixels, mean over the examples."""
    return losses.sum(axis=1).mean()


def centred(x: Array) -> Array:
    """x minus the mean of each column."""
    return x - x.mean(axis=0)


register(
    Exercise(
        name="mean_square",
        reference=mean_square,
        cases=_table,
        sizes=SIZES,
        mistakes=(
            Mistake(
                code="C1",
                name="the 1/N is missing",
                yours="Σ x²",
                right="(1/N) Σ x²",
                question="Is the mean of four equal numbers four times as large as one of them?",
                more="np.sum adds up; np.mean also divides by the number of entries, x.size.",
                wrong=lambda x: np.sum(x**2),
            ),
            Mistake(
                code="C2",
                name="the square of the mean, not the mean of the squares",
                yours="((1/N) Σ x)²",
                right="(1/N) Σ x²",
                question="What should come out for x = [−1, 1]? Which comes first, squaring or adding?",
                more="Square every entry first, then take the mean.",
                wrong=lambda x: np.mean(x) ** 2,
            ),
            Mistake(
                code="C3",
                name="divided by the length of the first axis only",
                yours="Σ x² / len(x)",
                right="Σ x² / x.size",
                question="How many entries does a table of 7 rows and 5 columns have, and what is its len?",
                more="x.size is the number of entries for any shape.",
                wrong=lambda x: np.sum(x**2) / len(x),
            ),
        ),
    )
)

register(
    Exercise(
        name="mean_square_gradient",
        reference=mean_square_gradient,
        cases=_table,
        sizes=SIZES,
        terms={"mean_square_gradient": (Term("2·x/N", lambda v: 2 * v["x"] / v["x"].size),)},
        mistakes=(
            Mistake(
                code="C4",
                name="the 1/N is missing",
                yours="2·x",
                right="2·x/N",
                question="The loss is a mean over N entries. Does one entry of a thousand weigh as much as one of ten?",
                more="Differentiate (1/N) Σ x²: the factor 1/N stands in front of the sum and stays there.",
                wrong=lambda x: 2 * x,
            ),
            Mistake(
                code="C5",
                name="the 2 of the square is missing",
                yours="x/N",
                right="2·x/N",
                question="What is the derivative of x²?",
                more="d(x²)/dx = 2x; only a loss with ½ in front has the gradient x/N.",
                wrong=lambda x: x / x.size,
            ),
            Mistake(
                code="C6",
                name="divided by the length of the first axis only",
                yours="2·x / len(x)",
                right="2·x / x.size",
                question="How many entries does a table of 7 rows and 5 columns have, and what is its len?",
                more="x.size is the number of entries for any shape.",
                wrong=lambda x: 2 * x / len(x),
            ),
            Mistake(
                code="C7",
                name="the wrong sign",
                yours="−2·x/N",
                right="2·x/N",
                question="If x is positive and grows, does its square grow or shrink?",
                more="The gradient points to where the loss grows. It is descent that subtracts it, later.",
                wrong=lambda x: -2 * x / x.size,
            ),
        ),
    )
)

register(
    Exercise(
        name="nats_per_example",
        reference=nats_per_example,
        cases=lambda rng: (rng.exponential(size=(7, 5)),),
        sizes=SIZES,
        mistakes=(
            Mistake(
                code="C8",
                name="the mean over the pixels too",
                yours="(1/BD) Σ_b Σ_d ℓ",
                right="(1/B) Σ_b Σ_d ℓ",
                question="An image of twice as many pixels: does it cost as many nats, or twice as many?",
                more="Sum over axis 1 first; the mean is only over the B numbers that remain.",
                wrong=lambda losses: losses.mean(),
            ),
            Mistake(
                code="C9",
                name="the sum over the examples too",
                yours="Σ_b Σ_d ℓ",
                right="(1/B) Σ_b Σ_d ℓ",
                question="Is the loss of an example larger because other examples came with it?",
                more="Divide by the number of examples, len(losses).",
                wrong=lambda losses: losses.sum(),
            ),
            Mistake(
                code="C10",
                name="the axes are exchanged: sum over the examples, mean over the pixels",
                yours="(1/D) Σ_b Σ_d ℓ",
                right="(1/B) Σ_b Σ_d ℓ",
                question="Which axis of the table (B, D) is the pixels'?",
                more="axis=0 runs over the examples, axis=1 over the pixels.",
                wrong=lambda losses: losses.sum(axis=0).mean(),
            ),
        ),
    )
)

register(
    Exercise(
        name="centred",
        reference=centred,
        cases=lambda rng: (3 + 2 * rng.standard_normal((7, 5)),),
        sizes=SIZES,
        mistakes=(
            Mistake(
                code="C11",
                name="one mean for the whole table",
                yours="x − mean of all entries",
                right="x − mean of each column",
                question="Has each column of your result the mean 0?",
                more="x.mean() is one number; x.mean(axis=0) has one for each column.",
                wrong=lambda x: x - x.mean(),
            ),
            Mistake(
                code="C12",
                name="the mean of each row, not of each column",
                yours="x − mean of each row",
                right="x − mean of each column",
                question="Along which axis does one column run?",
                more="A column runs down the rows: axis 0.",
                wrong=lambda x: x - x.mean(axis=1, keepdims=True),
            ),
        ),
    )
)
