"""The exercises of lesson 04: references agree with the library, mistakes are named as themselves, right forms pass."""

from __future__ import annotations

import math

import numpy as np
import pytest

import minivae as mv
from minivae.grading.exercise import EXERCISES
from minivae.grading.exercises import import_all
from minivae.grading.exercises.convolution import conv2d_forward
from minivae.grading.exercises.convolution_backward import conv2d_backward
from minivae.grading.exercises.convolution_sizes import conv_output_size, transposed_output_size
from minivae.grading.exercises.image_columns import im2col
from minivae.grading.exercises.image_from_columns import col2im
from minivae.grading.exercises.transposed_convolution import conv_transpose2d_forward
from minivae.grading.judge import judge
from minivae.verify import check_gradient

import_all()


def arguments(name, number=7):
    return EXERCISES[name].cases(np.random.default_rng(number))


# --- the references are right ---------------------------------------------------------------------------------


def test_the_sizes_of_each_case_are_pairwise_distinct():
    """Or exchanged axes would not show."""
    x, w, b, _, _ = arguments("conv2d_forward")
    y = conv2d_forward(*arguments("conv2d_forward"))
    sizes = [*x.shape, *w.shape[2:], len(b), *y.shape[2:]]
    assert len(set(sizes)) == len(sizes)
    x, w, *_ = arguments("conv_transpose2d_forward")
    sizes = [*x.shape, *w.shape[1:], *conv_transpose2d_forward(*arguments("conv_transpose2d_forward")).shape[2:]]
    assert len(set(sizes)) == len(sizes)


def test_the_convolution_is_the_librarys():
    x, w, b, stride, padding = arguments("conv2d_forward")
    np.testing.assert_allclose(conv2d_forward(x, w, b, stride, padding), mv.ops.conv2d(x, w, b, stride, padding).data)


def test_the_gradient_is_the_librarys_and_that_of_differences():
    x, w, g, stride, padding = arguments("conv2d_backward")
    b = np.zeros(len(w))
    d = dict(zip("xwb", conv2d_backward(x, w, g, stride, padding), strict=True))
    tensors = {name: mv.Tensor(value, requires_grad=True) for name, value in (("x", x), ("w", w), ("b", b))}
    (mv.ops.conv2d(tensors["x"], tensors["w"], tensors["b"], stride, padding) * mv.Tensor(g)).sum().backward()
    for name, tensor in tensors.items():
        np.testing.assert_allclose(d[name], tensor.grad, rtol=1e-10, atol=1e-12)
    assert check_gradient(
        lambda p: np.sum(g * conv2d_forward(p["x"], p["w"], p["b"], stride, padding)),
        lambda p: dict(zip("xwb", conv2d_backward(p["x"], p["w"], g, stride, padding), strict=True)),
        {"x": x, "w": w, "b": b},
    )


def test_the_transposed_convolution_is_the_librarys():
    x, w, stride, padding, extra = arguments("conv_transpose2d_forward")
    library = mv.ops.conv_transpose2d(x, w, None, stride, padding, extra).data
    np.testing.assert_allclose(conv_transpose2d_forward(x, w, stride, padding, extra), library, atol=1e-12)


def test_col2im_is_the_transpose_of_im2col():
    columns, shape, kernel, stride, padding = arguments("col2im")
    x = np.random.default_rng(1).standard_normal(shape)
    there = np.sum(im2col(x, kernel, stride, padding) * columns)
    assert there == pytest.approx(np.sum(x * col2im(columns, shape, kernel, stride, padding)), rel=1e-12)


def test_the_transpose_goes_back_to_every_size_of_which_the_convolution_makes_this_one():
    for stride in (1, 2, 3):
        for kernel in (stride, 4, 5):
            for padding in (0, 1):
                for size in range(6, 30):
                    out = conv_output_size(size, kernel, stride, padding, 1)
                    back = [transposed_output_size(out, kernel, stride, padding, extra) for extra in range(stride)]
                    assert back == [n for n in range(60) if conv_output_size(n, kernel, stride, padding, 1) == out]


def test_the_output_size_is_the_number_of_windows_that_can_be_laid():
    for seed in range(20):
        size, kernel, stride, padding, dilation = arguments("conv_output_size", seed)
        starts = range(-padding, size + padding, stride)
        fits = [start for start in starts if start + dilation * (kernel - 1) < size + padding]
        assert conv_output_size(size, kernel, stride, padding, dilation) == len(fits)


# --- the mistakes are named as themselves ---------------------------------------------------------------------


def colleague(columns, shape, kernel, stride, padding):
    """The function of the lesson's bug: im2col with the two sides of `=` exchanged."""
    (N, C, H, W), (kh, kw) = shape, kernel
    rows, wide = conv_output_size(H, kh, stride, padding, 1), conv_output_size(W, kw, stride, padding, 1)
    windows = columns.reshape(N, rows, wide, C, kh, kw)
    padded = np.zeros((N, C, H + 2 * padding, W + 2 * padding))
    for i in range(kh):
        for j in range(kw):
            place = slice(i, i + rows * stride, stride), slice(j, j + wide * stride, stride)
            padded[:, :, place[0], place[1]] = windows[..., i, j].transpose(0, 3, 1, 2)
    return padded[:, :, padding : padding + H, padding : padding + W]


def wrong_reshape(x, w, b, stride, padding):
    y = im2col(x, w.shape[2:], stride, padding) @ w.reshape(len(w), -1).T + b
    return y.reshape(conv2d_forward(x, w, b, stride, padding).shape)


def backward_with(d_b=lambda g: g.sum(axis=(0, 2, 3)), flip=1):
    def wrong(x, w, g, stride, padding):
        d_x, d_w, _ = conv2d_backward(x, w[:, :, ::flip, ::flip], g, stride, padding)
        return d_x, d_w, d_b(g)

    return wrong


def cotangent_reshaped(x, w, g, stride, padding):
    rows, kernel = g.reshape(-1, len(w)), w.shape[2:]
    d_w = (rows.T @ im2col(x, kernel, stride, padding)).reshape(w.shape)
    return col2im(rows @ w.reshape(len(w), -1), x.shape, kernel, stride, padding), d_w, rows.sum(axis=0)


def zeros_at_the_end(x, w, stride, padding, extra):
    y = conv_transpose2d_forward(x, w, stride, padding, 0)
    return np.pad(y, ((0, 0), (0, 0), (0, extra), (0, extra)))


WRITTEN_BY_HAND = {
    "the colleague of the lesson": ("col2im", colleague, ("CV20",)),
    "reshape for transpose": ("conv2d_forward", wrong_reshape, ("CV27",)),
    "a mean over everything": ("conv2d_backward", backward_with(lambda g: g.mean(axis=(0, 2, 3))), ("CV38",)),
    "only the first image": ("conv2d_backward", backward_with(lambda g: g.sum(axis=(2, 3))[0]), ("CV39",)),
    "kernel flipped": ("conv2d_backward", backward_with(flip=-1), ("CV31",)),
    "two at once": (
        "conv2d_backward",
        backward_with(lambda g: g.mean(axis=(0, 2, 3)), flip=-1),
        ("CV31", "CV38"),
    ),
    "a cotangent reshaped": ("conv2d_backward", cotangent_reshaped, ("CV46",)),
    "zeros at the end": ("conv_transpose2d_forward", zeros_at_the_end, ("CV44",)),
    "no + 1": ("conv_output_size", lambda n, k, s, p, d: math.floor((n + 2 * p - d * (k - 1) - 1) / s), ("CV1",)),
}


@pytest.mark.parametrize("what", WRITTEN_BY_HAND)
def test_a_mistake_in_the_learners_own_words_is_named(what):
    name, wrong, codes = WRITTEN_BY_HAND[what]
    assert judge(EXERCISES[name], wrong).codes == codes


def test_exchanged_channels_show_in_the_shape():
    def exchanged(x, w, g, stride, padding):
        d_x, d_w, d_b = conv2d_backward(x, w, g, stride, padding)
        return d_x, d_w.transpose(1, 0, 2, 3), d_b

    verdict = judge(EXERCISES["conv2d_backward"], exchanged)
    assert verdict.status == "wrong"
    assert "(C, O, kh, kw)" in verdict.text


def test_a_missing_sum_over_the_batch_shows_in_the_shape():
    verdict = judge(EXERCISES["conv2d_backward"], backward_with(lambda g: g.sum(axis=(2, 3))))
    assert verdict.first_wrong == "d_b"
    assert "(N, O)" in verdict.text


def test_a_mistake_that_nobody_listed_is_measured():
    def scaled(x, w, g, stride, padding):
        d_x, d_w, d_b = conv2d_backward(x, w, g, stride, padding)
        return d_x, 0.3 * d_w, d_b

    verdict = judge(EXERCISES["conv2d_backward"], scaled)
    assert verdict.codes == ()
    assert verdict.coefficients["Σ g·x"] == pytest.approx(0.3)


# --- right in another form ------------------------------------------------------------------------------------


def forward_by_loops(x, w, b, stride, padding):
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    kh, kw = w.shape[2:]
    y = np.zeros((len(x), len(w), (padded.shape[2] - kh) // stride + 1, (padded.shape[3] - kw) // stride + 1))
    for n, o, u, v in np.ndindex(*y.shape):
        window = padded[n, :, u * stride : u * stride + kh, v * stride : v * stride + kw]
        y[n, o, u, v] = np.sum(window * w[o]) + b[o]
    return y


def backward_entry_by_entry(x, w, g, stride, padding):
    (rows, wide), (kh, kw) = g.shape[2:], w.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    d_padded, d_w = np.zeros_like(padded), np.zeros_like(w)
    for i in range(kh):
        for j in range(kw):
            place = slice(i, i + rows * stride, stride), slice(j, j + wide * stride, stride)
            d_padded[:, :, place[0], place[1]] += np.einsum("nouv,oc->ncuv", g, w[:, :, i, j])
            d_w[:, :, i, j] = np.einsum("nouv,ncuv->oc", g, padded[:, :, place[0], place[1]])
    return d_padded[:, :, padding:-padding, padding:-padding], d_w, np.einsum("nouv->o", g)


def backward_by_autodiff(x, w, g, stride, padding):
    x, w, b = (mv.Tensor(a, requires_grad=True) for a in (x, w, np.zeros(len(w))))
    (mv.ops.conv2d(x, w, b, stride, padding) * mv.Tensor(g)).sum().backward()
    return x.grad, w.grad, b.grad


def windows_by_view(x, kernel, stride, padding):
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    view = np.lib.stride_tricks.sliding_window_view(padded, kernel, axis=(2, 3))[:, :, ::stride, ::stride]
    return view.transpose(0, 2, 3, 1, 4, 5).reshape(-1, x.shape[1] * kernel[0] * kernel[1])


RIGHT = {
    "loops": ("conv2d_forward", forward_by_loops),
    "the library": ("conv2d_forward", lambda x, w, b, s, p: mv.ops.conv2d(x, w, b, s, p)),
    "float32": ("conv2d_forward", lambda x, w, b, s, p: conv2d_forward(*(np.float32(a) for a in (x, w, b)), s, p)),
    "entry by entry": ("conv2d_backward", backward_entry_by_entry),
    "autodiff": ("conv2d_backward", backward_by_autodiff),
    "a view of windows": ("im2col", windows_by_view),
    "math.floor": (
        "conv_output_size",
        lambda n, k, s, p, d: math.floor((n + 2 * p - d * (k - 1) - 1) / s + 1),
    ),
    "the library's transpose": (
        "conv_transpose2d_forward",
        lambda x, w, s, p, e: mv.ops.conv_transpose2d(x, w, None, s, p, e),
    ),
}


@pytest.mark.parametrize("what", RIGHT)
def test_a_right_answer_in_another_form_passes(what):
    name, function = RIGHT[what]
    verdict = judge(EXERCISES[name], function)
    assert verdict.status == "right", verdict.text
