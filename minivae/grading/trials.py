"""Answers to try the grader with: known mistakes, mistakes that nobody listed, and right answers in other forms."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from minivae.autodiff import Tensor
from minivae.grading.changes import Change, changes, outputs
from minivae.grading.checker import load
from minivae.grading.compare import plain
from minivae.grading.exercise import EXERCISES, Exercise
from minivae.grading.judge import case

Function = Callable[..., Any]


def functions() -> list[Exercise]:
    """All exercises that ask for a function."""
    load()
    return [exercise for exercise in EXERCISES.values() if callable(exercise.reference)]


def answering(exercise: Exercise, values: Callable[[Any], dict[str, Any]]) -> Function:
    """A function with the reference's signature and form of answer; `values` are its results, by name."""
    form = exercise.right_answer(case(exercise, 0))

    def function(*arguments: Any) -> Any:
        results = values(arguments)
        if isinstance(form, dict):
            return results
        return tuple(results.values()) if isinstance(form, tuple) else next(iter(results.values()))

    function.__signature__ = inspect.signature(exercise.reference)  # type: ignore[attr-defined]
    return function


def injected(exercise: Exercise, made: Sequence[Change]) -> Function | None:
    """An answer with these mistakes in it; None if they cannot be put together."""
    if exercise.statistics is not None:
        return made[0].mistake.wrong
    names = list(exercise.named(exercise.right_answer(case(exercise, 0))))

    def values(arguments: Any) -> dict[str, Any]:
        version = outputs(exercise, made, arguments)
        assert version is not None
        return {name: version[name] for name in names}

    try:
        wrong = outputs(exercise, made, case(exercise, 0))
    except TypeError:
        wrong = None
    return None if wrong is None else answering(exercise, values)


def usual(exercise: Exercise) -> list[Change]:
    """The usual way to make each mistake."""
    first: dict[str, Change] = {}
    for change in changes(exercise):
        first.setdefault(change.mistake.code, change)
    return list(first.values())


def unknown(exercise: Exercise, rng: np.random.Generator) -> Iterator[tuple[str, Function, dict[str, float]]]:
    """Answers that are wrong in ways nobody listed: what was done, the answer, the coefficients to be found."""
    for output, terms in exercise.terms.items():
        for term in terms:
            factor = float(rng.uniform(0.2, 0.9) if rng.uniform() < 0.5 else rng.uniform(1.1, 2.9))
            coefficient = factor if term.expected else factor - 1
            kind = "a term scaled" if term.expected else "a term too many"
            yield kind, _with(exercise, output, term.value, coefficient - term.expected), {term.name: coefficient}
    for output in exercise.terms:
        yield "something unlisted", _with(exercise, output, _wave, 0.1), {}


def _wave(v: Any) -> Any:
    """Something that is not among the terms: the sum of a wave in the first argument that is an array."""
    array = next(value for value in vars(v).values() if isinstance(value, np.ndarray))
    return np.sin(1.3 * array).sum()


def _with(exercise: Exercise, output: str, term: Callable[[Any], Any], coefficient: float) -> Function:
    def values(arguments: Any) -> dict[str, Any]:
        right = exercise.named(exercise.right_answer(arguments))
        return right | {output: right[output] + coefficient * term(exercise.values(arguments))}

    return answering(exercise, values)


FORMS: dict[str, Callable[[Any], Any]] = {
    "float32": lambda a: np.asarray(a, dtype=np.float32)[()],
    "a Tensor": lambda a: Tensor(np.asarray(a, dtype=np.float64)),
    "a list": lambda a: np.asarray(a).tolist(),
    "an extra axis in front": lambda a: np.asarray(a)[None],
    "an extra axis behind": lambda a: np.asarray(a)[..., None],
    "Fortran order": lambda a: np.asfortranarray(a),
    "rounded differently": lambda a: np.asarray(a) * (1 + 3e-15),
}


def right_forms(exercise: Exercise) -> Iterator[tuple[str, Function]]:
    """The right answer in other forms."""
    if exercise.statistics is not None:
        return
    for form, convert in FORMS.items():

        def values(arguments: Any, convert: Callable[[Any], Any] = convert) -> dict[str, Any]:
            named = exercise.named(exercise.right_answer(arguments))
            return {name: convert(plain(value)) for name, value in named.items()}

        yield form, answering(exercise, values)
