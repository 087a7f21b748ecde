"""`check_sampler`: are the draws from the density that is declared?

A gradient check compares a function with its own derivative. It cannot know that `mean + exp(log_var) * eps` should have
been `mean + exp(log_var / 2) * eps`: both are differentiated rightly. What tells them apart is their distribution, and
only draws show it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minivae.backend import Array
from minivae.distributions import Distribution
from minivae.errors import ConfigError
from minivae.random import stream
from minivae.verify.factors import Factors
from minivae.verify.guest import Place, ask, declared, density_of, draw, sampler_of, support_of
from minivae.verify.quadrature import integrate_line
from minivae.verify.significance import (
    MeanTest,
    chi_square,
    chi_square_sharpness,
    kolmogorov_distance,
    kolmogorov_sharpness,
    kolmogorov_tail,
    mean_test,
)
from minivae.verify.statistic import Findings, MeaningReport

MAX_PAIRED = 100  # so many entries are compared with each other


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
        ConfigError: nothing is declared; or log_prob is a sum that does not belong to independent entries.
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
    findings = Findings()
    x, place = _draws(sampler_of(sample), draws, seed, support is None, findings)
    if np.isfinite(x).all():
        check = _Check(findings, x, place)
        if support is not None:
            check.discrete(density_of(log_prob), np.asarray(support, np.float64), mean, variance)
        else:
            check.continuous(None if log_prob is None else density_of(log_prob), cdf, mean, variance)
    return findings.report(name, alpha, draws, seed)


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
            "two calls gave the same numbers. Either there is no noise in them, or the function makes its own generator "
            "(or seeds one) each time it is called.",
        )
    elif not np.array_equal(x, draw(sample, n, stream(seed, "check_sampler"))[0]):
        findings.notes.append("the draws do not come from `rng`: with the same seed the next run gives other numbers.")
    return x, place


class _Check:
    """The statistics of draws x, (n, ...)."""

    def __init__(self, findings: Findings, x: Array, place: Place) -> None:
        self.findings, self.x, self.place = findings, x, place
        self.n, self.shape = len(x), x.shape[1:]

    # --- continuous -----------------------------------------------------------------------------------------

    def continuous(self, log_prob: Any, cdf: Any, mean: Any, variance: Any) -> None:
        """Mass, moments, distribution function, independence."""
        u, slack = None, np.zeros(self.shape)
        if log_prob is not None:
            factors = Factors(log_prob, self.x, self.place)
            line = integrate_line(factors, self._starts(mean, variance))
            self._mass(factors, line.log_mass, line.error, "∫ exp(log_prob)")
            if np.isnan(line.variance).any():
                if mean is None and variance is None:
                    self.findings.notes.append("the density has no variance that settles: moments were not compared.")
            else:
                mean = line.mean if mean is None else mean
                variance = line.variance if variance is None else variance
            slack = np.nan_to_num(line.error, nan=1.0)
            u = line.cdf_at(self.x)
        if cdf is not None:
            u = ask(cdf, self.place.arrange(self.x))
            if u.shape != self.x.shape:
                raise ConfigError(f"cdf(x) has shape {u.shape} for x of shape {self.x.shape}; expected the same")
        self._moments(mean, variance, slack)
        if u is not None:
            self._distribution(u, slack)
            self._independence(u - 0.5)
        else:
            self._independence(self.x - self.x.mean(axis=0))

    def _starts(self, mean: Any, variance: Any) -> list[tuple[Array, Array]]:
        """Where to look for the density: where the draws are, where it is declared to be, around zero."""
        low, middle, high = np.quantile(self.x, [0.25, 0.5, 0.75], axis=0)
        scale = (high - low) / 1.349
        starts = [(middle, np.where(scale > 0, scale, 1.0))]
        if mean is not None and variance is not None:
            centre, square = (np.broadcast_to(a, self.shape) for a in (mean, variance))
            starts.append((centre, np.sqrt(np.where(square > 0, square, 1.0))))
        return [*starts, (np.zeros(self.shape), np.ones(self.shape))]

    def _mass(self, factors: Factors, log_masses: Array, error: Array, name: str) -> None:
        log_mass, share = factors.total(log_masses, error)
        self.findings.exact(
            name,
            1.0,
            np.exp(log_mass),
            1e-6 + share + 100 * self.place.rounding,
            "The density is not normalised: look at its constant and at its scale (the log σ in a normal density, one for "
            "each entry).",
        )

    def _moments(self, mean: Any, variance: Any, slack: Any = 0.0) -> None:
        """Mean and variance, where they are declared or known; `slack` is the share by which they may be off."""
        slack = slack + self.place.rounding
        centre = self.x.mean(axis=0)
        if mean is not None:
            centre = np.broadcast_to(mean, self.shape)
            test = mean_test(self.x, centre, slack * np.abs(self.x).mean(axis=0))
            self.findings.mean("mean", test, centre)
        if variance is not None:
            variance = np.broadcast_to(variance, self.shape)
            test = mean_test((self.x - centre) ** 2, variance, slack * variance)
            self.findings.mean("variance", test, variance, _variance_advice(test, variance))

    def _distribution(self, u: Array, slack: Array) -> None:
        distance = kolmogorov_distance(np.sort(u, axis=0))
        self.findings.chance(
            "distance of cdfs",
            expected=0.0,
            found=distance,
            error=0.5 / np.sqrt(self.n),
            z=np.nan,
            p_value=kolmogorov_tail(np.maximum(distance - slack, 0), self.n),
            notices=lambda level: kolmogorov_sharpness(self.n, level),
            advice="If mean and variance are right and this is not, the noise has the wrong shape: uniform for normal?",
        )

    # --- discrete -------------------------------------------------------------------------------------------

    def discrete(self, log_prob: Any, support: Array, mean: Any, variance: Any) -> None:
        """Mass, moments where declared, χ², independence."""
        factors = Factors(log_prob, self.x, self.place)
        log_p = factors(np.broadcast_to(support.reshape(-1, *[1] * len(self.shape)), (len(support), *self.shape)))
        with np.errstate(all="ignore"):
            p = np.exp(np.nan_to_num(log_p, nan=-np.inf, neginf=-np.inf))
        mass = p.sum(axis=0)
        with np.errstate(all="ignore"):
            self._mass(factors, np.log(mass), np.zeros(self.shape), "Σ exp(log_prob)")
            p = p / mass
        counts = np.stack([(self.x == k).sum(axis=0) for k in support])
        missing = self.n - counts.sum(axis=0)
        if missing.any():
            self.findings.fail(
                "outcomes",
                f"{int(missing.sum())} of {self.x.size} draws are none of the outcomes {support.tolist()[:8]}",
            )
        self._chi_square(counts.reshape(len(support), -1), p.reshape(len(support), -1))
        self._moments(mean, variance)
        self._independence(self.x - self.x.mean(axis=0))

    def _chi_square(self, counts: Array, p: Array) -> None:
        tests = [
            chi_square(counts[:, i], p[:, i]) if np.isfinite(p[:, i]).all() else (np.inf, 1, 0.0)
            for i in range(counts.shape[1])
        ]
        statistic, freedom, p_value = (np.array(column, np.float64).reshape(self.shape) for column in zip(*tests, strict=True))
        least = int(freedom.max())
        self.findings.chance(
            "χ² of counts",
            expected=freedom,
            found=statistic,
            error=np.sqrt(2 * freedom),
            z=np.nan,
            p_value=p_value,
            notices=lambda level: chi_square_sharpness(least, self.n, level),
            advice="The outcomes do not come with the probabilities declared. (The last column is √Σ(Δp)²/p.)",
        )

    # --- independence ---------------------------------------------------------------------------------------

    def _independence(self, u: Array) -> None:
        """Correlations between entries, and of each entry with itself one draw later."""
        u = u.reshape(self.n, -1)
        spread = u.std(axis=0)
        moving = spread > 0
        u = u[:, moving] / spread[moving]
        if u.shape[1] == 0:
            return
        labels = [str(list(map(int, np.unravel_index(i, self.shape)))) for i in np.flatnonzero(moving)] if self.shape else [""]
        self.findings.mean(
            "correlation in sequence",
            mean_test(u[:-1] * u[1:], 0.0),
            0.0,
            "A draw depends on the one before.",
            labels=tuple(labels),
        )
        if u.shape[1] > MAX_PAIRED:
            chosen = np.sort(stream(0, "pairs").choice(u.shape[1], MAX_PAIRED, replace=False))
            u, labels = u[:, chosen], [labels[i] for i in chosen]
        a, b = np.triu_indices(u.shape[1], 1)
        if len(a) == 0:
            return
        sums = [(u**k).T @ (u**k) / self.n for k in (1, 2, 3)]
        m1, m2, m3 = (s[a, b] for s in sums)
        test = MeanTest(m1, (m2 - m1**2) / self.n, (m3 - 3 * m1 * m2 + 2 * m1**3) / self.n**2, 0.0)
        self.findings.mean(
            "correlation of entries",
            test,
            0.0,
            "Entries share noise: is eps drawn for one of them and broadcast to the others?",
            labels=tuple(f"{labels[i]}, {labels[j]}" for i, j in zip(a, b, strict=True)),
        )


def _variance_advice(test: MeanTest, variance: Array) -> str:
    """What the variances found have in common, if it is something known."""
    found, error = test.found, test.error
    if not found.any():
        return "There is no noise in the draws."
    off = np.abs(variance - 1) > 0.05
    for power, what in (
        (2.0, "the square of what is declared: exp(log_var) multiplies the noise, which exp(log_var / 2) should"),
        (0.5, "the square root of what is declared: the noise is scaled by the fourth root of the variance"),
    ):
        if off.any() and (np.abs(found - variance**power) <= 6 * error + 1e-9)[off].all():
            return f"The variance found is {what}."
    ratio = found / variance
    if (np.abs(ratio - ratio.mean()) <= 6 * error / variance).all():
        return f"The variance found is {ratio.mean():.4g} times what is declared, in every entry."
    return ""


__all__ = ["check_sampler"]
