from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes

from minivae import ops
from minivae.autodiff import Tensor
from minivae.errors import ShapeError
from minivae.verify import gradcheck

few = settings(max_examples=30, deadline=None)
shapes = mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3)
seeds = st.integers(0, 2**32)


def gradient(f, *inputs):
    """The gradients of Σ f by every input."""
    leaves = [Tensor(x, requires_grad=True) for x in inputs]
    f(*leaves).sum().backward()
    gradients = [leaf.grad for leaf in leaves]
    return gradients if len(gradients) > 1 else gradients[0]


@few
@given(shapes, seeds)
def test_sums_products_and_quotients_broadcast_and_so_do_their_gradients(shapes, seed):
    rng = np.random.default_rng(seed)
    x, y = (rng.uniform(0.5, 2, size=shape) for shape in shapes.input_shapes)
    for op, plain in ((ops.add, np.add), (ops.sub, np.subtract), (ops.mul, np.multiply), (ops.div, np.divide)):
        np.testing.assert_array_equal(op(Tensor(x), Tensor(y)).data, plain(x, y))
        report = gradcheck(op, np.asarray(x), np.asarray(y))
        assert report, str(report)


@few
@given(shapes, seeds)
def test_a_power_is_the_exponential_of_the_logarithm(shapes, seed):
    rng = np.random.default_rng(seed)
    x, y = (rng.uniform(0.5, 2, size=shape) for shape in shapes.input_shapes)
    np.testing.assert_allclose(ops.power(Tensor(x), Tensor(y)).data, np.exp(y * np.log(x)), rtol=1e-14)
    report = gradcheck(ops.power, np.asarray(x), np.asarray(y))
    assert report, str(report)


@pytest.mark.parametrize("exponent", [-2, -1, 1, 2, 3, 4.0])
def test_whole_exponents_take_negative_bases(exponent):
    x = np.array([-2.0, -0.5, 0.5, 3.0])
    assert gradcheck(lambda x: x**exponent, x)
    np.testing.assert_allclose(gradient(lambda x: x**exponent, x), exponent * x ** (exponent - 1.0))


@pytest.mark.parametrize(("exponent", "slope"), [(0, 0), (1, 1), (1.5, 0), (2, 0), (3, 0)])
def test_the_gradient_of_a_power_at_zero_is_finite_where_the_mathematics_is(exponent, slope):
    np.testing.assert_array_equal(gradient(lambda x: x**exponent, np.zeros(2)), [slope, slope])
    by_x, by_y = gradient(ops.power, np.zeros(2), np.array([exponent, 2.0]))
    np.testing.assert_array_equal(by_x, [slope, 0])
    np.testing.assert_array_equal(by_y, 0)


def test_x_to_the_zero_is_one_with_no_slope_everywhere():
    x = np.array([-3.0, 0.0, 2.0], np.float32)
    np.testing.assert_array_equal(ops.power(x, 0).data, 1)
    np.testing.assert_array_equal(gradient(lambda x: x**0, x), 0)


def test_a_constant_exponent_needs_no_logarithm_of_the_base():
    """Of −2 it would be NaN, with a warning, which is an error here."""
    np.testing.assert_array_equal(gradient(lambda x: x**3.0, np.array([-2.0])), [12])


def test_a_number_to_the_power_of_a_tensor():
    y = np.array([-1.5, 0.0, 2.5])
    np.testing.assert_allclose(gradient(lambda y: 2**y, y), np.log(2) * 2**y)


def test_square_and_sqrt_undo_each_other():
    x = np.array([1e-30, 1e-3, 1.0, 7.0, 1e30])
    np.testing.assert_allclose(ops.sqrt(ops.square(x)).data, x)
    np.testing.assert_allclose(gradient(lambda x: ops.sqrt(ops.square(x)), x), np.ones(5))


def test_shapes_that_do_not_broadcast_are_named_with_the_op():
    x, y = Tensor(np.ones((2, 3))), Tensor(np.ones((4, 3)))
    for op in (ops.add, ops.sub, ops.mul, ops.div, ops.power):
        with pytest.raises(ShapeError, match=rf"{op.__name__}.*\n.*x: \(2, 3\), y: \(4, 3\)"):
            op(x, y)


@pytest.mark.parametrize("op", [ops.add, ops.mul, ops.div, ops.power, ops.maximum])
def test_numbers_do_not_turn_float32_into_float64(op):
    x = Tensor(np.ones((2, 3), np.float32), requires_grad=True)
    for number in (2, 0.5, np.float64(0.5), np.sqrt(2), np.array(3.0), np.int64(3)):
        y = op(op(x, number), op(number, x))
        assert y.dtype == np.float32
        x.zero_grad()
        y.sum().backward()
        assert x.grad.dtype == np.float32


def test_arrays_without_entries_pass_through():
    x, y = gradient(ops.mul, np.zeros((0, 3)), np.ones(3))
    assert x.shape == (0, 3)
    np.testing.assert_array_equal(y, np.zeros(3))
