"""How surprising would this be if the code were right? p-values of means, distribution functions and counts.

Each test has a p-value: the probability that right code gives a result at least as far off. A check that makes m tests
and fails when some p-value is below alpha/m fails right code with probability alpha at most, whatever the tests have
to do with each other (Bonferroni's inequality).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minivae.backend import Array

POWER = 0.99
_POWER_Z = 2.3263  # P(N(0, 1) < 2.3263) = POWER

Sharpness = Callable[[float], Any]
"""From the p-value below which a test fails to the size of error that it then notices with probability `POWER`."""


class MeanTest:
    """Is an average what it should be? All fields have the shape of one draw.

    The z-score T = (found − expected) / error has a normal distribution in the limit. For finitely many draws their
    skewness tilts it, and tails are what a test at 1e-4 is about. Hall's transformation (Hall 1992, "On the removal of
    skewness by transformation", J. R. Statist. Soc. B 54) undoes that to first order; a is the skewness of the average:

        T + a T²/3 + a² T³/27 + a/6  ~  N(0, 1)

    Args:
        found: the average.
        variance, cumulant: its variance, estimated, and its third central moment.
        expected: what it should be.
        rounding: an absolute difference that is put down to rounding.

    Attributes:
        found: as given.
        error: the standard error, √variance.
        z: (found − expected) / error, after `rounding` was taken off.
        p_value: two-sided.
    """

    def __init__(self, found: Array, variance: Array, cumulant: Array, expected: Any, rounding: Any = 0.0) -> None:
        self.found = found
        self.error = np.sqrt(variance)
        difference = found - expected
        difference = np.sign(difference) * np.maximum(np.abs(difference) - rounding, 0)
        with np.errstate(all="ignore"):
            self.z = np.where(difference == 0, 0.0, difference / self.error)
            a = np.nan_to_num(cumulant / self.error**3, nan=0.0, posinf=0.0, neginf=0.0)
        t = np.clip(self.z, -1e60, 1e60)
        self._normal = t + a * t**2 / 3 + a**2 * t**3 / 27 + a / 6
        self.p_value = two_sided(self._normal)

    @property
    def p_above(self) -> Array:
        """One-sided: the probability of an average this far *above* what is expected."""
        return erfc(self._normal / math.sqrt(2)) / 2

    def sharpness(self, level: float) -> Array:
        """(z at the limit + z of the power) standard errors."""
        return (normal_limit(level) + _POWER_Z) * self.error


def mean_test(values: Array, expected: Any, rounding: Any = 0.0) -> MeanTest:
    """Test the mean of independent draws.  values: (n, ...), float64."""
    return MeanTest(*_cumulants(values), expected, rounding)


def difference_test(first: Array, second: Array, rounding: Any = 0.0) -> MeanTest:
    """Test whether two independent sets of draws have the same mean.  (n, ...) and (m, ...)."""
    a, b = _cumulants(first), _cumulants(second)
    return MeanTest(a[0], a[1] + b[1], a[2] - b[2], b[0], rounding)


def _cumulants(values: Array) -> tuple[Array, Array, Array]:
    """The mean over the first axis, the variance of that mean, and its third central moment."""
    n = len(values)
    mean = values.mean(axis=0)
    off = values - mean
    square = off * off
    return mean, square.mean(axis=0) / max(1, n - 1), (square * off).mean(axis=0) / n**2


def erfc(x: Any) -> Array:
    """1 − erf(x), with its relative accuracy far out in the tail."""
    return np.vectorize(math.erfc, otypes=[np.float64])(x)


def two_sided(z: Any) -> Array:
    """P(|N(0, 1)| ≥ |z|)."""
    return erfc(np.abs(z) / math.sqrt(2))


def normal_limit(level: float) -> float:
    """The |z| beyond which a two-sided p-value is below `level`."""
    from statistics import NormalDist  # here, as it takes longer to import than all the rest of this file

    return -NormalDist().inv_cdf(level / 2)


# --- distribution functions ---------------------------------------------------------------------------------


def kolmogorov_distance(u: Array) -> Array:
    """The largest distance between an empirical distribution function and the one that was declared.

    Args:
        u: the declared distribution function at the n draws, sorted along the first axis: (n, ...).
    """
    n = len(u)
    rank = np.arange(n).reshape(-1, *[1] * (u.ndim - 1))
    return np.maximum(((rank + 1) / n - u).max(axis=0), (u - rank / n).max(axis=0))


def kolmogorov_tail(distance: Any, n: int) -> Array:
    """P(D ≥ distance) for n draws from a continuous distribution, whichever it is (Kolmogorov 1933).

    With λ = (√n + 0.12 + 0.11/√n)·distance (Stephens 1970, which makes the limit good from n = 5 on):

        2 Σ_k (−1)^(k−1) exp(−2k²λ²)          for large λ
        1 − (√(2π)/λ) Σ_k exp(−(2k−1)²π²/8λ²)  for small λ: the same function, with its series summed the other way
    """
    distance = np.asarray(distance, np.float64)
    lam = np.maximum((math.sqrt(n) + 0.12 + 0.11 / math.sqrt(n)) * distance, 1e-3)[..., None]
    k = np.arange(1, 21)
    large = 2 * ((-1.0) ** (k - 1) * np.exp(-2 * (k * lam) ** 2)).sum(axis=-1)
    series = np.exp(-(((2 * k - 1) * math.pi) ** 2) / (8 * lam**2)).sum(axis=-1)
    small = 1 - math.sqrt(2 * math.pi) / lam[..., 0] * series
    return np.clip(np.where(lam[..., 0] > 1, large, small), 0, 1)


def kolmogorov_sharpness(n: int, level: float) -> float:
    """A distribution function that is off by so much at one point is noticed.

    The limit is λ = √(−½ ln(level/2)), and at any point the empirical distribution function has a standard deviation of
    at most ½/√n.
    """
    return (math.sqrt(-0.5 * math.log(level / 2)) + 0.5 * _POWER_Z) / math.sqrt(n)


# --- counts -------------------------------------------------------------------------------------------------


def chi_square(counts: Array, probabilities: Array, least: float = 5.0) -> tuple[float, int, float]:
    """Pearson's test of counts against probabilities.

    Outcomes that are expected fewer than `least` times are taken together, since χ² is a limit for large counts.

    Args:
        counts: how often each outcome came, (K,).
        probabilities: of each outcome, (K,), summing to 1.
        least: the smallest expected count that stands on its own.

    Returns:
        The statistic Σ (counts − expected)²/expected, its degrees of freedom, and the p-value.
    """
    n = counts.sum()
    expected = n * probabilities
    if (counts[expected == 0] > 0).any():
        return math.inf, len(counts) - 1, 0.0
    order = np.argsort(expected)
    counts, expected = counts[order], expected[order]
    together = int((expected < least).sum())
    while 0 < together < len(expected) and expected[:together].sum() < least:
        together += 1
    if together:
        counts = np.append(counts[together:], counts[:together].sum())
        expected = np.append(expected[together:], expected[:together].sum())
    counts, expected = counts[expected > 0], expected[expected > 0]
    freedom = len(expected) - 1
    statistic = float(((counts - expected) ** 2 / expected).sum())
    return statistic, freedom, chi_square_tail(statistic, freedom)


def chi_square_tail(x: float, freedom: int) -> float:
    """P(χ² ≥ x), by Q(a + 1, y) = Q(a, y) + yᵃe⁻ʸ/Γ(a + 1) from Q(½, y) = erfc(√y) or Q(1, y) = e⁻ʸ; y = x/2."""
    if freedom == 0 or x <= 0:
        return 1.0
    y = x / 2
    a, tail = (0.5, math.erfc(math.sqrt(y))) if freedom % 2 else (1.0, math.exp(-y))
    while a < freedom / 2:
        tail += math.exp(a * math.log(y) - y - math.lgamma(a + 1))
        a += 1
    return min(tail, 1.0)


__all__ = [
    "POWER",
    "MeanTest",
    "Sharpness",
    "chi_square",
    "chi_square_tail",
    "difference_test",
    "kolmogorov_distance",
    "kolmogorov_sharpness",
    "kolmogorov_tail",
    "mean_test",
    "normal_limit",
    "two_sided",
]
