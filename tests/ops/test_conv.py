"""conv2d and conv_transpose2d: against their definitions as loops, and as the linear map and its transpose."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from conv_by_loops import Setting, assert_all_close, conv2d_by_loops, conv_transpose2d_by_loops, value_and_gradients
from hypothesis import given, settings
from hypothesis import strategies as st

from minivae.autodiff import Tensor, debug
from minivae.backend import to_backend, why_no_cupy
from minivae.errors import ShapeError
from minivae.ops import columns, windows
from minivae.ops.conv import conv2d, conv_transpose2d
from minivae.verify import gradcheck

SETTINGS = 220
modest = settings(max_examples=40, deadline=None)
needs_cupy = pytest.mark.skipif(why_no_cupy() is not None, reason="needs CuPy and a device (or one that is emulated)")


# --- against the definition -------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(SETTINGS))
def test_conv2d_is_the_sum_of_its_products(seed):
    s = Setting(seed)
    x, w = s.normal(s.n, s.inputs, *s.size), s.normal(s.outputs, s.inputs // s.groups, *s.kernel)
    bias, g = s.normal(s.outputs), s.normal(s.n, s.outputs, *s.count)
    assert_all_close(
        value_and_gradients(conv2d, (x, w, bias), g, **s.options), conv2d_by_loops(x, w, bias, g, s.grid), 1e-10
    )


@pytest.mark.parametrize("seed", range(SETTINGS))
def test_conv_transpose2d_is_the_sum_of_its_products(seed):
    s = Setting(1000 + seed)
    size = tuple(e + o for e, o in zip(s.exact, s.output_padding, strict=True))
    x, w = s.normal(s.n, s.inputs, *s.count), s.normal(s.inputs, s.outputs // s.groups, *s.kernel)
    bias, g = s.normal(s.outputs), s.normal(s.n, s.outputs, *size)
    ours = value_and_gradients(conv_transpose2d, (x, w, bias), g, output_padding=s.output_padding, **s.options)
    assert_all_close(ours, conv_transpose2d_by_loops(x, w, bias, g, s.grid), 1e-10)


def test_the_random_settings_reach_every_option():
    every = [Setting(seed) for seed in range(SETTINGS)]
    assert {s.groups for s in every} == {1, 2, 3}
    assert {s.padding for s in every} >= {(0, 0), (1, 1), (0, 2), (3, 3)}
    assert {s.stride for s in every} == set(itertools.product((1, 2, 3), repeat=2))
    assert {s.dilation for s in every} == set(itertools.product((1, 2, 3), repeat=2))
    assert {s.kernel for s in every} == set(itertools.product((1, 2, 3, 4), repeat=2))
    assert any(o >= stride for s in every for o, stride in zip(s.output_padding, s.stride, strict=True))
    assert any(s.exact != s.size for s in every)


@pytest.mark.parametrize(
    ("op", "x", "weight", "options"),
    [
        (conv2d, (2, 3, 5, 6), (4, 3, 3, 2), {"stride": (2, 1), "padding": 1}),
        (conv2d, (2, 4, 5, 6), (6, 2, 2, 3), {"dilation": (1, 2), "groups": 2}),
        (conv_transpose2d, (2, 3, 4, 3), (3, 2, 4, 4), {"stride": 2, "padding": 1}),
        (conv_transpose2d, (2, 4, 3, 2), (4, 1, 2, 3), {"stride": 3, "output_padding": (1, 2), "groups": 2}),
    ],
)
def test_gradcheck_passes(op, x, weight, options):
    rng = np.random.default_rng(3)
    bias = weight[0] if op is conv2d else weight[1] * options.get("groups", 1)
    report = gradcheck(lambda x, w, b: op(x, w, b, **options), *(rng.normal(size=s) for s in (x, weight, bias)))
    assert report, str(report)


# --- one linear map and its transpose ---------------------------------------------------------------------


@modest
@given(st.integers(5000, 6000))
def test_the_two_are_each_others_transpose(seed):
    """⟨y, A x⟩ = ⟨Aᵀ y, x⟩, with the same weight for both."""
    s = Setting(seed)
    x, w = s.normal(s.n, s.inputs, *s.size), s.normal(s.outputs, s.inputs // s.groups, *s.kernel)
    y = s.normal(s.n, s.outputs, *s.count)
    back = tuple(n - e for n, e in zip(s.size, s.exact, strict=True))
    ax = conv2d(x, w, **s.options).data
    aty = conv_transpose2d(y, w, output_padding=back, **s.options).data
    assert aty.shape == x.shape
    np.testing.assert_allclose((y * ax).sum(), (aty * x).sum(), rtol=1e-12, atol=1e-12)


def test_the_transpose_is_the_transposed_matrix(rng):
    w, options = rng.normal(size=(2, 3, 3, 2)), {"stride": (2, 1), "padding": 1}
    basis = np.eye(3 * 5 * 4).reshape(-1, 3, 5, 4)
    matrix = conv2d(basis, w, **options).data.reshape(len(basis), -1).T
    basis = np.eye(len(matrix)).reshape(-1, 2, 3, 5)
    transposed = conv_transpose2d(basis, w, **options).data.reshape(len(basis), -1).T
    np.testing.assert_array_equal(transposed, matrix.T)


@pytest.mark.parametrize("op", [conv2d, conv_transpose2d])
def test_linear_in_the_image_and_in_the_kernel(op, rng):
    x, other = rng.normal(size=(2, 2, 3, 6, 5))
    w, other_w = rng.normal(size=(2, 3, 3, 2, 2))
    f = lambda x, w: op(x, w, stride=2, padding=1).data
    np.testing.assert_allclose(f(2 * x - other, w), 2 * f(x, w) - f(other, w), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(f(x, 2 * w - other_w), 2 * f(x, w) - f(x, other_w), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("op", [conv2d, conv_transpose2d])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_a_shifted_image_gives_a_shifted_value(op, stride, rng):
    """Away from the border, moving x moves y: 1/stride as far for a convolution, stride times as far for the other."""
    x, w = np.zeros((1, 2, 30, 30)), rng.normal(size=(2, 2, 3, 3))
    x[:, :, 12:16, 12:16] = rng.normal(size=(2, 4, 4))
    move_x, move_y = (stride, 1) if op is conv2d else (1, stride)
    y = op(x, w, stride=stride).data
    moved = op(np.roll(x, (move_x, -move_x), axis=(2, 3)), w, stride=stride).data
    np.testing.assert_allclose(moved, np.roll(y, (move_y, -move_y), axis=(2, 3)), atol=1e-14)
    assert np.abs(moved - y).max() > 0.1


@pytest.mark.parametrize("op", [conv2d, conv_transpose2d])
def test_a_delta_kernel_is_the_identity(op, rng):
    x = rng.normal(size=(2, 3, 5, 6))
    delta = np.zeros((3, 3, 3, 5))
    delta[range(3), range(3), 1, 2] = 1
    np.testing.assert_array_equal(op(x, delta, padding=(1, 2)).data, x)


def test_delta_off_centre_shifts_the_image_and_the_transpose_shifts_back(rng):
    x = rng.normal(size=(1, 1, 6, 7))
    delta = np.zeros((1, 1, 3, 3))
    delta[0, 0, 2, 0] = 1
    y = conv2d(x, delta, padding=1).data
    np.testing.assert_array_equal(y[..., :-1, 1:], x[..., 1:, :-1])
    back = conv_transpose2d(y, delta, padding=1).data
    np.testing.assert_array_equal(back[..., 1:, :-1], x[..., 1:, :-1])


def test_kernel_of_one_pixel_is_a_dense_layer_for_each_pixel(rng):
    x, w, bias = rng.normal(size=(2, 5, 3, 4)), rng.normal(size=(6, 5)), rng.normal(size=6)
    expected = (x.transpose(0, 2, 3, 1) @ w.T + bias).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(conv2d(x, w[:, :, None, None], bias).data, expected, rtol=1e-12)
    np.testing.assert_allclose(conv_transpose2d(x, w.T[:, :, None, None], bias).data, expected, rtol=1e-12)


def test_kernel_as_large_as_the_image_is_a_dense_layer(rng):
    x, w = rng.normal(size=(4, 2, 3, 5)), rng.normal(size=(6, 2, 3, 5))
    y = conv2d(x, w).data
    assert y.shape == (4, 6, 1, 1)
    np.testing.assert_allclose(y[:, :, 0, 0], x.reshape(4, -1) @ w.reshape(6, -1).T, rtol=1e-12)


def test_ones_count_the_pixels_under_the_kernel():
    y = conv2d(np.ones((1, 1, 3, 3)), np.ones((1, 1, 3, 3)), padding=1).data
    np.testing.assert_array_equal(y[0, 0], [[4, 6, 4], [6, 9, 6], [4, 6, 4]])


@pytest.mark.parametrize("op", [conv2d, conv_transpose2d])
def test_groups_do_not_see_each_other(op, rng):
    x, w = rng.normal(size=(2, 6, 5, 5)), rng.normal(size=(6, 2, 3, 3))
    y = op(x, w, groups=3).data
    for group in range(3):
        mine = slice(2 * group, 2 * group + 2)
        np.testing.assert_allclose(y[:, mine], op(x[:, mine], w[mine]).data, rtol=1e-13)


def test_dilation_is_a_kernel_with_holes(rng):
    x, w = rng.normal(size=(2, 2, 9, 9)), rng.normal(size=(3, 2, 3, 3))
    holes = np.zeros((3, 2, 7, 5))
    holes[:, :, ::3, ::2] = w
    np.testing.assert_allclose(conv2d(x, w, dilation=(3, 2)).data, conv2d(x, holes).data, rtol=1e-12)


def test_stride_leaves_out_values(rng):
    x, w = rng.normal(size=(2, 2, 9, 8)), rng.normal(size=(3, 2, 3, 2))
    np.testing.assert_allclose(conv2d(x, w, stride=(2, 3)).data, conv2d(x, w).data[:, :, ::2, ::3], rtol=1e-13)


# --- sizes ------------------------------------------------------------------------------------------------

lengths = st.integers(1, 12)


@modest
@given(lengths, st.integers(1, 4), st.integers(1, 4), st.integers(0, 4), st.integers(1, 3))
def test_size_is_the_number_of_windows_that_fit(n, kernel, stride, padding, dilation):
    starts = [a for a in range(0, n + 2 * padding, stride) if a + dilation * (kernel - 1) < n + 2 * padding]
    x, w = np.ones((1, 1, n, n + 1)), np.ones((1, 1, kernel, 1))
    call = lambda: conv2d(x, w, stride=(stride, 1), padding=(padding, 0), dilation=(dilation, 1))
    if starts:
        assert call().shape == (1, 1, len(starts), n + 1)
    else:
        with pytest.raises(ShapeError, match="larger than the image"):
            call()


@modest
@given(lengths, st.integers(1, 4), st.integers(1, 4), st.integers(0, 4), st.integers(1, 3), st.integers(0, 3))
def test_transposed_convolution_goes_back_to_a_size_that_the_convolution_maps_to_this_one(
    n, kernel, stride, padding, dilation, extra
):
    size = (n - 1) * stride - 2 * padding + dilation * (kernel - 1) + 1 + extra
    x, w = np.ones((1, 1, n, 1)), np.ones((1, 1, kernel, 1))
    steps = {"stride": (stride, 1), "padding": (padding, 0), "dilation": (dilation, 1)}
    call = lambda: conv_transpose2d(x, w, output_padding=(extra, 0), **steps)
    if extra >= max(stride, dilation):
        with pytest.raises(ShapeError, match="output_padding"):
            call()
    elif size < 1:
        with pytest.raises(ShapeError, match="take less padding"):
            call()
    else:
        y = call()
        assert y.shape == (1, 1, size, 1)
        if extra < stride:
            assert conv2d(y, w, **steps).shape == x.shape


@pytest.mark.parametrize("op", [conv2d, conv_transpose2d])
def test_a_number_means_the_same_for_height_and_width(op, rng):
    x, w = rng.normal(size=(2, 2, 7, 8)), rng.normal(size=(2, 2, 3, 3))
    as_int, as_pair = {"stride": 3, "padding": 2, "dilation": 2}, {}
    if op is conv_transpose2d:
        as_int["output_padding"] = 1
    as_pair = {name: (value, value) for name, value in as_int.items()}
    np.testing.assert_array_equal(op(x, w, **as_int).data, op(x, w, **as_pair).data)


# --- memory -----------------------------------------------------------------------------------------------

CASES = [
    (conv2d, {"stride": 2, "padding": 1}),
    (conv2d, {}),
    (conv2d, {"padding": 1, "groups": 2}),
    (conv_transpose2d, {"stride": 2, "padding": 1}),
    (conv_transpose2d, {"padding": 1, "dilation": (1, 2)}),
    (conv_transpose2d, {"stride": 3, "groups": 2}),
]


def case(op, options, rng, n=7, dtype=np.float64):
    """x, weight, bias and a cotangent for these options."""
    groups = options.get("groups", 1)
    x, w = rng.normal(size=(n, 4, 5, 6)), rng.normal(size=(4, 4 // groups, 3, 2))
    bias = rng.normal(size=4)
    g = rng.normal(size=op(x, w, bias, **options).shape)
    return [a.astype(dtype) for a in (x, w, bias, g)]


@pytest.mark.parametrize(("op", "options"), CASES)
@pytest.mark.parametrize("images_a_tile", [1, 3])
def test_cutting_the_batch_in_tiles_changes_nothing(op, options, images_a_tile, rng, monkeypatch):
    *arrays, g = case(op, options, rng)
    whole = value_and_gradients(op, arrays, g, **options)
    monkeypatch.setattr(columns, "tiles", lambda x, _: _cut(len(x), images_a_tile))
    assert_all_close(value_and_gradients(op, arrays, g, **options), whole, 1e-13)


def _cut(n, step):
    return (slice(a, min(a + step, n)) for a in range(0, n, step))


@modest
@given(st.integers(0, 50), st.integers(1, 5000), st.integers(1, 20000))
def test_tiles_cover_every_image_once_and_fit(n, bytes_per_image, budget):
    old, columns.TILE_BYTES = columns.TILE_BYTES, budget
    try:
        found = list(columns.tiles(np.zeros((n, 1)), bytes_per_image))
    finally:
        columns.TILE_BYTES = old
    assert [i for tile in found for i in range(n)[tile]] == list(range(n))
    assert all(tile.stop - tile.start in range(1, max(1, budget // bytes_per_image) + 1) for tile in found)


@pytest.mark.parametrize(("op", "options"), CASES)
def test_memory_layout_does_not_matter(op, options, rng):
    *arrays, g = case(op, options, rng)
    expected = value_and_gradients(op, arrays, g, **options)

    def every_other(a):
        wide = np.full(tuple(2 * n for n in a.shape), np.nan)
        view = wide[tuple(slice(None, None, 2) for _ in a.shape)]
        view[...] = a
        return view

    def backwards(a):
        flip = (slice(None, None, -1),) * a.ndim
        return a[flip].copy()[flip]

    for layout in (every_other, backwards, lambda a: np.array(a, order="F")):
        others = value_and_gradients(op, [layout(a) for a in arrays], layout(g), **options)
        assert_all_close(others, expected, 1e-13)


def test_values_and_gradients_are_channels_last_in_memory_and_such_input_is_not_copied(rng, monkeypatch):
    x = Tensor(rng.normal(size=(2, 5, 6, 3)).transpose(0, 3, 1, 2), requires_grad=True)
    y = conv2d(x, rng.normal(size=(4, 3, 3, 3)))
    assert y.data.transpose(0, 2, 3, 1).flags.c_contiguous
    (_, pullback), *_ = y.node.edges
    assert pullback(y.data).transpose(0, 2, 3, 1).flags.c_contiguous
    assert windows.lay("conv2d", x.data, (1, 1), (1, 1), (0, 0), (1, 1)).count == (5, 6)
    (_, rows), *_ = columns.column_tiles(x.data, windows.lay("conv2d", x.data, (1, 1), (1, 1), (0, 0), (1, 1)))
    assert np.shares_memory(rows, x.data)


@pytest.mark.parametrize(("op", "options"), CASES)
def test_float32_in_float32_out_and_float32_back(op, options, rng):
    *arrays, g = case(op, options, rng)
    exact = value_and_gradients(op, arrays, g, **options)
    single = value_and_gradients(op, [a.astype(np.float32) for a in arrays], g.astype(np.float32), **options)
    assert {a.dtype for a in single} == {np.dtype(np.float32)}
    assert_all_close(single, exact, 3e-6)


@pytest.mark.parametrize(("op", "options"), CASES)
def test_nothing_given_is_changed(op, options, rng):
    *arrays, g = case(op, options, rng)
    copies = [a.copy() for a in (*arrays, g)]
    with debug(False):
        value_and_gradients(op, arrays, g, **options)
    for array, copy in zip((*arrays, g), copies, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize("op", [conv2d, conv_transpose2d])
def test_no_images_no_values(op, rng):
    x, w = Tensor(np.zeros((0, 3, 5, 5)), requires_grad=True), Tensor(rng.normal(size=(3, 3, 3, 3)), requires_grad=True)
    y = op(x, w, stride=2)
    y.sum().backward()
    assert (len(y), x.grad.shape) == (0, x.shape)
    np.testing.assert_array_equal(w.grad, 0)


def test_bias_gradient_is_exact_to_float32_rounding_over_many_pixels(rng):
    """Adding 100,000 numbers one after the other in float32 would lose two digits more."""
    g = (10 + rng.normal(size=(128, 28, 28, 4))).astype(np.float32).transpose(0, 3, 1, 2)
    bias = Tensor(np.zeros(4, np.float32), requires_grad=True)
    conv2d(np.zeros((128, 1, 28, 28), np.float32), np.zeros((4, 1, 1, 1), np.float32), bias).backward(g)
    np.testing.assert_allclose(bias.grad, g.sum(axis=(0, 2, 3), dtype=np.float64), rtol=1e-6)


@needs_cupy
@pytest.mark.parametrize(("op", "options"), CASES)
def test_cupy_agrees_with_numpy(op, options, rng):
    *arrays, g = case(op, options, rng, n=3)
    here = value_and_gradients(op, arrays, g, **options)
    with debug(False):
        there = value_and_gradients(op, [to_backend(a, "cupy") for a in arrays], to_backend(g, "cupy"), **options)
    assert_all_close([a.get() for a in there], here, 1e-12)
