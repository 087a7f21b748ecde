"""Laws that every op keeps, whatever the shapes, the options and the layout in memory."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from property_table import BROADCASTING, OPS, POSITIVE, calls

from minivae import ops
from minivae.autodiff import PRIMITIVES, Tensor, debug
from minivae.errors import ShapeError

every = pytest.mark.parametrize("name", OPS)
few = settings(max_examples=12, deadline=None, derandomize=True)
seeds = st.integers(0, 1000)


def cotangent(shape, dtype=np.float64):
    """Fixed numbers between −1 and 1, no two alike."""
    return np.cos(1 + 1.7 * np.arange(math.prod(shape))).reshape(shape).astype(dtype)


def value_and_gradients(f, arrays):
    leaves = [Tensor(x, requires_grad=True) for x in arrays]
    y = f(*leaves)
    y.backward(cotangent(y.shape, y.dtype))
    return y.data, [leaf.grad for leaf in leaves]


def test_the_table_has_every_op():
    assert set(PRIMITIVES) - set(OPS) == set()


@every
@few
@given(data=st.data(), seed=seeds)
def test_the_gradient_is_the_derivative_whatever_the_shapes(name, data, seed):
    """Along one random direction v: d/dt ⟨c, f(x + tv)⟩ = ⟨gradient, v⟩, the left side by four points."""
    call = data.draw(calls(name))
    arrays = call.arrays(seed)
    y, gradients = value_and_gradients(call.f, arrays)
    assert y.shape == call.shape
    assert [g.shape for g in gradients] == [x.shape for x in arrays]
    c, rng, h = cotangent(y.shape), np.random.default_rng(seed), 1e-3
    direction = [rng.choice([-1.0, 1.0], x.shape) for x in arrays]

    def along(t):
        moved = [x + t * v for x, v in zip(arrays, direction, strict=True)]
        return float((c * call.f(*map(Tensor, moved)).data).sum())

    slope = (8 * (along(h) - along(-h)) - (along(2 * h) - along(-2 * h))) / (12 * h)
    expected = sum(float((g * v).sum()) for g, v in zip(gradients, direction, strict=True))
    scale = sum(float(np.abs(g).sum()) for g in gradients)
    assert abs(slope - expected) <= 1e-7 * scale + 1e-10 * float(np.abs(c * y).sum()) + 1e-11


@every
@few
@given(data=st.data(), seed=seeds)
def test_float32_stays_float32_there_and_back(name, data, seed):
    call = data.draw(calls(name))
    y, gradients = value_and_gradients(call.f, [x.astype(np.float32) for x in call.arrays(seed)])
    assert {a.dtype for a in (y, *gradients)} == {np.dtype(np.float32)}


# --- memory layout ------------------------------------------------------------------------------------------


def with_gaps(x):
    """Every second entry of a larger array along every axis, and not from its start."""
    room = np.full([2 * n + 1 for n in x.shape], np.nan)
    view = room[(*[slice(1, None, 2)] * x.ndim, ...)]
    view[...] = x
    return view


def backwards(x):
    turned = (*[slice(None, None, -1)] * x.ndim, ...)
    return x[turned].copy()[turned]


def last_axis_slowest(x):
    return np.array(x, order="F")


def rolled_axes(x):
    """Axes in memory in another order than first or last: (C, H, W, N) for images, say."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 0, -1)), -1, 0) if x.ndim else x


def read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


layouts = st.sampled_from([with_gaps, backwards, last_axis_slowest, rolled_axes, read_only])


@every
@few
@given(data=st.data(), seed=seeds)
def test_the_layout_in_memory_does_not_matter(name, data, seed):
    call = data.draw(calls(name))
    arrays = call.arrays(seed)
    laid = [data.draw(layouts)(x) for x in arrays]
    y, gradients = value_and_gradients(call.f, arrays)
    other, others = value_and_gradients(call.f, laid)
    for a, b in zip([other, *others], [y, *gradients], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13 * max(1.0, float(np.abs(b).max(initial=0))))


@every
@few
@given(data=st.data(), seed=seeds)
def test_a_broadcast_view_is_as_good_as_the_array_it_looks_like(name, data, seed):
    """Strides of 0: many entries are one place in memory."""
    call = data.draw(calls(name))
    views = []
    for x in call.arrays(seed):
        first = x[tuple(slice(0, 1) if data.draw(st.booleans()) else slice(None) for _ in x.shape)]
        views.append(np.broadcast_to(first, x.shape))
    y, gradients = value_and_gradients(call.f, [np.array(view, order="C") for view in views])
    other, others = value_and_gradients(call.f, views)
    for a, b in zip([other, *others], [y, *gradients], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13 * max(1.0, float(np.abs(b).max(initial=0))))


# --- axes of length 0 ---------------------------------------------------------------------------------------


@every
@settings(max_examples=30, deadline=None, derandomize=True)
@given(data=st.data(), dtype=st.sampled_from([np.float32, np.float64]))
def test_axes_of_length_0_give_the_right_shapes_or_an_error_that_names_the_op(name, data, dtype):
    """The sum over nothing is 0; the mean, the extreme, the softmax of nothing is an error. NaN it is never."""
    call = data.draw(calls(name, least=0))
    arrays = [x.astype(dtype) for x in call.arrays(0)]
    refused = None
    try:
        y, gradients = value_and_gradients(call.f, arrays)
    except ShapeError as error:
        refused = str(error)
    if refused is not None:
        assert refused.startswith(f"{name}:")
        assert any(0 in shape for shape, _ in call.arguments)
        return
    assert y.shape == call.shape
    assert [g.shape for g in gradients] == [x.shape for x in arrays]
    assert {a.dtype for a in (y, *gradients)} == {np.dtype(dtype)}
    assert all(np.isfinite(a).all() for a in (y, *gradients))
    if 0 in y.shape:  # no entry of the value depends on an argument
        assert all((g == 0).all() for g in gradients)


BATCHED = {
    "conv2d": lambda x: ops.conv2d(x, np.ones((3, 2, 3, 3)), np.ones(3), stride=2, padding=1),
    "conv_transpose2d": lambda x: ops.conv_transpose2d(x, np.ones((2, 3, 3, 3)), np.ones(3), stride=2),
    "max_pool2d": lambda x: ops.max_pool2d(x, 2, padding=1),
    "avg_pool2d": lambda x: ops.avg_pool2d(x, 2),
    "upsample_nearest": lambda x: ops.upsample_nearest(x, 2),
    "layer_norm": lambda x: ops.layer_norm(x),
    "group_norm": lambda x: ops.group_norm(x, num_groups=2),
    "batch_norm": lambda x: ops.batch_norm(x),
    "softmax": lambda x: ops.softmax(x, 1),
    "logsumexp": lambda x: ops.logsumexp(x, (1, 2)),
    "cross_entropy": lambda x: ops.cross_entropy(x, np.ones((len(x.data), 4, 5), int)),
    "dense": lambda x: ops.dense(x, np.ones((5, 3)), np.ones(3)),
}


@pytest.mark.parametrize("name", BATCHED)
def test_an_empty_batch_gives_an_empty_batch(name):
    f, images = BATCHED[name], np.ones((3, 2, 4, 5))
    y, (gradient,) = value_and_gradients(f, [images[:0]])
    assert y.shape == (0, *f(Tensor(images)).shape[1:])
    assert gradient.shape == (0, 2, 4, 5)


# --- nothing that was given is changed ----------------------------------------------------------------------


@pytest.mark.no_debug  # which would make the arrays read-only, and so hide what the op does without it
@every
@few
@given(data=st.data(), seed=seeds)
def test_no_op_changes_an_input_a_value_or_a_cotangent_and_backward_can_be_repeated(name, data, seed):
    call = data.draw(calls(name))
    arrays = call.arrays(seed)
    before = [x.tobytes() for x in arrays]
    leaves = [Tensor(x, requires_grad=True) for x in arrays]
    with debug(False):
        y = call.f(*leaves)
        value, g = y.data.tobytes(), cotangent(y.shape)
        y.backward(g, retain_graph=True)
        once = [leaf.grad.copy() for leaf in leaves]
        y.backward(g, retain_graph=True)
        twice = [leaf.grad.copy() for leaf in leaves]
        for leaf in leaves:
            leaf.zero_grad()
        y.backward(g)
    assert [x.tobytes() for x in arrays] == before
    assert y.data.tobytes() == value
    assert g.tobytes() == cotangent(y.shape).tobytes()
    for leaf, first, second in zip(leaves, once, twice, strict=True):
        np.testing.assert_array_equal(second, 2 * first)
        np.testing.assert_array_equal(leaf.grad, first)


@every
@few
@given(data=st.data(), seed=seeds)
def test_gradients_belong_to_whoever_gets_them(name, data, seed):
    """Writing into a `.grad` changes no other gradient, no input, no value and no cotangent."""
    call = data.draw(calls(name))
    arrays = call.arrays(seed)
    y, gradients = value_and_gradients(call.f, arrays)
    kept = [a.copy() for a in (y, *arrays, *gradients[1:])]
    gradients[0] *= 0
    for array, copy in zip((y, *arrays, *gradients[1:]), kept, strict=True):
        np.testing.assert_array_equal(array, copy)


# --- one tensor in several places ---------------------------------------------------------------------------


@every
@few
@given(data=st.data(), seed=seeds)
def test_views_of_views_that_overlap_add_up_their_gradients(name, data, seed):
    """Every argument is a view of a view of the same row of numbers: each entry's gradients from all of them add up."""
    call = data.draw(calls(name))
    arrays = call.arrays(seed, POSITIVE)
    sizes = [x.size for x in arrays]
    row = Tensor(np.concatenate([x.ravel() for x in arrays]), requires_grad=True)
    starts = [data.draw(st.integers(0, row.size - size)) for size in sizes]

    def argument(start, shape):
        half = row[start // 2 :]  # a view,
        part = half[start - start // 2 :][: math.prod(shape)]  # a view of it and one of that,
        return ops.permute(ops.reshape(part, shape[::-1]), tuple(range(len(shape)))[::-1])  # seen as an array

    y = call.f(*[argument(start, x.shape) for start, x in zip(starts, arrays, strict=True)])
    y.backward(cotangent(y.shape))

    copies = [row.data[s : s + x.size].reshape(x.shape[::-1]).T for s, x in zip(starts, arrays, strict=True)]
    value, gradients = value_and_gradients(call.f, copies)
    total = np.zeros(row.size)
    for start, g in zip(starts, gradients, strict=True):
        total[start : start + g.size] += g.T.ravel()
    np.testing.assert_allclose(y.data, value, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(row.grad, total, rtol=1e-11, atol=1e-12 * max(1.0, float(np.abs(total).max())))


@every
@few
@given(data=st.data(), seed=seeds)
def test_the_same_tensors_in_two_ops_get_both_gradients(name, data, seed):
    """d(⟨c, f⟩ + ⟨c, 2f⟩) = 3 d⟨c, f⟩, f called twice on the same leaves."""
    call = data.draw(calls(name))
    arrays = call.arrays(seed)
    _, gradients = value_and_gradients(call.f, arrays)
    leaves = [Tensor(x, requires_grad=True) for x in arrays]
    y = call.f(*leaves) + 2 * call.f(*leaves)
    y.backward(cotangent(y.shape))
    for leaf, g in zip(leaves, gradients, strict=True):
        np.testing.assert_allclose(leaf.grad, 3 * g, rtol=1e-12, atol=1e-13 * max(1.0, float(np.abs(g).max(initial=0))))


@pytest.mark.parametrize("name", BROADCASTING)
@few
@given(data=st.data(), seed=seeds)
def test_broadcasting_is_copying_and_its_gradient_adds_up_the_copies(name, data, seed):
    call = data.draw(calls(name))
    arrays = call.arrays(seed)
    y, gradients = value_and_gradients(call.f, arrays)
    copies = [np.array(np.broadcast_to(x, call.shape)) for x in arrays]
    value, of_copies = value_and_gradients(call.f, copies)
    np.testing.assert_array_equal(y, value)
    for x, g, copied in zip(arrays, gradients, of_copies, strict=True):
        extra = tuple(range(len(call.shape) - x.ndim))
        stretched = tuple(i for i, n in enumerate((1,) * len(extra) + x.shape) if n == 1)
        total = copied.sum(axis=stretched, keepdims=True).reshape(x.shape)
        np.testing.assert_allclose(g, total, rtol=1e-12, atol=1e-13 * max(1.0, float(np.abs(total).max())))
