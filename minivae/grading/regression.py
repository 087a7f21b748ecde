"""Measure an answer on the terms it should be made of: for mistakes that nobody has listed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minivae.backend import Array
from minivae.grading.compare import plain
from minivae.grading.diagnose import AGREE, Answer
from minivae.grading.exercise import Exercise, Term
from minivae.grading.program import Values


@dataclass(frozen=True)
class Measurement:
    """The coefficient found for each term, and what is left over.

    Attributes:
        output: which value was measured.
        terms: the terms, those that belong there first.
        found: a coefficient for each; right are 1 for those and 0 for the others.
        residual: the size of what is left, relative to the size of the answer.
        explained: the share of what is wrong in the answer that wrong coefficients account for.
        left: after undoing the wrong coefficients in an answer that was not used to find them: its largest error.
        by_call: where each call alone is made of the terms, but not with the same coefficients: those of each call.
    """

    output: str
    terms: tuple[Term, ...]
    found: tuple[float, ...]
    residual: float
    explained: float
    left: float
    by_call: tuple[tuple[float, ...], ...] = ()

    @property
    def exact(self) -> bool:
        """Whether the terms are all that the answer is made of, and undoing the wrong coefficients makes it right."""
        return self.left <= AGREE

    @property
    def wrong(self) -> list[tuple[Term, float]]:
        """The terms whose coefficient is not what it should be."""
        return [(t, c) for t, c in zip(self.terms, self.found, strict=True) if abs(c - t.expected) > 1e-7]


def measure(exercise: Exercise, output: str, answers: Sequence[Answer]) -> Measurement | None:
    """Least squares of the learner's values on the terms; None if the terms cannot be told apart, or are not finite.

    The last answer is kept for the proof. If the terms do not explain everything, those that belong there are fitted
    alone: the others would only take up what is unknown.
    """
    terms = exercise.terms.get(output, ())
    belonging = tuple(term for term in terms if term.expected)
    every = _fit(exercise, output, terms, answers) if terms else None
    if every is None or every.exact:
        return every
    alone = _fit(exercise, output, belonging, answers)
    calls = [_fit(exercise, output, belonging, [answer, answer]) for answer in answers[:3]]
    if alone is not None and all(one is not None and one.residual <= AGREE for one in calls):
        return replace(alone, by_call=tuple(one.found for one in calls if one is not None))
    return alone


def _fit(exercise: Exercise, output: str, terms: Sequence[Term], answers: Sequence[Answer]) -> Measurement | None:
    *used, kept = answers
    matrix = np.concatenate([_columns(exercise, output, terms, answer) for answer in used])
    target = np.concatenate([_flat(answer.got[output]) for answer in used])
    if len(matrix) != len(target) or len(target) < 2 * len(terms):
        return None
    if not (np.isfinite(matrix).all() and np.isfinite(target).all()):  # terms of the learner's own wrong values
        return None
    sizes = np.linalg.norm(matrix, axis=0)
    sizes[sizes == 0] = 1.0
    solution, _, rank, _ = np.linalg.lstsq(matrix / sizes, target, rcond=1e-10)
    if rank < len(terms):
        return None
    found = solution / sizes
    expected = np.array([term.expected for term in terms])
    size, wrong, unexplained = (
        float(np.linalg.norm(a)) for a in (target, target - matrix @ expected, target - matrix @ found)
    )
    residual, explained = unexplained / (size or 1.0), 1 - unexplained / (wrong or 1.0)
    columns = _columns(exercise, output, terms, kept)
    right = columns @ expected
    repaired = _flat(kept.got[output]) - columns @ (found - expected)
    if not np.isfinite(residual):
        return None
    left = float(np.abs(repaired - right).max(initial=0.0) / (np.abs(right).max(initial=0.0) or 1.0))
    return Measurement(output, tuple(terms), tuple(float(c) for c in found), residual, explained, left)


def _columns(exercise: Exercise, output: str, terms: Sequence[Term], answer: Answer) -> Array:
    """One column for each term, calculated from the learner's own earlier values where there is a program."""
    values = own_values(exercise, answer, output)
    return np.stack([_flat(term.value(values)) for term in terms], axis=1)


def _flat(value: Any) -> Array:
    return np.ravel(np.asarray(plain(value), dtype=np.float64))


def own_values(exercise: Exercise, answer: Answer, output: str) -> Values:
    """What a right calculation of `output` starts from, if all other outputs are as the learner has them."""
    program = exercise.program
    if program is None:
        return exercise.values(answer.arguments)
    arguments = dict(zip(program.arguments, answer.arguments, strict=True))
    own = {program.outputs[name]: plain(value) for name, value in answer.got.items() if name != output}
    return Values(arguments | own, program.steps)
