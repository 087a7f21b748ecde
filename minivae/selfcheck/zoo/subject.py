"""What the zoo keeps: things of the library, wrong versions of each, and the trials that must tell them apart."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minivae import errors

NOTICED = (
    errors.BackendError,
    errors.ConfigError,
    errors.DataError,
    errors.DtypeError,
    errors.GraphError,
    errors.ShapeError,
    FloatingPointError,
)
"""By these the library itself notices a mistake. Any other error is a mistake in the mutant, or in the trial."""


@dataclass(frozen=True)
class Verdict:
    """What a trial says of a target: whether it passed, and in a few words what was seen."""

    passed: bool
    evidence: str


@dataclass(frozen=True)
class Trial:
    """A check with a name. `run(target, seed)` must pass for the right target."""

    name: str
    run: Callable[[Any, int], Verdict]

    def judge(self, target: Any, seed: int = 0) -> Verdict:
        """The verdict; an error by which the library notices a mistake is one, too."""
        try:
            return self.run(target, seed)
        except NOTICED as error:
            return Verdict(False, f"{type(error).__name__}: {error}".partition("\n")[0])


@dataclass(frozen=True)
class Subject:
    """Something of the library and its wrong versions.

    Attributes:
        group: 'autodiff', 'op', 'layer', 'distribution', 'objective' or 'optimiser'.
        name: its name in the library.
        target: the thing itself.
        trials: in the order in which they are held.
        mutants: what is wrong, in words, to the code that is wrong in that way. It takes the place of the target.
    """

    group: str
    name: str
    target: Any
    trials: tuple[Trial, ...]
    mutants: Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What became of one mutant, or of the right code.

    Attributes:
        subject: what it belongs to.
        mutant: its name; None for the right code.
        trial: the trial that failed; None if all passed.
        evidence: what the trial saw.
        crash: the traceback, if the mutant's code or the trial broke down.
    """

    subject: Subject
    mutant: str | None
    trial: str | None
    evidence: str = ""
    crash: str = ""

    @property
    def caught(self) -> bool:
        """Whether a trial told it from right code."""
        return self.trial is not None


def examine(subject: Subject, mutant: str | None, trials: Sequence[Trial], seed: int = 0) -> Outcome:
    """Hold the trials one after another until one fails. `mutant` None: the right code."""
    for trial in trials:
        outcome = attempt(subject, mutant, trial, seed)
        if outcome.caught or outcome.crash:
            return outcome
    return Outcome(subject, mutant, None)


def attempt(subject: Subject, mutant: str | None, trial: Trial, seed: int = 0) -> Outcome:
    """One trial of one mutant. Code that cannot even run is no mutant: it is reported, and not counted as caught."""
    target = subject.target if mutant is None else subject.mutants[mutant]
    try:
        with np.errstate(all="ignore"):
            verdict = trial.judge(target, seed)
    except Exception:
        return Outcome(subject, mutant, None, f"{trial.name} broke down", traceback.format_exc())
    return Outcome(subject, mutant, None if verdict.passed else trial.name, verdict.evidence)
