"""Right code is called wrong no more often than stated: counted over hundreds of seeds.

Of n seeds, right code may fail at alpha·n; the bounds here are those of the binomial distribution, passed with a
probability of 1e-6. And p-values of right code are uniform: a test whose p-values are never small misses everything.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from meaning_cases import LOGVAR, MU, kl, log_p, log_q, sampler

from minivae.verify import check_elbo, check_kl, check_sampler
from minivae.verify.significance import kolmogorov_distance, kolmogorov_tail

SEEDS = 300
LOGITS = np.array([0.4, -1.5, 2.0])


def linear_elbo(**options):
    """x = 1.3 z + noise."""
    density = lambda x, mu, logvar: -0.5 * (math.log(math.tau) + logvar + (x - mu) ** 2 * np.exp(-logvar))
    return check_elbo(
        None,
        lambda n, rng, p: p[0] + np.exp(p[1] / 2) * rng.standard_normal((n, 1)),
        lambda z, p: density(z, p[0], p[1])[:, 0],
        lambda z: (density(0.7, 1.3 * z, np.float64(-1.0)) + density(z, 0.0, np.float64(0.0)))[:, 0],
        np.array([0.2, -0.6]),
        **options,
    )


def exponential(n, rng):
    return rng.exponential(size=(n, 2))


def exponential_log_prob(x):
    return np.where(x >= 0, -x, -np.inf)


CHECKS = {
    "normal": lambda **o: check_sampler(sampler(), log_q, **o),
    "one normal, moments only": lambda **o: check_sampler(
        lambda n, rng: rng.standard_normal(n), mean=0, variance=1, **o
    ),
    "skewed: exponential": lambda **o: check_sampler(
        exponential, cdf=lambda x: 1 - np.exp(-x), mean=1.0, variance=1.0, **o
    ),
    "coins": lambda **o: check_sampler(
        lambda n, rng: (rng.random((n, 3)) < 1 / (1 + np.exp(-LOGITS))).astype(float),
        lambda x: x * LOGITS - np.logaddexp(0, LOGITS),
        support=(0, 1),
        **o,
    ),
    "KL of each latent": lambda **o: check_kl(kl(MU, LOGVAR), sampler(), log_q, log_p, **o),
    "KL, summed": lambda **o: check_kl(kl(MU, LOGVAR).sum(), sampler(), log_q, log_p, **o),
    "ELBO and its gradient": linear_elbo,
}
DRAWS = {"normal": 2000, "skewed: exponential": 2000, "ELBO and its gradient": 2000}


def most_alarms(n, alpha, surprise=1e-6):
    """The k that a binomial (n, alpha) exceeds with a probability below `surprise`."""
    term, above, k = (1 - alpha) ** n, 1.0, 0
    while (above := above - term) >= surprise:
        k += 1
        term *= (n - k + 1) / k * alpha / (1 - alpha)
    return k


def test_binomial_bounds():
    """Of three coins more than one is heads with probability ½, more than two with ⅛. λ = 0.03: P(N > 2) = 4.4e-6."""
    assert [most_alarms(3, 0.5, p) for p in (0.6, 0.2, 0.1)] == [1, 2, 3]
    assert [most_alarms(300, 1e-4, p) for p in (5e-6, 4e-6)] == [2, 3]
    assert most_alarms(300, 1e-4) == 3


@pytest.mark.parametrize("name", CHECKS)
def test_right_code_fails_no_more_often_than_stated(name):
    """At alpha = 1e-4, the default; and at 0.05, where there are alarms enough to count."""
    alarms = {1e-4: 0, 0.05: 0}
    for seed in range(SEEDS):
        report = CHECKS[name](draws=DRAWS.get(name, 3000), alpha=0.05, seed=seed)
        alarms[0.05] += not report
        strict = min(s.p_value.min() for s in report.statistics if not s.exact)
        tests = sum(s.p_value.size for s in report.statistics if not s.exact)
        alarms[1e-4] += strict < 1e-4 / tests
        assert not any(s.exact and not s.passed for s in report.statistics)
        assert not report.failures
    for alpha, count in alarms.items():
        assert count <= most_alarms(SEEDS, alpha), f"{count} alarms in {SEEDS} seeds at alpha = {alpha}"
    assert alarms[0.05] >= 1, "a check that never fails at 5 % is not one"


@pytest.mark.parametrize("name", CHECKS)
def test_p_values_of_right_code_are_uniform(name):
    """One p-value of each statistic and seed; uniform if the standard errors are right."""
    p_values: dict[str, list[float]] = {}
    for seed in range(SEEDS):
        report = CHECKS[name](draws=DRAWS.get(name, 3000), seed=1000 + seed)
        for s in report.statistics:
            if not s.exact and "≤" not in s.name:
                p_values.setdefault(s.name, []).append(float(s.p_value.flat[seed % s.p_value.size]))
    assert p_values
    for statistic, values in p_values.items():
        u = np.sort(np.array(values))
        if statistic == "χ² of counts":  # a discrete statistic has no uniform p-value, but nearly
            u = (u + np.random.default_rng(0).random(SEEDS) * 0.01).clip(0, 1)
            u.sort()
        p = float(kolmogorov_tail(kolmogorov_distance(u), SEEDS))
        assert p > 1e-4, f"{statistic}: the p-values of {SEEDS} seeds are not uniform (p = {p:.1g})"


def test_skewed_draws_give_no_more_alarms_than_symmetric_ones():
    """Without Hall's transformation the mean of 100 squares of a normal is called wrong three times too often."""
    from minivae.verify.significance import mean_test, two_sided

    rng = np.random.default_rng(3)
    values = rng.standard_normal((100, 40_000)) ** 2
    test = mean_test(values, 1.0)
    plain, corrected = (np.mean(two_sided(test.z) < 1e-3), np.mean(test.p_value < 1e-3))
    assert plain > 4e-3
    assert corrected < 0.6 * plain


@pytest.mark.slow
def test_three_thousand_seeds_at_the_default_rate():
    """0.3 alarms are expected at most, and more than five come about with a probability below 1e-6."""
    alarms = sum(not check_sampler(sampler(), log_q, draws=2000, seed=seed) for seed in range(3000))
    assert alarms <= most_alarms(3000, 1e-4) == 5
