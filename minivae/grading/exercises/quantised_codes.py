"""Lesson 05: codes rounded to a few bits each, and back."""

from __future__ import annotations

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, register
from minivae.grading.program import Program, Step

Rng = np.random.Generator


def quantise(z: Array, low: Array, high: Array, bits: int) -> tuple[Array, Array]:
    """The nearest of 2^bits equally spaced levels from low to high: its number 0 … 2^bits − 1, and its value."""
    top = 2**bits - 1
    k = np.clip(np.rint((z - low) / (high - low) * top), 0, top)
    return k, low + k * (high - low) / top


STEPS: dict[str, Step] = {
    "top": lambda v: 2**v.bits - 1,
    "place": lambda v: (v.z - v.low) / (v.high - v.low) * v.top,
    "rounded": lambda v: np.rint(v.place),
    "k": lambda v: np.clip(v.rounded, 0, v.top),
    "z_hat": lambda v: v.low + v.k * (v.high - v.low) / v.top,
}
K = "k = round((z − low)/(high − low)·(2^bits − 1))"
Z_HAT = "ẑ = low + k·(high − low)/(2^bits − 1)"


def _case(rng: Rng) -> Arguments:
    """7 codes of 5 numbers, some of them outside of low … high; 3 bits."""
    low, high = rng.uniform(-1.6, -0.9, 5), rng.uniform(0.6, 1.3, 5)
    return 1.3 * rng.standard_normal((7, 5)), low, high, 3


register(
    Exercise(
        name="quantise",
        reference=quantise,
        cases=_case,
        returns=("k", "z_hat"),
        sizes={7: "N", 5: "L"},
        program=Program(STEPS, ("z", "low", "high", "bits"), {"k": "k", "z_hat": "z_hat"}),
        mistakes=(
            Mistake(
                "AE32",
                "one level too many",
                "k = 0 … 2^bits",
                "k = 0 … 2^bits − 1",
                "How many different numbers can 3 bits hold? How many does your k take?",
                "The levels are counted from 0, so the last one is 2^bits − 1.",
                changes=({"top": lambda v: 2**v.bits},),
            ),
            Mistake(
                "AE33",
                "twice the bits, not two to the power of the bits",
                "2·bits − 1",
                "2^bits − 1",
                "How many values can a byte take?",
                "Each bit doubles their number: 8 bits hold 2^8 = 256 values.",
                changes=({"top": lambda v: 2 * v.bits - 1},),
            ),
            Mistake(
                "AE34",
                "rounded down, not to the nearest level",
                "k = floor(…)",
                K,
                "Is your error at most half a step, or up to a whole one?",
                "np.rint rounds to the nearest whole number; floor and astype(int) do not.",
                changes=({"rounded": lambda v: np.floor(v.place)}, {"rounded": lambda v: np.trunc(v.place)}),
            ),
            Mistake(
                "AE35",
                "a code outside of low … high gets a level that does not exist",
                "k < 0 or k > 2^bits − 1",
                "k clipped to 0 … 2^bits − 1",
                "A test image may have a code that no training image has. Do the bits suffice for its k?",
                "np.clip(k, 0, 2**bits − 1) after rounding.",
                changes=({"k": lambda v: v.rounded},),
            ),
            Mistake(
                "AE36",
                "low is not subtracted",
                "k = round(z/(high − low)·(2^bits − 1))",
                K,
                "Which k should z = low get?",
                "0. Measure z from low.",
                changes=({"place": lambda v: v.z / (v.high - v.low) * v.top},),
            ),
            Mistake(
                "AE37",
                "low is not added again",
                "ẑ = k·(high − low)/(2^bits − 1)",
                Z_HAT,
                "Which ẑ should k = 0 give?",
                "low: undo each step of the way there, in reverse order.",
                changes=({"z_hat": lambda v: v.k * (v.high - v.low) / v.top},),
            ),
            Mistake(
                "AE38",
                "half a step too high",
                "ẑ = low + (k + ½)·(high − low)/(2^bits − 1)",
                Z_HAT,
                "Which ẑ do you give to z = low? How large is its error?",
                "The middle of a cell belongs to codes that were rounded down. Yours went to the nearest level.",
                changes=({"z_hat": lambda v: v.low + (v.k + 0.5) * (v.high - v.low) / v.top},),
            ),
        ),
    )
)
