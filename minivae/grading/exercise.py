"""What an exercise is: a reference, arguments to try, the mistakes that learners make, the terms of the answer."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minivae.errors import ConfigError
from minivae.grading.program import Program, Steps, Values

Arguments = tuple[Any, ...]
Named = Mapping[str, Any]  # output name -> value, in the order of the derivation


@dataclass(frozen=True)
class Mistake:
    """One entry of the catalogue.

    Attributes:
        code: as in the catalogue, "K5".
        name: what happened, in a few words: it completes "This looks like a known mistake: ...".
        yours: the wrong formula.
        right: the right formula, to stand beside it.
        question: the first hint: a question that leads to the fix.
        more: the second hint.
        wrong: a function like the reference, with this mistake in it.
        changes: for exercises with a `Program`, instead of `wrong`: which steps the mistake replaces, and by what.
            Several entries are several ways to carry the mistake through; the first is the usual one.
    """

    code: str
    name: str
    yours: str
    right: str
    question: str
    more: str = ""
    wrong: Callable[..., Any] | None = None
    changes: tuple[Steps, ...] = ()


@dataclass(frozen=True)
class Term:
    """One term that an answer is made of, or that a wrong one may contain.

    Attributes:
        name: as the learner knows it, "the KL term, β·μ/B".
        value: from the values of the right calculation (arguments, results, steps of a program: `v.beta`, `v.mu`)
            to the term's own value.
        expected: 1 for a term that belongs there, 0 for one that does not.
        group: terms that belong together: "KL term". A factor that all of them share is told as one.
    """

    name: str
    value: Callable[[Values], Any]
    expected: float = 1.0
    group: str = ""


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    Attributes:
        name: the name of the function that the learner writes.
        reference: the right function, in plain NumPy; or a plain value, if that is what is asked for. It returns one
            array or number, or a tuple (named by `returns`), or a dict, in the order of the derivation.
        cases: from a NumPy Generator to the arguments of one call. Shapes pairwise coprime, β ≠ 1, log-variances on
            both sides of 0, or mistakes hide.
        returns: the names of the values in a tuple, or a better name for a single value.
        mistakes: the catalogue entries that can happen here.
        terms: for an output, the terms it is a sum of, for mistakes that nobody has listed.
        program: the reference cut into steps, so that mistakes can be put into it, also two at once.
        extremes: arguments where a naive formula overflows, tried when everything else is right: what they are
            (it completes "but at ...") -> arguments.
        other_forms: other names a value may be returned under -> the name here, and how to convert
            (from the value and those of the right calculation): "d_logsigma": ("d_logvar", lambda g, v: g / 2).
        sizes: what the sizes in shapes mean, {13: "B"}, to say (B, L) for (13, 5).
        statistics: for random answers: from the answer to the numbers that are compared instead of it, by name.
        seconds: how long one call may take.
        tolerance: relative to the largest entry of a value, for float64.
    """

    name: str
    reference: Any
    cases: Callable[[np.random.Generator], Arguments] = lambda rng: ()
    returns: tuple[str, ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    terms: Mapping[str, tuple[Term, ...]] = field(default_factory=dict)
    program: Program | None = None
    extremes: Mapping[str, Callable[[np.random.Generator], Arguments]] = field(default_factory=dict)
    other_forms: Mapping[str, tuple[str, Callable[[Any, Values], Any]]] = field(default_factory=dict)
    sizes: Mapping[int, str] = field(default_factory=dict)
    statistics: Callable[[Any], dict[str, Any]] | None = None
    seconds: float = 5.0
    tolerance: float = 1e-9

    @property
    def argument_names(self) -> list[str]:
        """The names of the reference's arguments."""
        return list(inspect.signature(self.reference).parameters) if callable(self.reference) else []

    def right_answer(self, arguments: Arguments) -> Any:
        """What the reference returns, in its own form."""
        return self.reference(*copy.deepcopy(arguments)) if callable(self.reference) else self.reference

    def named(self, answer: Any) -> dict[str, Any]:
        """An answer in the reference's form -> its values by name, in the order of the derivation."""
        if self.statistics is not None:
            return self.statistics(answer)
        if isinstance(answer, Mapping):
            return dict(answer)
        if isinstance(answer, tuple):
            names = self.returns or tuple(f"value {i + 1}" for i in range(len(answer)))
            return dict(zip(names, answer, strict=True))
        return {(self.returns or (self.name,))[0]: answer}

    def values(self, arguments: Arguments) -> Values:
        """All values of the right calculation by name: arguments, results, and the steps of a program."""
        if self.program is not None:
            return self.program.run(arguments)
        named = dict(zip(self.argument_names, arguments, strict=True))
        return Values(named | self.named(self.right_answer(arguments)), {})


EXERCISES: dict[str, Exercise] = {}


def register(exercise: Exercise) -> Exercise:
    """Make the exercise known to `check` under its name.

    Raises:
        ConfigError: another exercise has that name.
    """
    if exercise.name in EXERCISES:
        raise ConfigError(f"there are two exercises called {exercise.name!r}")
    EXERCISES[exercise.name] = exercise
    return exercise
