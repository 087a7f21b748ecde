from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from minivae import ops
from minivae.autodiff import Tensor
from minivae.errors import ShapeError
from minivae.verify import gradcheck

few = settings(max_examples=30, deadline=None)
REDUCTIONS = [ops.sum, ops.mean, ops.var, ops.max, ops.min, ops.logsumexp]
named = pytest.mark.parametrize("f", REDUCTIONS, ids=lambda f: f.__name__)


numbers = st.floats(-5, 5)


@st.composite
def an_array_and_dims(draw, elements=numbers):
    """An array and what may be written for `dim`: None, an axis, some axes, counted from either end."""
    shape = draw(array_shapes(min_dims=1, max_dims=3, max_side=4))
    x = draw(arrays(np.float64, shape, elements=elements))
    axes = st.integers(-len(shape), len(shape) - 1)
    some = st.lists(axes, unique_by=lambda axis: axis % len(shape), max_size=len(shape)).map(tuple)
    return x, draw(st.none() | axes | some)


def gradient(f, x):
    leaf = Tensor(x, requires_grad=True)
    f(leaf).sum().backward()
    return leaf.grad


@few
@given(an_array_and_dims(), st.booleans())
def test_reductions_give_what_numpy_gives(x_and_dim, keepdim):
    x, dim = x_and_dim
    for f, plain in ((ops.sum, np.sum), (ops.mean, np.mean), (ops.max, np.max), (ops.min, np.min)):
        expected = plain(x, axis=dim, keepdims=keepdim)
        np.testing.assert_allclose(f(Tensor(x), dim, keepdim).data, expected, rtol=1e-13, atol=1e-13, strict=True)
    expected = np.var(x, axis=dim, keepdims=keepdim)
    y = ops.var(Tensor(x), dim, correction=0, keepdim=keepdim).data
    np.testing.assert_allclose(y, expected, rtol=1e-13, atol=1e-13, strict=True)
    expected = np.log(np.sum(np.exp(x), axis=dim, keepdims=keepdim))
    y = ops.logsumexp(Tensor(x), dim, keepdim).data
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-12, strict=True)


@few
@given(an_array_and_dims(), st.booleans(), st.integers(0, 2**32))
def test_gradients_over_any_dims(x_and_dim, keepdim, seed):
    x, dim = x_and_dim
    x = np.random.default_rng(seed).normal(size=x.shape)
    for f in (ops.sum, ops.mean, ops.logsumexp):
        report = gradcheck(lambda x, f=f: f(x, dim, keepdim), x)
        assert report, str(report)
    report = gradcheck(lambda x: ops.var(x, dim, 0, keepdim), x)
    assert report, str(report)


def test_the_gradients_of_sum_and_mean_cost_no_memory():
    x = Tensor(np.ones((100, 200), np.float32), requires_grad=True)
    for y in (x.sum(), x.mean(), x.sum(1), x.mean((0, 1), keepdim=True)):
        ((_, pullback),) = y.node.edges
        assert pullback(np.ones(y.shape, np.float32)).strides[0] == 0 or y.shape == (100,)
        assert pullback(np.ones(y.shape, np.float32)).base is not None


def test_the_pullback_of_a_sum_does_not_keep_its_input_alive():
    y = Tensor(np.ones((3, 4)), requires_grad=True).sum()
    ((_, pullback),) = y.node.edges
    assert not any(isinstance(cell.cell_contents, np.ndarray) for cell in pullback.__closure__)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_variance_does_not_depend_on_a_shift(dtype):
    """The mean of squares minus the square of the mean would have no right digit here."""
    x = np.random.default_rng(0).integers(-8, 8, size=(5, 70)).astype(dtype)
    far = dtype(2 ** (16 if dtype == np.float32 else 40))
    np.testing.assert_allclose(ops.var(x + far, 1).data, ops.var(x, 1).data, rtol=1e-4)
    np.testing.assert_allclose(gradient(lambda x: x.var(1), x + far), gradient(lambda x: x.var(1), x), atol=1e-3)


def test_variance_with_and_without_bessels_correction():
    x = np.random.default_rng(0).normal(size=(4, 7))
    np.testing.assert_allclose(ops.var(x, 1).data, x.var(axis=1, ddof=1))
    np.testing.assert_allclose(ops.var(x, 1).data * 6, ops.var(x, 1, correction=0).data * 7)
    assert gradcheck(lambda x: ops.var(x, -1), x)


def test_variance_of_one_entry_with_correction_is_an_error():
    with pytest.raises(ShapeError, match=r"var: 1 entries along dim 0 are too few for correction=1"):
        ops.var(np.ones((1, 3)), 0)
    np.testing.assert_array_equal(ops.var(np.ones((1, 3)), 0, correction=0).data, 0)


@few
@given(an_array_and_dims(elements=st.integers(0, 2).map(float)))
def test_entries_that_tie_share_the_gradient_of_an_extreme_evenly(x_and_dim):
    x, dim = x_and_dim
    for f, plain in ((ops.max, np.max), (ops.min, np.min)):
        slopes = gradient(lambda x, f=f: f(x, dim), x)
        winners = x == plain(x, axis=dim, keepdims=True)
        np.testing.assert_allclose(slopes.sum(axis=dim), 1)  # nothing is lost, and nothing is counted twice
        np.testing.assert_allclose(slopes, winners / winners.sum(axis=dim, keepdims=True))


@few
@given(an_array_and_dims(), st.floats(-1000, 1000))
def test_a_shift_goes_straight_through_logsumexp(x_and_dim, c):
    x, dim = x_and_dim
    y = ops.logsumexp(Tensor(x + c), dim).data
    np.testing.assert_allclose(y, ops.logsumexp(Tensor(x), dim).data + c, rtol=1e-12, atol=1e-12)


def test_logsumexp_of_very_large_and_very_small_numbers():
    for dtype in (np.float32, np.float64):
        x = np.array([[1e4, 1e4, -1e4], [-1e4, -1e4, -1e30], [88, 88, 88], [1e30, 0, 0]], dtype)
        exact = np.array([1e4 + np.log(2), -1e4 + np.log(2), 88 + np.log(3), 1e30])
        np.testing.assert_allclose(ops.logsumexp(x, 1).data, exact, rtol=1e-6)
        slopes = gradient(lambda x: ops.logsumexp(x, 1), x)
        np.testing.assert_allclose(slopes, [[0.5, 0.5, 0], [0.5, 0.5, 0], [1 / 3] * 3, [1, 0, 0]], rtol=1e-6)


def test_the_gradient_of_logsumexp_keeps_its_digits_in_float32_however_large_the_logits():
    """exp(x − logsumexp x) would not: at 10⁴ the rounding of logsumexp alone is 5e-4."""
    x = np.array([0, -1, 0.5])
    far = (x + 10_000).astype(np.float32)
    p = np.exp(x) / np.exp(x).sum()
    np.testing.assert_allclose(gradient(ops.logsumexp, far), p, rtol=1e-6)


@named
def test_a_single_number_is_its_own_reduction(f):
    x = Tensor(np.array(3.0), requires_grad=True)
    y = f(x, correction=0) if f is ops.var else f(x)
    y.backward()
    assert (y.shape, y.dtype) == ((), np.float64)
    assert (y.item(), x.grad.item()) == ((0, 0) if f is ops.var else (3, 1))


@named
def test_a_dim_that_is_not_there_is_named(f):
    x = np.ones((2, 3))
    with pytest.raises(ShapeError, match=rf"^{f.__name__}: there is no dim 2 in 2 dims; expected a dim from -2 to 1"):
        f(x, 2)
    with pytest.raises(ShapeError, match=rf"^{f.__name__}: dim \(0, -2\) names an axis twice"):
        f(x, (0, -2))
    with pytest.raises(ShapeError, match=rf"^{f.__name__}: dim is 0.5; expected a whole number"):
        f(x, 0.5)
    with pytest.raises(ShapeError, match="the tensor is a single number"):
        f(np.float32(1), 0)


def test_the_sum_of_nothing_is_zero_and_nothing_else_of_nothing_is_defined():
    x = np.zeros((2, 0, 3))
    np.testing.assert_array_equal(ops.sum(x, 1).data, np.zeros((2, 3)))
    assert gradient(lambda x: x.sum(1), x).shape == x.shape
    for f in (ops.mean, ops.max, ops.min, ops.logsumexp):
        with pytest.raises(ShapeError, match=rf"{f.__name__}: shape \(2, 0, 3\) has no entries"):
            f(x, 1)
    assert ops.max(x, 0).shape == (0, 3)  # no result is asked for, so none is missing
