from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minivae import ops
from minivae.autodiff import Tensor
from minivae.backend import to_backend, why_no_cupy
from minivae.errors import BackendError, ConfigError, DtypeError, ShapeError

few = settings(max_examples=30, deadline=None)
whole = arrays(np.float32, (2, 5), elements=st.integers(-2, 2).map(float))  # whole numbers, so that many tie


def gradient(f, *inputs):
    """The gradients of Σ f by every input."""
    leaves = [Tensor(x, requires_grad=True) for x in inputs]
    f(*leaves).sum().backward()
    gradients = [leaf.grad for leaf in leaves]
    return gradients if len(gradients) > 1 else gradients[0]


@few
@given(whole)
def test_abs_is_the_larger_of_x_and_minus_x_with_the_same_gradient(x):
    np.testing.assert_array_equal(ops.abs(x).data, ops.maximum(x, -x).data)
    np.testing.assert_array_equal(gradient(ops.abs, x), gradient(lambda x: ops.maximum(x, -x), x))
    np.testing.assert_array_equal(gradient(ops.abs, x), np.sign(x))  # 0 at 0


@few
@given(whole, whole)
def test_maximum_and_minimum_together_are_the_sum(x, y):
    np.testing.assert_array_equal((ops.maximum(x, y) + ops.minimum(x, y)).data, x + y)
    for gradient_of_sum in gradient(lambda x, y: ops.maximum(x, y) + ops.minimum(x, y), x, y):
        np.testing.assert_array_equal(gradient_of_sum, 1)


@few
@given(whole, whole)
def test_maximum_gives_its_gradient_to_the_larger_and_halves_it_where_they_tie(x, y):
    by_x, by_y = gradient(ops.maximum, x, y)
    np.testing.assert_array_equal(by_x, np.where(x > y, 1, np.where(x == y, 0.5, 0)))
    np.testing.assert_array_equal(by_x + by_y, 1)
    by_x, by_y = gradient(ops.minimum, x, y)
    np.testing.assert_array_equal(by_x, np.where(x < y, 1, np.where(x == y, 0.5, 0)))
    np.testing.assert_array_equal(by_x + by_y, 1)


def test_the_larger_of_x_and_x_has_the_gradient_of_x():
    np.testing.assert_array_equal(gradient(lambda x: ops.maximum(x, x), np.array([-1.0, 0.0, 2.0])), 1)


@few
@given(whole, st.sampled_from([(-1, 1), (None, 1), (-1, None), (0, 0), (-1e30, 1e30)]))
def test_clip_passes_the_gradient_inside_the_closed_interval_only(x, bounds):
    low, high = (-np.inf if bounds[0] is None else bounds[0]), (np.inf if bounds[1] is None else bounds[1])
    y = ops.clip(Tensor(x), *bounds)
    np.testing.assert_array_equal(y.data, np.clip(x, low, high))
    np.testing.assert_array_equal(gradient(lambda x: ops.clip(x, *bounds), x), (x >= low) & (x <= high))


def test_clip_asks_for_bounds_that_make_sense():
    with pytest.raises(ConfigError, match="give min, max or both"):
        ops.clip(np.ones(3))
    with pytest.raises(ConfigError, match="min = 2 is greater than max = 1"):
        ops.clip(np.ones(3), min=2, max=1)


@few
@given(whole, whole)
def test_where_splits_value_and_gradient_between_its_sides(x, y):
    condition = x > 0
    np.testing.assert_array_equal(ops.where(condition, x, y).data, np.where(condition, x, y))
    by_x, by_y = gradient(lambda x, y: ops.where(condition, x, y), x, y)
    np.testing.assert_array_equal(by_x, condition)
    np.testing.assert_array_equal(by_y, ~condition)


def test_where_takes_numbers_and_broadcasts_the_condition():
    x = np.ones(3, np.float32)
    condition = np.array([[True], [False]])
    y = ops.where(condition, Tensor(x), 7)
    assert y.dtype == np.float32
    np.testing.assert_array_equal(y.data, [[1, 1, 1], [7, 7, 7]])
    np.testing.assert_array_equal(gradient(lambda x: ops.where(condition, x, 7), x), [1, 1, 1])
    assert ops.where(True, 2.0, 3.0).item() == 2
    assert ops.where(Tensor(x) > 2, x, -x).data.tolist() == [-1, -1, -1]


def test_where_with_a_harmless_inside_has_a_finite_gradient():
    """The way that its docstring recommends: log x for x > 0, otherwise 0."""
    x = np.array([-1.0, 0.0, 2.0])
    safe_log = lambda x: ops.where(x > 0, ops.log(ops.where(x > 0, x, 1)), 0)
    np.testing.assert_array_equal(gradient(safe_log, x), [0, 0, 0.5])


def test_where_wants_booleans():
    with pytest.raises(DtypeError, match=r"where: the condition is float64, expected booleans, such as x > 0"):
        ops.where(np.ones(3), np.ones(3), np.zeros(3))
    with pytest.raises(DtypeError, match="float32"):
        ops.where(Tensor([1.0]), np.ones(1), np.zeros(1))
    with pytest.raises(ShapeError, match=r"(?s)where: .*\(2,\).*rule: .*broadcast"):
        ops.where(np.ones(2, bool), np.ones(3), np.zeros(3))


@pytest.mark.skipif(why_no_cupy() is not None, reason="needs CuPy and a device (or one that is emulated)")
def test_where_refuses_a_condition_from_another_backend():
    x = to_backend(np.ones(3), "cupy")
    with pytest.raises(BackendError, match="the condition is on numpy, but x or y is not"):
        ops.where(np.ones(3, bool), x, 0)
    assert ops.where(x > 0, 1, 0).device == "cupy"
