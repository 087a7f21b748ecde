"""Lesson 06: from nats to bits per dimension."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minivae.grading.exercise import Arguments, Exercise, Mistake, register

Rng = np.random.Generator
Wrong = Callable[..., object]


def bits_per_dimension(nats: float, dimensions: int) -> float:
    """nats / (D · ln 2)."""
    return float(nats / (dimensions * np.log(2)))


def _bits_case(rng: Rng) -> Arguments:
    return float(rng.uniform(50, 500)), int(rng.integers(20, 900))


def _bits_mistake(code: str, name: str, yours: str, question: str, more: str, wrong: Wrong) -> Mistake:
    return Mistake(code, name, yours, "nats / (D · ln 2)", question, more, wrong)


register(
    Exercise(
        name="bits_per_dimension",
        reference=bits_per_dimension,
        cases=_bits_case,
        mistakes=(
            _bits_mistake(
                "Q1",
                "multiplied by ln 2 in place of divided",
                "nats · ln 2 / D",
                "A coin costs ln 2 = 0.69 nats and 1 bit. Which of the two numbers is the larger?",
                "1 bit = ln 2 nats, so a number of bits is a number of nats divided by ln 2.",
                lambda nats, dimensions: nats * np.log(2) / dimensions,
            ),
            _bits_mistake(
                "Q2",
                "bits for the whole image, not for one dimension",
                "nats / ln 2",
                "Does your number grow when the image has more pixels that cost the same?",
                "Divide by the number of dimensions, too.",
                lambda nats, dimensions: nats / np.log(2),
            ),
            _bits_mistake(
                "Q3",
                "nats, not bits",
                "nats / D",
                "What should a coin give: ½ for each side costs ln 2 nats, and how many bits?",
                "One bit: divide by ln 2.",
                lambda nats, dimensions: nats / dimensions,
            ),
            _bits_mistake(
                "Q4",
                "the logarithm was taken once more",
                "log₂(nats) / D",
                "A number of nats is a logarithm already. What happens to a length when only its unit changes?",
                "A change of unit is a factor: divide by ln 2.",
                lambda nats, dimensions: np.log2(nats) / dimensions,
            ),
        ),
    )
)
