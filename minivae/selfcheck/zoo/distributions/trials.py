"""How a distribution is tried: its densities add up, its moments are those of its density, its draws belong to it.

density     ∫ p = 1, ∫ x p = mean, ∫ (x − mean)² p = variance, −∫ p log p = entropy; and mean and variance are the ones
            that the parameters stand for. A sum over the outcomes, or a sum over a fine grid, which for a density that
            is smooth and falls off to both sides is exact to rounding.
sampler     `check_sampler`: moments and the whole distribution of the draws
divergence  KL(p ‖ q) is ∫ p (log p − log q), and zero for p = q
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minivae.autodiff import no_grad
from minivae.backend import Array
from minivae.distributions import Distribution
from minivae.selfcheck.zoo.subject import Trial, Verdict
from minivae.selfcheck.zoo.trials import all_of, compare
from minivae.verify import MeaningReport, check_sampler

DRAWS = 20_000


@dataclass(frozen=True)
class Example:
    """A distribution of known moments.

    Attributes:
        what: in a few words.
        make: the distribution, from the class.
        outcomes: all of them, or a fine grid: (n, *shape).
        weights: the length of the grid's steps; 1 for outcomes that can be counted.
        mean, variance: of each entry.
    """

    what: str
    make: Callable[[Any], Distribution]
    outcomes: Array
    weights: Array | float
    mean: Array
    variance: Array

    def log_density(self, distribution: Distribution) -> Array:
        """The logarithm at each outcome."""
        return np.stack([distribution.log_prob(x).data for x in self.outcomes])

    def integral(self, values: Array) -> Array:
        """Over all outcomes."""
        return (values * self.weights).sum(axis=0)


def density(examples: Sequence[Example]) -> Trial:
    """Everything that the density alone decides."""

    def run(target: Any, seed: int) -> Verdict:
        with no_grad():
            return all_of([verdict for example in examples for verdict in _by_density(target, example)])

    return Trial("density", run)


def _by_density(target: Any, example: Example) -> list[Verdict]:
    d = example.make(target)
    log_p = example.log_density(d)
    p, x = np.exp(log_p), example.outcomes
    shape = example.mean.shape
    if log_p.shape[1:] != shape:
        return [Verdict(False, f"log_prob has shape {log_p.shape[1:]}, expected {shape}")]
    mean = example.integral(x * p)
    found = {
        "∫ p": (example.integral(p), np.ones(shape)),
        "∫ x p": (mean, example.mean),
        "∫ (x − μ)² p": (example.integral((x - mean) ** 2 * p), example.variance),
        "entropy": (_given(d.entropy), -example.integral(p * log_p)),
        "mean": (_given(lambda: d.mean), example.mean),
        "variance": (_given(lambda: d.variance), example.variance),
        "stddev": (_given(lambda: d.stddev), np.sqrt(example.variance)),  # type: ignore[attr-defined]
        "probs": (_given(lambda: d.probs), np.moveaxis(p, 0, -1) if len(x) > 2 else p[-1]),  # type: ignore[attr-defined]
    }
    return [compare(a, b, what=f"{what} ({example.what})") for what, (a, b) in found.items() if a is not None]


def _given(read: Callable[[], Any]) -> Array | None:
    """The values, if this distribution has such a thing."""
    try:
        return read().data
    except (NotImplementedError, AttributeError):
        return None


def sampler(examples: Sequence[Example]) -> Trial:
    """The draws of each example are those of its density."""

    def run(target: Any, seed: int) -> Verdict:
        return all_of([_of_report(check_sampler(e.make(target), draws=DRAWS, seed=seed)) for e in examples])

    return Trial("sampler", run)


def _of_report(report: MeaningReport) -> Verdict:
    """The first thing that is wrong, and how surprising it is."""
    if report.failures:
        return Verdict(False, f"broken rule: {report.failures[0].check}")
    for statistic in report.statistics:
        if not statistic.passed:
            z, p = float(statistic.z[statistic.worst]), float(statistic.p_value[statistic.worst])
            return Verdict(
                False, f"{statistic.name}: " + (f"p = {max(p, 1e-300):.0e}" if np.isnan(z) else f"z = {z:+.0f}")
            )
    return Verdict(report.passed, f"{len(report.statistics)} statistics")


@dataclass(frozen=True)
class Pair:
    """Two distributions over the same outcomes."""

    what: str
    p: Distribution
    q: Distribution
    outcomes: Array
    weights: Array | float


def divergence(pairs: Sequence[Pair]) -> Trial:
    """The definition, and zero for equal distributions."""

    def run(target: Any, seed: int) -> Verdict:
        with no_grad():
            return all_of([verdict for pair in pairs for verdict in _by_definition(target, pair)])

    return Trial("divergence", run)


def _by_definition(target: Any, pair: Pair) -> list[Verdict]:
    log_p, log_q = (np.stack([d.log_prob(x).data for x in pair.outcomes]) for d in (pair.p, pair.q))
    expected = (np.exp(log_p) * (log_p - log_q) * pair.weights).sum(axis=0)
    same = target(pair.p, pair.p).data
    return [
        Verdict(
            bool(np.abs(same).max() <= 1e-9), f"KL(p ‖ p) = {same.ravel()[np.abs(same).argmax()]:.4g} ({pair.what})"
        ),
        compare(target(pair.p, pair.q).data, expected, what=f"KL ({pair.what})"),
    ]
