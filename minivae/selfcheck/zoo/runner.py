"""Running the zoo, and the table it prints."""

from __future__ import annotations

import importlib
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from minivae.selfcheck.zoo.census import subjects, unguarded
from minivae.selfcheck.zoo.subject import Outcome, Subject, attempt, examine

WIDTHS = (28, 58, 15, 44)


@dataclass(frozen=True)
class Results:
    """What became of all mutants. True if each was caught, and the right code passed every trial.

    Attributes:
        outcomes: one for each mutant.
        unfit: the trials that the right code fails or that broke down; they count for nothing.
        unguarded: what has no wrong version at all.
        seconds: how long it took.
    """

    outcomes: tuple[Outcome, ...]
    unfit: tuple[Outcome, ...]
    unguarded: tuple[str, ...]
    seconds: float

    def __bool__(self) -> bool:
        return bool(self.outcomes) and not self.survivors and not self.unfit and not self.unguarded

    @property
    def survivors(self) -> tuple[Outcome, ...]:
        """The mutants that no trial told from right code."""
        return tuple(outcome for outcome in self.outcomes if not outcome.caught)


def run(
    pattern: str | None = None,
    seed: int = 0,
    zoo: Iterable[Subject] | None = None,
    watch: Callable[[Outcome], None] | None = None,
) -> Results:
    """Try every mutant.

    A trial that the right code fails catches nothing: it is left out and reported.

    Args:
        pattern: only subjects that have this in their name or group; all if left out.
        seed: of all inputs and draws.
        zoo: the subjects, by default the library's.
        watch: called with each outcome as it comes.
    """
    start = time.perf_counter()
    kept = subjects() if zoo is None else list(zoo)
    outcomes: list[Outcome] = []
    unfit: list[Outcome] = []
    for subject in select(pattern, kept):
        fit = []
        for trial in subject.trials:
            outcome = attempt(subject, None, trial, seed)
            if outcome.caught or outcome.crash:
                unfit.append(outcome)
            else:
                fit.append(trial)
        for mutant in subject.mutants:
            outcomes.append(examine(subject, mutant, fit, seed))
            if watch is not None:
                watch(outcomes[-1])
    missing = () if pattern else (tuple(unguarded(kept)) if zoo is None else ())
    return Results(tuple(outcomes), tuple(unfit), missing, time.perf_counter() - start)


def select(pattern: str | None, zoo: Iterable[Subject]) -> list[Subject]:
    """The subjects that have the pattern in their name or group, capitals or not."""
    wanted = (pattern or "").lower()
    return [subject for subject in zoo if wanted in f"{subject.group} {subject.name}".lower()]


def main(pattern: str | None = None, seed: int = 0) -> int:
    """Run the zoo and print the table, line by line as the outcomes come; on a terminal there is a bar below it.

    Returns:
        0 if every mutant was caught, 1 if one survived, a trial fails on right code, or something has no mutants.
    """
    print(header(), flush=True)
    bar = _bar(sum(len(subject.mutants) for subject in select(pattern, subjects())))

    def show(outcome: Outcome) -> None:
        if bar is None:
            print(row(outcome), flush=True)
        else:
            bar.write(row(outcome), file=sys.stdout)
            bar.update()

    results = run(pattern, seed, watch=show)
    if bar is not None:
        bar.close()
    print(footer(results, pattern), flush=True)
    return 0 if results else 1


def _bar(total: int) -> Any:
    """A tqdm bar where somebody watches a terminal and tqdm is installed, else None."""
    if not sys.stderr.isatty():
        return None
    try:
        return importlib.import_module("tqdm").tqdm(total=total, unit=" mutants", leave=False, dynamic_ncols=True)
    except ImportError:
        return None


# --- the table ----------------------------------------------------------------------------------------------


def header() -> str:
    """The table's first two lines."""
    line = _line("subject", "what is wrong", "caught by", "which saw")
    return f"{line}\n{'-' * sum(WIDTHS, 2 * len(WIDTHS) - 2)}"


def row(outcome: Outcome) -> str:
    """One line: subject, mutant, the trial that caught it, and what that trial saw."""
    name = f"{outcome.subject.group}  {outcome.subject.name}"
    return _line(name, str(outcome.mutant), outcome.trial or "SURVIVES", outcome.evidence)


def footer(results: Results, pattern: str | None = None) -> str:
    """What went wrong, in full, and one line of summary."""
    if not results.outcomes and not results.unfit:
        return f"nothing has {pattern!r} in its name; without a pattern all mutants are tried"
    lines = [f"\nSURVIVES  {_named(o)}\n{o.crash}".rstrip() for o in results.survivors]
    lines += [f"\nUNFIT  {_named(o)}\n{o.crash}".rstrip() for o in results.unfit]
    lines += [f"\nUNGUARDED  {name} has no wrong version" for name in results.unguarded]
    by = Counter(outcome.trial for outcome in results.outcomes if outcome.trial)
    subjects_tried = len({(o.subject.group, o.subject.name) for o in results.outcomes})
    verdict = f"{len(results.survivors)} SURVIVED" if results.survivors else "all caught"
    verdict += f", {len(results.unfit)} UNFIT" if results.unfit else ""
    counts = ", ".join(f"{trial} {n}" for trial, n in by.most_common())
    lines.append(
        f"\n{len(results.outcomes)} mutants of {subjects_tried} subjects in {results.seconds:.1f} s: {verdict}"
        f"{f', by {counts}' if counts else ''}."
    )
    return "\n".join(lines)


def _named(outcome: Outcome) -> str:
    """Such as 'op tanh, the right code: value: relative error 1'."""
    seen = [text for text in (outcome.trial, outcome.evidence) if text]
    return ": ".join([f"{outcome.subject.group} {outcome.subject.name}, {outcome.mutant or 'the right code'}", *seen])


def _line(*cells: str) -> str:
    shown = (text if len(text) <= n else f"{text[: n - 1]}…" for text, n in zip(cells, WIDTHS, strict=True))
    return "  ".join(f"{text:<{n}}" for text, n in zip(shown, WIDTHS, strict=True)).rstrip()
