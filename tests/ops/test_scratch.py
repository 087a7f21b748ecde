"""Scratch memory: used again, never by two at once."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from minivae.ops.scratch import _shelf, borrowed


@pytest.fixture(autouse=True)
def _empty_shelf():
    _shelf.free.clear()


def test_memory_is_used_again_for_whatever_fits_in_it():
    with borrowed(np, (3, 4), np.float64) as first:
        assert (first.shape, first.dtype) == ((3, 4), np.float64)
    for shape, dtype in [((12,), np.float64), ((2, 2, 6), np.float32), ((0, 5), np.float32), ((), np.float64)]:
        with borrowed(np, shape, dtype) as again:
            assert (again.shape, again.dtype) == (shape, dtype)
            assert np.shares_memory(again, first) == (again.size > 0)


def test_more_than_there_is_takes_new_memory_and_leaves_the_larger_piece():
    with borrowed(np, (4,), np.float64) as small:
        pass
    with borrowed(np, (5,), np.float64) as large:
        large[...] = 1
        assert not np.shares_memory(small, large)
    with borrowed(np, (4,), np.float64) as again:
        assert np.shares_memory(again, large)
    assert len(_shelf.free) == 1


def test_two_at_once_are_two_pieces():
    with borrowed(np, (4,), np.float64) as a, borrowed(np, (4,), np.float64) as b:
        assert not np.shares_memory(a, b)
    assert len(_shelf.free) == 2


def test_an_error_inside_the_block_gives_the_memory_back():
    def fails():
        with borrowed(np, (4,), np.float64):
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    assert len(_shelf.free) == 1


def test_threads_do_not_share():
    found = []
    with borrowed(np, (4,), np.float64):
        pass
    thread = threading.Thread(target=lambda: found.append(len(_shelf.free)))
    thread.start()
    thread.join()
    assert found == [0]
    assert len(_shelf.free) == 1
