"""Where windows lie: the formulas of sizes and places, against counting."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minivae.errors import ConfigError
from minivae.ops.windows import lay, pair, reach

small = st.tuples(st.integers(1, 4), st.integers(1, 4))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(kernel=small, stride=small, dilation=small, padding=st.tuples(st.integers(0, 3), st.integers(0, 3)), more=small)
def test_windows_are_as_many_as_fit_and_meet_the_places_they_should(kernel, stride, dilation, padding, more):
    """Laid out one by one: window o meets with entry k the place o·stride + k·dilation of the padded image."""
    size = [max(1, d * (k - 1) - 2 * p) + m for d, k, p, m in zip(dilation, kernel, padding, more, strict=True)]
    grid = lay("test", np.zeros((1, 1, *size)), kernel, stride, padding, dilation)
    assert grid.padded == (size[0] + 2 * padding[0], size[1] + 2 * padding[1])
    for axis in (0, 1):
        places = range(grid.padded[axis])
        starts = [o for o in places if o % stride[axis] == 0 and o + (kernel[axis] - 1) * dilation[axis] in places]
        assert grid.count[axis] == len(starts)
        for k in range(kernel[axis]):
            met = places[grid.met_by(k, k)[axis]]
            assert list(met) == [o + k * dilation[axis] for o in starts]
    assert reach(kernel, dilation)[0] == len(range(0, (kernel[0] - 1) * dilation[0] + 1))


def test_a_grid_is_a_value():
    """Equal where all numbers are, of use as a key, and not to be changed."""
    grid, same = (lay("test", np.zeros((1, 1, 5, 6)), (2, 3), (1, 1), (0, 1), (1, 2)) for _ in range(2))
    assert len({grid, same}) == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        grid.stride = (2, 2)


@pytest.mark.parametrize("value", [1.5, "3", None, (1,), (1, 2, 3), (1, 2.5), -1, (0, 1)])
def test_an_option_that_is_no_pair_of_whole_numbers_is_refused(value):
    with pytest.raises(ConfigError, match="at least 1, or a pair"):
        pair("test", "stride", value, 1)
    assert pair("test", "stride", np.int64(2), 1) == pair("test", "stride", [2, 2], 1) == (2, 2)
