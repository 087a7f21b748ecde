from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

from minivae import ops
from minivae.autodiff import Tensor
from minivae.errors import ShapeError

few = settings(max_examples=40, deadline=None)
shapes = array_shapes(min_dims=0, max_dims=4, max_side=3)


def numbered(shape):
    """An array whose entries all differ."""
    return np.arange(1.0, 1 + np.prod(shape, dtype=int)).reshape(shape)


def adjoint(f, x, y):
    """fᵀy by a backward pass, for a linear f."""
    leaf = Tensor(x, requires_grad=True)
    f(leaf).backward(y)
    return leaf.grad


def assert_adjoint(f, x):
    """⟨fx, y⟩ = ⟨x, fᵀy⟩, exactly, as all numbers are whole."""
    fx = f(Tensor(x)).data
    y = numbered(fx.shape)[..., ::-1] if fx.ndim else numbered(())
    assert (fx * y).sum() == (x * adjoint(f, x, y)).sum()


@few
@given(st.permutations(range(4)))
def test_the_gradient_of_reshape_lies_in_memory_as_its_argument_does(dims):
    """A channels-last image that is flattened gets a channels-last gradient: what comes before it is fast in that."""
    back = np.argsort(dims)
    x = Tensor(numbered((2, 3, 4, 5)).transpose(dims).copy().transpose(back), requires_grad=True)
    y = ops.flatten(x, 1)
    ((_, pullback),) = y.node.edges
    dx = pullback(numbered(y.shape))
    np.testing.assert_array_equal(dx, numbered(y.shape).reshape(x.shape))
    assert dx.strides == x.data.strides


@few
@given(st.permutations(range(4)))
def test_permuting_and_permuting_back_is_the_identity(dims):
    x = Tensor(numbered((2, 3, 4, 5)))
    inverse = np.argsort(dims)
    np.testing.assert_array_equal(x.permute(dims).permute(*inverse).data, x.data)
    np.testing.assert_array_equal(x.permute(*dims).data, x.data.transpose(dims))
    negative = [d - 4 for d in dims]
    np.testing.assert_array_equal(x.permute(negative).data, x.permute(dims).data)
    assert_adjoint(lambda x: x.permute(dims), x.data)


@few
@given(shapes, st.data())
def test_flipping_twice_is_the_identity_and_flip_is_its_own_adjoint(shape, data):
    x = numbered(shape)
    dims = tuple(d for d in range(-len(shape), 0) if data.draw(st.booleans()))
    np.testing.assert_array_equal(ops.flip(ops.flip(Tensor(x), dims), dims).data, x)
    np.testing.assert_array_equal(ops.flip(Tensor(x), dims).data, np.flip(x, dims))
    y = numbered(shape)
    np.testing.assert_array_equal(adjoint(lambda x: ops.flip(x, dims), x, y), np.flip(y, dims))
    assert_adjoint(lambda x: ops.flip(x, dims), x)


def test_flip_takes_one_dim_as_well_as_a_tuple():
    x = numbered((2, 3))
    np.testing.assert_array_equal(ops.flip(x, 1).data, x[:, ::-1])
    np.testing.assert_array_equal(ops.flip(x, (0, 1)).data, x[::-1, ::-1])


@few
@given(shapes, st.data())
def test_reshaping_keeps_the_entries_in_order(shape, data):
    x = numbered(shape)
    new = data.draw(st.permutations(shape)) + [1] * data.draw(st.integers(0, 2))
    assert_adjoint(lambda x: x.reshape(new), x)
    np.testing.assert_array_equal(Tensor(x).reshape(*new).reshape(-1).data, x.ravel())


@few
@given(shapes, shapes)
def test_broadcasting_copies_and_its_adjoint_adds_up(shape, front):
    target = front[: 5 - len(shape)] + tuple(2 if n == 1 else n for n in shape)
    x = numbered(shape)
    np.testing.assert_array_equal(ops.broadcast_to(Tensor(x), target).data, np.broadcast_to(x, target))
    assert_adjoint(lambda x: ops.broadcast_to(x, target), x)


@pytest.mark.parametrize(("start", "end"), list(itertools.combinations_with_replacement(range(4), 2)))
def test_flatten_makes_one_axis_of_several(start, end):
    x = numbered((2, 3, 4, 5))
    y = ops.flatten(Tensor(x), start, end)
    assert y.ndim == 4 - (end - start)
    assert y.shape[:start] == x.shape[:start]
    np.testing.assert_array_equal(y.data.ravel(), x.ravel())
    np.testing.assert_array_equal(ops.flatten(Tensor(x), start - 4, end - 4).data, y.data)


def test_flatten_without_arguments_gives_a_vector():
    assert Tensor(numbered((2, 3))).flatten().shape == (6,)
    assert Tensor(1.0).flatten().shape == (1,)
    assert ops.flatten(Tensor(np.zeros((0, 3, 4))), 1).shape == (0, 12)


def test_permute_flip_and_broadcast_to_are_views():
    x = Tensor(numbered((2, 3)))
    for y in (x.T, ops.flip(x, 0), ops.broadcast_to(x, (4, 2, 3)), x.reshape(3, 2)):
        assert np.shares_memory(x.data, y.data)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda x: ops.reshape(x, (4, 2)), r"(?s)reshape: .*given: x: \(2, 3\).*rule: "),
        (lambda x: ops.permute(x, (0,)), r"permute: dims \(0,\) must name each of the 2 axes of shape \(2, 3\) once"),
        (lambda x: ops.permute(x, (0, 0)), r"permute: dim \(0, 0\) names an axis twice"),
        (lambda x: ops.permute(x, (0, 2)), r"permute: there is no dim 2 in 2 dims"),
        (lambda x: ops.broadcast_to(x, (2, 4)), r"(?s)broadcast_to: .*given: x: \(2, 3\).*rule: "),
        (lambda x: ops.flip(x, 2), r"flip: there is no dim 2"),
        (lambda x: ops.flatten(x, 2), r"flatten: there is no dim 2"),
        (lambda x: ops.flatten(x, 1, 0), r"flatten: start_dim 1 comes after end_dim 0 in shape \(2, 3\)"),
    ],
)
def test_arrangements_that_cannot_be_are_explained(wrong, message):
    with pytest.raises(ShapeError, match=message):
        wrong(Tensor(np.ones((2, 3))))
