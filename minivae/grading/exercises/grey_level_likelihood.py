"""Lesson 06: the probabilities of 256 grey levels, cut out of one continuous distribution."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Exercise, Mistake, register

Wrong = Callable[..., object]


def level_probabilities(mean: float, scale: float) -> Array:
    """F(upper edge) − F(lower edge) of 256 levels, F the logistic distribution function; the ends are open."""
    below = _logistic(((np.arange(255) + 0.5) / 255 - mean) / scale)
    return np.diff(np.concatenate([[0.0], below, [1.0]]))


def _logistic(t: Array) -> Array:
    return np.exp(-np.logaddexp(0, -t))


def _cells(edges: Array, mean: float, scale: float) -> Array:
    """F(upper) − F(lower) of each cell, without open ends."""
    return np.diff(_logistic((edges - mean) / scale))


def _logistic_density(t: Array) -> Array:
    return _logistic(t) * _logistic(-t)


def _level_mistake(code: str, name: str, yours: str, question: str, more: str, wrong: Wrong) -> Mistake:
    return Mistake(code, name, yours, "F((k+½)/255) − F((k−½)/255), open ends", question, more, wrong)


register(
    Exercise(
        name="level_probabilities",
        reference=level_probabilities,
        cases=lambda rng: (float(rng.uniform(0.2, 0.8)), float(rng.uniform(0.05, 0.3))),
        mistakes=(
            _level_mistake(
                "Q24",
                "the ends are cut off: what lies beyond 0 and 255 belongs to no level",
                "F((k+½)/255) − F((k−½)/255) at k = 0 and 255, too",
                "What do your 256 probabilities sum to?",
                "Level 0 takes everything below its upper edge, level 255 everything above its lower edge.",
                lambda mean, scale: _cells((np.arange(257) - 0.5) / 255, mean, scale),
            ),
            _level_mistake(
                "Q25",
                "each level reaches from k to k + 1, not from k − ½ to k + ½",
                "F((k+1)/255) − F(k/255)",
                "Which numbers round to k?",
                "Those from k − ½ to k + ½: the level stands in the middle of its cell.",
                lambda mean, scale: np.diff(
                    np.concatenate([[0.0], _logistic((np.arange(1, 256) / 255 - mean) / scale), [1.0]])
                ),
            ),
            _level_mistake(
                "Q26",
                "divided by 256, although white, level 255, stands for 1",
                "F((k+½)/256) − F((k−½)/256)",
                "Which grey value does level 255 stand for, and how many steps is it from level 0?",
                "256 levels have 255 steps between them.",
                lambda mean, scale: np.diff(
                    np.concatenate([[0.0], _logistic(((np.arange(255) + 0.5) / 256 - mean) / scale), [1.0]])
                ),
            ),
            _level_mistake(
                "Q27",
                "the density in the middle of the cell times its width",
                "f(k/255) / 255",
                "Is that the area under the curve, or that of a rectangle near it? What do the 256 sum to?",
                "The area from a to b is F(b) − F(a), exactly; and the ends are open.",
                lambda mean, scale: _logistic_density((np.arange(256) / 255 - mean) / scale) / scale / 255,
            ),
            _level_mistake(
                "Q28",
                "the density at the levels, which is no probability",
                "f(k/255)",
                "What do your 256 numbers sum to?",
                "A density has to be integrated over the cell: F(upper edge) − F(lower edge).",
                lambda mean, scale: _logistic_density((np.arange(256) / 255 - mean) / scale) / scale,
            ),
            _level_mistake(
                "Q29",
                "multiplied by the scale, not divided",
                "F(t) = σ((t − m)·s)",
                "If the scale grows, should the distribution become wider or narrower?",
                "F(t) = σ((t − m)/s).",
                lambda mean, scale: level_probabilities(mean, 1 / scale),
            ),
            _level_mistake(
                "Q30",
                "the probability of this level or a lower one",
                "F((k+½)/255)",
                "F of an edge is the probability of all that lies below. How does one get that of one cell?",
                "Subtract F at the lower edge.",
                lambda mean, scale: np.cumsum(level_probabilities(mean, scale)),
            ),
        ),
    )
)
