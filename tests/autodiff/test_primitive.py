"""@primitive: what the machinery around every op does once, for all."""

from __future__ import annotations

import math

import numpy as np
import pytest

from minivae import ops
from minivae.autodiff import Forward, Tensor, primitive
from minivae.backend import Array
from minivae.errors import DtypeError, GraphError, ShapeError


@primitive
def scaled_product(x: Array, y: Array, factor: float = 1.0) -> Forward:
    """factor · x · y, shapes broadcast."""
    return factor * x * y, (lambda g: factor * g * y, lambda g: factor * g * x)


@pytest.fixture
def x() -> Tensor:
    return Tensor(np.array([1.0, 2.0]), requires_grad=True)


def test_a_learners_own_op_runs_like_the_librarys(x):
    scaled_product(x, x, factor=3.0).sum().backward()
    assert np.array_equal(x.grad, 6 * x.data)


def test_differentiable_arguments_may_be_given_by_name(x):
    assert np.array_equal(scaled_product(y=x, x=2.0).data, 2 * x.data)
    assert np.array_equal(scaled_product(x, y=x, factor=2.0).data, 2 * x.data**2)


def test_a_missing_argument_is_named(x):
    with pytest.raises(TypeError, match="'y' is missing"):
        scaled_product(x)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "number", [2, 2.0, math.sqrt(2), np.float64(2), np.float32(2), np.int64(2), np.array(2.0), True]
)
def test_numbers_take_the_tensors_dtype(dtype, number):
    t = Tensor(np.ones(3, dtype), requires_grad=True)
    for result in (t * number, number * t, t + number, number - t, t / number):
        assert result.dtype == dtype


def test_integer_arrays_take_the_tensors_dtype():
    t = Tensor(np.ones(3, np.float32))
    assert (t * np.arange(3)).dtype == np.float32


def test_two_float_dtypes_are_refused_with_the_usual_cause(x):
    with pytest.raises(DtypeError, match=r"mul: .*float32.*float64.*np\.sqrt\(2\)"):
        x * np.ones(2, np.float32)
    with pytest.raises(DtypeError, match="mul"):
        Tensor(np.ones(2, np.float32)) * x


def test_shapes_that_do_not_fit_name_op_arguments_shapes_and_rule(x):
    with pytest.raises(ShapeError, match=r"(?s)mul: .*x: \(2,\), y: \(3,\).*rule: .*broadcast"):
        x * np.ones(3)


def test_what_is_no_number_is_refused(x):
    with pytest.raises(TypeError, match="mul: y is a str"):
        x * "2"
    with pytest.raises(TypeError, match="mul: y is a NoneType"):
        x * None


def test_the_array_arguments_must_come_first():
    with pytest.raises(TypeError, match="put them first"):

        @primitive
        def f(factor: float, x: Array) -> Forward:
            return x, lambda g: g


def test_the_number_of_pullbacks_must_be_that_of_the_arguments(x):
    @primitive
    def f(a: Array, b: Array) -> Forward:
        return a * b, lambda g: g

    with pytest.raises(GraphError, match="2 differentiable arguments, 1 pullback"):
        f(x, x)


def test_none_as_pullback_means_no_gradient(x):
    @primitive
    def sign(x: Array) -> Forward:
        return np.sign(x), (None,)

    (sign(x) * x).sum().backward()
    assert np.array_equal(x.grad, [1, 1])


def test_only_pullbacks_that_somebody_needs_are_called(x):
    called = []

    @primitive
    def f(a: Array, b: Array) -> Forward:
        return a * b, (lambda g: called.append("a") or g * b, lambda g: called.append("b") or g * a)

    f(x, np.ones(2)).sum().backward()
    assert called == ["a"]


def test_array_times_tensor_is_a_tensor(x):
    assert isinstance(np.ones(2) * x, Tensor)
    assert isinstance(np.float64(2) * x, Tensor)
    assert np.array_equal((np.ones((2, 2)) @ x).data, [3, 3])
    assert np.array_equal((np.ones(2) - x).data, [0, -1])
    assert np.array_equal(np.ones(2) < x, [False, True])


def test_numpy_functions_on_a_tensor_say_what_to_use(x):
    with pytest.raises(TypeError, match=r"np\.exp.*minivae\.ops"):
        np.exp(x)
    with pytest.raises(TypeError, match=r"np\.mean.*minivae\.ops"):
        np.mean(x)
    assert (np.shape(x), np.ndim(x), np.size(x)) == ((2,), 1, 2)
    with pytest.raises(TypeError, match=r"tensor\.numpy\(\)"):
        np.asarray(x)


def test_a_pullbacks_closure_shows_what_is_kept(x):
    (_, pullback), _ = ops.mul(x, x).graph_node().edges
    kept = [cell.cell_contents for cell in pullback.__closure__]
    assert len(kept) == 1
    assert np.shares_memory(kept[0], x.data)


def test_without_annotations_the_arguments_without_default_are_differentiable(x):
    @primitive
    def power(x, exponent=3):
        return x**exponent, lambda g: exponent * x ** (exponent - 1) * g

    power(x, exponent=2).sum().backward()
    assert np.array_equal(x.grad, 2 * x.data)


def test_a_0d_array_alone_keeps_its_dtype():
    assert ops.exp(np.array(2.0)).dtype == np.float64
    assert ops.exp(np.float64(2.0)).dtype == np.float64
    assert ops.exp(2.0).dtype == np.float32


def test_an_error_that_an_op_raises_itself_is_not_wrapped(x):
    with pytest.raises(ShapeError, match=r"^dense: ") as caught:
        ops.dense(x, np.ones((3, 4)))
    assert caught.value.__cause__ is None


class Foreign:
    """An array of a library with dtypes of its own."""

    dtype, ndim, shape = object(), 1, (2,)


@pytest.mark.parametrize("foreign", [Foreign(), np.array([1j, 2]), np.array([1, 2], object)])
def test_an_array_of_other_than_real_numbers_is_refused(x, foreign):
    for f in (lambda: x * foreign, lambda: ops.relu(foreign)):
        with pytest.raises(TypeError, match=r"(Foreign|numpy\.ndarray) of .*; expected a Tensor, an array or a number"):
            f()


@pytest.mark.parametrize("returned", [lambda x: 2 * x, lambda x: None, lambda x: (2 * x, len, len)])
def test_an_op_must_return_its_value_and_its_pullback(x, returned):
    """An array of length 2 could be taken apart as if it were both."""
    with pytest.raises(TypeError, match=r"f: returned (one ndarray|one NoneType|3 things); expected two"):
        _named_f(returned)(x)


@pytest.mark.parametrize("value", [1.0, Tensor(1.0)])
def test_an_ops_value_must_be_a_plain_array(x, value):
    with pytest.raises(TypeError, match=r"f: its value is a (float|Tensor)"):
        _named_f(lambda x: (value, None))(x)


def _named_f(forward):
    def f(x):
        return forward(x)

    return primitive(f)


@pytest.mark.parametrize("number", [np.float64(0.5), np.float32(0.5)])
def test_a_numpy_number_as_an_option_leaves_the_dtype_alone(number):
    @primitive
    def scaled(x: Array, factor: float = 1.0) -> Forward:
        assert type(factor) is float
        return x * factor, lambda g: g * factor

    x = Tensor(np.ones(3, np.float32), requires_grad=True)
    for y in (scaled(x, number), scaled(x, factor=number), ops.var(x, correction=np.int64(1))):
        assert y.dtype == np.float32
