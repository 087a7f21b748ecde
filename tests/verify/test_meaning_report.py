"""`check_sampler`: what it may be given, what it refuses, and what its report says."""

from __future__ import annotations

import numpy as np
import pytest
from meaning_cases import LOGVAR, MU, STATISTICS, L, log_q, sampler, scaled_by_the_variance, without_noise

from minivae.autodiff import Tensor
from minivae.distributions import Bernoulli, Normal
from minivae.errors import ConfigError, ShapeError
from minivae.verify import check_sampler

# --- what may be declared -----------------------------------------------------------------------------------


def test_a_distribution_function_or_moments_are_enough():
    uniform = lambda n, rng: rng.random((n, 3))
    assert check_sampler(uniform, cdf=lambda x: x)
    assert check_sampler(uniform, mean=0.5, variance=1 / 12)
    assert check_sampler(uniform, mean=0.5)
    assert not check_sampler(uniform, cdf=lambda x: x**1.1)
    assert check_sampler(uniform, mean=0.5, variance=1 / 11).failed == ("variance",)
    assert check_sampler(uniform, mean=0.52, variance=None).failed == ("mean",)


def test_moments_that_contradict_the_density_are_caught():
    assert check_sampler(sampler(), log_q, mean=MU, variance=np.exp(LOGVAR))
    assert check_sampler(sampler(), log_q, variance=np.exp(LOGVAR / 2)).failed == ("variance",)


def test_tensors_and_shapes_with_several_axes_are_taken():
    mu = np.arange(6.0).reshape(2, 3)
    q = Normal(mu, 0.5)
    by_entry = check_sampler(lambda n, rng: Tensor(mu + 0.5 * rng.standard_normal((n, 2, 3))), q)
    assert by_entry["mean"].found.shape == (2, 3)
    by_row = check_sampler(q, lambda x: q.log_prob(x).sum(2))
    assert by_row["∫ exp(log_prob)"].found.shape == (2,)
    whole = check_sampler(q, lambda x: q.log_prob(x).sum((1, 2)))
    assert whole["∫ exp(log_prob)"].found.shape == ()
    assert by_entry
    assert by_row
    assert whole
    wrong = check_sampler(lambda n, rng: mu + 0.5 * np.concatenate([rng.standard_normal((n, 1, 3))] * 2, axis=1), q)
    assert wrong.failed == ("correlation of entries",)
    assert wrong["correlation of entries"].wrong == 3


def test_a_sum_over_dependent_entries_is_refused():
    factor = np.array([[1.0, 0.0], [0.8, 0.6]])
    log_prob = lambda x: -0.5 * ((x @ np.linalg.inv(factor).T) ** 2).sum(axis=1)
    with pytest.raises(ConfigError, match="not independent"):
        check_sampler(lambda n, rng: rng.standard_normal((n, 2)) @ factor.T, log_prob)


def test_what_cannot_be_checked_is_refused():
    normal = lambda n, rng: rng.standard_normal(n)
    with pytest.raises(ConfigError, match="nothing is declared"):
        check_sampler(normal)
    with pytest.raises(ShapeError, match=r"returned shape \(3,\); expected \(100000, ...\)"):
        check_sampler(lambda n, rng: rng.standard_normal(3), log_q)
    with pytest.raises(ShapeError, match="log_prob"):
        check_sampler(normal, lambda x: x[:, None] * np.ones(3))
    with pytest.raises(ConfigError, match="cdf"):
        check_sampler(normal, cdf=lambda x: 0.5)
    with pytest.raises(ConfigError, match=r"alpha is 1\.5"):
        check_sampler(normal, mean=0.0, alpha=1.5)
    with pytest.raises(ConfigError, match="draws is 10; expected 1000 or more"):
        check_sampler(normal, mean=0.0, draws=10)


def test_numbers_that_are_not_finite_are_reported():
    report = check_sampler(lambda n, rng: np.where(rng.random(n) < 0.01, np.nan, 0.0), mean=0.0)
    assert report.failed == ("finite",)
    assert not check_sampler(sampler(), lambda z: log_q(z) * np.nan)


# --- the report ---------------------------------------------------------------------------------------------


def test_the_report_can_be_read():
    report = check_sampler(sampler(scaled_by_the_variance), log_q, name="my sampler", seed=3, alpha=1e-3, draws=20_000)
    text = str(report)
    assert text.splitlines()[0].startswith("my sampler: FAIL, variance [")
    assert "20,000 draws, seed 3, 30 tests; right code fails for at most 0.001 of the seeds" in text
    assert "would notice" in text
    assert {s.name for s in report.statistics} == STATISTICS
    assert report["variance"].wrong == L
    np.testing.assert_allclose(report["variance"].found, np.exp(2 * LOGVAR), rtol=0.1)
    np.testing.assert_allclose(report["variance"].expected, np.exp(LOGVAR), rtol=1e-6)
    with pytest.raises(KeyError, match=r"skewness.*variance"):
        report["skewness"]
    with pytest.raises(AssertionError, match="what to look at"):
        report.require()
    right = check_sampler(sampler(), log_q)
    assert right.require() is right
    assert str(right).splitlines()[0] == "check_sampler: PASS"


def test_the_same_seed_gives_the_same_report():
    assert str(check_sampler(sampler(), log_q, seed=5)) == str(check_sampler(sampler(), log_q, seed=5))
    assert str(check_sampler(sampler(), log_q, seed=5)) != str(check_sampler(sampler(), log_q, seed=6))


def test_a_sampler_that_ignores_the_generator_is_noted():
    state = np.random.default_rng(1)
    report = check_sampler(lambda n, rng: state.standard_normal(n), mean=0.0, variance=1.0)
    assert report
    assert "do not come from `rng`" in str(report)


@pytest.mark.parametrize("statistic", ["mean", "variance"])
def test_errors_of_the_size_in_the_last_column_are_noticed(statistic):
    """The power claimed is 99 %: of 40 seeds with an error of just that size, at most 4 pass."""
    draws = lambda n, rng: rng.standard_normal(n)
    declared = {"mean": 0.0, "variance": 1.0}
    size = float(check_sampler(draws, **declared, draws=5000)[statistic].notices)
    declared[statistic] += size
    missed = sum(bool(check_sampler(draws, **declared, draws=5000, seed=seed)) for seed in range(40))
    assert missed <= 4
    declared[statistic] -= 0.8 * size
    assert any(check_sampler(draws, **declared, draws=5000, seed=seed) for seed in range(5))


def test_what_a_failure_says_depends_on_what_failed():
    no_noise = str(check_sampler(sampler(without_noise), log_q))
    assert "There is no noise in the draws." in no_noise
    constant = check_sampler(sampler(), lambda z: log_q(z) + 0.1)
    assert constant.failed == ("∫ exp(log_prob)",)
    assert str(constant).startswith("check_sampler: FAIL, ∫ exp(log_prob) [")
    assert "]: expected 1, found 1.10517 ±" in str(constant).splitlines()[0]
    nothing = str(check_sampler(lambda n, rng: np.full(n, np.inf), mean=0.0))
    assert "numbers drawn are NaN or infinite" in nothing
    assert "0 tests" in nothing


def test_counts_state_no_single_size_of_error():
    report = check_sampler(Bernoulli(logits=MU)).require()
    assert np.isnan(report["χ² of counts"].notices).all()
    assert "nan" not in str(report)


def test_of_many_entries_some_are_compared_with_each_other():
    """The number of pairs grows with the square; noise that all share shows in any hundred of them."""
    shared = lambda n, rng: rng.standard_normal((n, 1)) + np.zeros(150)
    own = lambda n, rng: rng.standard_normal((n, 150))
    assert check_sampler(own, mean=0.0, variance=1.0, draws=5000)
    report = check_sampler(shared, mean=0.0, variance=1.0, draws=5000)
    assert report.failed == ("correlation of entries",)
    assert report["correlation of entries"].found.size == 100 * 99 // 2
