"""The history of a run: columns, table, CSV."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minivae.training import COLUMNS, History

numbers = st.floats(allow_nan=False, allow_infinity=False)


def row(epoch, **values):
    return {"epoch": epoch, "step": 10 * epoch, "train_loss": 100.0 / epoch, "seconds": 1.5 * epoch} | values


def history_of(n, **values):
    history = History(labels={"loss": "−ELBO", "reconstruction": "NLL"})
    for epoch in range(1, n + 1):
        history.append(row(epoch, **{"train_reconstruction": 80.0, "train_kl": 20.0} | values))
    return history


def test_a_column_is_an_attribute():
    history = history_of(3)
    assert history.epoch == [1, 2, 3]
    assert history.train_loss == [100.0, 50.0, 100.0 / 3]
    assert history.test_loss == [None, None, None]


def test_an_unknown_column_is_an_error_that_lists_the_columns():
    with pytest.raises(AttributeError, match=r"no column 'loss'.*train_loss"):
        _ = history_of(1).loss


def test_every_row_has_every_column_in_order():
    assert all(tuple(row) == COLUMNS for row in history_of(4))


@given(st.lists(st.tuples(numbers, numbers, st.none() | numbers, numbers), max_size=5))
@settings(deadline=None, max_examples=50)
def test_csv_keeps_every_bit(values):
    history = History()
    for epoch, (loss, kl, test_loss, seconds) in enumerate(values):
        history.append(row(epoch + 1, train_loss=loss, train_kl=kl, test_loss=test_loss, seconds=seconds))
    assert History.from_csv(history.to_csv()).rows == history.rows


def test_the_table_has_a_line_an_epoch_and_names_the_losses_and_their_unit():
    lines = repr(history_of(3, test_loss=99.0, test_reconstruction=79.0, test_kl=20.0)).splitlines()
    assert len(lines) == 2 + 3
    assert "train, nats per example" in lines[0]
    assert "test, nats per example" in lines[0]
    assert lines[1].split() == ["epoch", "step", *["−ELBO", "NLL", "KL"] * 2, "seconds"]
    assert lines[2].split() == ["1", "10", "100.00", "80.00", "20.00", "99.00", "79.00", "20.00", "1.5"]
    assert len({len(line) for line in lines[1:]}) == 1, "the columns are aligned"


@pytest.mark.parametrize("loss", [99999.99, -99999.99, 1234567.89, 99999999.0, -9999999.0])
def test_large_losses_of_large_images_stay_apart(loss):
    lines = repr(history_of(1, train_loss=loss, train_reconstruction=loss)).splitlines()
    assert float(lines[2].split()[2]) == pytest.approx(loss, rel=1e-5)
    assert len(lines[2].split()) == 6
    assert len(lines[2]) == len(lines[1])


def test_a_long_table_is_cut_in_the_middle():
    lines = repr(history_of(50)).splitlines()
    assert len(lines) < 15
    assert lines[-1].split()[0] == "50"


def test_an_empty_history_says_so():
    assert repr(History()) == "History: no epoch yet"
