"""The grader tested like an instrument: known mistakes, pairs, unknown ones and right answers go in; what comes out?

python -m minivae.grading.confusion [docs/grading.md]      prints the page, or writes it
"""

from __future__ import annotations

import itertools
import sys
import textwrap
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minivae.grading.changes import Change, changes, outputs, same
from minivae.grading.exercise import EXERCISES, Exercise
from minivae.grading.judge import case, judge
from minivae.grading.trials import functions, injected, right_forms, unknown, usual

PAIRS = 150  # of each exercise
PAGE = """# What the grader says, and how often it is right

A check in a lesson names a mistake only with a proof: the mistake, put into the library's own calculation, gives the
learner's numbers in every output, and taking it out of the learner's answer at other arguments leaves the right
answer, to 1e-9. Without that proof it reports what it measured. This page tests it like an instrument; it is made by

    python -m minivae.grading.confusion docs/grading.md

## What a learner reads

For an answer to `kl_backward` with the ½ lost on the way to logvar:

{example}

For one whose KL part is 3 times too large, which is no mistake of the catalogue:

{measured}

## Known mistakes

{mistakes} mistakes in {exercises} exercises, each in every way it can be made there (in the value and its gradient,
in one of them alone, carried through differently): {injected} wrong answers, of which {itself} were named as what
they are. (These answers are made with the grader's own wrong versions. The tests type each mistake of the ELBO once
more, as a line in a learner's own program, and ask for the same.)

{singles}

## Two mistakes at once

Up to {most} pairs of each exercise, chosen at random; those that cannot stand in one program together are left
out. Both are named, or neither. "Same numbers as another" is a pair of which one hides the other, or that is another
mistake of the catalogue in disguise: the answer cannot tell them apart, and neither can the grader.

Where the calculation is cut into steps (lesson 09), both mistakes run through all of it; elsewhere what the two
change is added up.

{pairs}

## Mistakes that nobody has listed

Terms of the right answer scaled by random factors, terms that do not belong there, and something else altogether.
"Measured" means that the factor was found to six digits.

{unknown}

## Right answers

{rights} right answers in other forms (float32, Tensors, lists, extra axes, another memory order, other rounding):
{accused} accused.
"""


# --- what the grader makes of one answer ----------------------------------------------------------------------


def single_outcome(exercise: Exercise, change: Change) -> str:
    """What the grader makes of one mistake."""
    verdict = judge(exercise, injected(exercise, [change]))
    return "itself" if verdict.codes == (change.mistake.code,) else "+".join(verdict.codes) or f"({verdict.status})"


def pair_outcome(exercise: Exercise, made: Sequence[Change]) -> str:
    """What the grader makes of two mistakes at once."""
    function = injected(exercise, made)
    if function is None:
        return "not possible together"
    arguments = case(exercise, 0)
    wrong = outputs(exercise, made, arguments)
    assert wrong is not None
    verdict = judge(exercise, function)
    if verdict.status == "right":
        right = exercise.named(exercise.right_answer(arguments))
        return "they cancel" if same(wrong, right) else "missed"
    if set(verdict.codes) == {change.mistake.code for change in made}:
        return "both named"
    if not verdict.codes:
        return "neither named"
    combinations = itertools.product(*([c for c in changes(exercise) if c.mistake.code == k] for k in verdict.codes))
    for other in combinations:
        version = outputs(exercise, other, arguments)
        if version is not None and same(wrong, version):
            return "same numbers as another"
    return "misnamed"


def unknown_outcome(exercise: Exercise, function: Any, coefficients: dict[str, float]) -> str:
    """What the grader makes of something that nobody listed."""
    verdict = judge(exercise, function)
    if verdict.codes:
        return "misnamed"
    found = all(abs(verdict.coefficients.get(name, np.inf) - c) < 1e-6 for name, c in coefficients.items())
    return "measured" if found and coefficients else "said to be unexplained"


# --- the page -------------------------------------------------------------------------------------------------


def page() -> str:
    """The page: one table for each question."""
    rng = np.random.Generator(np.random.Philox(5))
    singles = {name: Counter[str]() for name in _names()}
    pairs: dict[str, Counter[str]] = {}
    strange: dict[str, Counter[str]] = {}
    forms: Counter[str] = Counter()
    for exercise in functions():
        for change in changes(exercise):
            singles[change.mistake.code][single_outcome(exercise, change)] += 1
        if exercise.statistics is None:
            several = list(itertools.combinations(usual(exercise), 2))
            chosen = [several[i] for i in sorted(rng.permutation(len(several))[:PAIRS])]
            pairs[exercise.name] = Counter(pair_outcome(exercise, made) for made in chosen)
            del pairs[exercise.name]["not possible together"]
        for kind, function, coefficients in unknown(exercise, rng):
            strange.setdefault(kind, Counter())[unknown_outcome(exercise, function, coefficients)] += 1
        for function in (exercise.reference, *(function for _, function in right_forms(exercise))):
            forms[judge(exercise, function).status] += 1
    return PAGE.format(
        example=textwrap.indent(_example(2.0, 1.0), "    "),
        measured=textwrap.indent(_example(3.0, 3.0), "    "),
        singles=_singles_table(singles),
        injected=sum(outcomes.total() for outcomes in singles.values()),
        itself=sum(outcomes["itself"] for outcomes in singles.values()),
        mistakes=len(singles),
        exercises=len(functions()),
        most=PAIRS,
        pairs=_table("exercise", pairs, PAIR_OUTCOMES),
        unknown=_table("what was done", strange, ["measured", "said to be unexplained", "misnamed"]),
        rights=forms.total(),
        accused=forms.total() - forms["right"],
    )


PAIR_OUTCOMES = ["both named", "same numbers as another", "neither named", "misnamed", "they cancel", "missed"]


def _names() -> dict[str, str]:
    """The code of every mistake, and its name in the first exercise that has it."""
    found = [change.mistake for exercise in functions() for change in changes(exercise)]
    return {mistake.code: mistake.name for mistake in reversed(found)}


def _singles_table(singles: dict[str, Counter[str]]) -> str:
    names = _names()
    lines = ["| code | mistake | injected | named as itself | named as another |", "|---|---|--:|--:|---|"]
    for code in sorted(
        singles, key=lambda code: (code.rstrip("abcd0123456789"), int("0" + "".join(filter(str.isdigit, code))), code)
    ):
        others = ", ".join(f"{other} ({n})" for other, n in singles[code].items() if other != "itself")
        name = names[code].replace("|", "\\|")
        lines.append(f"| {code} | {name} | {singles[code].total()} | {singles[code]['itself']} | {others} |")
    return "\n".join(lines)


def _table(title: str, rows: dict[str, Counter[str]], outcomes: list[str]) -> str:
    lines = [f"| {title} | answers | {' | '.join(outcomes)} |", "|---|--:|" + "--:|" * len(outcomes)]
    for name, counts in rows.items():
        if counts:
            numbers = [counts.total(), *(counts[outcome] for outcome in outcomes)]
            lines.append(f"| {name} | {' | '.join(map(str, numbers))} |")
    return "\n".join(lines)


def _example(at_logvar: float, at_mu: float) -> str:
    """The verdict on a KL gradient whose parts are too large by these factors."""
    exercise = EXERCISES["kl_backward"]

    def kl_backward(mu: Any, logvar: Any, beta: float) -> Any:
        d_mu, d_logvar = exercise.reference(mu, logvar, beta)
        return at_mu * d_mu, at_logvar * d_logvar

    return judge(exercise, kl_backward).text


def main() -> None:
    """Print the page, or write it to the file named."""
    text = page()
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(text, encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
