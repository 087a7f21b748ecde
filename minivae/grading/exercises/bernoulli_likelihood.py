"""Lesson 06: what coins pay for pixels, and what remains of it at best if the pixels are grey."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, Term, register
from minivae.grading.exercises.log_probability_mistakes import averaged, base_2, negative

Rng = np.random.Generator
Wrong = Callable[..., object]
PIXELS = {13: "B", 7: "D"}

COIN = "Σ −x log p − (1 − x) log(1 − p)"
FLOOR = "Σ −x log x − (1 − x) log(1 − x)"


def bernoulli_nll(logits: Array, x: Array) -> Array:
    """Σ_d softplus(l) − x·l."""
    return (np.logaddexp(0, logits) - x * logits).sum(axis=1)


def grey_bce_floor(x: Array) -> Array:
    """Σ_d −x log x − (1 − x) log(1 − x), with 0 log 0 = 0."""
    return (_x_log_x(x) + _x_log_x(1 - x)).sum(axis=1)


def _x_log_x(x: Array) -> Array:
    """−x log x, 0 at x = 0."""
    return -x * np.log(np.where(x > 0, x, 1))


def _coins(rng: Rng) -> Arguments:
    return 2 * rng.standard_normal((13, 7)), rng.integers(0, 2, (13, 7)).astype(float)


def _sure_coins(rng: Rng) -> Arguments:
    return np.tile([1000.0, -1000.0, 40.0, -40.0], (13, 1)), np.tile([0.0, 1.0, 1.0, 0.0], (13, 1))


def _coin_mistake(code: str, name: str, yours: str, question: str, more: str, wrong: Wrong) -> Mistake:
    return Mistake(code, name, yours, "Σ softplus(l) − x·l", question, more, wrong)


register(
    Exercise(
        name="bernoulli_nll",
        reference=bernoulli_nll,
        cases=_coins,
        sizes=PIXELS,
        extremes={"logits of ±40 and ±1000": _sure_coins},
        terms={
            "bernoulli_nll": (
                Term("the softplus term, Σ softplus(l)", lambda v: np.logaddexp(0, v["logits"]).sum(axis=1)),
                Term("the data term, −Σ x·l", lambda v: -(v["x"] * v["logits"]).sum(axis=1)),
            )
        },
        mistakes=(
            _coin_mistake(
                "R7",
                "the half for black pixels is forgotten",
                "Σ −x log p",
                "What does a black pixel, x = 0, cost in your formula? What should it cost where p is 0.99?",
                "The other half is −(1 − x) log(1 − p).",
                lambda logits, x: (x * np.logaddexp(0, -logits)).sum(axis=1),
            ),
            _coin_mistake(
                "Q5",
                "pixels and logits are swapped",
                "Σ softplus(x) − l·x",
                "Which of the two arguments may be any real number, and so needs the softplus?",
                "softplus belongs to the logit: log(1 + e^l).",
                lambda logits, x: (np.logaddexp(0, x) - x * logits).sum(axis=1),
            ),
            _coin_mistake(
                "Q6",
                "black and white are swapped",
                "Σ −(1 − x) log p − x log(1 − p)",
                "If the logit is large, which pixel should be cheap, a white or a black one?",
                "p = σ(l) is the probability of x = 1: pair x with log p.",
                lambda logits, x: (np.logaddexp(0, logits) - (1 - x) * logits).sum(axis=1),
            ),
            _coin_mistake(
                "R4",
                "the sigmoid is applied twice",
                "Σ softplus(σ(l)) − x·σ(l)",
                "Which number goes into the softplus, the logit or the probability?",
                "softplus(l) − x·l contains the sigmoid already.",
                lambda logits, x: bernoulli_nll(np.exp(-np.logaddexp(0, -logits)), x),
            ),
            _coin_mistake(
                "Q7",
                "plus x·l where minus x·l belongs",
                "Σ softplus(l) + x·l",
                "What does a white pixel cost as the logit grows?",
                "−log p = softplus(−l) = softplus(l) − l.",
                lambda logits, x: (np.logaddexp(0, logits) + x * logits).sum(axis=1),
            ),
            _coin_mistake(
                "R9",
                "a squared error on logits",
                "Σ ½ (l − x)²",
                "Is a logit a prediction of the pixel?",
                "The logit is log(p/(1 − p)); the loss is −log of the probability that the coin gives to x.",
                lambda logits, x: 0.5 * ((logits - x) ** 2).sum(axis=1),
            ),
            averaged("R1", bernoulli_nll, "pixels", "Σ softplus(l) − x·l"),
            negative("Q8", bernoulli_nll, "Σ softplus(l) − x·l"),
            base_2("Q9", bernoulli_nll, COIN),
        ),
    )
)

register(
    Exercise(
        name="grey_bce_floor",
        reference=grey_bce_floor,
        cases=lambda rng: (rng.uniform(0.03, 0.97, (13, 7)),),
        sizes=PIXELS,
        extremes={"pixels that are exactly 0 or 1": lambda rng: (np.tile([0.0, 1.0, 0.3], (13, 1)),)},
        mistakes=(
            Mistake(
                "R7",
                "the half with 1 − x is forgotten",
                "Σ −x log x",
                FLOOR,
                "Is your floor the same for a picture and for its negative?",
                "Grey 0.1 and grey 0.9 are the same coin with its sides renamed; both halves are needed.",
                lambda x: _x_log_x(x).sum(axis=1),
            ),
            Mistake(
                "Q10",
                "the loss at p = ½, not at the best p",
                "D · log 2",
                FLOOR,
                "Which p makes x·l − softplus(l) largest? Did you put it in?",
                "The derivative along l is σ(l) − x; it is zero at p = x.",
                lambda x: np.full(len(x), x.shape[1] * np.log(2)),
            ),
            Mistake(
                "Q11",
                "the loss at the logit l = x, not at the probability p = x",
                "Σ softplus(x) − x·x",
                FLOOR,
                "What equals the grey value at the optimum, the logit or the probability?",
                "σ(l) = x, so l = log(x/(1 − x)).",
                lambda x: bernoulli_nll(x, x),
            ),
            averaged("R1", grey_bce_floor, "pixels", FLOOR),
            negative("Q12", grey_bce_floor, FLOOR),
            base_2("Q13", grey_bce_floor, FLOOR),
        ),
    )
)
