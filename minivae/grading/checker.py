"""`check`: the one line of a check cell."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from minivae.errors import ConfigError
from minivae.grading.exercise import EXERCISES, Exercise
from minivae.grading.judge import judge
from minivae.grading.verdict import Verdict

YOUR_LAST = "Your last answer again (if you have changed it since, run its own cell first):\n"


class Check:
    """Looks at an answer, prints what a good teacher would say, and gives back a function that is right.

        kl = check(kl)              the exercise has the function's name
        kl = check.kl(anything)     the exercise is named here; also for numbers and arrays
        check(kl, hint=2)           says more, also about the answer that was wrong a moment ago

    Attributes:
        last: the last verdict.
    """

    last: Verdict | None = None

    def __init__(self) -> None:
        self._not_right: dict[str, Any] = {}  # the learner's last answer to each exercise, unless it was right

    def __call__(self, answer: Any, hint: int = 1) -> Any:
        """Check an answer against the exercise that has its name.

        Args:
            answer: the learner's function.
            hint: 2 says more.

        Returns:
            The learner's function if it is right, otherwise the library's own.

        Raises:
            ConfigError: no exercise has that name.
        """
        name = getattr(answer, "__name__", None)
        load()
        for exercise in EXERCISES.values():
            if answer is exercise.reference:
                return self._check(exercise, answer, hint)
        if name is None or name == "<lambda>":
            raise ConfigError(
                f"check cannot tell which exercise this {type(answer).__name__} belongs to: "
                "write check.NAME_OF_THE_EXERCISE(...)"
            )
        return self._check(find(name), answer, hint)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            exercise = find(name)
        except ConfigError as unknown:
            raise AttributeError(str(unknown)) from None
        return lambda answer, hint=1: self._check(exercise, answer, hint)

    def __dir__(self) -> list[str]:
        load()
        return ["last", *EXERCISES]

    def _check(self, exercise: Exercise, answer: Any, hint: int) -> Any:
        verdict = self._again(exercise, hint) if answer is exercise.reference else judge(exercise, answer, hint)
        if verdict.status == "right":
            self._not_right.pop(exercise.name, None)
        elif verdict.status != "not attempted" and answer is not exercise.reference:
            self._not_right[exercise.name] = answer
        self.last = verdict
        print(verdict.text)
        return answer if verdict.status == "right" else exercise.reference

    def _again(self, exercise: Exercise, hint: int) -> Verdict:
        """After a wrong answer its name stands for the library's version; so it is the answer before that is meant."""
        if exercise.name not in self._not_right:
            return own_version(exercise)
        verdict = judge(exercise, self._not_right[exercise.name], hint)
        return replace(verdict, text=YOUR_LAST + verdict.text)


def own_version(exercise: Exercise) -> Verdict:
    """What to say when a check cell runs again, with the library's version still in the place of the learner's."""
    text = (
        f"{exercise.name}: not attempted yet. This is the library's own version, which an earlier check put here.\n"
        "Run the cell of your own function again, then this one."
    )
    return Verdict(exercise.name, "not attempted", text)


def find(name: str) -> Exercise:
    """The exercise of that name.

    Raises:
        ConfigError: there is none.
    """
    load()
    if name not in EXERCISES:
        near = difflib.get_close_matches(name, EXERCISES, n=1)
        guess = f" Did you mean {near[0]!r}?" if near else " Keep the function's name as the lesson wrote it."
        raise ConfigError(f"there is no exercise called {name!r}.{guess}")
    return EXERCISES[name]


def load() -> None:
    """Import every file of `minivae.grading.exercises`, so that each registers its own."""
    from minivae.grading.exercises import import_all

    import_all()


check = Check()
