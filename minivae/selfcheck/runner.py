"""Running the catalogue, and the table it prints."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from minivae.selfcheck.case import Case
from minivae.selfcheck.catalogue import catalogue
from minivae.verify import GradcheckReport

WIDTHS = (46, 40)


@dataclass(frozen=True)
class Result:
    """What came of one case: a report, or the traceback of an error."""

    case: Case
    report: GradcheckReport | None
    crash: str = ""

    @property
    def passed(self) -> bool:
        """Whether there is a report and it passed."""
        return self.report is not None and self.report.passed

    @property
    def error(self) -> float:
        """The worst relative error."""
        return self.report.error if self.report is not None else float("inf")


@dataclass(frozen=True)
class Results:
    """All results, true if all passed."""

    results: tuple[Result, ...]
    seconds: float

    def __bool__(self) -> bool:
        return bool(self.results) and not self.failed

    @property
    def failed(self) -> tuple[Result, ...]:
        """Those that did not pass."""
        return tuple(result for result in self.results if not result.passed)

    @property
    def worst(self) -> Result:
        """The one with the largest error."""
        return max(self.results, key=lambda result: result.error)


def run(
    pattern: str | None = None,
    seed: int = 0,
    cases: Iterable[Case] | None = None,
    watch: Callable[[Result], None] | None = None,
) -> Results:
    """Check the gradients of the library.

    Args:
        pattern: only the cases that have this in their name or group; all if left out.
        seed: decides inputs, cotangents and directions.
        cases: the catalogue to run, by default the library's.
        watch: called with each result as it comes.
    """
    start = time.perf_counter()
    results = []
    for case in select(pattern, catalogue() if cases is None else cases):
        try:
            result = Result(case, case.run(seed))
        except Exception:  # a case that cannot even run is a failure like any other, and the rest still runs
            result = Result(case, None, traceback.format_exc())
        results.append(result)
        if watch is not None:
            watch(result)
    return Results(tuple(results), time.perf_counter() - start)


def select(pattern: str | None, cases: Iterable[Case]) -> list[Case]:
    """The cases that have the pattern in their name or group, capitals or not."""
    wanted = (pattern or "").lower()
    return [case for case in cases if wanted in f"{case.group} {case.name}".lower()]


def main(pattern: str | None = None, seed: int = 0) -> int:
    """Run the catalogue and print the table, line by line as the results come.

    Returns:
        0 if everything passed, 1 if something failed or nothing has the pattern in its name.
    """
    print(header(), flush=True)
    results = run(pattern, seed, watch=lambda result: print(row(result), flush=True))
    print(footer(results, pattern), flush=True)
    return 0 if results else 1


def format_table(results: Results) -> str:
    """The whole table as text."""
    return "\n".join([header(), *map(row, results.results), footer(results)])


def header() -> str:
    """The table's first two lines."""
    columns = ("name", "inputs checked", "worst relative error")
    line = f"{columns[0]:<{WIDTHS[0]}}  {columns[1]:<{WIDTHS[1]}}  {columns[2]}"
    return f"{line}\n{'-' * (len(line) + 6)}"


def row(result: Result) -> str:
    """One line: name, inputs, worst relative error, pass or FAIL."""
    name = _shortened(f"{result.case.group}  {result.case.name}", WIDTHS[0])
    if result.report is None:
        return f"{name:<{WIDTHS[0]}}  {'(an error was raised)':<{WIDTHS[1]}}  {'':>8}  FAIL"
    inputs = _shortened(_inputs(result.report), WIDTHS[1])
    verdict = "pass" if result.passed else "FAIL"
    return f"{name:<{WIDTHS[0]}}  {inputs:<{WIDTHS[1]}}  {result.error:8.1e}  {verdict}"


def footer(results: Results, pattern: str | None = None) -> str:
    """What failed, in full, and one line of summary."""
    if not results.results:
        return f"nothing has {pattern!r} in its name; without a pattern everything is checked"
    details = [f"\n{r.report if r.report is not None else f'{r.case.name}: {r.crash}'}" for r in results.failed]
    gradients = sum(len(r.report.inputs) for r in results.results if r.report is not None)
    failed = f"{len(results.failed)} FAILED" if results.failed else "all passed"
    worst = results.worst
    summary = (
        f"\n{len(results.results)} checks of {gradients} gradients in {results.seconds:.1f} s: {failed}. "
        f"Worst relative error {worst.error:.1e} ({worst.case.group} {worst.case.name})."
    )
    return "\n".join([*details, summary])


def _inputs(report: GradcheckReport) -> str:
    """The inputs' names and how many numbers they have."""
    names = [i.name for i in report.inputs]
    shown = ", ".join(names) if len(names) <= 4 else f"{', '.join(names[:2])} and {len(names) - 2} parameters"
    count = sum(x.size for x in report.point)
    return f"{shown}: {count:,} number{'' if count == 1 else 's'}"


def _shortened(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
