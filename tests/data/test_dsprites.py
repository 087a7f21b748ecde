"""The factors of the drawn shapes are exact: area goes with scale², position is the centre of mass, angles turn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minivae.data import dsprites, factor_values, sprites
from minivae.data.shapes import AREA, FACTOR_SIZES, TOTAL, factor_grid
from minivae.errors import ConfigError, DataError

SQUARE, ELLIPSE, HEART = range(3)
ALL_KINDS = np.array([[s, c, o, 16, 16] for s in range(3) for c in range(6) for o in range(40)])
factors = st.tuples(*(st.integers(0, size - 1) for size in FACTOR_SIZES))


def centre_of_mass(images: np.ndarray) -> np.ndarray:
    """(N, 2): x and y of the white pixels' mean, as fractions of the side; a pixel's own centre is at + 1/2."""
    white = images[:, 0] / 255
    size = white.shape[-1]
    middle = (np.arange(size) + 0.5) / size
    total = white.sum(axis=(1, 2))
    return np.stack([(white.sum(axis=1) @ middle) / total, (white.sum(axis=2) @ middle) / total], axis=1)


def area(images: np.ndarray) -> np.ndarray:
    return (images[:, 0] > 0).mean(axis=(1, 2))


def test_pixels_are_black_or_white():
    assert set(np.unique(sprites(ALL_KINDS))) == {0, 255}


def test_all_720_kinds_differ_but_for_the_symmetries_of_square_and_ellipse():
    different = {image.tobytes() for image in sprites(ALL_KINDS, size=128)}
    assert len(different) == 6 * (10 + 20 + 40)


@pytest.mark.parametrize("shape", [SQUARE, ELLIPSE, HEART])
def test_the_area_is_that_of_the_formula_at_every_scale_and_shape(shape):
    kinds = ALL_KINDS[ALL_KINDS[:, 0] == shape]
    measured = area(sprites(kinds, size=256))
    ratio = (measured / (AREA * factor_values(kinds)[:, 1] ** 2)).reshape(6, 40)
    assert np.abs(ratio - 1).max() < 0.06  # upright edges: up to half a pixel along each of the four sides
    assert np.abs(ratio.mean(axis=1) - 1).max() < 0.005


def test_the_area_at_64_pixels_grows_with_the_square_of_the_scale():
    measured = area(sprites(ALL_KINDS)).reshape(3, 6, 40).mean(axis=2)
    scale = 0.5 + np.arange(6) / 10
    assert np.abs(measured / (AREA * scale**2) - 1).max() < 0.02


@given(st.lists(factors, min_size=1, max_size=20))
@settings(deadline=None, max_examples=30)
def test_the_centre_of_mass_is_the_position(chosen):
    chosen = np.array(chosen)
    error = np.abs(centre_of_mass(sprites(chosen)) - factor_values(chosen)[:, 3:]) * 64
    symmetric = chosen[:, 0] != HEART
    assert error[symmetric].max(initial=0) < 1e-9  # a half turn maps the pixels onto themselves
    assert error[~symmetric].max(initial=0) < 0.4  # a heart has no such symmetry: rounding to pixels shifts it a little


def test_the_centre_of_mass_of_a_heart_is_its_position_but_for_rounding_to_pixels():
    """The error, turned back to where the heart stands upright, averages out over the angles."""
    kinds = ALL_KINDS[ALL_KINDS[:, 0] == HEART]
    values = factor_values(kinds)
    error = (centre_of_mass(sprites(kinds, size=256)) - values[:, 3:]) * 256
    cos, sin = np.cos(values[:, 2]), np.sin(values[:, 2])
    upright = np.stack([cos * error[:, 0] + sin * error[:, 1], cos * error[:, 1] - sin * error[:, 0]], axis=1)
    assert np.abs(upright).max() < 0.5
    standard_error = upright.std(axis=0) / math.sqrt(len(upright))
    assert (np.abs(upright.mean(axis=0)) < 5 * standard_error + 1e-9).all()
    assert standard_error.max() < 0.01


@pytest.mark.parametrize("size", [16, 32, 128])
def test_positions_and_areas_are_the_same_fractions_at_every_size(size):
    chosen = np.stack(np.unravel_index(np.arange(0, TOTAL, 1009), FACTOR_SIZES), axis=1)
    chosen[:, 0] %= 2  # squares and ellipses
    images = sprites(chosen, size)
    error = np.abs(centre_of_mass(images) - factor_values(chosen)[:, 3:]) * size
    assert error.mean() < 0.15
    assert error.max() < 0.5
    assert area(images).mean() == pytest.approx((AREA * factor_values(chosen)[:, 1] ** 2).mean(), rel=0.02)


@given(factors.filter(lambda f: f[3] < 31 and f[4] < 31))
@settings(deadline=None, max_examples=40)
def test_one_step_of_position_shifts_the_image_by_one_pixel(chosen):
    shape, scale, orientation, x, y = chosen
    here, right, below = sprites([chosen, (shape, scale, orientation, x + 1, y), (shape, scale, orientation, x, y + 1)])
    assert np.array_equal(np.roll(here, 1, axis=2), right)
    assert np.array_equal(np.roll(here, 1, axis=1), below)


def test_no_shape_is_cut_off_at_the_border():
    areas = []
    for x, y in [(16, 16), (0, 0), (31, 0), (0, 31), (31, 31)]:
        kinds = ALL_KINDS.copy()
        kinds[:, 3:] = x, y
        areas.append(area(sprites(kinds)))
    assert all(np.array_equal(areas[0], other) for other in areas[1:])


def test_ten_steps_of_orientation_are_a_quarter_turn_clockwise():
    kinds = ALL_KINDS[ALL_KINDS[:, 0] == HEART].reshape(6, 40, 5)
    images = sprites(kinds.reshape(-1, 5)).reshape(6, 40, 64, 64)
    around_centre = images[:, :, 17 - 1 :, 17 - 1 :][:, :, :33, :33]  # centre 32.5: pixels 16 to 48
    before, after = around_centre, np.roll(around_centre, -10, axis=1)
    turned = np.rot90(before, -1, axes=(2, 3))
    assert (turned != after).mean() < 1e-4  # a pixel on the very edge may fall either way


def test_symmetric_shapes_come_back_after_their_period():
    images = sprites(ALL_KINDS).reshape(3, 6, 40, 64, 64)
    assert (images[SQUARE] != np.roll(images[SQUARE], 10, axis=1)).mean() < 1e-4
    assert (images[ELLIPSE] != np.roll(images[ELLIPSE], 20, axis=1)).mean() < 1e-4
    assert (images[HEART] != np.roll(images[HEART], 20, axis=1)).mean() > 0.01


def test_a_heart_stands_on_its_tip():
    heart = sprites([[HEART, 5, 0, 16, 16]])[0, 0] > 0
    rows = np.flatnonzero(heart.any(axis=1))
    width = heart.sum(axis=1)
    assert width[rows[-1]] <= 2
    assert width[rows[0] : rows[0] + 8].max() > 15
    dent = heart[rows[0], :]
    assert np.diff(np.flatnonzero(dent)).max() > 1  # two lobes with a gap between


def test_the_grid_has_every_image_once():
    grid = factor_grid()
    assert grid.shape == (737_280, 5) == (math.prod(FACTOR_SIZES), 5)
    assert np.array_equal(np.ravel_multi_index(grid.T, FACTOR_SIZES), np.arange(TOTAL))


def test_a_subset_is_what_its_factors_say_and_has_no_image_twice():
    train, test = dsprites(n=300, n_test=100, seed=3)
    assert (len(train), len(test)) == (300, 100)
    assert np.array_equal(train.images, sprites(train.factors))
    assert np.array_equal(train.labels, train.factors[:, 0])
    both = np.concatenate([train.factors, test.factors])
    assert len(np.unique(both, axis=0)) == 400
    assert train.factor_names == ("shape", "scale", "orientation", "x", "y")


def test_a_subset_covers_every_factor_evenly():
    n = 20_000
    chosen = dsprites(n=n, n_test=0, size=16)[0].factors
    for column, size in enumerate(FACTOR_SIZES):
        counts = np.bincount(chosen[:, column], minlength=size)
        standard_error = math.sqrt(n / size * (1 - 1 / size))
        assert np.abs(counts - n / size).max() < 5 * standard_error


def test_the_subset_depends_on_the_seed_alone():
    first, again, other = (dsprites(n=50, n_test=10, seed=s)[0].images for s in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("options", [{"n": TOTAL}, {"n": -1}, {"n": 1, "size": 28}, {"n": 1, "size": 8}])
def test_impossible_options_are_refused(options):
    with pytest.raises(ConfigError, match="expected"):
        dsprites(**options)


def test_factors_outside_the_grid_are_named():
    with pytest.raises(DataError, match=r"factors\[1, 1\] = 6; expected scale from 0 to 5"):
        sprites([[0, 0, 0, 0, 0], [0, 6, 0, 0, 0]])
    with pytest.raises(DataError, match="whole numbers"):
        sprites([0, 0, 0, 0, 0])
    with pytest.raises(DataError, match="whole numbers"):
        sprites([[0.5, 0, 0, 0, 0]])
