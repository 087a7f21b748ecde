"""The ways in which the mistakes of a catalogue can show in an exercise."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minivae.grading.compare import plain, same_shape
from minivae.grading.exercise import Arguments, Exercise, Mistake, Named
from minivae.grading.program import Steps

IN_VALUE = "in the value, not in its gradient"
IN_GRADIENT = "in the gradient, not in the value"


@dataclass(frozen=True)
class Change:
    """One way to make a mistake.

    Attributes:
        mistake: the entry of the catalogue.
        steps: the steps of the program that it replaces; empty where the mistake is a wrong function.
        where: "", or in which half alone it was made.
        touches: the outputs that it changes.
    """

    mistake: Mistake
    steps: Steps = field(default_factory=dict)
    where: str = ""
    touches: frozenset[str] = frozenset()


_known: dict[int, tuple[Exercise, tuple[Change, ...]]] = {}


def changes(exercise: Exercise) -> tuple[Change, ...]:
    """Every way to make each mistake that changes an output; of several with the same numbers, the first."""
    if id(exercise) not in _known:
        _known[id(exercise)] = exercise, tuple(_different(exercise))
    return _known[id(exercise)][1]


def _different(exercise: Exercise) -> Iterator[Change]:
    arguments = exercise.cases(np.random.Generator(np.random.Philox(0)))
    right = exercise.named(exercise.right_answer(arguments))
    seen: list[Named] = []
    for change in _all(exercise):
        wrong = outputs(exercise, [change], arguments)
        if wrong is None or any(same(wrong, other) for other in seen):
            continue
        touches = touched(wrong, right)
        if touches:
            seen.append(wrong)
            yield Change(change.mistake, change.steps, change.where, touches)


def _all(exercise: Exercise) -> Iterator[Change]:
    """As listed; then in the value alone, and in the gradient alone."""
    for mistake in exercise.mistakes:
        if mistake.wrong is not None:
            yield Change(mistake)
        for steps in mistake.changes:
            yield Change(mistake, steps)
    for mistake in exercise.mistakes:
        for steps in mistake.changes[:1]:
            backward = {name: step for name, step in steps.items() if name.startswith("g_")}
            forward = {name: step for name, step in steps.items() if name not in backward}
            if backward and forward:
                yield Change(mistake, forward, IN_VALUE)
                yield Change(mistake, backward, IN_GRADIENT)


def outputs(exercise: Exercise, made: Sequence[Change], arguments: Arguments) -> Named | None:
    """The outputs with these mistakes in them, by name; None if they cannot be put together here.

    In a program the steps of all are replaced, and each output is calculated when it is asked for. What wrong
    functions change is added up.
    """
    program = exercise.program
    if program is not None and all(change.steps for change in made):
        steps: dict[str, Any] = {}
        for change in made:
            if steps.keys() & change.steps.keys():
                return None
            steps |= change.steps
        lazy = LazyOutputs(program.outputs, program.run(arguments, steps))
        return lazy if len(made) > 1 or lazy.complete() else None
    if len({change.mistake.code for change in made}) < len(made):
        return None
    right = exercise.named(exercise.right_answer(arguments))
    total: dict[str, Any] = {name: np.asarray(plain(value), dtype=np.float64) for name, value in right.items()}
    for change in made:
        if change.mistake.wrong is None:
            return None
        wrong = exercise.named(change.mistake.wrong(*copy.deepcopy(arguments)))
        if len(made) == 1:
            return wrong
        for name, value in right.items():
            difference = np.asarray(plain(wrong[name])) - np.asarray(plain(value))
            if not same_shape(difference.shape, total[name].shape):
                return None
            total[name] = total[name] + difference
    return total


class LazyOutputs(dict[str, Any]):
    """The outputs of a run, each calculated when it is asked for."""

    def __init__(self, names: Any, run: Any) -> None:
        super().__init__()
        self.names, self.run = names, run

    def __missing__(self, name: str) -> Any:
        """Run the step behind the name; the run remembers its value."""
        return getattr(self.run, self.names[name])

    def complete(self) -> bool:
        """Whether the steps need nothing that this exercise does not have."""
        try:
            return all(self[name] is not None for name in self.names)
        except AttributeError:
            return False


def touched(one: Named, other: Named) -> frozenset[str]:
    """The names of the values that differ by more than rounding."""
    names = getattr(other, "names", other)
    return frozenset(name for name in names if not agrees(one[name], other[name], other[name], 1e-11))


def same(one: Named, other: Named) -> bool:
    """Whether two wrong versions give the same numbers."""
    return all(agrees(one[name], other[name], other[name], 1e-11) for name in getattr(other, "names", other))


def agrees(got: Any, wrong: Any, right: Any, tolerance: float) -> bool:
    """Equal up to rounding; the scale is the larger of both, so that a huge wrong value may round as it must."""
    got, wrong, right = np.asarray(plain(got)), np.asarray(plain(wrong)), np.asarray(plain(right))
    if not same_shape(got.shape, wrong.shape):
        return False
    scale = max(float(np.abs(wrong).max(initial=0.0)), float(np.abs(right).max(initial=0.0))) or 1.0
    return bool(np.abs(got.reshape(wrong.shape) - wrong).max(initial=0.0) <= tolerance * scale)
