"""Pooling and upsampling, against their definitions and against each other."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minivae.autodiff import Tensor, debug
from minivae.backend import to_backend, why_no_cupy
from minivae.errors import ConfigError, ShapeError
from minivae.ops.conv import conv2d
from minivae.ops.pooling import avg_pool2d, max_pool2d, upsample_nearest
from minivae.verify import gradcheck

modest = settings(max_examples=60, deadline=None)
seeds = st.integers(0, 10_000)


def gradient(op, x, g, *options):
    leaf = Tensor(x, requires_grad=True)
    op(leaf, *options).backward(g)
    return leaf.grad


def draw_options(rng, dilations=3):
    """kernel, stride, padding, dilation and a size on which at least one window fits."""
    kernel, stride, dilation = (rng.integers(1, high, size=2, endpoint=True) for high in (3, 3, dilations))
    padding = rng.integers(0, kernel // 2, endpoint=True)
    reach = dilation * (kernel - 1) + 1
    size = np.maximum(1, reach - 2 * padding) + rng.integers(0, 4, size=2)
    return [tuple(map(int, pair)) for pair in (kernel, stride, padding, dilation, size)]


def windows_by_loops(size, kernel, stride, padding, dilation):
    """For each output position, the positions of its window, None where it lies in the padding; in reading order."""
    count = [
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, s, p, d in zip(size, kernel, stride, padding, dilation, strict=True)
    ]
    for u, v in itertools.product(*map(range, count)):
        window = []
        for i, j in itertools.product(*map(range, kernel)):
            row, column = u * stride[0] + i * dilation[0] - padding[0], v * stride[1] + j * dilation[1] - padding[1]
            inside = 0 <= row < size[0] and 0 <= column < size[1]
            window.append((row, column) if inside else None)
        yield (u, v), window


# --- against the definition -------------------------------------------------------------------------------


@modest
@given(seeds, st.booleans())
def test_max_pool_takes_the_first_largest_entry_of_each_window(seed, ties):
    rng = np.random.default_rng(seed)
    kernel, stride, padding, dilation, size = draw_options(rng)
    x = rng.normal(size=(2, 3, *size)) - 5  # negative, so that a padding of 0 would win
    x = np.round(x) if ties else x
    if any(not any(window) for _, window in windows_by_loops(size, kernel, stride, padding, dilation)):
        with pytest.raises(ShapeError, match="in the padding alone"):
            max_pool2d(x, kernel, stride, padding, dilation)
        return
    y = max_pool2d(x, kernel, stride, padding, dilation).data
    g = rng.normal(size=y.shape)
    expected, dx = np.zeros_like(y), np.zeros_like(x)
    for (u, v), window in windows_by_loops(size, kernel, stride, padding, dilation):
        for n, c in itertools.product(range(2), range(3)):
            best = max((place for place in window if place), key=lambda place: x[(n, c, *place)])
            expected[n, c, u, v] = x[(n, c, *best)]
            dx[(n, c, *best)] += g[n, c, u, v]
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_allclose(gradient(max_pool2d, x, g, kernel, stride, padding, dilation), dx, atol=1e-14)


@modest
@given(seeds)
def test_avg_pool_is_the_mean_of_each_window_padding_counted(seed):
    rng = np.random.default_rng(seed)
    kernel, stride, padding, _, size = draw_options(rng, dilations=1)
    x = rng.normal(size=(2, 3, *size))
    y = avg_pool2d(x, kernel, stride, padding).data
    expected = np.zeros_like(y)
    for (u, v), window in windows_by_loops(size, kernel, stride, padding, (1, 1)):
        for place in window:
            expected[:, :, u, v] += x[:, :, place[0], place[1]] / len(window) if place else 0
    np.testing.assert_allclose(y, expected, atol=1e-14)


@modest
@given(seeds)
def test_avg_pool_is_a_convolution_with_equal_weights_and_so_is_its_gradient(seed):
    rng = np.random.default_rng(seed)
    kernel, stride, padding, _, size = draw_options(rng, dilations=1)
    x, g = rng.normal(size=(2, 1, *size)), None
    w = np.full((1, 1, *kernel), 1 / math.prod(kernel))
    leaf = Tensor(x, requires_grad=True)
    y = conv2d(leaf, w, stride=stride, padding=padding)
    g = rng.normal(size=y.shape)
    y.backward(g)
    np.testing.assert_allclose(avg_pool2d(x, kernel, stride, padding).data, y.data, atol=1e-14)
    np.testing.assert_allclose(gradient(avg_pool2d, x, g, kernel, stride, padding), leaf.grad, atol=1e-14)


@modest
@given(seeds, st.integers(1, 3), st.integers(1, 4))
def test_upsampled_pixels_are_those_of_the_pixel_they_lie_in(seed, up, across):
    x = np.random.default_rng(seed).normal(size=(2, 3, 4, 5))
    y = upsample_nearest(x, (up, across)).data
    assert y.shape == (2, 3, 4 * up, 5 * across)
    for u, v in itertools.product(range(4 * up), range(5 * across)):
        np.testing.assert_array_equal(y[:, :, u, v], x[:, :, u // up, v // across])


@pytest.mark.parametrize(
    ("op", "options"),
    [
        (max_pool2d, (2,)),
        (max_pool2d, ((3, 2), (2, 1), 1)),
        (max_pool2d, (2, 1, 0, (2, 3))),
        (avg_pool2d, ((2, 3),)),
        (avg_pool2d, (3, 2, 1)),
        (upsample_nearest, ((2, 3),)),
    ],
)
def test_gradcheck_passes(op, options):
    x = np.random.default_rng(1).permutation(2 * 3 * 5 * 6).reshape(2, 3, 5, 6) / 20  # no two entries are close
    report = gradcheck(lambda x: op(x, *options), x)
    assert report, str(report)


# --- identities -------------------------------------------------------------------------------------------


def test_avg_pool_undoes_upsampling_and_so_does_max_pool(rng):
    x = rng.normal(size=(2, 3, 4, 5))
    np.testing.assert_allclose(avg_pool2d(upsample_nearest(x, (2, 3)), (2, 3)).data, x, rtol=1e-15)
    np.testing.assert_array_equal(max_pool2d(upsample_nearest(x, (2, 3)), (2, 3)).data, x)


def test_gradient_of_upsampling_is_the_block_sum(rng):
    """⟨g, up(x)⟩ = ⟨blocksum(g), x⟩, and a block's sum is its mean times its size."""
    x, g = rng.normal(size=(2, 3, 4, 5)), rng.normal(size=(2, 3, 8, 15))
    dx = gradient(upsample_nearest, x, g, (2, 3))
    np.testing.assert_allclose(dx, 6 * avg_pool2d(g, (2, 3)).data, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose((g * upsample_nearest(x, (2, 3)).data).sum(), (dx * x).sum(), rtol=1e-12)


def test_among_equal_entries_the_first_in_reading_order_gets_it_all():
    dx = gradient(max_pool2d, np.zeros((1, 1, 4, 4)), np.array([[[[1.0, 2.0], [3.0, 4.0]]]]), 2)
    np.testing.assert_array_equal(dx[0, 0], [[1, 0, 2, 0], [0, 0, 0, 0], [3, 0, 4, 0], [0, 0, 0, 0]])


def test_the_whole_cotangent_arrives(rng):
    x, g = rng.normal(size=(2, 3, 8, 9)), rng.normal(size=(2, 3, 7, 8))
    np.testing.assert_allclose(gradient(max_pool2d, x, g, 2, 1).sum(), g.sum(), rtol=1e-12)
    np.testing.assert_allclose(gradient(avg_pool2d, x, g, 2, 1).sum(), g.sum(), rtol=1e-12)


def test_increasing_functions_pass_through_max_pool(rng):
    x = rng.normal(size=(2, 3, 6, 6))
    np.testing.assert_array_equal(max_pool2d(np.exp(x), 3, 1, 1).data, np.exp(max_pool2d(x, 3, 1, 1).data))


def test_windows_do_not_overlap_by_default(rng):
    x = rng.normal(size=(2, 3, 7, 6))
    np.testing.assert_array_equal(max_pool2d(x, (3, 2)).data, max_pool2d(x, (3, 2), (3, 2)).data)
    blocks = x[:, :, :6].reshape(2, 3, 2, 3, 3, 2)
    np.testing.assert_array_equal(max_pool2d(x, (3, 2)).data, blocks.max(axis=(3, 5)))
    np.testing.assert_allclose(avg_pool2d(x, (3, 2)).data, blocks.mean(axis=(3, 5)), rtol=1e-12)


def test_a_number_means_the_same_for_height_and_width(rng):
    x = rng.normal(size=(2, 3, 9, 8))
    np.testing.assert_array_equal(max_pool2d(x, 3, 2, 1, 2).data, max_pool2d(x, (3, 3), (2, 2), (1, 1), (2, 2)).data)
    np.testing.assert_array_equal(avg_pool2d(x, 3, 2, 1).data, avg_pool2d(x, (3, 3), (2, 2), (1, 1)).data)
    np.testing.assert_array_equal(upsample_nearest(x, 2).data, upsample_nearest(x, (2, 2)).data)


# --- memory -----------------------------------------------------------------------------------------------

CASES = [
    (max_pool2d, (2,)),
    (max_pool2d, (3, 1, 1)),
    (avg_pool2d, (2, 1, 1)),
    (avg_pool2d, (3,)),
    (upsample_nearest, (2,)),
]


@pytest.mark.parametrize(("op", "options"), CASES)
def test_memory_layout_and_precision_do_not_matter_and_nothing_is_changed(op, options, rng):
    x = rng.integers(-9, 9, size=(2, 3, 6, 7)).astype(np.float32)
    y = op(x, *options).data
    g = rng.normal(size=y.shape).astype(np.float32)
    dx = gradient(op, x, g, *options)
    assert (y.dtype, dx.dtype) == (np.float32, np.float32)
    channels_last = x.transpose(0, 2, 3, 1).copy().transpose(0, 3, 1, 2)
    for layout in (channels_last, x[:, ::-1].copy()[:, ::-1], np.repeat(x, 2, axis=3)[..., ::2], x.astype(np.float64)):
        before = layout.copy()
        with debug(False):
            np.testing.assert_allclose(op(layout, *options).data, y, rtol=1e-6)
            np.testing.assert_allclose(gradient(op, layout, g.astype(layout.dtype), *options), dx, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(layout, before)


@pytest.mark.parametrize(("op", "options"), CASES)
def test_channels_last_memory_stays_channels_last(op, options, rng):
    x = Tensor(rng.normal(size=(2, 6, 7, 3)).transpose(0, 3, 1, 2), requires_grad=True)
    y = op(x, *options)
    assert y.data.transpose(0, 2, 3, 1).flags.c_contiguous


@pytest.mark.skipif(why_no_cupy() is not None, reason="needs CuPy and a device (or one that is emulated)")
@pytest.mark.parametrize(("op", "options"), CASES)
def test_cupy_agrees_with_numpy(op, options, rng):
    x = rng.normal(size=(2, 3, 6, 7))
    y = op(x, *options).data
    g = rng.normal(size=y.shape)
    with debug(False):
        on_gpu = to_backend(x, "cupy")
        np.testing.assert_allclose(op(on_gpu, *options).data.get(), y, rtol=1e-14)
        dx = gradient(op, on_gpu, to_backend(g, "cupy"), *options)
    np.testing.assert_allclose(dx.get(), gradient(op, x, g, *options), rtol=1e-13)


# --- errors -----------------------------------------------------------------------------------------------

X = np.zeros((2, 3, 5, 6))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: max_pool2d(X, 6), ShapeError, ["max_pool2d", "larger than the image", r"\(2, 3, 5, 6\)"]),
        (lambda: avg_pool2d(X, (2, 7)), ShapeError, ["avg_pool2d", "larger than the image"]),
        (lambda: max_pool2d(X, 3, 1, 2), ShapeError, [r"padding = \(2, 2\)", "at most half"]),
        (lambda: max_pool2d(X[:, :, :2], 2, 1, 1, 3), ShapeError, ["dilation", "in the padding alone"]),
        (lambda: avg_pool2d(X[0], 2), ShapeError, [r"\(3, 5, 6\)", r"\(N, C, H, W\)"]),
        (lambda: max_pool2d(X, 0), ConfigError, ["kernel_size is 0", "at least 1"]),
        (lambda: max_pool2d(X, 2, 0), ConfigError, ["stride is 0"]),
        (lambda: upsample_nearest(X, 1.5), ConfigError, ["scale_factor is 1.5"]),
        (lambda: upsample_nearest(X, 0), ConfigError, ["scale_factor is 0"]),
        (lambda: upsample_nearest(X[0], 2), ShapeError, [r"\(N, C, H, W\)"]),
    ],
)
def test_errors_say_what_was_given_and_what_is_expected(call, error, words):
    for word in words:
        with pytest.raises(error, match=word):
            call()
