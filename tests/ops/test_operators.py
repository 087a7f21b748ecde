from __future__ import annotations

import numpy as np
import pytest

from minivae import ops
from minivae.autodiff import Tensor
from minivae.errors import ShapeError

x = Tensor(np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))
y = Tensor(np.array([[2.0, 2.0, 2.0], [5.0, 5.0, 5.0]]))


@pytest.mark.parametrize(
    ("by_operator", "by_name"),
    [
        (x + y, ops.add(x, y)),
        (x - y, ops.sub(x, y)),
        (x * y, ops.mul(x, y)),
        (x / y, ops.div(x, y)),
        (x**y, ops.power(x, y)),
        (x @ y.T, ops.matmul(x, ops.permute(y, (1, 0)))),
        (-x, ops.neg(x)),
        (abs(-x), ops.abs(x)),
        (2 + x, ops.add(2, x)),
        (2 - x, ops.sub(2, x)),
        (2 * x, ops.mul(2, x)),
        (2 / x, ops.div(2, x)),
        (2**x, ops.power(2, x)),
        (y.data + x, ops.add(y, x)),
        (y.data - x, ops.sub(y, x)),
        (y.data * x, ops.mul(y, x)),
        (y.data / x, ops.div(y, x)),
        (y.data**x, ops.power(y, x)),
        (y.data.T @ x, ops.matmul(y.T, x)),
        (np.float64(2) - x, ops.sub(2, x)),
        (x[1:, :2], ops.getitem(x, (slice(1, None), slice(2)))),
        (x.sum(0), ops.sum(x, 0)),
        (x.mean(1, keepdim=True), ops.mean(x, 1, True)),
        (x.var(1, correction=0), ops.var(x, 1, 0)),
        (x.max(), ops.max(x)),
        (x.min(-1), ops.min(x, -1)),
        (x.exp(), ops.exp(x)),
        (x.log(), ops.log(x)),
        (x.sqrt(), ops.sqrt(x)),
        (x.square(), ops.square(x)),
        (x.abs(), ops.abs(x)),
        (x.tanh(), ops.tanh(x)),
        (x.sigmoid(), ops.sigmoid(x)),
        (x.relu(), ops.relu(x)),
        (x.reshape(3, 2), ops.reshape(x, (3, 2))),
        (x.reshape((3, -1)), ops.reshape(x, (3, 2))),
        (x.reshape(6), ops.reshape(x, (6,))),
        (x.permute(1, 0), ops.permute(x, (1, 0))),
        (x.permute((1, 0)), ops.permute(x, (1, 0))),
        (x.flatten(), ops.reshape(x, (6,))),
        (x.T, ops.permute(x, (1, 0))),
    ],
)
def test_operators_and_methods_are_the_ops_of_the_same_name(by_operator, by_name):
    assert isinstance(by_operator, Tensor)
    np.testing.assert_array_equal(by_operator.data, by_name.data)


def test_comparisons_give_plain_arrays_of_booleans():
    for result, expected in (
        (x < y, x.data < y.data),
        (x <= 2, x.data <= 2),
        (x > y.data, x.data > y.data),
        (y.data >= x, y.data >= x.data),
        (2 < x, x.data > 2),  # noqa: SIM300
        (x == y, x.data == y.data),
        (x != 2, x.data != 2),
        (y.data == x, x.data == y.data),
    ):
        assert type(result) is np.ndarray
        assert result.dtype == bool
        np.testing.assert_array_equal(result, expected)


def test_comparing_leaves_no_graph_and_needs_shapes_that_broadcast():
    leaf = Tensor(x.data, requires_grad=True)
    assert not hasattr(leaf > 0, "node")
    with pytest.raises(ShapeError, match=r"lt: shapes \(2, 3\) and \(4,\) do not broadcast"):
        leaf < np.ones(4)  # noqa: B015


def test_a_tensor_is_equal_to_nothing_that_is_no_number():
    assert (x == None) is False  # noqa: E711
    assert (x != "x") is True
    with pytest.raises(TypeError):
        x < "x"  # noqa: B015


def test_tensors_are_still_keys_by_identity():
    same = Tensor(x.data)
    names = {x: "x", same: "same"}
    assert (names[x], names[same], len({x, x, same})) == ("x", "same", 2)


def test_only_a_matrix_has_a_transpose():
    with pytest.raises(ShapeError, match=r"T: transposes a matrix, this tensor has shape \(3,\); use permute"):
        Tensor(np.ones(3)).T  # noqa: B018


def test_augmented_assignment_makes_a_new_tensor():
    a = b = Tensor(np.ones(3), requires_grad=True)
    a += 1
    assert a is not b
    np.testing.assert_array_equal(b.data, 1)


def test_every_name_of_the_package_is_an_op_or_a_function():
    assert all(callable(getattr(ops, name)) for name in ops.__all__ if name != "operators")
    assert list(ops.__all__) == sorted(set(ops.__all__))
