from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from minivae import ops
from minivae.autodiff import Tensor
from minivae.verify import gradcheck

few = settings(max_examples=25, deadline=None)
numbers = arrays(np.float64, array_shapes(min_dims=1, max_dims=3, max_side=4), elements=st.floats(-30, 30))
SMOOTH = [ops.tanh, ops.sigmoid, ops.softplus, ops.gelu, ops.silu, ops.elu]
ALL = [*SMOOTH, ops.relu, ops.leaky_relu]
named = lambda functions: pytest.mark.parametrize("f", functions, ids=lambda f: f.__name__)

EXTREMES = [-1e30, -1e4, -709.0, -88.0, -17.0, -1e-30, -0.0, 0.0, 1e-30, 17.0, 88.0, 709.0, 1e4, 1e30]


def gradient(f, x):
    leaf = Tensor(x, requires_grad=True)
    f(leaf).sum().backward()
    return leaf.grad


@few
@given(numbers)
def test_softplus_of_x_minus_softplus_of_minus_x_is_x(x):
    np.testing.assert_allclose((ops.softplus(x) - ops.softplus(-x)).data, x, atol=1e-14)
    np.testing.assert_allclose(gradient(lambda x: ops.softplus(x) - ops.softplus(-x), x), np.ones_like(x))


@few
@given(numbers)
def test_tanh_is_a_stretched_sigmoid(x):
    np.testing.assert_allclose(ops.tanh(x).data, 2 * ops.sigmoid(2 * x).data - 1, atol=3e-16)


@few
@given(numbers)
def test_sigmoid_of_x_and_of_minus_x_make_one(x):
    np.testing.assert_allclose((ops.sigmoid(x) + ops.sigmoid(-x)).data, 1, rtol=1e-15)


@few
@given(numbers)
def test_sigmoid_is_the_derivative_of_softplus_and_the_exponential_of_minus_softplus(x):
    np.testing.assert_allclose(gradient(ops.softplus, x), ops.sigmoid(x).data, rtol=1e-13)
    np.testing.assert_allclose(ops.exp(-ops.softplus(-x)).data, ops.sigmoid(x).data, rtol=1e-13)


@few
@given(numbers)
def test_relu_silu_and_gelu_of_x_minus_those_of_minus_x_are_x(x):
    for f in (ops.relu, ops.silu, ops.gelu):
        np.testing.assert_allclose((f(x) - f(-x)).data, x, rtol=1e-14, atol=1e-15)


@few
@given(numbers, st.floats(0.1, 3))
def test_elu_and_leaky_relu_are_relu_plus_a_left_part(x, slope):
    left = np.minimum(x, 0)
    np.testing.assert_allclose(ops.elu(x, slope).data, ops.relu(x).data + slope * np.expm1(left))
    np.testing.assert_allclose(ops.leaky_relu(x, slope).data, ops.relu(x).data + slope * left)
    np.testing.assert_allclose(gradient(lambda x: ops.elu(x, slope), x), np.where(x > 0, 1, slope * np.exp(left)))
    np.testing.assert_array_equal(gradient(lambda x: ops.leaky_relu(x, slope), x), np.where(x > 0, 1, slope))


def test_leaky_relu_with_slopes_0_and_1_is_relu_and_the_identity():
    x = np.array([-3.0, -0.5, 0.5, 3.0])
    np.testing.assert_array_equal(ops.leaky_relu(x, 0).data, ops.relu(x).data)
    np.testing.assert_array_equal(ops.leaky_relu(x, 1).data, x)


@few
@given(numbers)
def test_gelu_is_x_times_the_normal_distribution_function(x):
    exact = np.vectorize(lambda v: v * math.erfc(-v / math.sqrt(2)) / 2, otypes=[float])(x)
    np.testing.assert_allclose(ops.gelu(x).data, exact, rtol=1e-12)


@named(SMOOTH)
def test_gradients_of_the_smooth_ones(f):
    assert gradcheck(f, np.linspace(-6, 6, 47).reshape(1, 47, 1) + 0.01)


@pytest.mark.parametrize(("f", "slope"), [(ops.relu, 0), (ops.leaky_relu, 0.01), (ops.elu, 1)])
def test_the_slope_at_the_kink_is_that_of_the_left(f, slope):
    np.testing.assert_allclose(gradient(f, np.zeros(2, np.float32)), slope)


@named(ALL)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extremes_overflow_nowhere(f, dtype):
    """Debug mode refuses values and gradients that are not finite; warnings are errors."""
    x = np.array(EXTREMES, dtype)
    slopes = gradient(f, x)
    assert f(x).dtype == slopes.dtype == dtype
    assert (np.abs(slopes) <= 1.2).all()
    left, right = f(x).data[:2], f(x).data[-2:]
    if f in (ops.tanh, ops.sigmoid):
        np.testing.assert_array_equal(right, 1)
        np.testing.assert_array_equal(left, -1 if f is ops.tanh else 0)
    else:
        np.testing.assert_array_equal(right, x[-2:])
        expected = {ops.elu: -1.0, ops.leaky_relu: 0.01 * x[:2]}.get(f, 0.0)
        np.testing.assert_allclose(left, expected, rtol=1e-6)


def test_sigmoid_softplus_silu_and_gelu_keep_their_digits_in_the_left_tail():
    """Where a textbook formula gives 0: the logarithm of a probability is still finite there."""
    for dtype, at in ((np.float32, -80.0), (np.float64, -700.0)):
        x = np.array([at], dtype)
        for f in (ops.sigmoid, ops.softplus):
            np.testing.assert_allclose(f(x).data, np.exp(x), rtol=1e-6)
            np.testing.assert_allclose(gradient(f, x), np.exp(x), rtol=1e-6)
        np.testing.assert_allclose(ops.silu(x).data, x * np.exp(x), rtol=1e-6)
    x = np.array([-20.0])
    np.testing.assert_allclose(ops.gelu(x).data, -20 * math.erfc(20 / math.sqrt(2)) / 2, rtol=1e-13)


@named(ALL)
def test_activations_do_not_decrease_but_for_the_dip_of_gelu_and_silu(f):
    x = np.linspace(-50, 50, 5001)
    if f in (ops.gelu, ops.silu):
        x = x[x > -0.7]
    assert (np.diff(f(x).data) >= 0).all()
