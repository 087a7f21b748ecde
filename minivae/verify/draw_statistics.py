"""What `check_sampler` compares: moments, distribution functions, counts, and correlations that should be zero."""

from __future__ import annotations

from typing import Any

import numpy as np

from minivae.backend import Array
from minivae.errors import ConfigError
from minivae.random import stream
from minivae.verify.factors import Factors
from minivae.verify.findings import Findings
from minivae.verify.guest import Place, ask
from minivae.verify.quadrature import integrate_line
from minivae.verify.significance import (
    MeanTest,
    chi_square,
    kolmogorov_distance,
    kolmogorov_sharpness,
    kolmogorov_tail,
    mean_test,
)

RAGGED = 0.05  # with a larger error the quadrature found nothing
MAX_PAIRED = 100  # so many entries are compared with each other


class DrawStatistics:
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
            slack = self._slack(line.error)
            if slack.max() > RAGGED:  # nothing is known of mass, moments and distribution function
                slack = np.zeros(self.shape)
            else:
                self._mass(factors, line.log_mass, line.error, "∫ exp(log_prob)")
                if not np.isnan(line.variance).any():
                    mean = line.mean if mean is None else mean
                    variance = line.variance if variance is None else variance
                elif mean is None and variance is None:
                    self.findings.notes.append("the density has no variance that settles: moments were not compared.")
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
            "The density is not normalised: look at its constant and at its scale (the log σ in a normal density, one "
            "for each entry).",
        )

    def _slack(self, error: Array) -> Array:
        """What the quadrature may be off, which the tests allow for; a reader should know if that is much."""
        largest = float(np.nan_to_num(error, nan=np.inf).max())
        if largest > RAGGED:
            self.findings.fail(
                "quadrature",
                "exp(log_prob) could not be integrated: it is nowhere found, or too ragged. If that is how it should "
                "be, give cdf= (or mean= and variance=) in place of log_prob.",
            )
        elif largest > 1e-3:
            self.findings.notes.append(
                f"exp(log_prob) jumps, so its integral is known to {largest:.1g} only, which is allowed for; give cdf= "
                "in place of log_prob for a sharper test."
            )
        return np.nan_to_num(error, nan=1.0)

    def _moments(self, mean: Any, variance: Any, slack: Any = 0.0) -> None:
        """Mean and variance, where they are declared or known; `slack` is the share by which they may be off."""
        slack = slack + self.place.rounding
        centre = self.x.mean(axis=0)
        if mean is not None:
            centre = np.broadcast_to(mean, self.shape)
            size = np.abs(self.x).mean(axis=0) + (0.0 if variance is None else np.sqrt(variance))
            test = mean_test(self.x, centre, slack * size)
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
        statistic, freedom, p_value = (
            np.array(column, np.float64).reshape(self.shape) for column in zip(*tests, strict=True)
        )
        self.findings.chance(
            "χ² of counts",
            expected=freedom,
            found=statistic,
            error=np.sqrt(2 * freedom),
            p_value=p_value,
            notices=lambda level: np.nan,  # it depends on which outcomes share the error
            advice="The outcomes do not come with the probabilities declared.",
        )

    # --- independence ---------------------------------------------------------------------------------------

    def _independence(self, u: Array) -> None:
        """Correlations between entries, and of each entry with itself one draw later."""
        u = u.reshape(self.n, -1)
        moving = np.ptp(u, axis=0) > 0
        u = u[:, moving] / u[:, moving].std(axis=0)
        if u.shape[1] == 0:
            return
        labels = (
            [str(list(map(int, np.unravel_index(i, self.shape)))) for i in np.flatnonzero(moving)]
            if self.shape
            else [""]
        )
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
        test = MeanTest(m1, np.maximum(m2 - m1**2, 0) / self.n, (m3 - 3 * m1 * m2 + 2 * m1**3) / self.n**2, 0.0)
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
    if (found < 1e-9 * variance).all():
        return "There is no noise in the draws."
    off = np.abs(variance - 1) > 0.05
    for power, what in (
        (2.0, "the square of what is declared: exp(log_var) multiplies the noise, which exp(log_var / 2) should"),
        (0.5, "the square root of what is declared: the noise is scaled by the fourth root of the variance"),
    ):
        if off.any() and (np.abs(found - variance**power) <= 6 * error)[off].all():
            return f"The variance found is {what}."
    ratio = found / variance
    if (np.abs(ratio - ratio.mean()) <= 6 * error / variance).all():
        return f"The variance found is {ratio.mean():.4g} times what is declared, in every entry."
    return ""


__all__ = ["DrawStatistics"]
