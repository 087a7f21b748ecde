"""What a meaning check found: numbers to compute with, and a table to read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minivae.backend import Array
from minivae.verify.report import Failure
from minivae.verify.significance import POWER


@dataclass(frozen=True, eq=False)
class Statistic:
    """One quantity, claimed and found, for every entry.

    Attributes:
        name: which quantity.
        expected: what the code claims: a density, a closed form, a declared mean. All arrays have one shape.
        found: what its draws, or an integral, give.
        error: the standard error of `found`. For an exact statistic, what is put down to rounding and quadrature.
        z: (found − expected) / error; NaN where the test is not one of a mean.
        p_value: how probable it is that right code is at least as far off; 0 or 1 for an exact statistic.
        level: the statistic fails where a p-value is below this.
        notices: an error of this size is noticed with a probability of 99 %; NaN where no one size can be stated.
        exact: whether no chance is in it, so that it takes no share of alpha.
        labels: the names of the entries, if they are not plain indices.
        advice: where to look if it fails.
    """

    name: str
    expected: Array
    found: Array
    error: Array
    z: Array
    p_value: Array
    level: float
    notices: Array
    exact: bool = False
    labels: tuple[str, ...] | None = None
    advice: str = ""

    @property
    def passed(self) -> bool:
        """Whether every entry is plausible."""
        return bool((self.p_value >= self.level).all())

    @property
    def wrong(self) -> int:
        """How many entries are not."""
        return int((~(self.p_value >= self.level)).sum())

    @property
    def worst(self) -> tuple[int, ...]:
        """The index of the entry that is the most surprising."""
        p = np.nan_to_num(self.p_value, nan=-1.0)
        far = np.where(p == p.min(), np.nan_to_num(np.abs(self._distance()), nan=np.inf, posinf=np.inf), -1.0)
        return tuple(int(i) for i in np.unravel_index(int(far.argmax()), far.shape))

    def _distance(self) -> Array:
        if not np.isnan(self.z).all():
            return self.z
        with np.errstate(divide="ignore", invalid="ignore"):
            return (self.found - self.expected) / self.error

    def row(self) -> tuple[str, ...]:
        """The worst entry, as cells of the table."""
        at = self.worst
        expected, found, notices = (self._rounded(a, at) for a in (self.expected, self.found, self.notices))
        z, p = float(self.z[at]), float(self.p_value[at])
        return (
            self.name,
            self._entry(at),
            f"{expected:.6g}",
            f"{found:.6g}",
            ("±" if self.exact else "") + f"{float(self.error[at]):.2g}",
            "" if math.isnan(z) else f"{z:+.1f}",
            "" if self.exact else f"{p:.2g}",
            "ok" if self.passed else "FAIL",
            _size(notices, expected),
        )

    def _rounded(self, values: Array, at: tuple[int, ...]) -> float:
        """A value, or zero where it is nothing but rounding."""
        value = float(values[at])
        return 0.0 if abs(value) < 1e-9 * float(self.error[at]) else value

    def headline(self) -> str:
        """The worst entry, in words."""
        at = self.worst
        entry = f" {self._entry(at)}" if self._entry(at) else ""
        text = f"{self.name}{entry}: expected {float(self.expected[at]):.6g}, found {float(self.found[at]):.6g}"
        z, p = float(self.z[at]), float(self.p_value[at])
        if self.exact:
            return f"{text} ± {float(self.error[at]):.1g}"
        return f"{text}, p = {p:.1g}" if math.isnan(z) else f"{text}, z = {z:+.1f}"

    def _entry(self, at: tuple[int, ...]) -> str:
        if self.labels is not None:
            return self.labels[at[0]]
        return str(list(at)) if at else ""


@dataclass(frozen=True, eq=False, repr=False)
class MeaningReport:
    """The result of `check_sampler`, `check_kl` or `check_elbo`: true when it passed; print it to read it.

    Attributes:
        passed: whether every statistic is plausible, and no rule was broken.
        name: what was checked.
        statistics: what was compared; `report["mean"]` gives one by its name.
        failures: rules that were broken in a way that leaves nothing to compare.
        notes: what a reader should know although it is no failure.
        alpha: right code fails for at most this share of the seeds.
        draws: how many draws were made.
        seed: from which they were drawn.
        values: numbers found on the way, by name (log p(x), the gap, ...), in nats.
    """

    passed: bool
    name: str
    statistics: tuple[Statistic, ...]
    failures: tuple[Failure, ...]
    notes: tuple[str, ...]
    alpha: float
    draws: int
    seed: int
    values: dict[str, float]

    def __bool__(self) -> bool:
        return self.passed

    def __getitem__(self, name: str) -> Statistic:
        for statistic in self.statistics:
            if statistic.name == name:
                return statistic
        raise KeyError(f"{name!r}; this report has: {', '.join(s.name for s in self.statistics)}")

    @property
    def failed(self) -> tuple[str, ...]:
        """The names of all that failed."""
        return tuple(f.check for f in self.failures) + tuple(s.name for s in self.statistics if not s.passed)

    def require(self) -> MeaningReport:
        """The report itself if it passed; otherwise an AssertionError that shows it."""
        if not self.passed:
            raise AssertionError(str(self))
        return self

    def __str__(self) -> str:
        lines = [self._headline(), *_table(self.statistics)]
        advice = [str(failure) for failure in self.failures]
        advice += [f"{s.name}: {s.wrong} of {s.p_value.size} wrong. {s.advice}".rstrip() for s in self._wrong()]
        if advice:
            lines += ["what to look at:", *(f"  * {text}" for text in advice)]
        lines += [f"{name} = {value:.6f} nats" for name, value in self.values.items()]
        lines += [f"note: {note}" for note in self.notes]
        tests = sum(s.p_value.size for s in self.statistics if not s.exact)
        lines += [
            f"{self.draws:,} draws, seed {self.seed}, {tests} test{'s' * (tests != 1)}; right code fails for at most "
            f"{self.alpha:g} of the seeds",
            f"would notice: an error of this size is found with {100 * POWER:.0f} % probability",
        ]
        return "\n".join(lines)

    __repr__ = __str__

    def _wrong(self) -> list[Statistic]:
        return [s for s in self.statistics if not s.passed]

    def _headline(self) -> str:
        if self.passed:
            return f"{self.name}: PASS"
        if self.failures:
            return f"{self.name}: FAIL, {self.failures[0]}"
        return f"{self.name}: FAIL, {self._wrong()[0].headline()}"


def _size(notices: float, expected: float) -> str:
    """An error, absolute and, where that says something, relative."""
    if not math.isfinite(notices):
        return ""
    relative = 100 * notices / abs(expected) if expected else math.inf
    return f"{notices:.2g} ({relative:.2g} %)" if 0 < relative < 100 else f"{notices:.2g}"


def _table(statistics: Sequence[Statistic]) -> list[str]:
    """The statistics as an aligned table: the worst entry of each."""
    if not statistics:
        return []
    head = ("statistic", "worst at", "expected", "found", "std. error", "z", "p-value", "", "would notice")
    rows = [head, *(s.row() for s in statistics)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  " + "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]


__all__ = ["MeaningReport", "Statistic"]
