"""What a wrong answer has in common with the right one: nothing is said that does not hold exactly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from minivae.backend import Array
from minivae.grading.compare import FLOAT32_TOLERANCE, Comparison, number


def common_likeness(calls: Sequence[Mapping[str, Comparison]], name: str) -> str:
    """The first sentence that is true of this value in every call; "" if there is none."""
    first, *others = [list(_likenesses(call, name)) for call in calls]
    return next((sentence for sentence in first if all(sentence in other for other in others)), "")


def likeness(one: Comparison) -> str:
    """The same for a value of which there is one alone."""
    return next(_of_entries(one), "") if one.expected.size > 1 and one.got is not None else ""


def _likenesses(call: Mapping[str, Comparison], name: str) -> Iterator[str]:
    one = call[name]
    if one.problem:
        return
    for other in call.values():
        if other.name != name and one.got.shape == other.expected.shape and one.got.any() and not other.problem:
            scale = np.abs(other.expected).max(initial=0.0)
            if np.abs(one.got - other.expected).max(initial=0.0) <= 1e-9 * scale:
                yield f"It is what {other.name} should be: are two names mixed up?"
    yield from _of_entries(one)


def _of_entries(one: Comparison) -> Iterator[str]:
    """Everything simple that turns the right entries into these."""
    got, right = one.got, one.expected
    slack = (FLOAT32_TOLERANCE if one.rounded else 1e-9) * np.abs(right).max(initial=0.0)

    def equal(a: Array, b: Array, scale: float = 1.0) -> bool:
        return bool(np.abs(a - b).max(initial=0.0) <= slack * max(1.0, scale))

    each, is_ = ("Every entry", "Every entry is") if right.size > 1 else ("It", "It is")
    if not right.any():
        return
    if not got.any():
        yield "All of it is zero." if right.size > 1 else "It is zero."
        return
    if equal(got, -right):
        yield "It is the right one with the other sign."
    at = np.unravel_index(np.abs(right).argmax(), right.shape)
    ratio = float(got[at] / right[at])
    if ratio and equal(got, ratio * right, abs(ratio)):
        yield f"{is_} {number(ratio)} × the right one."
    difference = float(np.mean(got - right))
    if equal(got, right + difference):
        yield f"{is_} too {'large' if difference > 0 else 'small'} by {number(abs(difference))}."
    if any(np.array_equal(got, rounded(right)) for rounded in (np.trunc, np.floor, np.rint)):
        yield f"{each} has lost its decimals: look for int(...), // or an array of integers."
    if right.ndim == 2 and right.shape[0] == right.shape[1] and equal(got, right.T):
        yield "It is the right one transposed."
    for axis in range(right.ndim):
        if equal(got, np.flip(right, axis)):
            along = f" along axis {axis}" if right.ndim > 1 else ""
            yield f"It is the right one in reverse order{along}."
    if equal(np.sort(got, axis=None), np.sort(right, axis=None)):
        yield "It has the right numbers in the wrong places."


def count(one: Comparison) -> str:
    """How many entries of how many are not right."""
    wrong = int(one.wrong.sum())
    return f"{wrong} of {one.wrong.size} entries {'is' if wrong == 1 else 'are'} not right"


def partly(one: Comparison) -> str:
    """A sentence where some of the entries are right."""
    if one.problem or one.wrong.all():
        return ""
    single = one.wrong.sum() == 1
    zero = f", and yours is 0 {'there' if single else 'in all of them'}" if not one.got[one.wrong].any() else ""
    question = "What is special about it?" if single else "What do these have in common?"
    return f"{count(one)}{zero}; the others are right. {question}"
