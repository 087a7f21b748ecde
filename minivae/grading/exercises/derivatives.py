"""Lesson 01: derivatives from values alone, and the best step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, register

Rng = np.random.Generator
Function = Callable[[Any], Any]


def _wave(t: Any) -> Any:
    """e^t · sin t: smooth, and no derivative of it is small where the cases are."""
    return np.exp(t) * np.sin(t)


def _line_case(rng: Rng) -> Arguments:
    """A function, a point and a step so large that rounding plays no part."""
    return _wave, float(rng.uniform(0.5, 1.5)), float(rng.uniform(0.1, 0.4))


def _bowl(x: Array) -> float:
    """A function of an array whose entries all meet each other, so that one left displaced changes every slope."""
    weights = np.arange(1.0, x.size + 1).reshape(x.shape)
    return float(np.sum(weights * np.exp(0.3 * x)) * np.cos(0.2 * np.sum(x)))


# --- references, and wrong versions that need more than a line ------------------------------------------------


def forward_difference(f: Function, x: float, h: float) -> Any:
    """(f(x+h) − f(x)) / h."""
    return (f(x + h) - f(x)) / h


def central_difference(f: Function, x: float, h: float) -> Any:
    """(f(x+h) − f(x−h)) / 2h."""
    return (f(x + h) - f(x - h)) / (2 * h)


def best_step(epsilon: float, size: float, third: float) -> Any:
    """The step where h²|f‴|/6 + ε|f|/(2h) is smallest."""
    return np.cbrt(3 * epsilon * size / (2 * third))


def complex_step(f: Function, x: float, h: float) -> Any:
    """Im f(x+ih) / h."""
    return np.imag(f(x + 1j * h)) / h


def numerical_gradient(f: Function, x: Array, h: float) -> Array:
    """Central differences, one entry after the other."""
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[index] = h
        gradient[index] = (f(x + step) - f(x - step)) / (2 * h)
    return gradient


def _left_displaced(f: Function, x: Array, h: float) -> Array:
    """Each entry stays at x − h once it was moved there."""
    gradient, moved = np.zeros_like(x), x.copy()
    for index in np.ndindex(x.shape):
        moved[index] = x[index] + h
        up = f(moved)
        moved[index] = x[index] - h
        gradient[index] = (up - f(moved)) / (2 * h)
    return gradient


def _one_sided(f: Function, x: Array, h: float) -> Array:
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[index] = h
        gradient[index] = (f(x + step) - f(x)) / h
    return gradient


# --- the exercises --------------------------------------------------------------------------------------------

register(
    Exercise(
        name="forward_difference",
        reference=forward_difference,
        cases=_line_case,
        mistakes=(
            Mistake(
                code="D1",
                name="not divided by the step",
                yours="f(x+h) − f(x)",
                right="(f(x+h) − f(x)) / h",
                question="If the step is halved, should the slope be halved too?",
                more="A slope is rise over run; the run is h.",
                wrong=lambda f, x, h: f(x + h) - f(x),
            ),
            Mistake(
                code="D2",
                name="a step to the left",
                yours="(f(x) − f(x−h)) / h",
                right="(f(x+h) − f(x)) / h",
                question="On which side of x is the second point?",
                more="This is the backward difference. It has the same order of error, with the other sign.",
                wrong=lambda f, x, h: (f(x) - f(x - h)) / h,
            ),
            Mistake(
                code="D3",
                name="the wrong sign",
                yours="(f(x) − f(x+h)) / h",
                right="(f(x+h) − f(x)) / h",
                question="For a function that grows, is your slope positive?",
                more="Later value minus earlier value.",
                wrong=lambda f, x, h: (f(x) - f(x + h)) / h,
            ),
            Mistake(
                code="D4",
                name="parentheses missing: only the second value is divided",
                yours="f(x+h) − f(x) / h",
                right="(f(x+h) − f(x)) / h",
                question="Which is done first in Python, a − or a / ?",
                more="Put the difference in parentheses.",
                wrong=lambda f, x, h: f(x + h) - f(x) / h,
            ),
        ),
    )
)

register(
    Exercise(
        name="central_difference",
        reference=central_difference,
        cases=_line_case,
        mistakes=(
            Mistake(
                code="D5",
                name="divided by h, although the two points are 2h apart",
                yours="(f(x+h) − f(x−h)) / h",
                right="(f(x+h) − f(x−h)) / 2h",
                question="How far is it from x − h to x + h?",
                more="The run is 2h.",
                wrong=lambda f, x, h: (f(x + h) - f(x - h)) / h,
            ),
            Mistake(
                code="D6",
                name="multiplied by h in place of divided: / 2 * h",
                yours="(f(x+h) − f(x−h)) / 2 · h",
                right="(f(x+h) − f(x−h)) / (2·h)",
                question="In which order does Python work out a / 2 * h?",
                more="From left to right: (a / 2) * h. Write a / (2 * h).",
                wrong=lambda f, x, h: (f(x + h) - f(x - h)) / 2 * h,
            ),
            Mistake(
                code="D7",
                name="the forward difference",
                yours="(f(x+h) − f(x)) / h",
                right="(f(x+h) − f(x−h)) / 2h",
                question="Which two points are the ends of the central secant?",
                more="Neither of them is x itself.",
                wrong=forward_difference,
            ),
            Mistake(
                code="D8",
                name="the forward difference, divided by 2h",
                yours="(f(x+h) − f(x)) / 2h",
                right="(f(x+h) − f(x−h)) / 2h",
                question="Which two points are 2h apart?",
                more="x − h and x + h.",
                wrong=lambda f, x, h: (f(x + h) - f(x)) / (2 * h),
            ),
        ),
    )
)

register(
    Exercise(
        name="best_step",
        reference=best_step,
        cases=lambda rng: tuple(float(10.0**e) for e in (rng.uniform(-5, -2), rng.uniform(-1, 1), rng.uniform(-1, 1))),
        mistakes=(
            Mistake(
                code="D9",
                name="both errors set equal in place of their slopes, or the 2 of 2h lost",
                yours="h³ = 3ε|f| / |f‴|",
                right="h³ = 3ε|f| / (2|f‴|), from E′(h) = 0",
                question="Where is the sum of two curves smallest: where they cross, or where their slopes cancel?",
                more="Differentiate both parts and set them equal: h|f‴|/3 = ε|f|/(2h²).",
                wrong=lambda epsilon, size, third: np.cbrt(3 * epsilon * size / third),
            ),
            Mistake(
                code="D11",
                name="a square root for the cube root",
                yours="h = √(3ε|f| / (2|f‴|))",
                right="h = ∛(3ε|f| / (2|f‴|))",
                question="After multiplying by h², with which power does h stand there?",
                more="h·h² = h³: take the cube root, np.cbrt.",
                wrong=lambda epsilon, size, third: np.sqrt(3 * epsilon * size / (2 * third)),
            ),
            Mistake(
                code="D12",
                name="the fraction upside down",
                yours="h³ = 2|f‴| / (3ε|f|)",
                right="h³ = 3ε|f| / (2|f‴|)",
                question="With coarser numbers (a larger ε), should the step be larger or smaller?",
                more="Rounding asks for a large step, so ε belongs above the line.",
                wrong=lambda epsilon, size, third: np.cbrt(2 * third / (3 * epsilon * size)),
            ),
        ),
    )
)

register(
    Exercise(
        name="complex_step",
        reference=complex_step,
        cases=_line_case,
        mistakes=(
            Mistake(
                code="D13",
                name="the real part, not the imaginary part",
                yours="Re f(x+ih) / h",
                right="Im f(x+ih) / h",
                question="In which part of f(x + ih) does f′(x) stand?",
                more="The real part is f(x) up to h²; the slope is in the imaginary part, times h.",
                wrong=lambda f, x, h: np.real(f(x + 1j * h)) / h,
            ),
            Mistake(
                code="D14",
                name="not divided by the step",
                yours="Im f(x+ih)",
                right="Im f(x+ih) / h",
                question="The imaginary part is h·f′(x). What is left to do?",
                more="Divide by h.",
                wrong=lambda f, x, h: np.imag(f(x + 1j * h)),
            ),
            Mistake(
                code="D15",
                name="divided by 2h",
                yours="Im f(x+ih) / 2h",
                right="Im f(x+ih) / h",
                question="Between how many points is there a difference here?",
                more="There is no second point, and no 2: the imaginary part is h·f′(x).",
                wrong=lambda f, x, h: np.imag(f(x + 1j * h)) / (2 * h),
            ),
            Mistake(
                code="D16",
                name="a real difference",
                yours="(f(x+h) − f(x)) / h",
                right="Im f(x+ih) / h",
                question="Along which axis of the complex plane is the step?",
                more="The step is 1j * h.",
                wrong=forward_difference,
            ),
        ),
    )
)

register(
    Exercise(
        name="numerical_gradient",
        reference=numerical_gradient,
        cases=lambda rng: (_bowl, rng.standard_normal((2, 3)), float(rng.uniform(0.1, 0.3))),
        mistakes=(
            Mistake(
                code="D17",
                name="an entry that was moved is not put back before the next one moves",
                yours="x₁ − h, x₂ ± h, x₃, ...",
                right="x₁, x₂ ± h, x₃, ...",
                question="When the second entry moves, where is the first?",
                more="Make a fresh array in each round, or put the old number back.",
                wrong=_left_displaced,
            ),
            Mistake(
                code="D18",
                name="forward differences",
                yours="(f(x+h·e) − f(x)) / h",
                right="(f(x+h·e) − f(x−h·e)) / 2h",
                question="Which two points does a central difference compare?",
                more="Evaluate f at x − h·e too.",
                wrong=_one_sided,
            ),
            Mistake(
                code="D19",
                name="divided by h, although the two points are 2h apart",
                yours="(f(x+h·e) − f(x−h·e)) / h",
                right="(f(x+h·e) − f(x−h·e)) / 2h",
                question="How far is it from x − h·e to x + h·e?",
                more="The run is 2h.",
                wrong=lambda f, x, h: 2 * numerical_gradient(f, x, h),
            ),
        ),
    )
)
