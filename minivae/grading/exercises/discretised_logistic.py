"""Lesson 12: the logarithm of a level's probability, exact in the tails too, and its gradient by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, register
from minivae.grading.exercises.elbo_steps import sigmoid

Rng = np.random.Generator
HALF = 0.5 / 255
LOG_P = "log [σ(b) − σ(a)],  b = (x + ½/255 − m)/s,  a = (x − ½/255 − m)/s"
SIZES = {13: "B", 7: "D"}


def logistic_log_prob(x: Array, mean: Array, log_scale: Array) -> Array:
    """log P of each grey level x = k/255, k = 0 … 255, under a logistic distribution cut into 256 cells.

    log [σ(b) − σ(a)] = −softplus(−b) − softplus(a) + log(1 − e^(a−b)); the first cell has no a, the last no b.
    """
    a, b, delta, not_black, not_white = _edges(x, mean, log_scale)
    inner = np.log(-np.expm1(-delta))
    return -not_white * np.logaddexp(0, -b) - not_black * np.logaddexp(0, a) + not_black * not_white * inner


def logistic_backward(x: Array, mean: Array, log_scale: Array) -> dict[str, Array]:
    """The gradient of log P along b, a, δ = b − a, and from them along the mean and the log-scale."""
    a, b, delta, not_black, not_white = _edges(x, mean, log_scale)
    d_b = not_white * sigmoid(-b)
    d_a = -not_black * sigmoid(a)
    d_delta = not_black * not_white * np.exp(-delta) / -np.expm1(-delta)
    return {
        "d_b": d_b,
        "d_a": d_a,
        "d_delta": d_delta,
        "d_mean": -(d_b + d_a) * np.exp(-log_scale),
        "d_log_scale": -(b * d_b + a * d_a + delta * d_delta),
    }


def _edges(x: Array, mean: Array, log_scale: Array, half: float = HALF) -> tuple[Array, ...]:
    """a, b, δ = b − a, and masks: 1 where the cell has a lower edge, 1 where it has an upper one."""
    inverse = np.exp(-np.asarray(log_scale))
    a, b = (x - half - mean) * inverse, (x + half - mean) * inverse
    has_lower, has_upper = np.asarray(x > HALF, inverse.dtype), np.asarray(x < 1 - HALF, inverse.dtype)
    return a, b, 2 * half * inverse, has_lower, has_upper


def some_levels(rng: Rng) -> Arguments:
    """Levels with black and white ones among them, means near them, scales from 0.02 to 0.4."""
    levels = rng.integers(1, 255, (13, 7))
    levels[0], levels[1] = 0, 255
    log_scale = rng.uniform(-4, -1, (13, 7))
    x = levels / 255
    return x, x + np.exp(log_scale) * rng.uniform(-2.5, 2.5, (13, 7)), log_scale


def some_tails(rng: Rng) -> Arguments:
    """Means so far away, and scales so small, that σ(b) − σ(a) rounds to 0."""
    x = np.tile([0.0, 100 / 255, 200 / 255, 1.0], (3, 1))
    return x, np.array([[7.0], [-9.0], [0.5]]) + 0 * x, np.array([[-7.0], [-5.0], [-12.0]]) + 0 * x


# --- log P -----------------------------------------------------------------------------------------------------


def _cell_mistake(
    code: str, name: str, yours: str, question: str, more: str, wrong: Callable[..., object], right: str = LOG_P
) -> Mistake:
    return Mistake(code, name, yours, right, question, more, wrong=wrong)


def _between(lower: Array, upper: Array) -> Array:
    return np.log(sigmoid(upper) - sigmoid(lower))


def _full_cells(x: Array, mean: Array, log_scale: Array) -> Array:
    """Edges one level away on either side."""
    a, b, _, not_black, not_white = _edges(x, mean, log_scale, half=2 * HALF)
    return np.log(np.where(not_white, sigmoid(b), 1.0) - np.where(not_black, sigmoid(a), 0.0))


def _shifted_cells(x: Array, mean: Array, log_scale: Array) -> Array:
    """Cells from k to k + 1."""
    _, b, delta, *_ = _edges(x + HALF, mean, log_scale)
    return np.log(np.where(x < 1 - HALF, sigmoid(b), 1.0) - np.where(x > HALF, sigmoid(b - delta), 0.0))


def _log_density(x: Array, mean: Array, log_scale: Array) -> Array:
    t = (x - mean) * np.exp(-log_scale)
    return -np.logaddexp(0, t) - np.logaddexp(0, -t) - log_scale


def _ends_exchanged(x: Array, mean: Array, log_scale: Array) -> Array:
    a, b, _, not_black, not_white = _edges(x, mean, log_scale)
    right = logistic_log_prob(x, mean, log_scale)
    return np.where(not_black == 0, -np.logaddexp(0, a), np.where(not_white == 0, -np.logaddexp(0, -b), right))


register(
    Exercise(
        name="logistic_log_prob",
        reference=logistic_log_prob,
        cases=some_levels,
        sizes=SIZES,
        extremes={"means far away and scales as small as exp(−12)": some_tails},
        mistakes=(
            _cell_mistake(
                "Y24",
                "the ends are cut off: what lies beyond 0 and 255 belongs to no level",
                "log [σ(b) − σ(a)] at levels 0 and 255, too",
                "What do your 256 probabilities sum to?",
                "Level 0 takes everything below its upper edge, level 255 everything above its lower edge.",
                lambda x, mean, log_scale: _between(*_edges(x, mean, log_scale)[:2]),
            ),
            _cell_mistake(
                "Y25",
                "the cell reaches a whole level to each side, not half of one",
                "b = (x + 1/255 − m)/s,  a = (x − 1/255 − m)/s",
                "What do your 256 probabilities sum to? How many cells cover a point between two levels?",
                "Neighbouring levels are 1/255 apart, so the edge between them is ½/255 from each.",
                _full_cells,
            ),
            _cell_mistake(
                "Y26",
                "the cell reaches from k to k + 1, not from k − ½ to k + ½",
                "b = (x + 1/255 − m)/s,  a = (x − m)/s",
                "Which numbers round to k?",
                "Those from k − ½ to k + ½: the level stands in the middle of its cell.",
                _shifted_cells,
            ),
            _cell_mistake(
                "Y27",
                "the logarithm of the density, which is no probability",
                "log f(x)",
                "What do your 256 numbers exp(log P) sum to?",
                "A density has to be integrated over the cell: F(upper edge) − F(lower edge).",
                _log_density,
            ),
            _cell_mistake(
                "Y28",
                "the density in the middle of the cell times its width",
                "log [f(x)/255]",
                "Is that the area under the curve, or that of a rectangle near it? Which area have the open ends?",
                "The area from a to b is σ(b) − σ(a), exactly; and the ends are open.",
                lambda x, mean, log_scale: _log_density(x, mean, log_scale) - np.log(255),
            ),
            _cell_mistake(
                "Y29",
                "multiplied by the scale, not divided",
                "b = (x + ½/255 − m)·s",
                "If the scale grows, should the distribution become wider or narrower?",
                "Distances are measured in units of s: divide by exp(log_scale).",
                lambda x, mean, log_scale: logistic_log_prob(x, mean, -log_scale),
            ),
            _cell_mistake(
                "Y30",
                "log_scale is read as a log-variance",
                "s = exp(log_scale/2)",
                "If log_scale is −2, what is s?",
                "s = exp(log_scale). It is no variance; nothing is halved.",
                lambda x, mean, log_scale: logistic_log_prob(x, mean, log_scale / 2),
            ),
            _cell_mistake(
                "Y31",
                "a logarithm to base 2: bits, not nats",
                "log₂ [σ(b) − σ(a)]",
                "What is the unit of a loss in this course? Which logarithm belongs to it?",
                "np.log is the natural logarithm, whose unit is the nat.",
                lambda x, mean, log_scale: logistic_log_prob(x, mean, log_scale) / np.log(2),
            ),
            _cell_mistake(
                "Y32",
                "the sign: this is −log P",
                "−log [σ(b) − σ(a)]",
                "Can the logarithm of a probability be positive?",
                "log P is at most 0. The loss, −log P, comes later.",
                lambda x, mean, log_scale: -logistic_log_prob(x, mean, log_scale),
            ),
            _cell_mistake(
                "Y34",
                "black and white are exchanged",
                "log σ(−a) at level 0, log σ(b) at level 255",
                "Black takes all that lies below its cell. Which of the two edges has it left?",
                "log P(0) = log σ(b), all below the upper edge; log P(1) = log σ(−a), all above the lower one.",
                _ends_exchanged,
            ),
            _cell_mistake(
                "Y33",
                "log(1 − e^−δ) is left out",
                "−softplus(−b) − softplus(a)",
                "If the cells were half as wide, each would have about half the probability. Does yours shrink?",
                "σ(b) − σ(a) = σ(b)·σ(−a)·(1 − e^−δ): three factors.",
                lambda x, mean, log_scale: (
                    logistic_log_prob(x, mean, log_scale)
                    - (x > HALF) * (x < 1 - HALF) * np.log(-np.expm1(-_edges(x, mean, log_scale)[2]))
                ),
            ),
        ),
    )
)
