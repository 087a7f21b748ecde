"""The words of a verdict."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minivae.grading.compare import NEARLY, Comparison, number
from minivae.grading.diagnose import Finding
from minivae.grading.exercise import Mistake
from minivae.grading.likeness import count, likeness
from minivae.grading.regression import Measurement
from minivae.grading.run import in_words

WIDTH = 100
# With more than this left over, or less of what is wrong explained, coefficients only take up what is unknown.
ROUGH = 0.02
EXPLAINED = 0.98
ALL_MISSING = "its terms are missing, all of them."
NOT_REPEATABLE = (
    "Called twice with the same arguments, it gives two different answers. Noise has to come from an argument\n"
    "(eps, or rng), not from np.random inside the function."
)

SINGLE = (
    "Your answer comes in float32, or in less. float32 is fine for a right one; to find a mistake, more digits are\n"
    "needed. Calculate in float64 (that is what the arguments are), and the check says more."
)


def headline(name: str) -> str:
    """The first line of a verdict that is not "right"."""
    return f"{name}: not right yet."


def right(name: str, error: float) -> str:
    """The verdict everybody wants."""
    return f"{name}: right. (Largest relative difference from the library's own answer: {error:.0e}.)"


def wrong_form(name: str, value: Any, expected: str) -> str:
    """The sentence on an answer that is no array, tuple or dict as it should be."""
    if value is None:
        return f"{name} returns None: is the `return` line missing? Expected: {expected}."
    if isinstance(value, (tuple, list)):
        given = f"{len(value)} value{'s' * (len(value) != 1)}"
    else:
        given = f"a {type(value).__name__}" if not hasattr(value, "shape") else in_words(value)
    return f"{name} returns {given}. Expected: {expected}."


def table(compared: Sequence[Comparison]) -> list[str]:
    """In the order of the derivation: the values that are right up to the first wrong one, and an entry of that."""
    first = next(i for i, one in enumerate(compared) if not one.ok)
    lines = []
    if first:
        lines.append(wrap("    right so far:  " + ", ".join(one.name for one in compared[:first]), "        "))
    one = compared[first]
    lines.append(wrap("    first wrong:   " + (one.problem or one.entry()), "        "))
    return lines


def value_lines(one: Comparison) -> list[str]:
    """A plain value that is wrong; the right one is not told."""
    if one.problem or one.got.ndim == 0:
        return [wrap("    " + (one.problem or f"yours is {number(one.got)}."), "    ")]
    first = tuple(np.argwhere(one.wrong)[0])
    at = ", ".join(map(str, first))
    lines = [f"    {count(one)}. The first is at [{at}], where yours is {number(one.got[first])}."]
    return lines + ["    " + sentence for sentence in [likeness(one)] if sentence]


def named_mistakes(name: str, finding: Finding, hint: int) -> list[str]:
    """The mistakes, both formulas of each, and a question."""
    both = len(finding.mistakes) == 2
    lines = ["", "Two known mistakes at once:" if both else "This is a known mistake:"]
    for mistake, where in zip(finding.mistakes, finding.where, strict=True):
        lines += ["", *formulas(mistake, where), "", *hints(mistake, hint)]
    undone = "both of them" if both else "this one thing"
    lines += ["", f"Tried out: undo {undone}, and your answer is right to {max(finding.left, 1e-16):.0e}."]
    if hint < 2:
        lines.append(f"Stuck? check({name}, hint=2) says more.")
    return lines


def formulas(mistake: Mistake, where: str = "") -> list[str]:
    """The mistake's name, and the wrong formula beside the right one."""
    name = f"{mistake.name} ({where})" if where else mistake.name
    return [
        wrap(f"  {mistake.code}: {name}.", "      "),
        f"      yours:  {mistake.yours}",
        f"      right:  {mistake.right}",
    ]


def hints(mistake: Mistake, hint: int) -> list[str]:
    """The question; with hint=2 also the explanation."""
    lines = [wrap("  " + mistake.question, "  ")]
    if hint >= 2 and mistake.more:
        lines.append(wrap("  " + mistake.more, "  "))
    return lines


def named_value(mistake: Mistake) -> list[str]:
    """The mistake behind a wrong value."""
    return ["", wrap(f"  {mistake.name}. {mistake.question}", "  ")]


def measured(measurements: Sequence[Measurement], certain: Mapping[str, str]) -> list[str]:
    """What the regression on the terms found; `certain` is what holds of an output beyond doubt, "" if nothing does."""
    lines = ["", "No mistake of the catalogue explains this, so here is what was measured."]
    for one in measurements:
        if one.exact:
            lines += ["", wrap(f"{one.output}: {summary(one)}", "    "), *coefficients(one)]
            lines.append(
                f"    Tried out: put these right, and your {one.output} is right to {max(one.left, 1e-16):.0e}."
            )
        elif one.by_call:
            lines += ["", f"{one.output}: it is made of its terms, but with factors that depend on the arguments:"]
            lines.append(f"    {'term':<44}{'expected':>9}" + "".join(f"{f'call {i + 1}':>10}" for i in range(3)))
            for term, *found in zip(one.terms, *one.by_call, strict=True):
                lines.append(f"    {term.name:<44}{1:>9.3f}" + "".join(f"{c:>10.3f}" for c in found))
            lines.append("    Which of the arguments is used in one of these factors in the wrong way?")
        elif sure := certain[one.output]:
            lines += ["", wrap(f"{one.output}: {sure[0].lower()}{sure[1:]}", "    ")]
        else:
            share = f"{100 * one.residual:.3g} % of it is not made of the terms it should be made of"
            if one.residual <= ROUGH and one.explained >= EXPLAINED:
                lines += ["", f"{one.output}: {share}. The rest is, about:", *coefficients(one)]
            else:
                names = ",  ".join(term.name for term in one.terms)
                lines += ["", f"{one.output}: {share}:", wrap("    " + names, "    ")]
                lines.append("    Calculate each term on a line of its own: which line of yours gives something else?")
    return lines


def coefficients(measurement: Measurement) -> list[str]:
    """The table of terms: expected and found."""
    lines = [f"    {'term':<44}{'expected':>9}{'found':>10}"]
    for term, coefficient in zip(measurement.terms, measurement.found, strict=True):
        found = 0.0 if abs(coefficient) < 5e-4 else coefficient
        if term.expected or abs(coefficient) > 1e-7:
            mark = "" if abs(coefficient - term.expected) <= 1e-7 or not measurement.exact else "  <-"
            lines.append(f"    {term.name:<44}{term.expected:>9.3f}{found:>10.3f}{mark}")
    lines.append(f"    {'left over, relative to your answer':<44}{0:>9.3f}{measurement.residual:>10.3f}")
    return lines


def summary(measurement: Measurement) -> str:
    """The wrong coefficients in words; a factor that a whole group of terms shares is told once."""
    belonging = [c for t, c in zip(measurement.terms, measurement.found, strict=True) if t.expected]
    one_group = len({t.group or t.name for t in measurement.terms if t.expected}) == 1
    foreign = any(not t.expected for t, _ in measurement.wrong)
    if not one_group and not foreign and max(belonging) - min(belonging) <= 1e-7:
        return f"all of it is {belonging[0]:.3f} × what it should be." if abs(belonging[0]) > 1e-7 else ALL_MISSING
    parts: list[str] = []
    for term, found in measurement.wrong:
        in_group = [c for t, c in zip(measurement.terms, measurement.found, strict=True) if t.group == term.group]
        shared = bool(term.group) and max(in_group) - min(in_group) <= 1e-7
        name = f"the {term.group}" if shared else term.name
        if not term.expected:
            part = f"it contains {found:.3f} × {name}, which does not belong there"
        elif abs(found) <= 1e-7:
            part = f"{name} is missing"
        else:
            part = f"your {name.removeprefix('the ')} is {found:.3f} × what it should be"
        if part not in parts:
            parts.append(part)
    wrong = {id(term) for term, _ in measurement.wrong}
    others = sum(1 for term in measurement.terms if term.expected and id(term) not in wrong)
    rest = {0: "", 1: "; the other term is right"}.get(others, "; the other terms are right")
    return "; ".join(parts) + rest + "."


def unexplained(one: Comparison, certain: str) -> list[str]:
    """What can be said when there is nothing to measure against."""
    lines = [f"    largest difference: {one.error:.2g} of the largest entry"]
    if one.error <= NEARLY:
        lines.append(
            "That is close, but more than rounding in float64 (1e-16) explains. A finite difference, an `eps` added\n"
            "inside a log, or a clipped probability differs by about this much: use the exact formula."
        )
    elif certain:
        lines.append(wrap(f"    {one.name}: {certain[0].lower()}{certain[1:]}", "    "))
    return lines


def consequences(rightly: Sequence[str], others: Sequence[str]) -> list[str]:
    """What is to be said of the wrong values after the first."""
    lines = []
    if rightly:
        lines.append(wrap(f"    only because of it:  {', '.join(rightly)}", "        "))
    if others:
        lines.append(wrap(f"    wrong in themselves, too:  {', '.join(others)}", "        "))
    return lines


def extreme(name: str, what: str, one: Comparison, warned: str) -> str:
    """Right on ordinary numbers, wrong on extreme ones."""
    lines = [f"{name}: right on ordinary numbers, but not at {what}."]
    lines.append(wrap("    " + (one.problem or one.entry()), "        "))
    if warned:
        lines.append(f"    NumPy warned: {warned}.")
    lines.append(
        "The formula is right; which of its steps leaves the range of floating point, and how else can it be said?"
    )
    return "\n".join(lines)


def also_printed(printed: str) -> str:
    """What the learner's function printed itself."""
    return "\n\nYour function printed:\n" + textwrap.indent(printed.rstrip("\n"), "    ") if printed else ""


def wrap(text: str, indent: str) -> str:
    """Break a long line, and indent what follows."""
    return textwrap.fill(text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
