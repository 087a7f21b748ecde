"""Lessons 06 and 08: a mean and how well it is known, of one row of numbers and of each column of a table."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Exercise, Mistake, register
from minivae.grading.exercises.normal_draws import SIZES, L, N

Wrong = Callable[..., object]


def mean_and_standard_error(values: Array) -> tuple[float, float]:
    """The mean of n values, and s/√n with s² = Σ (v − mean)²/(n − 1)."""
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))


def _error_mistake(code: str, name: str, yours: str, question: str, more: str, error: Wrong) -> Mistake:
    return Mistake(code, name, yours, "s / √n", question, more, lambda values: (values.mean(), error(values)))


register(
    Exercise(
        name="mean_and_standard_error",
        reference=mean_and_standard_error,
        returns=("mean", "standard_error"),
        cases=lambda rng: (rng.standard_exponential(37) * 3 - 1,),
        mistakes=(
            _error_mistake(
                "Q39",
                "the standard deviation in place of the standard error",
                "s",
                "With a hundred times as many draws, does your number shrink? Does the mean become surer?",
                "s says how far one draw scatters; the mean of n draws scatters by s/√n.",
                lambda values: values.std(ddof=1),
            ),
            _error_mistake(
                "Q48",
                "the standard deviation (with n for n − 1) in place of the standard error",
                "√(Σ (v − mean)² / n)",
                "With a hundred times as many draws, does your number shrink? Does the mean become surer?",
                "s = values.std(ddof=1) says how far one draw scatters; the mean of n draws scatters by s/√n.",
                lambda values: values.std(),
            ),
            _error_mistake(
                "Q40",
                "divided by n, not by √n",
                "s / n",
                "The variance of a mean is s²/n. What is its root?",
                "√(s²/n) = s/√n.",
                lambda values: values.std(ddof=1) / len(values),
            ),
            _error_mistake(
                "Q41",
                "the variance of the mean: the root is missing",
                "s² / n",
                "In which unit is your number, if the values are in nats?",
                "s²/n is in nats squared; take its root.",
                lambda values: values.var(ddof=1) / len(values),
            ),
            _error_mistake(
                "Q42",
                "s² where s belongs",
                "s² / √n",
                "In which unit is your number, if the values are in nats?",
                "Use the standard deviation, values.std(ddof=1).",
                lambda values: values.var(ddof=1) / np.sqrt(len(values)),
            ),
            _error_mistake(
                "Q43",
                "n where n − 1 belongs in the standard deviation",
                "√(Σ (v − mean)² / n) / √n",
                "How far does a single value scatter about the mean of itself? What does that teach about the scatter?",
                "NumPy's std divides by n unless told ddof=1. The mean was fitted to the same values: n − 1 are free.",
                lambda values: values.std() / np.sqrt(len(values)),
            ),
            _error_mistake(
                "Q44",
                "divided by √(n − 1) on top of the n − 1 in the standard deviation",
                "s / √(n − 1)",
                "The n − 1 is in s already. By how many draws is the mean taken?",
                "s²/n is the variance of a mean of n values.",
                lambda values: values.std(ddof=1) / np.sqrt(len(values) - 1),
            ),
            Mistake(
                "Q45",
                "the median in place of the mean",
                "median(values)",
                "mean(values)",
                "Of which quantity is a KL divergence an average?",
                "An expectation is estimated by the mean, rare large values included.",
                lambda values: (np.median(values), mean_and_standard_error(values)[1]),
            ),
        ),
    )
)


def mean_with_error(x: Array) -> tuple[Array, Array]:
    """The mean over axis 0, and s/√N with s² = Σ (x − mean)²/(N − 1)."""
    return x.mean(axis=0), x.std(axis=0, ddof=1) / np.sqrt(len(x))


ERROR = "s / √N,  s² = Σ (x − mean)²/(N − 1)"
ERROR_MISTAKES = tuple(
    Mistake(code, name, yours, ERROR, question, more, wrong=lambda x, error=error: (x.mean(axis=0), error(x)))
    for code, name, yours, question, more, error in (
        (
            "M1",
            "the standard deviation of one number, not the standard error of their mean",
            "s",
            "A hundred times as many numbers: do they scatter less, or is their mean better known?",
            "The variance of a mean of N independent numbers is s²/N.",
            lambda x: x.std(axis=0, ddof=1),
        ),
        (
            "M2",
            "the variance, not the standard error",
            "s²",
            "In which unit is your error: that of x, or its square?",
            "Divide the variance by N, then take the square root.",
            lambda x: x.var(axis=0, ddof=1),
        ),
        (
            "M3",
            "the square of the standard error: the root is missing",
            "s²/N",
            "In which unit is your error: that of x, or its square?",
            "s²/N is the variance of the mean; the standard error is its root.",
            lambda x: x.var(axis=0, ddof=1) / len(x),
        ),
        (
            "M4",
            "divided by N, not by √N",
            "s / N",
            "Add the variances of N independent numbers, and divide by N². What is left?",
            "s²/N is the variance of the mean; its root is s/√N.",
            lambda x: x.std(axis=0, ddof=1) / len(x),
        ),
        (
            "M5",
            "N in place of N − 1 in the variance",
            "s / √N,  s² = Σ (x − mean)²/N",
            "With one number, N = 1: how well do you know how much such numbers scatter?",
            "x.std(axis=0, ddof=1) divides by N − 1.",
            lambda x: x.std(axis=0) / np.sqrt(len(x)),
        ),
    )
)

register(
    Exercise(
        name="mean_with_error",
        reference=mean_with_error,
        cases=lambda rng: (2 + 3 * rng.standard_normal((N, L)),),
        returns=("mean", "error"),
        sizes=SIZES,
        mistakes=ERROR_MISTAKES,
    )
)
