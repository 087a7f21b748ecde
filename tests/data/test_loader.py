"""The loader: every example once an epoch; order and tosses are functions of (seed, epoch, batch) and nothing else."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minivae.data import DataLoader, Dataset, binarised
from minivae.errors import ConfigError, DataError

MODES = [None, "dynamic", "fixed", "threshold"]


def grey(n: int = 50, seed: int = 0) -> Dataset:
    rng = np.random.default_rng(seed)
    return Dataset(rng.integers(0, 256, (n, 1, 4, 5), dtype=np.uint8), np.arange(n))


def all_x(loader: DataLoader, epoch: int, start: int = 0) -> np.ndarray:
    return np.concatenate([batch.x for batch in loader.epoch(epoch, start)])


@given(
    n=st.integers(1, 60),
    batch_size=st.integers(1, 60),
    shuffle=st.booleans(),
    drop_last=st.booleans(),
    epoch=st.integers(0, 5),
)
@settings(deadline=None, max_examples=100)
def test_every_example_comes_exactly_once_an_epoch(n, batch_size, shuffle, drop_last, epoch):
    batch_size = min(batch_size, n)
    loader = DataLoader(grey(n), batch_size, shuffle, drop_last=drop_last)
    batches = list(loader.epoch(epoch))
    index = np.concatenate([batch.index for batch in batches])
    assert len(batches) == len(loader)
    assert len(np.unique(index)) == len(index)
    assert len(index) == (n - n % batch_size if drop_last else n)
    assert all(len(batch.x) == batch_size for batch in batches[:-1])
    if not shuffle:
        assert np.array_equal(index, np.arange(len(index)))


def test_x_and_labels_are_those_of_the_index():
    dataset = grey()
    for batch in DataLoader(dataset, 16).epoch(0):
        assert batch.x.dtype == np.float32
        assert batch.x.flags.c_contiguous
        assert np.array_equal(batch.x, dataset.x[batch.index])
        assert np.array_equal(batch.labels, batch.index)


def test_data_without_labels_give_none():
    batch = next(DataLoader(np.random.default_rng(0).random((9, 3)), 4).epoch(0))
    assert batch.labels is None
    assert batch.x.shape == (4, 3)


def test_a_batch_is_a_copy_so_writing_into_it_does_not_change_the_data():
    dataset = Dataset(np.ones((6, 2), np.float32))
    loader = DataLoader(dataset, 6, shuffle=False)
    next(loader.epoch(0)).x[:] = 5
    assert (dataset.images == 1).all()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("as_bytes", [True, False])
def test_the_same_seed_and_epoch_give_the_same_bits(mode, as_bytes):
    dataset = grey() if as_bytes else Dataset(grey().x)
    first, again = (all_x(DataLoader(dataset, 8, seed=3, binarise=mode), 2) for _ in range(2))
    assert np.array_equal(first, again)


@pytest.mark.parametrize("mode", MODES)
@given(start=st.integers(0, 7), epoch=st.integers(0, 3), batch_size=st.integers(7, 11))
@settings(deadline=None, max_examples=30)
def test_an_epoch_resumed_at_batch_k_continues_to_the_bit(mode, start, epoch, batch_size):
    loader = DataLoader(grey(), batch_size, seed=1, binarise=mode)
    start = min(start, len(loader))
    whole = list(loader.epoch(epoch))[start:]
    resumed = list(DataLoader(grey(), batch_size, seed=1, binarise=mode).epoch(epoch, start))
    assert len(whole) == len(resumed)
    for a, b in zip(whole, resumed, strict=True):
        assert np.array_equal(a.x, b.x)
        assert np.array_equal(a.index, b.index)
        assert np.array_equal(a.labels, b.labels)


def test_epochs_and_seeds_have_orders_of_their_own():
    orders = [
        tuple(np.concatenate([b.index for b in DataLoader(grey(), 10, seed=seed).epoch(epoch)]))
        for seed, epoch in itertools.product(range(3), range(3))
    ]
    assert len(set(orders)) == 9


def test_every_order_is_equally_likely():
    """Four examples have 24 orders; over 4,800 epochs each comes about 200 times."""
    loader = DataLoader(np.zeros((4, 1)), 4)
    counts: dict[tuple, int] = {}
    for epoch in range(4800):
        order = tuple(next(loader.epoch(epoch)).index)
        counts[order] = counts.get(order, 0) + 1
    assert len(counts) == 24
    chi_square = sum((count - 200) ** 2 / 200 for count in counts.values())
    assert abs(chi_square - 23) < 5 * math.sqrt(2 * 23)


def test_iterating_goes_through_successive_epochs():
    loader = DataLoader(grey(), 10, binarise="dynamic")
    for epoch in range(3):
        assert np.array_equal(np.concatenate([batch.x for batch in loader]), all_x(loader, epoch))


def test_binarised_batches_are_zeros_and_ones():
    for mode in MODES[1:]:
        assert set(np.unique(all_x(DataLoader(grey(), 10, binarise=mode), 0))) == {0.0, 1.0}


def test_dynamic_is_new_every_epoch_and_fixed_is_not():
    dynamic, fixed = (DataLoader(grey(), 10, shuffle=False, binarise=mode) for mode in ("dynamic", "fixed"))
    assert not np.array_equal(all_x(dynamic, 0), all_x(dynamic, 1))
    assert np.array_equal(all_x(fixed, 0), all_x(fixed, 1))


def test_fixed_depends_on_neither_seed_nor_batch_size_nor_order():
    reference = all_x(DataLoader(grey(), 10, shuffle=False, binarise="fixed"), 0)
    for batch in DataLoader(grey(), 7, seed=9, binarise="fixed").epoch(4):
        assert np.array_equal(batch.x, reference[batch.index])


def test_fixed_batches_are_those_of_the_data_set_binarised_once():
    fixed = DataLoader(grey(), 10, shuffle=False, binarise="fixed")
    assert np.array_equal(all_x(fixed, 0), binarised(grey()).x)


def test_dynamic_pixels_are_white_as_often_as_their_value_says():
    """The mean over many epochs against v/255, in standard errors, pixel by pixel."""
    dataset, epochs = grey(40), 1500
    loader = DataLoader(dataset, 40, shuffle=False, binarise="dynamic", seed=2)
    mean = sum(all_x(loader, epoch).astype(np.float64) for epoch in range(epochs)) / epochs
    p = dataset.images / 255
    standard_error = np.sqrt(p * (1 - p) / epochs)
    assert (np.abs(mean - p) <= 5 * standard_error + 1e-12).all()
    inside = standard_error > 0
    z = (mean - p)[inside] / standard_error[inside]
    assert abs(z.mean()) < 5 / math.sqrt(z.size)
    assert abs((z**2).mean() - 1) < 5 * math.sqrt(2 / z.size)


def test_threshold_is_one_half():
    dataset = grey()
    x = all_x(DataLoader(dataset, 10, shuffle=False, binarise="threshold"), 0)
    assert np.array_equal(x, dataset.x >= 0.5)


def test_repr_says_how_many_batches_and_how_they_are_made():
    text = repr(DataLoader(grey(), 16, seed=5, binarise="dynamic"))
    for part in ("4 batches of 16", "seed 5", "'dynamic'", "50 images"):
        assert part in text


# --- bad input


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 51}, r"batch_size=51 with 50 examples.*batch_size=50"),
        ({"batch_size": 0}, "batch_size=0.*at least 1"),
        ({"batch_size": 2.5}, "batch_size=2.5"),
        ({"binarise": "sometimes"}, "binarise='sometimes'.*'threshold'"),
        ({"seed": -1}, "seed=-1"),
    ],
)
def test_an_option_that_cannot_work_is_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        DataLoader(grey(), **({"batch_size": 10} | options))


def test_empty_data_are_refused():
    with pytest.raises(DataError, match="empty"):
        DataLoader(grey()[:0], 1)


def test_nan_in_the_data_is_refused():
    x = np.zeros((5, 3))
    x[3, 1] = np.nan
    with pytest.raises(DataError, match=r"1 of 15.*\(3, 1\)"):
        DataLoader(x, 2)


@pytest.mark.parametrize("mode", MODES[1:])
def test_values_outside_0_to_1_cannot_be_binarised(mode):
    x = np.array([[0.5], [-0.1]])
    with pytest.raises(DataError, match=r"expected \[0, 1\]"):
        DataLoader(x, 1, binarise=mode)
    DataLoader(x, 1)


@pytest.mark.parametrize(("epoch", "start"), [(-1, 0), (0, -1), (0, 6)])
def test_an_epoch_or_start_that_is_not_there_is_refused_at_once(epoch, start):
    with pytest.raises(ConfigError, match="start from 0 to 5"):
        DataLoader(grey(), 10).epoch(epoch, start)
