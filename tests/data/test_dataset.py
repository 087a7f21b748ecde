"""A Dataset keeps bytes as bytes, stands for v / 255, and refuses what cannot be examples."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minivae.data import Dataset, as_dataset, check_images
from minivae.errors import DataError


def bytes_dataset(n: int = 12) -> Dataset:
    images = np.arange(n * 6, dtype=np.uint8).reshape(n, 1, 2, 3)
    return Dataset(images, np.arange(n, dtype=np.uint8) % 3, "demo", factors=np.arange(2 * n).reshape(n, 2))


def test_every_byte_becomes_the_float32_nearest_to_v_over_255():
    x = Dataset(np.arange(256, dtype=np.uint8)[:, None]).x
    assert x.dtype == np.float32
    assert np.array_equal(x[:, 0], (np.arange(256) / 255).astype(np.float32))


def test_bytes_stay_bytes_and_other_numbers_become_float32():
    assert bytes_dataset().images.dtype == np.uint8
    assert Dataset(np.zeros((3, 2))).images.dtype == np.float32
    assert Dataset(np.zeros((3, 2), np.float16)).images.dtype == np.float32


def test_bools_are_black_and_white():
    assert Dataset(np.array([[True, False]])).x.tolist() == [[1.0, 0.0]]


def test_floats_are_a_new_array_so_that_the_data_cannot_be_changed_through_it():
    dataset = Dataset(np.ones((3, 2), np.float32))
    dataset.x[:] = 7
    assert (dataset.x == 1).all()


@given(start=st.integers(0, 12), stop=st.integers(0, 12), step=st.integers(1, 4))
@settings(deadline=None, max_examples=30)
def test_a_slice_is_a_dataset_of_the_same_rows_of_everything(start, stop, step):
    whole = bytes_dataset()
    part = whole[start:stop:step]
    rows = np.arange(12)[start:stop:step]
    assert len(part) == len(rows)
    assert np.array_equal(part.images, whole.images[rows])
    assert np.array_equal(part.labels, whole.labels[rows])
    assert np.array_equal(part.factors, whole.factors[rows])
    assert (part.name, part.image_shape) == ("demo", (1, 2, 3))


def test_a_mask_an_index_array_and_one_index_pick_too():
    whole = bytes_dataset()
    assert set(whole[whole.labels == 2].labels) == {2}
    assert np.array_equal(whole[[5, 1]].images, whole.images[[5, 1]])
    assert np.array_equal(whole[-1].images, whole.images[-1:])
    with pytest.raises(IndexError):
        whole[12]


def test_a_dataset_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        bytes_dataset().name = "other"


def test_repr_says_what_there_is():
    text = repr(bytes_dataset())
    for part in ("'demo'", "12 images of 1 × 2 × 3", "uint8", "3 classes", "memory"):
        assert part in text


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((5, 28, 28)), r"\(5, 28, 28\).*images\[:, None\]"),
        (np.zeros(5), r"\(5,\).*x\[:, None\]"),
        (np.zeros((2, 2, 2, 2, 2)), "expected images"),
        (np.zeros((2, 3), np.int64), "int64.*uint8"),
        ([[1.0, 2.0], [3.0]], "different shapes"),
        ("images.npy", "'images.npy' is a name.*np.load"),
    ],
)
def test_what_cannot_be_examples_is_refused_with_a_way_out(images, message):
    with pytest.raises(DataError, match=message):
        Dataset(images)


@pytest.mark.parametrize("what", ["labels", "factors"])
@pytest.mark.parametrize("values", [np.zeros(4, int), np.array(1)])
def test_labels_and_factors_need_one_row_an_example(what, values):
    with pytest.raises(DataError, match=f"{what}.*5 examples"):
        Dataset(np.zeros((5, 2)), **{what: values})


def test_check_images_passes_good_data():
    check_images(np.random.default_rng(0).random((4, 1, 3, 3), np.float32))
    check_images(np.array([[0.0, 1.0]]))
    check_images(bytes_dataset())
    check_images(np.array([[-3.0, 8.0]]), low=None, high=None)


def test_check_images_refuses_empty_data():
    with pytest.raises(DataError, match=r"empty.*\(0, 1, 28, 28\)"):
        check_images(np.zeros((0, 1, 28, 28)))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_check_images_counts_what_is_not_finite_and_says_where_the_first_is(bad):
    x = np.zeros((10, 1, 3, 4))
    x[2, 0, 1, 3] = x[7, 0, 0, 0] = bad
    with pytest.raises(DataError, match=rf"2 of 120 values.*{bad} at index \(2, 0, 1, 3\)"):
        check_images(x)


@pytest.mark.parametrize("value", [-0.25, 1.5])
def test_check_images_names_the_range_and_the_first_value_outside(value):
    x = np.full((3, 4), 0.5)
    x[1, 2] = value
    with pytest.raises(DataError, match=rf"expected \[0, 1\].*{value} at index \(1, 2\)"):
        check_images(x)


def test_check_images_respects_a_bound_left_open():
    x = np.array([[-5.0, 0.5]])
    check_images(x, low=None)
    with pytest.raises(DataError, match=r"-5 at index \(0, 0\)"):
        check_images(x, high=None)


def test_check_images_recognises_bytes_kept_as_floats():
    with pytest.raises(DataError, match="divide by 255"):
        check_images(np.array([[0.0, 255.0]]))


def test_bytes_of_0_and_1_are_not_taken_for_black_and_white():
    """(images > 127).astype(np.uint8) would train on images that are black."""
    images = (np.arange(12) % 2).astype(np.uint8).reshape(3, 1, 2, 2)
    with pytest.raises(DataError, match=r"v / 255, so this is black.*images\.astype\(bool\)"):
        check_images(images)
    check_images(images.astype(bool))
    check_images(Dataset(images.astype(bool)))
    check_images(np.zeros_like(images))


def test_a_dataset_can_stand_where_an_array_does_and_an_array_where_a_dataset_does():
    dataset = bytes_dataset()
    np.testing.assert_array_equal(np.asarray(dataset), dataset.x)
    assert np.asarray(dataset, np.float64).dtype == np.float64
    assert as_dataset(dataset) is dataset
    np.testing.assert_array_equal(as_dataset(dataset.images).images, dataset.images)


def test_two_data_sets_at_once_are_refused_with_a_way_out():
    """fit(model, mv.data.mnist()) hands over both in one."""
    with pytest.raises(DataError, match=r"2 data sets at once; expected one.*train, test = "):
        as_dataset((bytes_dataset(), bytes_dataset()))


def test_check_images_refuses_a_missing_channel_axis():
    with pytest.raises(DataError, match="add its axis"):
        check_images(np.zeros((5, 28, 28)))
