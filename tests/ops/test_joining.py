from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minivae import ops
from minivae.autodiff import Tensor
from minivae.errors import DtypeError, ShapeError

few = settings(max_examples=40, deadline=None)
dims = st.integers(-3, 2)


def numbered(*shape):
    return np.arange(1.0, 1 + np.prod(shape, dtype=int)).reshape(shape)


@st.composite
def parts(draw):
    """Arrays that fit together along an axis, and the axis."""
    dim = draw(dims)
    lengths = draw(st.lists(st.integers(0, 3), min_size=1, max_size=4))
    shape = [2, 3, 4]
    arrays = []
    for i, shape[dim] in enumerate(lengths):
        arrays.append(numbered(*shape) + 100 * i)
    return arrays, dim


@few
@given(parts())
def test_splitting_undoes_concatenating_and_so_do_the_gradients(arrays_and_dim):
    arrays, dim = arrays_and_dim
    leaves = [Tensor(x, requires_grad=True) for x in arrays]
    whole = ops.concat(leaves, dim)
    np.testing.assert_array_equal(whole.data, np.concatenate(arrays, dim))
    again = ops.split(whole, [x.shape[dim] for x in arrays], dim)
    for part, x in zip(again, arrays, strict=True):
        np.testing.assert_array_equal(part.data, x)
    (whole * whole).sum().backward()
    for leaf in leaves:
        np.testing.assert_array_equal(leaf.grad, 2 * leaf.data)


@few
@given(st.integers(1, 5), dims)
def test_concatenating_undoes_splitting_into_equal_parts(size, dim):
    x = Tensor(numbered(4, 5, 3), requires_grad=True)
    pieces = ops.split(x, size, dim)
    assert all(piece.shape[dim] == size for piece in pieces[:-1])
    assert 1 <= pieces[-1].shape[dim] <= size
    joined = ops.concat(pieces, dim)
    np.testing.assert_array_equal(joined.data, x.data)
    joined.backward(numbered(4, 5, 3))
    np.testing.assert_array_equal(x.grad, x.data)


@few
@given(st.integers(-4, 3), st.integers(1, 3))
def test_a_stack_holds_its_tensors_side_by_side(dim, count):
    leaves = [Tensor(numbered(2, 3, 4) + 100 * i, requires_grad=True) for i in range(count)]
    y = ops.stack(leaves, dim)
    np.testing.assert_array_equal(y.data, np.stack([leaf.data for leaf in leaves], dim))
    y.backward(y.data.copy())
    for leaf in leaves:
        np.testing.assert_array_equal(leaf.grad, leaf.data)


def test_single_numbers_can_be_stacked():
    x = Tensor(2.0, requires_grad=True)
    y = ops.stack([x, x * x, x])
    y.sum().backward()
    np.testing.assert_array_equal(y.data, [2, 4, 2])
    assert x.grad == 6


def test_a_tensor_may_be_joined_with_itself():
    x = Tensor(numbered(2, 3), requires_grad=True)
    ops.concat([x, x], 1).backward(numbered(2, 6))
    np.testing.assert_array_equal(x.grad, numbered(2, 6)[:, :3] + numbered(2, 6)[:, 3:])


def test_pad_frames_the_last_axes_first_as_pytorch_does():
    x = numbered(2, 3)
    np.testing.assert_array_equal(ops.pad(x, (1, 2)).data, np.pad(x, ((0, 0), (1, 2))))
    np.testing.assert_array_equal(
        ops.pad(x, (1, 2, 3, 4), value=7.5).data, np.pad(x, ((3, 4), (1, 2)), constant_values=7.5)
    )
    np.testing.assert_array_equal(ops.pad(x, ()).data, x)


def test_a_negative_width_cuts_off():
    x = numbered(3, 4)
    np.testing.assert_array_equal(ops.pad(x, (-1, -1)).data, x[:, 1:-1])
    np.testing.assert_array_equal(ops.pad(x, (-1, 2, 0, -2)).data, np.pad(x[:1, 1:], ((0, 0), (0, 2))))
    np.testing.assert_array_equal(ops.pad(ops.pad(x, (1, 2, 3, 4)), (-1, -2, -3, -4)).data, x)


@few
@given(st.lists(st.integers(-1, 2), min_size=4, max_size=4))
def test_the_adjoint_of_pad_by_zeros(widths):
    """⟨Ax, y⟩ = ⟨x, Aᵀy⟩, exactly, as all numbers are whole."""
    x = Tensor(numbered(3, 4), requires_grad=True)
    y = ops.pad(x, widths)
    z = numbered(*y.shape)[::-1].copy()
    y.backward(z)
    assert (y.data * z).sum() == (x.data * x.grad).sum()


def test_float32_stays_float32():
    x = Tensor(np.ones((2, 3), np.float32))
    for y in (ops.pad(x, (1, 1), 0.1), ops.concat([x, x]), ops.stack([x, x]), *ops.split(x, 1)):
        assert y.dtype == np.float32
    with pytest.raises(DtypeError, match=r"concat: tensors\[1\] is float64"):
        ops.concat([x, np.ones((2, 3))])


x = np.ones((2, 3))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: ops.concat([]), r"concat: the list of tensors is empty"),
        (lambda: ops.stack([]), r"stack: the list of tensors is empty"),
        (
            lambda: ops.concat([x, np.ones((2, 4))]),
            r"concat: shapes \(2, 3\), \(2, 4\) must be the same, but for .*dim 0",
        ),
        (lambda: ops.concat([x, np.ones(3)]), r"concat: shapes \(2, 3\), \(3,\)"),
        (lambda: ops.concat([x, x], 2), r"concat: there is no dim 2 in 2 dims"),
        (lambda: ops.stack([x, np.ones((1, 3))]), r"stack: shapes \(2, 3\), \(1, 3\) must all be the same; concat"),
        (lambda: ops.stack([x, x], 3), r"stack: there is no dim 3 in 3 dims"),
        (lambda: ops.split(Tensor(x), [1, 1], 1), r"split: sections \[1, 1\] must add up to 3, the length of dim 1"),
        (lambda: ops.split(Tensor(x), [4, -1], 1), r"split: sections \[4, -1\]"),
        (lambda: ops.split(Tensor(x), 0), r"split: the length of a part is 0; expected at least 1"),
        (lambda: ops.split(Tensor(x), 1, 5), r"split: there is no dim 5"),
        (lambda: ops.pad(x, (1,)), r"pad: 1 widths \(1,\) for shape \(2, 3\); expected two an axis, last axis first"),
        (lambda: ops.pad(x, (1,) * 6), r"pad: 6 widths"),
        (lambda: ops.pad(x, (-2, -2)), r"pad: widths \(-2, -2\) cut more off shape \(2, 3\) than there is"),
    ],
)
def test_what_does_not_fit_is_explained(wrong, message):
    with pytest.raises(ShapeError, match=message):
        wrong()
