from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, basic_indices, integer_array_indices

from minivae import ops
from minivae.autodiff import Tensor
from minivae.backend import to_backend, why_no_cupy
from minivae.errors import DtypeError, ShapeError

few = settings(max_examples=100, deadline=None)
shapes = array_shapes(min_dims=1, max_dims=4, max_side=4)


def numbered(shape):
    return np.arange(1.0, 1 + np.prod(shape, dtype=int)).reshape(shape)


def assert_picks_and_gives_back(x, index):
    """y = x[index], and the gradient is what NumPy's own scatter, np.add.at, gives (all numbers are whole)."""
    leaf = Tensor(x, requires_grad=True)
    y = leaf[index]
    np.testing.assert_array_equal(y.data, x[index], strict=True)
    g = numbered(y.shape)
    y.backward(g)
    expected = np.zeros_like(x)
    np.add.at(expected, index, g)
    np.testing.assert_array_equal(leaf.grad, expected, strict=True)


@few
@given(st.data())
def test_slices_integers_new_axes_and_dots(data):
    shape = data.draw(shapes)
    index = data.draw(basic_indices(shape, allow_newaxis=True, allow_ellipsis=True))
    assert_picks_and_gives_back(numbered(shape), index)


@few
@given(st.data())
def test_integer_arrays_for_all_axes(data):
    shape = data.draw(shapes)
    index = data.draw(integer_array_indices(shape, result_shape=array_shapes(max_dims=2, max_side=5)))
    assert_picks_and_gives_back(numbered(shape), index)


@few
@given(st.data())
def test_one_integer_array_along_one_axis(data):
    shape = data.draw(shapes)
    axis = data.draw(st.integers(0, len(shape) - 1))
    of = st.integers(-shape[axis], shape[axis] - 1)
    indices = np.array(data.draw(st.lists(of, max_size=20)), int)
    index = (*[slice(None)] * axis, indices)
    assert_picks_and_gives_back(numbered(shape), index)
    from_the_end = (..., indices, *[slice(None)] * (len(shape) - 1 - axis))
    assert_picks_and_gives_back(numbered(shape), from_the_end)


@pytest.mark.parametrize(
    "index",
    [
        np.s_[[1, 1, 0]],
        np.s_[:, np.array([[0, 2], [2, 2]])],
        np.s_[1, :, [3, 3]],
        np.s_[[1, 0, 1], :, [3, 3, 3]],
        np.s_[[1, 0, 1], [2, 2, 2]],
        np.s_[None, [1, 1], 1:, ...],
        np.s_[..., np.array([], int)],
        np.s_[np.array([1, 1], np.uint8)],
        np.s_[np.int64(1)],
        np.s_[np.array(1)],
        np.s_[()],
    ],
    ids=str,
)
def test_indices_mixed_as_numpy_mixes_them(index):
    assert_picks_and_gives_back(numbered((2, 3, 4)), index)


def test_small_integer_types_reach_into_long_axes():
    assert_picks_and_gives_back(numbered((300,)), np.array([255, 0, 255], np.uint8))
    assert_picks_and_gives_back(numbered((300,)), np.array([127, -128, 127], np.int8))


def test_an_entry_picked_a_thousand_times_gets_a_thousand_cotangents():
    x = Tensor(np.zeros((3, 2), np.float32), requires_grad=True)
    x[[1] * 1000 + [2]].sum().backward()
    np.testing.assert_array_equal(x.grad, [[0, 0], [1000, 1000], [1, 1]])


def test_cotangents_are_added_in_pairs_which_keeps_their_digits():
    """One after the other, the float32 sum of 2¹⁶ tenths is off by 1e-4 of itself."""
    x = Tensor(np.zeros(1, np.float32), requires_grad=True)
    x[np.zeros(2**16, int)].backward(np.full(2**16, 0.1, np.float32))
    np.testing.assert_allclose(x.grad, 2**16 * 0.1, rtol=3e-7)


def test_the_rows_of_a_table_can_be_looked_up_and_learned():
    """An embedding: x[labels] is onehot(labels) @ x, with the same gradient."""
    rng = np.random.default_rng(0)
    table, labels, g = rng.normal(size=(10, 4)), rng.integers(0, 10, 50), rng.normal(size=(50, 4))
    onehot = (labels[:, None] == np.arange(10)).astype(float)
    x = Tensor(table, requires_grad=True)
    y = x[labels]
    y.backward(g)
    np.testing.assert_allclose(y.data, onehot @ table)
    np.testing.assert_allclose(x.grad, onehot.T @ g, rtol=1e-12)


def test_gradients_of_views_of_the_same_tensor_add_up():
    x = Tensor(numbered((3, 4)), requires_grad=True)
    (x[1:] * x[:-1]).sum().backward()
    expected = np.zeros((3, 4))
    expected[1:] += x.data[:-1]
    expected[:-1] += x.data[1:]
    np.testing.assert_array_equal(x.grad, expected)


def test_slicing_is_a_view():
    x = Tensor(numbered((3, 4)))
    assert np.shares_memory(x[1:, ::2].data, x.data)


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (3, r"(?s)getitem: .*3.*given: x: \(3, 4\)"),
        ((0, 0, 0), r"(?s)getitem: too many indices.*given: x: \(3, 4\)"),
        (([0], 0, 0), r"(?s)getitem: too many indices.*given: x: \(3, 4\)"),
        (np.s_[[0], :, :], r"(?s)getitem: too many indices.*given: x: \(3, 4\)"),
        ((..., [0], ...), r"(?s)getitem: .*ellipsis.*given: x: \(3, 4\)"),
        ([0, 3], r"getitem: index 3 is out of range for dim 0 of shape \(3, 4\)"),
        (np.s_[:, [1, -5]], r"getitem: index -5 is out of range for dim 1 of shape \(3, 4\)"),
        (([0, 1], [0, 4]), r"(?s)getitem: .*4.*given: x: \(3, 4\)"),
    ],
)
def test_an_index_out_of_range_is_named(index, message):
    with pytest.raises(ShapeError, match=message):
        Tensor(np.ones((3, 4)))[index]


@pytest.mark.parametrize("mask", [np.ones(3, bool), [True, False, True], True, np.s_[:, np.ones(4, bool)]])
def test_a_mask_is_refused_and_the_way_out_is_named(mask):
    x = Tensor(np.ones((3, 4)))
    with pytest.raises(DtypeError, match=r"getitem: a mask of booleans .* Use where\(mask, x, 0\), or integers"):
        x[mask]
    mask = x.data[:, 0] > 0
    assert x[mask.nonzero()].shape == (3, 4)  # the way that the message names


@pytest.mark.parametrize("index", [0.5, "a", np.ones(2), [0.5]])
def test_an_index_that_is_no_integer_is_refused(index):
    with pytest.raises(DtypeError, match=r"getitem: an index is .*; expected integers, slices, None or \.\.\."):
        Tensor(np.ones((3, 4)))[index]


def test_an_index_that_is_a_tensor_is_refused():
    x = Tensor(np.ones((3, 4)))
    with pytest.raises(DtypeError, match="getitem: an index is a Tensor, which holds floats"):
        x[Tensor([0.0])]


@pytest.mark.skipif(why_no_cupy() is not None, reason="needs CuPy and a device (or one that is emulated)")
@pytest.mark.parametrize("where", ["numpy", "cupy"])
def test_cupy_does_not_wrap_around(where):
    x = Tensor(to_backend(np.ones((3, 4)), "cupy"))
    for index in ([0, 3], [-4, 0]):
        with pytest.raises(ShapeError, match=r"getitem: index -?\d is out of range for dim 0 of shape \(3, 4\)"):
            x[to_backend(np.array(index), where)]
    with pytest.raises(ShapeError, match=r"(?s)getitem: .*given: x: \(3, 4\)"):
        x[3]
    assert ops.getitem(x, to_backend(np.array([0, -1]), where)).shape == (2, 4)
