"""The 8 × 8 digits: exact sixteenths, a balanced test set, and a split that depends on the seed alone."""

from __future__ import annotations

import numpy as np
import pytest

from minivae.data import digits

pytest.importorskip("sklearn")


def rows(dataset) -> list[bytes]:
    return [x.tobytes() for x in dataset.images]


def test_values_are_exact_sixteenths_from_0_to_1():
    for part in digits():
        assert part.images.dtype == np.float32
        assert part.image_shape == (1, 8, 8)
        assert np.array_equal(part.x * 16, np.round(part.x * 16))
        assert (part.x.min(), part.x.max()) == (0, 1)


def test_the_test_set_has_36_of_each_class():
    train, test = digits()
    assert np.bincount(test.labels).tolist() == [36] * 10
    assert (len(train), len(test)) == (1437, 360)


def test_the_two_parts_are_all_the_images_of_scikit_learn():
    from sklearn.datasets import load_digits

    train, test = digits(seed=5)
    originals = (load_digits().images / 16).astype(np.float32)
    assert sorted(rows(train) + rows(test)) == sorted(x.tobytes() for x in originals)


def test_the_split_depends_on_the_seed_alone():
    assert rows(digits(seed=1)[1]) == rows(digits(seed=1)[1])
    assert rows(digits(seed=1)[1]) != rows(digits(seed=2)[1])
