"""`Findings`: what a meaning check collects on its way to a report."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from minivae.errors import ConfigError
from minivae.verify.report import Failure
from minivae.verify.significance import MeanTest, Sharpness
from minivae.verify.statistic import MeaningReport, Statistic

FEWEST = 1000  # draws


class Findings:
    """Collects statistics, and gives each its share of alpha when all are known.

    Raises:
        ConfigError: alpha is no rate, or the draws are too few for the rate to be what is stated.
    """

    def __init__(self, name: str, alpha: float, draws: int, seed: int) -> None:
        if not 0 < alpha < 1:
            raise ConfigError(f"{name}: alpha is {alpha!r}; expected a rate of false alarms between 0 and 1")
        if not draws >= FEWEST:
            raise ConfigError(
                f"{name}: draws is {draws!r}; expected {FEWEST} or more, as the p-values are limits for many draws"
            )
        self.name, self.alpha, self.draws, self.seed = name, alpha, draws, seed
        self.statistics: list[tuple[Statistic, Sharpness]] = []
        self.failures: list[Failure] = []
        self.notes: list[str] = []
        self.values: dict[str, float] = {}

    def mean(
        self, name: str, test: MeanTest, expected: Any, advice: str = "", one_sided: bool = False, labels: Any = None
    ) -> None:
        """A test of a mean: two-sided, or only against a mean that is too high."""
        p_value = test.p_above if one_sided else test.p_value
        self.chance(
            name, expected, test.found, test.error, p_value, test.sharpness, z=test.z, advice=advice, labels=labels
        )

    def exact(self, name: str, expected: Any, found: Any, error: Any, advice: str = "", at_least: bool = False) -> None:
        """A comparison without chance: |found − expected| ≤ error, or only found ≥ expected − error."""
        found, expected, error = np.broadcast_arrays(*(np.asarray(a, np.float64) for a in (found, expected, error)))
        right = found >= expected - error if at_least else np.abs(found - expected) <= error
        self.chance(name, expected, found, error, right, lambda level: error, advice=advice, exact=True)

    def chance(
        self,
        name: str,
        expected: Any,
        found: Any,
        error: Any,
        p_value: Any,
        notices: Sharpness,
        *,
        z: Any = np.nan,
        labels: tuple[str, ...] | None = None,
        advice: str = "",
        exact: bool = False,
    ) -> None:
        """Any test with a p-value; the fields are those of `Statistic`, `notices` a function of the level."""
        p_value = np.asarray(p_value, np.float64)
        expected, found, error, z = (
            np.broadcast_to(np.asarray(a, np.float64), p_value.shape) for a in (expected, found, error, z)
        )
        level, size = 0.0, error  # both are known once all tests are: see `report`
        statistic = Statistic(name, expected, found, error, z, p_value, level, size, exact, labels, advice)
        self.statistics.append((statistic, notices))

    def fail(self, check: str, message: str) -> None:
        """A rule was broken."""
        self.failures.append(Failure(check, message))

    def report(self) -> MeaningReport:
        """All that was found, each test at the level alpha/(number of tests); what is exact passes above any level."""
        level = self.alpha / max(1, sum(s.p_value.size for s, _ in self.statistics if not s.exact))
        statistics = tuple(
            replace(s, level=level, notices=np.broadcast_to(np.asarray(notices(level), np.float64), s.p_value.shape))
            for s, notices in self.statistics
        )
        return MeaningReport(
            passed=not self.failures and all(s.passed for s in statistics),
            name=self.name,
            statistics=statistics,
            failures=tuple(self.failures),
            notes=tuple(self.notes),
            alpha=self.alpha,
            draws=self.draws,
            seed=self.seed,
            values=self.values,
        )


__all__ = ["Findings"]
