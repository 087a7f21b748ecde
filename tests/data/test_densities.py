"""Each density in the plane integrates to one, and its sampler draws from it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from minivae.data import DENSITIES, density, toy
from minivae.data.densities import GaussianMixture, Twisted, arms, ring
from minivae.errors import ConfigError, DataError

SIDE, STEP = 10.0, 0.0125
BOXES = 40  # boxes along a side, for counting


@pytest.fixture(scope="module", params=sorted(DENSITIES))
def tabulated(request):
    """A density, and its values at the middles of a fine grid of cells over [−5, 5]²."""
    line = np.arange(-SIDE / 2 + STEP / 2, SIDE / 2, STEP)
    rows = [density(request.param).log_prob(np.stack([line, np.full_like(line, y)], axis=1)) for y in line]
    return request.param, np.exp(np.array(rows)), np.array(rows)


def test_the_density_integrates_to_one(tabulated):
    name, p, _ = tabulated
    assert p.sum() * STEP**2 == pytest.approx(1, abs=1e-3)
    if name in ("ring", "grid", "pinwheel"):  # smooth, and wide against the grid
        assert p.sum() * STEP**2 == pytest.approx(1, abs=1e-9)


def test_the_sampler_draws_from_the_density(tabulated):
    """Counts in 40 × 40 boxes against their integrals, and the mean of log p(x) against minus the entropy."""
    name, p, log_p = tabulated
    n = 200_000
    x, _ = density(name).draw(n, np.random.Generator(np.random.Philox(1)))
    counts, _, _ = np.histogram2d(x[:, 1], x[:, 0], bins=BOXES, range=[[-SIDE / 2, SIDE / 2]] * 2)
    per_box = len(p) // BOXES
    expected = n * STEP**2 * p.reshape(BOXES, per_box, BOXES, per_box).sum(axis=(1, 3))
    assert (np.abs(counts - expected) <= 5.5 * np.sqrt(expected) + 5e-4 * n * (expected > 0) + 3).all()
    chi_square = ((counts - expected)[expected > 20] ** 2 / expected[expected > 20]).sum()
    cells = (expected > 20).sum()
    assert chi_square < cells + 6 * math.sqrt(2 * cells)

    at_samples = density(name).log_prob(x)
    assert np.isfinite(at_samples).all()
    minus_entropy = (p * np.where(p > 0, log_p, 0)).sum() * STEP**2
    standard_error = at_samples.std() / math.sqrt(n)
    assert abs(at_samples.mean() - minus_entropy) < 5 * standard_error + 2e-3


def test_one_gaussian_has_the_textbook_density(rng):
    mean, factor = rng.standard_normal(2), rng.standard_normal((2, 2))
    covariance = factor @ factor.T + np.eye(2)
    x = rng.standard_normal((20, 2))
    d = x - mean
    expected = -0.5 * (d * np.linalg.solve(covariance, d.T).T).sum(axis=1)
    expected -= math.log(math.tau) + 0.5 * math.log(np.linalg.det(covariance))
    assert GaussianMixture(mean[None], covariance[None]).log_prob(x) == pytest.approx(expected, abs=1e-12)


def test_a_mixture_of_equals_is_its_component():
    one = ring(k=1)
    same = GaussianMixture(np.repeat(one.means, 3, axis=0), np.repeat(one.covariances, 3, axis=0))
    x = np.random.default_rng(0).normal(size=(10, 2))
    assert same.log_prob(x) == pytest.approx(one.log_prob(x), abs=1e-13)


def test_log_density_does_not_underflow_far_out():
    x = np.array([[1e4, 0.0]])
    nearest = -0.5 * ((1e4 - 2) / 0.2) ** 2 - math.log(math.tau * 0.2**2) - math.log(8)
    assert ring().log_prob(x)[0] == pytest.approx(nearest, rel=1e-12)


@pytest.mark.parametrize("rate", [0.8, -2.0])
def test_the_twist_keeps_areas(rate, rng):
    """The determinant of its Jacobian, by central differences, is 1 everywhere."""
    x, h = rng.normal(size=(50, 2)) * 2, 1e-5
    columns = [(Twisted._turn(x + h * e, rate) - Twisted._turn(x - h * e, rate)) / (2 * h) for e in np.eye(2)]
    assert np.linalg.det(np.stack(columns, axis=-1)) == pytest.approx(np.ones(50), abs=1e-8)


def test_turning_back_undoes_the_twist(rng):
    x = rng.normal(size=(50, 2))
    assert Twisted._turn(Twisted._turn(x, 1.3), -1.3) == pytest.approx(x, abs=1e-12)


def test_arms_are_turned_copies_of_one_another():
    k = 5
    a, (c, s) = arms(k, 1.5, 0.4, 0.1, 0.8), (math.cos(math.tau / k), math.sin(math.tau / k))
    x = np.random.default_rng(1).normal(size=(30, 2))
    assert a.log_prob(x @ np.array([[c, s], [-s, c]])) == pytest.approx(a.log_prob(x), rel=1e-9)


def test_checkerboard_points_all_lie_on_dark_squares():
    x, square = density("checkerboard").draw(50_000, np.random.Generator(np.random.Philox(2)))
    assert (density("checkerboard").log_prob(x) == -math.log(8)).all()
    assert len(np.unique(np.floor(x), axis=0)) == 8 == len(np.unique(square))


@pytest.mark.parametrize("name", sorted(DENSITIES))
def test_toy_data_are_reproducible_and_train_differs_from_test(name):
    train, test = toy(name, n=100, n_test=100, seed=4)
    again, _ = toy(name, n=100, n_test=100, seed=4)
    other, _ = toy(name, n=100, n_test=100, seed=5)
    assert train.images.dtype == np.float32
    assert train.image_shape == (2,)
    assert np.array_equal(train.images, again.images)
    assert np.array_equal(train.labels, again.labels)
    assert not np.array_equal(train.images, other.images)
    assert not np.array_equal(train.images, test.images)


def test_an_unknown_density_and_a_negative_number_are_refused():
    with pytest.raises(DataError, match=r"unknown data set 'moon'.*Did you mean 'moons'"):
        toy("moon")
    with pytest.raises(ConfigError, match="n=-1"):
        toy("moons", n=-1)
