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
logits = arrays(np.float64, array_shapes(min_dims=2, max_dims=3, max_side=4), elements=st.floats(-30, 30))
dims = st.sampled_from([0, 1, -1, -2])


@few
@given(logits, dims)
def test_probabilities_are_positive_and_sum_to_one(x, dim):
    p = ops.softmax(x, dim).data
    assert (p > 0).all()
    np.testing.assert_allclose(p.sum(axis=dim), 1, rtol=1e-14)


@few
@given(logits, dims, st.floats(-1e3, 1e3))
def test_a_shift_of_all_logits_changes_nothing(x, dim, c):
    np.testing.assert_allclose(ops.softmax(x + c, dim).data, ops.softmax(x, dim).data, rtol=1e-11)
    np.testing.assert_allclose(ops.log_softmax(x + c, dim).data, ops.log_softmax(x, dim).data, rtol=1e-11, atol=1e-11)


@few
@given(logits, dims)
def test_log_softmax_is_the_logarithm_of_softmax_and_the_logits_minus_logsumexp(x, dim):
    y = ops.log_softmax(x, dim).data
    np.testing.assert_allclose(y, np.log(ops.softmax(x, dim).data), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(y, x - ops.logsumexp(x, dim, keepdim=True).data, rtol=1e-12, atol=1e-13)


@few
@given(logits, dims)
def test_softmax_is_the_gradient_of_logsumexp(x, dim):
    leaf = Tensor(x, requires_grad=True)
    ops.logsumexp(leaf, dim).sum().backward()
    np.testing.assert_allclose(leaf.grad, ops.softmax(x, dim).data, rtol=1e-13)


@few
@given(dims, st.integers(0, 2**32))
def test_gradients(dim, seed):
    x = np.random.default_rng(seed).normal(size=(2, 3, 4))
    for f in (ops.softmax, ops.log_softmax):
        report = gradcheck(lambda x, f=f: f(x, dim), x)
        assert report, str(report)


def test_two_logits_make_a_sigmoid():
    x = np.linspace(-40, 40, 101)
    both = ops.softmax(np.stack([x, np.zeros_like(x)]), 0).data
    np.testing.assert_allclose(both[0], ops.sigmoid(x).data, rtol=1e-14)


def test_extreme_logits_give_finite_log_probabilities_and_gradients():
    for dtype in (np.float32, np.float64):
        x = Tensor(np.array([[1e4, -1e4, 0], [-1e4, -1e4, -1e4]], dtype), requires_grad=True)
        y = ops.log_softmax(x, 1)
        np.testing.assert_allclose(y.data, [[0, -2e4, -1e4], [-np.log(3)] * 3], rtol=1e-6)
        np.testing.assert_allclose(ops.softmax(x, 1).data, [[1, 0, 0], [1 / 3] * 3], rtol=1e-6)
        (y * y + ops.softmax(x, 1)).sum().backward()
        assert x.grad.dtype == dtype


def test_a_dim_that_is_not_there_is_named():
    with pytest.raises(ShapeError, match="log_softmax: there is no dim 3 in 2 dims"):
        ops.log_softmax(np.ones((2, 3)), 3)
    with pytest.raises(ShapeError, match="softmax: there is no dim -3 in 2 dims"):
        ops.softmax(np.ones((2, 3)), -3)
