"""p-values against exact ones: small cases, tables, and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from minivae.verify.significance import (
    POWER,
    chi_square,
    chi_square_tail,
    difference_test,
    kolmogorov_distance,
    kolmogorov_sharpness,
    kolmogorov_tail,
    mean_test,
    normal_limit,
    two_sided,
)


@pytest.mark.parametrize(("z", "p"), [(0, 1), (1.959964, 0.05), (3.290527, 1e-3), (6.806502, 1e-11)])
def test_normal_tails_are_those_of_the_table(z, p):
    np.testing.assert_allclose(two_sided(z), p, rtol=1e-5)
    np.testing.assert_allclose(two_sided(-z), p, rtol=1e-5)
    if z:
        np.testing.assert_allclose(normal_limit(p), z, rtol=1e-6)


@pytest.mark.parametrize(
    ("x", "freedom", "p"),
    [(3.841459, 1, 0.05), (10.827566, 1, 1e-3), (5.991465, 2, 0.05), (11.0705, 5, 0.05), (124.342113, 100, 0.05)],
)
def test_chi_square_tails_are_those_of_the_table(x, freedom, p):
    assert chi_square_tail(x, freedom) == pytest.approx(p, rel=1e-5)


def test_chi_square_tail_of_one_degree_is_the_normal_tail():
    for z in (0.1, 1.0, 4.0, 8.0):
        assert chi_square_tail(z**2, 1) == pytest.approx(float(two_sided(z)), rel=1e-12)


@pytest.mark.parametrize(("lam", "p"), [(1.2238, 0.1), (1.3581, 0.05), (1.6276, 0.01), (1.9495, 1e-3), (0.8276, 0.5)])
def test_kolmogorov_tails_are_those_of_the_limit(lam, p):
    n = 10**8
    assert kolmogorov_tail(lam / math.sqrt(n), n) == pytest.approx(p, rel=2e-3)


def test_the_two_series_of_the_kolmogorov_distribution_are_one_function():
    n = 10**10
    around = np.array([0.9999999, 1.0000001]) / math.sqrt(n)
    left, right = kolmogorov_tail(around, n)
    assert left == pytest.approx(right, rel=1e-5)
    assert kolmogorov_tail(0.0, 50) == 1
    assert kolmogorov_tail(1.0, 50) < 1e-40


@pytest.mark.parametrize("n", [5, 20, 100])
def test_kolmogorov_p_values_are_uniform_for_few_draws(n):
    u = np.sort(np.random.default_rng(n).random((n, 20_000)), axis=0)
    p = kolmogorov_tail(kolmogorov_distance(u), n)
    for level in (0.5, 0.1, 0.01):
        share = np.mean(p < level)
        assert abs(share - level) < 0.12 * level + 4 * math.sqrt(level / 20_000)


def test_kolmogorov_distance_is_the_largest_gap():
    assert kolmogorov_distance(np.array([0.5])) == 0.5
    assert kolmogorov_distance(np.array([0.1, 0.2, 0.3])) == pytest.approx(0.7)
    assert kolmogorov_distance(np.array([0.8, 0.9])) == pytest.approx(0.8)


def test_pearsons_statistic_of_a_die():
    statistic, freedom, p = chi_square(np.array([5, 8, 9, 8, 10, 20]), np.full(6, 1 / 6))
    assert (statistic, freedom) == (pytest.approx(13.4), 5)
    assert p == pytest.approx(0.0199, abs=1e-4)


def test_rare_outcomes_are_counted_together():
    p = np.array([0.9, 0.099, 2e-4, 5e-4, 3e-4])
    statistic, freedom, _ = chi_square(np.array([900, 97, 1, 1, 1]), p)
    assert freedom == 1  # 0.9 against all the rest: the three rare ones make one expected count together
    assert statistic == pytest.approx(0.0)
    assert chi_square(np.array([10, 0]), np.array([1.0, 0.0])) == (0.0, 0, 1.0)
    assert chi_square(np.array([9, 1]), np.array([1.0, 0.0]))[2] == 0.0


def test_rare_outcomes_raise_no_false_alarm():
    rng = np.random.default_rng(0)
    p = 0.5 ** np.arange(1, 16)
    p[-1] *= 2
    values = np.array([chi_square(counts, p)[2] for counts in rng.multinomial(2000, p, 4000)])
    for level in (0.1, 0.01):
        assert abs(np.mean(values < level) - level) < 4 * math.sqrt(level / 4000) + 0.1 * level


def test_a_mean_test_is_the_z_score_of_the_textbook():
    values = np.array([[1.0, 0.0], [2.0, 0.0], [4.0, 0.0], [5.0, 0.0]])
    test = mean_test(values, np.array([2.0, 0.0]))
    error = values[:, 0].std(ddof=1) / 2
    np.testing.assert_allclose(test.found, [3.0, 0.0])
    np.testing.assert_allclose(test.error, [error, 0.0])
    np.testing.assert_allclose(test.z, [1 / error, 0.0])
    assert test.p_value[1] == 1


def test_constants_are_right_or_wrong_without_doubt():
    assert mean_test(np.full(10, 0.5), 0.5).p_value == 1
    assert mean_test(np.full(10, 0.5), 0.4).p_value == 0
    assert mean_test(np.full(10, 0.5), 0.4, rounding=0.2).p_value == 1


def test_one_sided_p_values_are_small_only_above():
    values = np.random.default_rng(0).standard_normal(10_000)
    assert mean_test(values, -0.1).p_above < 1e-10
    assert mean_test(values, 0.1).p_above > 1 - 1e-10


def test_a_difference_of_means_has_both_errors():
    rng = np.random.default_rng(1)
    a, b = 3 + rng.standard_normal(400), 3 + 2 * rng.standard_normal(900)
    test = difference_test(a, b)
    assert test.error == pytest.approx(math.sqrt(a.var(ddof=1) / 400 + b.var(ddof=1) / 900))
    assert test.z == pytest.approx((a.mean() - b.mean()) / test.error)
    assert difference_test(a + 1, b).p_value < 1e-10


@pytest.mark.parametrize("level", [1e-2, 1e-5])
def test_errors_of_the_size_stated_are_noticed_as_often_as_stated(level):
    rng = np.random.default_rng(2)
    n, runs = 400, 2000
    least = POWER - 4 * math.sqrt(POWER * (1 - POWER) / runs)

    values = rng.standard_normal((n, runs))
    shift = mean_test(values, 0.0).sharpness(level).mean()
    assert np.mean(mean_test(values + shift, 0.0).p_value < level) > least - 0.01

    # a distribution function that is off at its middle alone: mass moved across it
    size = kolmogorov_sharpness(n, level)
    below = rng.random((n, runs)) < 0.5 + size
    u = np.where(below, rng.random((n, runs)) * 0.5, 0.5 + rng.random((n, runs)) * 0.5)
    p = kolmogorov_tail(kolmogorov_distance(np.sort(u, axis=0)), n)
    assert np.mean(p < level) > least - 0.01
