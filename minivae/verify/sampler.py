"""`check_sampler`: are the draws from the density that is declared?

A gradient check compares a function with its own derivative. It cannot know that `mean + exp(log_var) * eps` should
have been `mean + exp(log_var / 2) * eps`: both are differentiated rightly. What tells them apart is their distribution,
and only draws show it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minivae.backend import Array
from minivae.distributions import Distribution
from minivae.errors import ConfigError
from minivae.random import stream
from minivae.verify.draw_statistics import DrawStatistics
from minivae.verify.findings import Findings
from minivae.verify.guest import Place, declared, density_of, draw, sampler_of, support_of
from minivae.verify.statistic import MeaningReport


def check_sampler(
    sample: Any,
    log_prob: Any = None,
    *,
    cdf: Callable[[Array], Any] | None = None,
    mean: Any = None,
    variance: Any = None,
    support: Sequence[float] | None = None,
    draws: int = 100_000,
    alpha: float = 1e-4,
    seed: int = 0,
    name: str = "check_sampler",
) -> MeaningReport:
    """Test draws against the density, the distribution function or the moments that are declared for them.

        def sample(n, rng): return mu + np.exp(logvar / 2) * rng.standard_normal((n, 5))
        def log_prob(z): return -0.5 * (np.log(2 * np.pi) + logvar + (z - mu) ** 2 / np.exp(logvar))
        print(check_sampler(sample, log_prob))
        print(check_sampler(Normal.from_logvar(mu, logvar)))

    For every entry: the mean and the variance (z-scores); the whole distribution, by the largest distance between the
    distribution functions (Kolmogorov 1933), or for discrete outcomes by χ² (Pearson 1900); whether exp(log_prob)
    integrates to one; whether entries are independent of each other, and draws of the draws before.

    Args:
        sample: `sample(n, rng)` gives n draws, (n, ...), made with the NumPy Generator `rng`. Or a minivae
            distribution, which then declares all the rest as well.
        log_prob: `log_prob(x)`, in nats, for x of shape (n, ...): one value for each entry, or their sum over trailing
            axes, as of independent entries. Or a minivae distribution.
        cdf: `cdf(x)`, the distribution function of each entry; by default the integral of exp(log_prob).
        mean, variance: as declared, broadcasting to the shape of one draw; by default those of the density.
        support: the outcomes, if there are countably many. Together they must have all of the probability.
        draws: how many; twice as precise with four times as many.
        alpha: the false-alarm rate. Right code fails for at most this share of the seeds.
        seed: from which the draws are made.
        name: what to call the check in the report.

    Returns:
        A report: true if it passed, and a table when printed.

    Raises:
        ConfigError: nothing is declared; or log_prob is a sum that does not belong to independent entries; or alpha is
            no rate, or draws are fewer than 1,000.
        DtypeError: something that is not real numbers is given or returned.
        ShapeError: the draws, or log_prob of them, do not have the shape that is expected.
    """
    if log_prob is None and isinstance(sample, Distribution):
        log_prob = sample
    mean, variance, support = _declarations(log_prob, mean, variance, support)
    if log_prob is None and cdf is None and mean is None and variance is None:
        raise ConfigError(
            "check_sampler: nothing is declared that the draws could be held against. Give log_prob=, the log-density; "
            "or cdf=; or mean= and variance=."
        )
    findings = Findings(name, alpha, draws, seed)
    x, place = _draws(sampler_of(sample), draws, seed, support is None, findings)
    if np.isfinite(x).all():
        statistics = DrawStatistics(findings, x, place)
        if support is not None:
            statistics.discrete(density_of(log_prob), np.asarray(support, np.float64), mean, variance)
        else:
            statistics.continuous(None if log_prob is None else density_of(log_prob), cdf, mean, variance)
    return findings.report()


def _declarations(log_prob: Any, mean: Any, variance: Any, support: Any) -> tuple[Any, Any, Any]:
    """What was given; what was not, from the distribution that declares it."""
    return (
        declared(log_prob, "mean") if mean is None else np.asarray(mean, np.float64),
        declared(log_prob, "variance") if variance is None else np.asarray(variance, np.float64),
        support_of(log_prob) if support is None else support,
    )


def _draws(sample: Any, n: int, seed: int, continuous: bool, findings: Findings) -> tuple[Array, Place]:
    """The draws, and what can be said of them without any declaration."""
    rng = stream(seed, "check_sampler")
    x, place = draw(sample, n, rng)
    if not np.isfinite(x).all():
        findings.fail("finite", f"{int((~np.isfinite(x)).sum())} of {x.size} numbers drawn are NaN or infinite")
    again, _ = draw(sample, n, rng)
    if continuous and np.array_equal(x, again):
        findings.fail(
            "fresh noise",
            "two calls gave the same numbers. Either there is no noise in them, or the function makes (or seeds) a "
            "generator of its own each time it is called.",
        )
    elif not np.array_equal(x, draw(sample, n, stream(seed, "check_sampler"))[0]):
        findings.notes.append("the draws do not come from `rng`: with the same seed the next run gives other numbers.")
    return x, place


__all__ = ["check_sampler"]
