"""Lesson 07: the model that can be solved, z ~ N(0, 1), x ~ N(a z + b, s²): its posterior and log p(x)."""

from __future__ import annotations

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, register
from minivae.grading.program import Program, Step

Rng = np.random.Generator
LOG_2PI = float(np.log(2 * np.pi))
N = 13


def _model(rng: Rng) -> tuple[float, float, float]:
    """a, b and s²: none of them 0 or 1, a of either sign."""
    return (
        float(rng.choice([-1, 1]) * rng.uniform(1.3, 2.0)),
        float(rng.uniform(0.4, 0.9)),
        float(rng.uniform(0.2, 0.6)),
    )


def data(rng: Rng) -> Arguments:
    """x, a, b and s²."""
    a, b, s2 = _model(rng)
    return b + 1.7 * rng.standard_normal(N), a, b, s2


def gaussian_posterior(x: Array, a: float, b: float, s2: float) -> tuple[Array, float, Array]:
    """(mean, variance, log_px): p(z|x) = N(mean, variance), and log p(x)."""
    variance = 1 / (1 + a**2 / s2)
    mean = variance * a * (x - b) / s2
    total = a**2 + s2
    return mean, variance, -0.5 * (LOG_2PI + np.log(total) + (x - b) ** 2 / total)


POSTERIOR: dict[str, Step] = {
    "distance": lambda v: v.x - v.b,
    "precision": lambda v: 1 + v.a**2 / v.s2,
    "variance": lambda v: 1 / v.precision,
    "slope": lambda v: v.a / v.s2,
    "mean": lambda v: v.distance * v.slope / v.precision,
    "total": lambda v: v.a**2 + v.s2,
    "constant": lambda v: LOG_2PI,
    "log_px": lambda v: -0.5 * (v.constant + np.log(v.total) + v.distance**2 / v.total),
}

PRECISION = "1/variance = 1 + a²/s²"
LOG_PX = "log N(x; b, a² + s²)"
POSTERIOR_MISTAKES = (
    Mistake(
        "EL20",
        "the precision is returned for the variance",
        "variance = 1 + a²/s²",
        "variance = 1 / (1 + a²/s²)",
        "Does x make you surer of z than the prior was? Is your variance below 1?",
        "In −½ c z² the c is one over the variance.",
        changes=(
            {"variance": lambda v: v.precision},
            {"variance": lambda v: v.precision, "mean": lambda v: v.distance * v.slope * v.precision},
        ),
    ),
    Mistake(
        "EL21",
        "the standard deviation, not the variance",
        "1 / √(1 + a²/s²)",
        "1 / (1 + a²/s²)",
        "In −½ c z² the c is one over: the variance, or the standard deviation?",
        "The variance is asked for: no root.",
        changes=(
            {"variance": lambda v: v.precision**-0.5},
            {"variance": lambda v: v.precision**-0.5, "mean": lambda v: v.distance * v.slope * v.precision**-0.5},
        ),
    ),
    Mistake(
        "EL22",
        "the prior is missing from the precision",
        "1/variance = a²/s²",
        PRECISION,
        "If a is 0, x says nothing of z. What is the posterior then, and what is yours?",
        "log p(z) contributes −½ z²: a 1 in the precision.",
        changes=({"precision": lambda v: v.a**2 / v.s2},),
    ),
    Mistake(
        "EL23",
        "a is not squared in the precision",
        "1/variance = 1 + a/s²",
        PRECISION,
        "Which factor stands in front of z² when you expand (x − b − a z)²?",
        "(a z)² = a² z².",
        changes=({"precision": lambda v: 1 + v.a / v.s2},),
    ),
    Mistake(
        "EL24",
        "the offset b is forgotten",
        "x",
        "x − b",
        "Which x is the usual one, where z is most probably 0?",
        "x − b = a z + noise: subtract b first.",
        changes=({"distance": lambda v: v.x}, {"mean": lambda v: v.x * v.slope / v.precision}),
    ),
    Mistake(
        "EL25",
        "the factor a is missing from the mean",
        "mean = (x − b)/s² · variance",
        "mean = a (x − b)/s² · variance",
        "What is the coefficient of z in −½ (x − b − a z)²/s²? Which sign has the mean if a is negative?",
        "The mixed term is a (x − b) z / s².",
        changes=({"slope": lambda v: 1 / v.s2},),
    ),
    Mistake(
        "EL26",
        "s² is missing from the mean",
        "mean = a (x − b) · variance",
        "mean = a (x − b)/s² · variance",
        "With hardly any noise z is known: a z = x − b. Does your mean approach (x − b)/a?",
        "The mixed term is a (x − b) z / s².",
        changes=({"slope": lambda v: v.a + 0 * v.s2},),
    ),
    Mistake(
        "EL36",
        "the coefficient of z is returned for the mean",
        "mean = a (x − b)/s²",
        "mean = a (x − b)/s² · variance",
        "In log N(z; m, v), what is the coefficient of z: m, or m/v?",
        "m/v = a (x − b)/s², so multiply by the variance.",
        changes=({"mean": lambda v: v.distance * v.slope},),
    ),
    Mistake(
        "EL27",
        "log p(x) with the variance of the noise alone",
        "log N(x; b, s²)",
        LOG_PX,
        "x is b + a z + noise. Which of these vary?",
        "Variances of independent numbers add: a² + s².",
        changes=({"total": lambda v: v.s2 + 0 * v.a},),
    ),
    Mistake(
        "EL28",
        "a is not squared in the variance of x",
        "log N(x; b, |a| + s²)",
        LOG_PX,
        "What is the variance of a z, if that of z is 1?",
        "A factor comes out of a variance squared.",
        changes=({"total": lambda v: np.abs(v.a) + v.s2},),
    ),
    Mistake(
        "EL29",
        "½ log 2π is left out of log p(x)",
        "−½ (log(a² + s²) + (x − b)²/(a² + s²))",
        "−½ (log 2π + log(a² + s²) + (x − b)²/(a² + s²))",
        "Is your number the logarithm of a density, or that and a constant?",
        "It looks 0.919 nats better than it is. Constants count when numbers are compared.",
        changes=({"constant": lambda v: 0.0},),
    ),
)

register(
    Exercise(
        name="gaussian_posterior",
        reference=gaussian_posterior,
        cases=data,
        returns=("mean", "variance", "log_px"),
        sizes={N: "N"},
        program=Program(POSTERIOR, ("x", "a", "b", "s2"), {"mean": "mean", "variance": "variance", "log_px": "log_px"}),
        mistakes=POSTERIOR_MISTAKES,
    )
)
