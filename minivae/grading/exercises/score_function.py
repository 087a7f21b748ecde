"""Lesson 08: the score of a normal, and the estimates of a gradient that it gives."""

from __future__ import annotations

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Exercise, Mistake, Term, register
from minivae.grading.exercises.normal_draws import SIZES, Function, bumpy, draws_of_normal
from minivae.grading.program import Program, Step, Values


def score(z: Array, mu: Array, logvar: Array) -> tuple[Array, Array]:
    """∇ log q(z) with respect to μ and to logvar: (z − μ)/σ² and ½((z − μ)²/σ² − 1)."""
    s_mu = (z - mu) / np.exp(logvar)
    return s_mu, 0.5 * ((z - mu) * s_mu - 1)


def score_function_estimates(f: Function, z: Array, mu: Array, logvar: Array) -> tuple[Array, Array]:
    """f(z) times the score."""
    s_mu, s_logvar = score(z, mu, logvar)
    return f(z)[:, None] * s_mu, f(z)[:, None] * s_logvar


SCORE: dict[str, Step] = {
    "variance": lambda v: np.exp(v.logvar),
    "distance": lambda v: v.z - v.mu,
    "s_mu": lambda v: v.distance / v.variance,
    "half": lambda v: 0.5,
    "one": lambda v: 1.0,
    "per_logvar": lambda v: 1.0,
    "s_logvar": lambda v: v.half * (v.distance**2 / v.variance - v.one) * v.per_logvar,
}
ESTIMATES: dict[str, Step] = {
    "weight": lambda v: v.f(v.z)[:, None],
    "d_mu": lambda v: v.weight * v.s_mu,
    "d_logvar": lambda v: v.weight * v.s_logvar,
}


def _density(v: Values) -> Array:
    """q(z), one value for each draw."""
    return np.exp(-0.5 * np.sum(np.log(2 * np.pi) + v.logvar + v.distance**2 / v.variance, axis=1))[:, None]


S_MU, S_LOGVAR = "(z − μ)/σ²", "½((z − μ)²/σ² − 1)"

SCORE_MISTAKES = (
    Mistake(
        "S1",
        "the standard deviation is taken for the variance",
        "(z − μ)/σ",
        S_MU,
        "Which power of σ stands under (z − μ)² in log q? Does a derivative with respect to μ change it?",
        "exp(logvar) is σ², exp(logvar/2) is σ.",
        changes=(
            {"variance": lambda v: np.exp(v.logvar / 2)},
            {"s_mu": lambda v: v.distance / np.exp(v.logvar / 2)},
            {"s_logvar": lambda v: 0.5 * (v.distance**2 / np.exp(v.logvar / 2) - 1)},
        ),
    ),
    Mistake(
        "S2",
        "the sign of the inner derivative: this is the slope along z",
        "(μ − z)/σ²",
        S_MU,
        "A draw lies to the right of μ. Does its density grow or fall when μ moves to the right?",
        "d/dμ of −½(z − μ)²/σ² is +(z − μ)/σ²: two minus signs meet.",
        changes=({"s_mu": lambda v: -v.distance / v.variance},),
    ),
    Mistake(
        "S3",
        "the −1 is missing: the normalising constant depends on σ, too",
        "½(z − μ)²/σ²",
        S_LOGVAR,
        "Which mean has your score? Which must every score have?",
        "log q contains −½ logvar, which contributes −½.",
        changes=({"one": lambda v: 0.0},),
    ),
    Mistake(
        "S4",
        "the ½ is missing",
        "(z − μ)²/σ² − 1",
        S_LOGVAR,
        "With which factor do both terms stand in log q?",
        "log q = −½(log 2π + logvar + (z − μ)² e^−logvar).",
        changes=({"half": lambda v: 1.0},),
    ),
    Mistake(
        "S5",
        "the derivative with respect to σ, not to logvar",
        "((z − μ)²/σ² − 1)/σ",
        S_LOGVAR,
        "Which parameter is it that the learner of this model moves?",
        "d/dlogvar = ½ σ d/dσ. Or write σ² as e^logvar before you differentiate.",
        changes=({"half": lambda v: 1.0, "per_logvar": lambda v: np.exp(-v.logvar / 2)},),
    ),
    Mistake(
        "S6",
        "the derivative with respect to σ², not to logvar",
        "½((z − μ)²/σ² − 1)/σ²",
        S_LOGVAR,
        "Which parameter is it that the learner of this model moves?",
        "d/dlogvar = σ² d/dσ². Or write σ² as e^logvar before you differentiate.",
        changes=({"per_logvar": lambda v: np.exp(-v.logvar)},),
    ),
    Mistake(
        "S7",
        "the gradient of the density, not of its logarithm",
        "∇q",
        "∇ log q = ∇q / q",
        "What is the derivative of log q, by the chain rule?",
        "The draws come from q, which is the weight q in the integral. What is left of ∇q is ∇q/q.",
        changes=(
            {
                "s_mu": lambda v: _density(v) * v.distance / v.variance,
                "s_logvar": lambda v: _density(v) * 0.5 * (v.distance**2 / v.variance - 1),
            },
        ),
    ),
)

ESTIMATE_MISTAKES = (
    Mistake(
        "S8",
        "f is taken at the mean, not at the draw",
        "f(μ)·∇ log q(z)",
        "f(z)·∇ log q(z)",
        "Which draws does your estimate favour?",
        "f(z) says how good this draw was; f(μ) is the same for all of them, and the score alone has mean 0.",
        changes=({"weight": lambda v: v.f(v.mu[None])[:, None]},),
    ),
    Mistake(
        "S9",
        "the score alone: f is missing",
        "∇ log q(z)",
        "f(z)·∇ log q(z)",
        "What is the mean of the score?",
        "It is 0, whatever f is. Multiply by f(z).",
        changes=({"weight": lambda v: 1.0},),
    ),
    Mistake(
        "S10",
        "the wrong sign",
        "−f(z)·∇ log q(z)",
        "f(z)·∇ log q(z)",
        "Is the gradient of E[f] or of −E[f] asked for?",
        "No minus appears in ∇q = q ∇ log q.",
        changes=({"weight": lambda v: -v.f(v.z)[:, None]},),
    ),
    Mistake(
        "S11",
        "one mean of f for all draws, not the f of each",
        "mean(f)·∇ log q(z)",
        "f(z)·∇ log q(z)",
        "Is the mean of a product the product of the means?",
        "Each draw's score is weighted by that draw's own value.",
        changes=({"weight": lambda v: np.mean(v.f(v.z))},),
    ),
)


def _score_terms(weight: Step) -> dict[str, tuple[Term, ...]]:
    """What the pieces of a score are made of, each times the weight."""
    whole = "whole result"
    return {
        "mu": (Term("(z − μ)/σ²", lambda v: weight(v) * v.distance / v.variance),),
        "logvar": (
            Term("½(z − μ)²/σ²", lambda v: weight(v) * 0.5 * v.distance**2 / v.variance, group=whole),
            Term("−½", lambda v: weight(v) * -0.5 * np.ones_like(v.z), group=whole),
        ),
    }


register(
    Exercise(
        name="score",
        reference=score,
        cases=draws_of_normal,
        returns=("s_mu", "s_logvar"),
        sizes=SIZES,
        program=Program(SCORE, ("z", "mu", "logvar"), {"s_mu": "s_mu", "s_logvar": "s_logvar"}),
        mistakes=SCORE_MISTAKES,
        terms={f"s_{name}": terms for name, terms in _score_terms(lambda v: 1.0).items()},
    )
)

register(
    Exercise(
        name="score_function_estimates",
        reference=score_function_estimates,
        cases=lambda rng: (bumpy, *draws_of_normal(rng)),
        returns=("d_mu", "d_logvar"),
        sizes=SIZES,
        program=Program(SCORE | ESTIMATES, ("f", "z", "mu", "logvar"), {"d_mu": "d_mu", "d_logvar": "d_logvar"}),
        mistakes=ESTIMATE_MISTAKES + SCORE_MISTAKES,
        terms={f"d_{name}": terms for name, terms in _score_terms(lambda v: v.f(v.z)[:, None]).items()},
    )
)
