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

few = settings(max_examples=40, deadline=None)
products = mutually_broadcastable_shapes(signature="(m?,k),(k,n?)->(m?,n?)", max_dims=2, max_side=3)


@few
@given(products, st.integers(0, 2**32))
def test_matrix_products_of_any_shapes_have_the_right_gradients(shapes, seed):
    rng = np.random.default_rng(seed)
    x, y = (rng.normal(size=shape) for shape in shapes.input_shapes)
    z = ops.matmul(x, y)
    np.testing.assert_array_equal(z.data, x @ y)
    assert z.shape == shapes.result_shape
    report = gradcheck(ops.matmul, x, y)
    assert report, str(report)


def test_a_product_is_associative_and_its_transpose_is_the_product_of_transposes_in_reverse():
    rng = np.random.default_rng(0)
    a, b, c = (Tensor(rng.normal(size=shape)) for shape in ((2, 3), (3, 5), (5, 4)))
    np.testing.assert_allclose(((a @ b) @ c).data, (a @ (b @ c)).data)
    np.testing.assert_allclose((a @ b).T.data, (b.T @ a.T).data)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ((2, 3), (4, 5), r"the last axis of x, of shape \(2, 3\), must be as long as the last but one axis of y"),
        ((2, 3), (4,), r"must be as long as the only axis of y, of shape \(4,\)"),
        ((3,), (4, 5), r"the last axis of x, of shape \(3,\)"),
        ((), (4, 5), r"a single number is no matrix; multiply with \* instead"),
        ((2, 3, 4), (5, 4, 6), r"(?s)given: x: \(2, 3, 4\), y: \(5, 4, 6\).*leading axes broadcast"),
    ],
)
def test_matrices_that_do_not_fit_are_explained(x, y, message):
    with pytest.raises(ShapeError, match=message) as caught:
        ops.matmul(Tensor(np.ones(x)), Tensor(np.ones(y)))
    assert str(caught.value).startswith("matmul: ")


@few
@given(st.lists(st.integers(1, 3), max_size=3), st.booleans(), st.integers(0, 2**32))
def test_dense_is_a_matrix_product_and_a_sum_over_any_leading_axes(leading, with_bias, seed):
    rng = np.random.default_rng(seed)
    x, weight, bias = rng.normal(size=(*leading, 3)), rng.normal(size=(3, 4)), rng.normal(size=4)
    inputs = (x, weight, bias) if with_bias else (x, weight)
    y = ops.dense(*inputs)
    np.testing.assert_allclose(y.data, x @ weight + bias * with_bias, rtol=1e-12, atol=1e-14)
    report = gradcheck(ops.dense, *inputs)
    assert report, str(report)


def test_dense_adds_the_bias_in_place_but_not_into_what_the_caller_has():
    x, weight, bias = np.eye(3), np.ones((3, 3)), np.ones(3)
    ops.dense(x, weight, bias)
    np.testing.assert_array_equal(x, np.eye(3))
    np.testing.assert_array_equal(weight, 1)
    np.testing.assert_array_equal(bias, 1)


def test_dense_computes_only_the_gradients_that_are_asked_for():
    weight = Tensor(np.ones((3, 4)), requires_grad=True)
    y = ops.dense(np.ones((2, 3)), weight, np.zeros(4))
    assert len(y.node.edges) == 1


def test_dense_takes_a_batch_without_examples():
    x, weight, bias = (Tensor(np.ones(shape), requires_grad=True) for shape in ((0, 3), (3, 4), (4,)))
    y = ops.dense(x, weight, bias)
    assert y.shape == (0, 4)
    y.sum().backward()
    assert x.grad.shape == (0, 3)
    np.testing.assert_array_equal(weight.grad, np.zeros((3, 4)))
    np.testing.assert_array_equal(bias.grad, np.zeros(4))


@pytest.mark.parametrize(
    ("x", "weight", "bias", "message"),
    [
        ((2, 3), (4, 3), None, r"x has shape \(2, 3\), weight \(4, 3\); expected x \(..., I\) and weight \(I, O\)"),
        ((2, 3), (3,), None, r"weight \(3,\)"),
        ((), (3, 4), None, r"x has shape \(\)"),
        ((2, 3), (3, 4), (3,), r"bias has shape \(3,\); with weight \(3, 4\) expected \(4,\)"),
        ((2, 3), (3, 4), (2, 4), r"bias has shape \(2, 4\)"),
    ],
)
def test_shapes_that_do_not_fit_a_dense_layer_are_explained(x, weight, bias, message):
    with pytest.raises(ShapeError, match=message) as caught:
        ops.dense(Tensor(np.ones(x)), Tensor(np.ones(weight)), None if bias is None else Tensor(np.ones(bias)))
    assert str(caught.value).startswith("dense: ")


def test_a_broadcast_cotangent_goes_through_a_product():
    x = Tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    weight = Tensor(np.eye(3), requires_grad=True)
    ops.dense(x, weight).sum().backward()
    np.testing.assert_array_equal(x.grad, 1)
    np.testing.assert_array_equal(weight.grad, np.repeat([[3.0], [5.0], [7.0]], 3, axis=1))
