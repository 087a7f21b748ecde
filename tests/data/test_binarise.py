"""Coin tosses have exactly the pixel as their probability; fixed ones depend on the index alone."""

from __future__ import annotations

import math

import numpy as np
import pytest

from minivae.data import Dataset, binarised
from minivae.data.binarise import CHUNK, _chances, threshold, toss


def test_of_the_255_values_a_chance_can_take_exactly_v_lie_below_v():
    """With the next test this is the whole argument: P(toss) = v / 255 exactly."""
    v = np.arange(256)
    assert np.array_equal((np.arange(255)[:, None] < v).sum(axis=0), v)


def test_chances_are_uniform_on_0_to_254(rng):
    n = 2_550_000
    counts = np.bincount(_chances(rng, (n,), np.dtype(np.uint8)), minlength=256)
    assert counts[255] == 0
    chi_square = ((counts[:255] - n / 255) ** 2 / (n / 255)).sum()
    assert abs(chi_square - 254) < 5 * math.sqrt(2 * 254)


@pytest.mark.parametrize("as_bytes", [True, False])
def test_each_pixel_is_white_as_often_as_its_value_says(rng, as_bytes):
    v = np.arange(256, dtype=np.uint8)
    images = np.broadcast_to(v if as_bytes else (v / 255).astype(np.float32), (20_000, 256))
    mean = toss(images, rng).mean(axis=0)
    p = v / 255
    standard_error = np.sqrt(p * (1 - p) / 20_000)
    assert (np.abs(mean - p) <= 4.5 * standard_error).all()
    z = (mean - p)[1:-1] / standard_error[1:-1]
    assert abs((z**2).mean() - 1) < 5 * math.sqrt(2 / len(z))  # not too regular either


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_black_is_never_and_white_always_tossed_to_white(rng, dtype):
    white = np.ones((1000, 1000), dtype) * dtype(255 if dtype == np.uint8 else 1)
    assert toss(white, rng).all()
    assert not toss(np.zeros_like(white), rng).any()


def test_float_chances_are_multiples_of_2_to_the_minus_24_below_one(rng):
    """So P(u < x) is x rounded up to such a multiple: within 2^-24 of x."""
    u = _chances(rng, (100_000,), np.dtype(np.float32)).astype(np.float64) * 2**24
    assert np.array_equal(u, np.round(u))
    assert u.max() < 2**24


def test_tosses_of_pixels_are_independent(rng):
    images = np.full((40_000, 10), 100, np.uint8)
    tosses = toss(images, rng).astype(np.float64)
    correlation = np.corrcoef(tosses.T)[np.triu_indices(10, 1)]
    assert np.abs(correlation).max() < 5 / math.sqrt(40_000)


def test_threshold_is_one_half():
    v = np.arange(256, dtype=np.uint8)
    assert np.array_equal(threshold(v), v / 255 >= 0.5)
    x = np.array([0.0, np.nextafter(np.float32(0.5), np.float32(0)), 0.5, 1.0], np.float32)
    assert threshold(x).tolist() == [False, False, True, True]


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("n", [1, CHUNK - 1, CHUNK, CHUNK + 7])
def test_fixed_tosses_depend_on_the_index_alone_not_on_how_much_data_there_are(rng, dtype, n):
    images = rng.integers(0, 256, (2 * CHUNK, 1, 3, 3)).astype(np.uint8)
    whole = Dataset(images if dtype == np.uint8 else images / 255)
    assert np.array_equal(binarised(whole[:n]).images, binarised(whole).images[:n])


def test_fixed_tosses_have_the_pixel_as_their_probability_and_differ_from_image_to_image():
    n, v = 20_000, 51
    images = binarised(Dataset(np.full((n, 10), v, np.uint8))).images
    assert set(np.unique(images)) == {0, 255}
    mean = (images == 255).mean()
    assert abs(mean - 0.2) < 5 * math.sqrt(0.2 * 0.8 / (10 * n))
    assert abs(np.corrcoef(images[0::2, 0], images[1::2, 0])[0, 1]) < 5 / math.sqrt(n / 2)
    assert abs(np.corrcoef(images[:CHUNK, 0], images[CHUNK : 2 * CHUNK, 0])[0, 1]) < 5 / math.sqrt(CHUNK)


def test_binarised_keeps_labels_and_says_so():
    dataset = binarised(Dataset(np.zeros((3, 2), np.uint8), np.arange(3), "name", "there"))
    assert dataset.labels.tolist() == [0, 1, 2]
    assert dataset.source == "there, binarised once"
