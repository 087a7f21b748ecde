"""Lesson 03: one step of Adam."""

from __future__ import annotations

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, Term, register
from minivae.grading.program import Program, Step, Values

Rng = np.random.Generator


def _adam_case(rng: Rng) -> Arguments:
    """Few steps so far, and a large ε, so that neither the correction nor the place of ε can hide."""
    w, m, g = rng.standard_normal((3, 7, 5))
    v = rng.uniform(0.1, 2, (7, 5))
    betas = float(rng.uniform(0.6, 0.8)), float(rng.uniform(0.85, 0.95))
    return w, m, v, int(rng.integers(2, 6)), g, float(rng.uniform(0.2, 0.6)), *betas, float(rng.uniform(0.1, 0.3))


ADAM_STEPS: dict[str, Step] = {
    "square": lambda v: v.g**2,
    "m_new": lambda v: v.beta1 * v.m + (1 - v.beta1) * v.g,
    "v_new": lambda v: v.beta2 * v.v + (1 - v.beta2) * v.square,
    "m_hat": lambda v: v.m_new / (1 - v.beta1**v.t),
    "v_hat": lambda v: v.v_new / (1 - v.beta2**v.t),
    "under": lambda v: np.sqrt(v.v_hat) + v.eps,
    "w_new": lambda v: v.w - v.lr * v.m_hat / v.under,
}


def adam_step(
    w: Array, m: Array, v: Array, t: int, g: Array, lr: float, beta1: float, beta2: float, eps: float
) -> tuple[Array, Array, Array]:
    """One step of Adam, the t-th (t = 1, 2, ...); returns the new m, v and w."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    return m, v, w - lr * m_hat / (np.sqrt(v_hat) + eps)


def _adam(v: Values) -> tuple[Array, Array, Array]:
    return adam_step(v.w, v.m, v.v, v.t, v.g, v.lr, v.beta1, v.beta2, v.eps)


def _adam_mistake(code: str, texts: tuple[str, str, str, str, str], *changes: dict[str, Step]) -> Mistake:
    name, yours, right, question, more = texts
    return Mistake(code=code, name=name, yours=yours, right=right, question=question, more=more, changes=changes)


_no_m_hat: dict[str, Step] = {"m_hat": lambda v: v.m_new}
_no_v_hat: dict[str, Step] = {"v_hat": lambda v: v.v_new}
CORRECTED = "m̂ = m/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ)"

register(
    Exercise(
        name="adam_step",
        reference=adam_step,
        cases=_adam_case,
        returns=("m", "v", "w"),
        program=Program(
            ADAM_STEPS,
            ("w", "m", "v", "t", "g", "lr", "beta1", "beta2", "eps"),
            {"m": "m_new", "v": "v_new", "w": "w_new"},
        ),
        terms={
            "m": (Term("β₁·m", lambda v: v.beta1 * v.m), Term("(1 − β₁)·g", lambda v: (1 - v.beta1) * v.g)),
            "v": (Term("β₂·v", lambda v: v.beta2 * v.v), Term("(1 − β₂)·g²", lambda v: (1 - v.beta2) * v.g**2)),
            "w": (Term("w", lambda v: v.w), Term("−lr·m̂/(√v̂ + ε)", lambda v: -v.lr * v.m_hat / v.under)),
        },
        mistakes=(
            _adam_mistake(
                "DN39",
                (
                    "no bias correction",
                    "w − lr·m/(√v + ε)",
                    "w − lr·m̂/(√v̂ + ε)",
                    "At t = 1, with m and v starting from 0, how large are m and √v beside g?",
                    f"Divide by what is missing: {CORRECTED}.",
                ),
                _no_m_hat | _no_v_hat,
            ),
            _adam_mistake(
                "DN40",
                (
                    "the bias correction of v is missing",
                    "w − lr·m̂/(√v + ε)",
                    "w − lr·m̂/(√v̂ + ε)",
                    "Both averages start at 0. How many of them do you correct?",
                    CORRECTED,
                ),
                _no_v_hat,
            ),
            _adam_mistake(
                "DN41",
                (
                    "the bias correction of m is missing",
                    "w − lr·m/(√v̂ + ε)",
                    "w − lr·m̂/(√v̂ + ε)",
                    "Both averages start at 0. How many of them do you correct?",
                    CORRECTED,
                ),
                _no_m_hat,
            ),
            _adam_mistake(
                "DN42",
                (
                    "ε inside the root",
                    "√(v̂ + ε)",
                    "√v̂ + ε",
                    "How large is √(v̂ + ε) at v̂ = 0 and ε = 1e-8? And √v̂ + ε?",
                    "1e-4 against 1e-8. Add ε after the root.",
                ),
                {"under": lambda v: np.sqrt(v.v_hat + v.eps)},
            ),
            _adam_mistake(
                "DN43",
                (
                    "the root is missing",
                    "m̂/(v̂ + ε)",
                    "m̂/(√v̂ + ε)",
                    "If all gradients are ten times as large, does your step change?",
                    "v̂ is a square; its root has the size of a gradient.",
                ),
                {"under": lambda v: v.v_hat + v.eps},
            ),
            _adam_mistake(
                "DN44",
                (
                    "the gradient not squared in v",
                    "v = β₂·v + (1 − β₂)·g",
                    "v = β₂·v + (1 − β₂)·g²",
                    "Can your v become negative? What is its root then?",
                    "v averages g².",
                ),
                {"square": lambda v: v.g},
                {"square": lambda v: np.abs(v.g)},
            ),
            _adam_mistake(
                "DN45",
                (
                    "the two betas are exchanged",
                    "β₂ for m, β₁ for v",
                    "β₁ for m, β₂ for v",
                    "Which average has the longer memory in the paper, that of g or that of g²?",
                    "That of g²: β₂ = 0.999 belongs to v.",
                ),
                {
                    "m_new": lambda v: v.beta2 * v.m + (1 - v.beta2) * v.g,
                    "v_new": lambda v: v.beta1 * v.v + (1 - v.beta1) * v.square,
                    "m_hat": lambda v: v.m_new / (1 - v.beta2**v.t),
                    "v_hat": lambda v: v.v_new / (1 - v.beta1**v.t),
                },
            ),
            _adam_mistake(
                "DN46",
                (
                    "ascent in place of descent",
                    "w + lr·m̂/(√v̂ + ε)",
                    "w − lr·m̂/(√v̂ + ε)",
                    "The gradient points to where the loss grows. Where do you want to go?",
                    "Against it: subtract.",
                ),
                {"w_new": lambda v: v.w + v.lr * v.m_hat / v.under},
            ),
            _adam_mistake(
                "DN47",
                (
                    "the steps counted from 0",
                    "1 − β^(t−1)",
                    "1 − βᵗ",
                    "What is your correction at the very first step, t = 1?",
                    "1 − β⁰ = 0, a division by 0. The first step has t = 1.",
                ),
                {
                    "m_hat": lambda v: v.m_new / (1 - v.beta1 ** (v.t - 1)),
                    "v_hat": lambda v: v.v_new / (1 - v.beta2 ** (v.t - 1)),
                },
            ),
            _adam_mistake(
                "DN48",
                (
                    "the correction without its power t",
                    "m/(1 − β₁), v/(1 − β₂)",
                    CORRECTED,
                    "After many steps, how much correction is still needed? And how much does your formula apply?",
                    "βᵗ tends to 0, and the correction disappears.",
                ),
                {"m_hat": lambda v: v.m_new / (1 - v.beta1), "v_hat": lambda v: v.v_new / (1 - v.beta2)},
            ),
            _adam_mistake(
                "DN49",
                (
                    "multiplied by the correction in place of divided",
                    "m·(1 − β₁ᵗ), v·(1 − β₂ᵗ)",
                    CORRECTED,
                    "At t = 1 the average is too small. Does your correction make it larger?",
                    "m = (1 − β₁ᵗ)·g for equal gradients, so divide by that.",
                ),
                {
                    "m_hat": lambda v: v.m_new * (1 - v.beta1**v.t),
                    "v_hat": lambda v: v.v_new * (1 - v.beta2**v.t),
                },
            ),
            _adam_mistake(
                "DN50",
                (
                    "a sum in place of the average",
                    "m = β₁·m + g, v = β₂·v + g²",
                    "m = β₁·m + (1 − β₁)·g, v = β₂·v + (1 − β₂)·g²",
                    "After many equal gradients g, is your m equal to g?",
                    "An average gives the new value the weight 1 − β.",
                ),
                {"m_new": lambda v: v.beta1 * v.m + v.g, "v_new": lambda v: v.beta2 * v.v + v.square},
                {"m_new": lambda v: v.beta1 * v.m + v.g},
                {"v_new": lambda v: v.beta2 * v.v + v.square},
            ),
            _adam_mistake(
                "DN51",
                (
                    "the gradient itself in place of its average in the step",
                    "w − lr·g/(√v̂ + ε)",
                    "w − lr·m̂/(√v̂ + ε)",
                    "Does m have any effect on your w?",
                    "The step follows m̂. (Without m this is RMSprop, with a correction.)",
                ),
                {"w_new": lambda v: v.w - v.lr * v.g / v.under},
            ),
            _adam_mistake(
                "DN54",
                (
                    "the corrected averages kept for the next step",
                    "m = m/(1 − β₁ᵗ), v = v/(1 − β₂ᵗ)",
                    CORRECTED,
                    "The next step corrects again. How often would today's gradient be corrected in the end?",
                    "Give the corrected averages names of their own, and return the others.",
                ),
                {
                    "m_new": lambda v: _adam(v)[0] / (1 - v.beta1**v.t),
                    "v_new": lambda v: _adam(v)[1] / (1 - v.beta2**v.t),
                    **_no_m_hat,
                    **_no_v_hat,
                },
            ),
            _adam_mistake(
                "DN55",
                (
                    "the results in another order",
                    "return w, m, v",
                    "return m, v, w",
                    "In which order does the docstring want the results?",
                    "First the two averages, then the weight.",
                ),
                {"m_new": lambda v: _adam(v)[2], "v_new": lambda v: _adam(v)[0], "w_new": lambda v: _adam(v)[1]},
            ),
        ),
    )
)
