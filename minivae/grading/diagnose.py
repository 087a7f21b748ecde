"""Which mistake is it?  Look for a wrong version with the same numbers, then prove it by undoing it elsewhere."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minivae.grading.changes import Change, agrees, changes, outputs
from minivae.grading.compare import plain, same_shape
from minivae.grading.exercise import Arguments, Exercise, Mistake, Named

AGREE = 1e-9


@dataclass(frozen=True)
class Answer:
    """What the learner's function returned for some arguments, and what is right."""

    arguments: Arguments
    got: Named
    right: Named


@dataclass(frozen=True)
class Finding:
    """The mistakes that explain an answer, where they were made, and the largest error left once they are undone."""

    mistakes: tuple[Mistake, ...]
    where: tuple[str, ...]
    left: float


def diagnose(exercise: Exercise, answers: Sequence[Answer]) -> Finding | None:
    """One mistake, or two, that turn the right answer into this one; None without a proof.

    The first answer is for looking: a wrong version must give the same numbers, all of them. The others are for the
    proof: at those arguments too, take away from the learner's answer what the mistake changes; right must remain.
    """
    first, *others = answers
    wrong = {name for name, right in first.right.items() if not agrees(first.got[name], right, right, AGREE)}
    known = [change for change in changes(exercise) if change.touches <= wrong]
    for count in (1, 2):
        for made in itertools.combinations(known, count):
            if frozenset().union(*(change.touches for change in made)) != wrong:
                continue
            if explains(exercise, made, first):
                left = max(undone(exercise, made, answer) for answer in others or answers)
                if left <= AGREE:
                    order = list(first.right)
                    made = tuple(sorted(made, key=lambda change: min(order.index(name) for name in change.touches)))
                    return Finding(tuple(c.mistake for c in made), tuple(c.where for c in made), left)
    return None


def explains(exercise: Exercise, made: Sequence[Change], answer: Answer) -> bool:
    """Whether the reference with these mistakes in it gives the learner's numbers, in every output."""
    version = outputs(exercise, made, answer.arguments)
    return version is not None and all(
        agrees(answer.got[name], version[name], right, AGREE) for name, right in answer.right.items()
    )


def undone(exercise: Exercise, made: Sequence[Change], answer: Answer) -> float:
    """The largest error, relative to the right value, after taking away what the mistakes change."""
    version = outputs(exercise, made, answer.arguments)
    assert version is not None
    worst = 0.0
    for name, value in answer.right.items():
        right = np.asarray(plain(value), dtype=np.float64)
        wrong, got = np.asarray(plain(version[name])), np.asarray(plain(answer.got[name]))
        if not same_shape(got.shape, right.shape) or not same_shape(wrong.shape, right.shape):
            return np.inf
        repaired = got.reshape(right.shape) - (wrong.reshape(right.shape) - right)
        scale = float(np.abs(right).max(initial=0.0)) or 1.0
        worst = max(worst, float(np.abs(repaired - right).max(initial=0.0)) / scale)
    return worst
