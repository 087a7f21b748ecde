"""Integrals of densities that are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minivae.errors import ConfigError
from minivae.verify.quadrature import integrate_cloud, integrate_line

HERE = [(np.zeros(()), np.ones(()))]


def normal(mu, sigma):
    return lambda x: -0.5 * ((x - mu) / sigma) ** 2 - math.log(sigma * math.sqrt(2 * math.pi))


@settings(deadline=None, max_examples=60)
@given(st.floats(-8, 8), st.floats(-4, 6))
def test_a_normal_density_is_found_from_a_poor_start(mu, log_sigma):
    sigma = math.exp(log_sigma)
    line = integrate_line(normal(mu, sigma), HERE)
    assert line.log_mass == pytest.approx(0, abs=1e-9)
    assert line.mean == pytest.approx(mu, abs=1e-9 * (1 + abs(mu) + sigma))
    assert line.variance == pytest.approx(sigma**2, rel=1e-9)
    x = mu + sigma * np.linspace(-4, 4, 9)
    cdf = [0.5 * math.erfc(-t / math.sqrt(2)) for t in np.linspace(-4, 4, 9)]
    assert np.abs(line.cdf_at(x) - cdf).max() <= line.error < 5e-4


@settings(deadline=None, max_examples=40)
@given(st.floats(-3, 3), st.floats(-5, 1), st.floats(0, 1), st.floats(0.2, 3))
def test_the_error_is_not_larger_than_estimated(mu, log_sigma, at, stretch):
    """For a density with jumps, where the rule is at its worst: uniform on [mu, mu + width], found from within."""
    width = math.exp(log_sigma)
    start = np.array(mu + at * width), np.array(stretch * width)
    line = integrate_line(lambda x: np.where((x >= mu) & (x < mu + width), -math.log(width), -np.inf), [start])
    assert abs(line.mass - 1) <= 2 * line.error
    assert line.error < 0.02
    x = mu + width * np.linspace(0, 1, 11)
    assert np.abs(line.cdf_at(x) - np.linspace(0, 1, 11)).max() <= 3 * line.error


def test_a_density_between_two_nodes_is_not_found_and_has_no_error_bar():
    """No rule that looks at points sees it; what is reported must not look like an integral."""
    spike = lambda x: np.where(np.abs(x - 0.5) < 1e-4, math.log(5000), -np.inf)
    line = integrate_line(spike, HERE)
    assert line.mass == 0
    assert np.isnan(line.error)
    assert integrate_line(spike, [*HERE, (np.array(0.5), np.array(1e-4))]).mass == pytest.approx(1, abs=0.02)


def test_entries_are_integrated_side_by_side():
    mu, sigma = np.arange(6.0).reshape(2, 3), 10.0 ** np.arange(-2, 4).reshape(2, 3)
    line = integrate_line(lambda x: -0.5 * ((x - mu) / sigma) ** 2, [(np.zeros((2, 3)), np.ones((2, 3)))])
    np.testing.assert_allclose(line.log_mass, np.log(sigma * math.sqrt(2 * math.pi)), atol=1e-9)
    np.testing.assert_allclose(line.mean, mu, atol=1e-6)


def test_a_heavy_tail_has_a_mass_but_no_variance():
    line = integrate_line(lambda x: -np.log(math.pi * (1 + x * x)), HERE)
    assert line.mass == pytest.approx(1, abs=1e-4)
    assert np.isnan(line.variance)
    assert line.cdf_at(np.array([1.0])) == pytest.approx(0.75, abs=1e-4)


def test_the_better_of_two_starts_is_taken():
    far = normal(1e6, 1e-2)
    assert integrate_line(far, [*HERE, (np.array(1e6), np.array(1.0))]).mass == pytest.approx(1)


@pytest.mark.parametrize("d", [1, 2])
@pytest.mark.parametrize("scale", [1e-3, 0.1, 1.0, 30.0])
def test_a_correlated_normal_is_integrated_in_the_plane(d, scale, rng):
    factor = scale * (np.tril(rng.normal(size=(d, d))) + 2 * np.eye(d))
    mean = rng.normal(size=d)

    def log_density(z):
        return 3.7 - 0.5 * (np.linalg.solve(factor, (z - mean).T) ** 2).sum(axis=0)

    cloud = integrate_cloud(log_density, np.zeros(d), np.eye(d))
    exact = 3.7 + 0.5 * d * math.log(2 * math.pi) + math.log(np.prod(np.diag(factor)))
    assert cloud.log_mass == pytest.approx(exact, abs=1e-8)
    assert cloud.error < 1e-4
    np.testing.assert_allclose(cloud.mean, mean, atol=1e-6 * scale)
    np.testing.assert_allclose(cloud.covariance, factor @ factor.T, rtol=2e-2, atol=1e-3 * scale**2)


def test_a_banana_is_integrated():
    """z₁ ~ N(0, 1), z₂ ~ N(z₁², 0.3²): no normal density, and its mass is known."""
    log_density = lambda z: normal(0, 1)(z[:, 0]) + normal(z[:, 0] ** 2, 0.3)(z[:, 1])
    cloud = integrate_cloud(log_density, np.zeros(2), np.eye(2))
    assert abs(cloud.log_mass) < 1e-4
    assert abs(cloud.log_mass) < 3 * cloud.error + 1e-9


def test_nothing_and_too_much_are_refused():
    with pytest.raises(ConfigError, match="is a logarithm of it returned"):
        integrate_cloud(lambda z: np.full(len(z), -np.inf), np.zeros(1), np.eye(1))
    with pytest.raises(ConfigError, match="1 or 2 latent dimensions, not for 3"):
        integrate_cloud(lambda z: -(z**2).sum(axis=1), np.zeros(3), np.eye(3))
