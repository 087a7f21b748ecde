"""From an exercise and an answer to a verdict: run it, compare it, find the mistake, measure it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from minivae.grading import report
from minivae.grading.changes import agrees
from minivae.grading.compare import NEARLY, Comparison, compare, plain
from minivae.grading.diagnose import AGREE, Answer, diagnose
from minivae.grading.exercise import Arguments, Exercise
from minivae.grading.likeness import common_likeness, partly
from minivae.grading.regression import Measurement, measure, own_values
from minivae.grading.run import Outcome, call
from minivae.grading.verdict import Verdict

CASES = 3
MOST_CASES = 120


@np.errstate(all="ignore")
def judge(exercise: Exercise, answer: Any, hint: int = 1) -> Verdict:
    """What a good teacher would say about this answer."""
    if not callable(exercise.reference):
        return judge_value(exercise, answer)
    if answer is None or answer is Ellipsis:
        return not_attempted(exercise)
    if not callable(answer):
        given = type(answer).__name__
        sentence = f"this exercise asks for a function; what came is a {given}. Give the function itself, without ()."
        return error(exercise, sentence)
    answers = []
    printed = ""
    for number in range(CASES):
        arguments = case(exercise, number)
        outcome = call(answer, arguments, exercise.seconds)
        printed = printed or outcome.printed
        if not outcome.attempted:
            return not_attempted(exercise)
        got = outcome.problem or as_named(exercise, outcome.value, arguments)
        if isinstance(got, str):
            return error(exercise, got + report.also_printed(printed))
        answers.append(Answer(arguments, got, exercise.named(exercise.right_answer(arguments))))
    verdict = verdict_on(exercise, answer, answers, outcome, hint)
    return replace(verdict, text=verdict.text + report.also_printed(printed))


def case(exercise: Exercise, number: int) -> Arguments:
    """The arguments of one call: always the same ones for the same number."""
    return exercise.cases(np.random.Generator(np.random.Philox(number + 1)))


def as_named(exercise: Exercise, value: Any, arguments: Arguments) -> dict[str, Any] | str:
    """The values of an answer by name; or the sentence on its form."""
    right = exercise.right_answer(arguments)
    if exercise.statistics is not None:
        whole = compare(exercise.name, value, right, np.inf, exercise.sizes)
        return whole.problem or exercise.named(whole.got)
    names = list(exercise.named(right))
    if isinstance(right, Mapping):
        if not isinstance(value, Mapping):
            return report.wrong_form(exercise.name, value, "a dict with the keys " + ", ".join(names))
        value = dict(value)
        for other, (name, convert) in exercise.other_forms.items():
            if name not in value and plain(value.get(other)) is not None:
                value[name] = convert(plain(value[other]), exercise.values(arguments))
        if missing := [name for name in names if name not in value]:
            return f"{exercise.name}: the dict has no {' and no '.join(map(repr, missing))}."
        return {name: value[name] for name in names}
    if isinstance(right, tuple):
        if not isinstance(value, (tuple, list)) or len(value) != len(names):
            return report.wrong_form(exercise.name, value, f"{len(names)} values: {', '.join(names)}")
        return dict(zip(names, value, strict=True))
    if isinstance(value, tuple) and len(value) == 1:
        value = value[0]
    if isinstance(value, (tuple, Mapping)):
        return report.wrong_form(exercise.name, value, "one array or number")
    return {names[0]: value}


def verdict_on(exercise: Exercise, function: Any, answers: list[Answer], outcome: Outcome, hint: int) -> Verdict:
    """The verdict on answers that have the right form."""
    compared = [compare_all(exercise, answer) for answer in answers]
    worst = [worse([one[name] for one in compared]) for name in compared[0]]  # for each output, over all cases
    wrong = [one for one in worst if not one.ok]
    if not wrong and (exercise.statistics is None or repeatable(exercise, function, answers[-1])):
        return extremes(exercise, function, max(one.error for one in worst))
    verdict = Verdict(exercise.name, "wrong", "", first_wrong=wrong[0].name if wrong else None)
    lines = [report.headline(exercise.name), *(report.table(worst) if wrong else [])]
    if outcome.warned:
        lines.append(f"NumPy warned: {outcome.warned}.")
    if not repeatable(exercise, function, answers[-1]):
        return replace(verdict, text="\n".join([*lines, report.NOT_REPEATABLE]))
    first = wrong[0]
    if any(one.problem for one in wrong):
        return replace(verdict, text="\n".join(lines))
    if any(one.rounded for one in worst):
        return replace(verdict, text="\n".join([*lines, report.SINGLE]))
    finding = diagnose(exercise, answers)
    if finding is not None:
        lines += report.named_mistakes(exercise.name, finding, hint)
        codes, names = zip(*((m.code, m.name) for m in finding.mistakes), strict=True)
        return replace(verdict, text="\n".join(lines), codes=codes, mistakes=names)
    rightly, others = follows(exercise, answers[0], worst)
    lines += report.consequences(rightly, others)
    found: list[Measurement] = []
    if first.error > NEARLY:
        found = more_measured(exercise, function, [first.name, *others], answers)
    certain = {one.name: common_likeness(compared, one.name) or partly(one) for one in wrong}
    if not found:
        return replace(verdict, text="\n".join([*lines, *report.unexplained(first, certain[first.name])]))
    lines += report.measured(found, certain)
    coefficients = {term.name: c for one in found for term, c in zip(one.terms, one.found, strict=True)}
    return replace(verdict, text="\n".join(lines), coefficients=coefficients, residual=found[0].residual)


def compare_all(exercise: Exercise, answer: Answer) -> dict[str, Comparison]:
    """Every value of one answer beside the right one, by name."""
    return {
        name: compare(name, answer.got[name], right, exercise.tolerance, exercise.sizes)
        for name, right in answer.right.items()
    }


def worse(comparisons: list[Comparison]) -> Comparison:
    """The first one that is wrong; if all are right, the one with the largest error."""
    return next((one for one in comparisons if not one.ok), max(comparisons, key=lambda one: one.error))


def repeatable(exercise: Exercise, function: Any, answer: Answer) -> bool:
    """Whether a second call with the same arguments gives the same numbers, or at least the same trouble."""
    outcome = call(function, answer.arguments, exercise.seconds)
    again = outcome.problem or as_named(exercise, outcome.value, answer.arguments)
    if isinstance(again, str):
        return False
    pairs = [(plain(again[name]), plain(value)) for name, value in answer.got.items()]
    return all(
        one is not None and np.array_equal(one, before, equal_nan=True)
        for one, before in pairs
        if before is not None and before.dtype.kind == "f"
    )


def follows(exercise: Exercise, answer: Answer, worst: Sequence[Comparison]) -> tuple[list[str], list[str]]:
    """Of the wrong values after the first one: those that follow rightly from the learner's own, and the others."""
    later = [one.name for one in worst if not one.ok][1:]
    if exercise.program is None:
        return [], []
    rightly: list[str] = []
    others: list[str] = []
    for name in later:
        expected = own_values(exercise, answer, name)[exercise.program.outputs[name]]
        (rightly if agrees(answer.got[name], expected, answer.right[name], AGREE) else others).append(name)
    return rightly, others


def more_measured(exercise: Exercise, function: Any, names: list[str], answers: list[Answer]) -> list[Measurement]:
    """Measure outputs on their terms; a value of few entries needs more calls."""
    found: list[Measurement] = []
    answers = list(answers)
    for name in names:
        rows, terms = max(1, np.size(answers[0].right[name])), len(exercise.terms.get(name, ()))
        if terms == 0 or rows * MOST_CASES < 3 * terms:
            continue
        while rows * (len(answers) - 1) < 3 * terms:
            arguments = case(exercise, len(answers))
            outcome = call(function, arguments, exercise.seconds)
            got = outcome.problem or as_named(exercise, outcome.value, arguments)
            if isinstance(got, str):
                return found
            answers.append(Answer(arguments, got, exercise.named(exercise.right_answer(arguments))))
        measurement = measure(exercise, name, answers)
        if measurement is not None:
            found.append(measurement)
    return found


def extremes(exercise: Exercise, function: Any, error_found: float) -> Verdict:
    """The answer is right on ordinary numbers: try the extreme ones."""
    for what, make in exercise.extremes.items():
        arguments = make(np.random.Generator(np.random.Philox(1)))
        outcome = call(function, arguments, exercise.seconds)
        got = outcome.problem or as_named(exercise, outcome.value, arguments)
        if isinstance(got, str):
            return error(exercise, f"right on ordinary numbers, but at {what}: {got}")
        right = exercise.named(exercise.right_answer(arguments))
        for one in compare_all(exercise, Answer(arguments, got, right)).values():
            if not one.ok:
                text = report.extreme(exercise.name, what, one, outcome.warned)
                return Verdict(exercise.name, "wrong", text, first_wrong=one.name)
    return Verdict(exercise.name, "right", report.right(exercise.name, error_found))


def judge_value(exercise: Exercise, answer: Any) -> Verdict:
    """The verdict on a plain value: a number, an array, or a word."""
    if answer is None or answer is Ellipsis:
        return not_attempted(exercise)
    reference = exercise.reference
    if isinstance(reference, (str, bool)):
        ok = isinstance(answer, type(reference)) and answer == reference
        one = Comparison(exercise.name, ok, "" if ok else f"{exercise.name} is {answer!r}.")
    else:
        one = compare(exercise.name, answer, reference, exercise.tolerance, exercise.sizes, each=True)
    if one.ok:
        return Verdict(exercise.name, "right", report.right(exercise.name, one.error))
    lines = [report.headline(exercise.name), *report.value_lines(one)]
    for mistake in exercise.mistakes:
        if mistake.wrong is not None and not one.problem and agrees(answer, mistake.wrong(), reference, AGREE):
            lines += report.named_value(mistake)
            text = "\n".join(lines)
            return Verdict(exercise.name, "wrong", text, (mistake.code,), (mistake.name,), exercise.name)
    return Verdict(exercise.name, "wrong", "\n".join(lines), first_wrong=exercise.name)


def not_attempted(exercise: Exercise) -> Verdict:
    """Nothing there yet."""
    text = f"{exercise.name}: not attempted yet. The notebook goes on with the library's own version."
    return Verdict(exercise.name, "not attempted", text)


def error(exercise: Exercise, sentence: str) -> Verdict:
    """The answer could not be compared."""
    text = sentence if sentence.startswith(exercise.name) else f"{exercise.name}: {sentence}"
    return Verdict(exercise.name, "error", text)
