"""Lesson 06: mistakes in any sum of logarithms: their base, their sign, a mean in place of the sum."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Mistake


def base_2(code: str, reference: Callable[..., Array], right: str) -> Mistake:
    """Bits in place of nats."""
    return Mistake(
        code=code,
        name="a logarithm to base 2: bits, not nats",
        yours=right.replace("log", "log₂"),
        right=right,
        question="What is the unit of a loss in this course? Which logarithm belongs to it?",
        more="np.log is the natural logarithm, whose unit is the nat; 1 nat = 1/ln 2 = 1.44 bits.",
        wrong=lambda *arguments: reference(*arguments) / np.log(2),
    )


def negative(code: str, reference: Callable[..., Array], right: str) -> Mistake:
    """The whole with the other sign."""
    return Mistake(
        code=code,
        name="the sign is wrong",
        yours=f"−({right})",
        right=right,
        question="A code cannot have fewer than no symbols, and no divergence is negative. What is the sign of yours?",
        more="A loss is minus a logarithm of a probability.",
        wrong=lambda *arguments: -reference(*arguments),
    )


def averaged(code: str, reference: Callable[..., Array], what: str, sum_: str) -> Mistake:
    """The mean over axis 1 in place of the sum."""
    return Mistake(
        code=code,
        name=f"the mean over the {what} in place of their sum",
        yours=sum_.replace("Σ", "mean"),
        right=sum_,
        question=f"Of two independent {what}: is the joint probability the product, or the root of the product?",
        more=f"Probabilities of independent {what} multiply, so their logarithms add. Only examples are averaged.",
        wrong=lambda *arguments: reference(*arguments) / np.shape(arguments[0])[1],
    )
