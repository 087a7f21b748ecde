"""Batch, layer and group norm: what they make of the data, what leaves them unchanged, and how they are related."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minivae.autodiff import Tensor, debug
from minivae.backend import to_backend, why_no_cupy
from minivae.errors import ConfigError, ShapeError
from minivae.ops.normalisation import batch_norm, group_norm, layer_norm
from minivae.verify import gradcheck

modest = settings(max_examples=40, deadline=None)
TINY = 1e-12  # eps, where the formulas shall hold to rounding

# name: (the op without weights, the axes that it normalises over, in a view of x in the given shape)
NORMS = {
    "batch": (lambda x, eps=TINY: batch_norm(x, None, None, eps), (0, 2, 3), (4, 6, 3, 5)),
    "layer": (lambda x, eps=TINY: layer_norm(x, None, None, eps), (1, 2, 3), (4, 6, 3, 5)),
    "group": (lambda x, eps=TINY: group_norm(x, None, None, 3, eps), (2, 3, 4), (4, 3, 2, 3, 5)),
}
every = pytest.mark.parametrize("name", NORMS)


def gradients(op, g, *arrays):
    leaves = [Tensor(a, requires_grad=True) for a in arrays]
    op(*leaves).backward(g)
    return [leaf.grad for leaf in leaves]


@modest
@given(st.sampled_from(sorted(NORMS)), st.integers(0, 1000), st.floats(-100, 100), st.floats(0.01, 100))
def test_mean_is_0_and_variance_is_1(name, seed, mean, std):
    op, axes, shape = NORMS[name]
    x = mean + std * np.random.default_rng(seed).normal(size=(4, 6, 3, 5))
    y = op(x).data.reshape(shape)
    np.testing.assert_allclose(y.mean(axis=axes), 0, atol=1e-11)
    np.testing.assert_allclose(y.var(axis=axes), 1, rtol=1e-6)


@modest
@given(st.sampled_from(sorted(NORMS)), st.integers(0, 1000), st.floats(-10, 10), st.floats(0.1, 10))
def test_shift_and_scale_of_the_input_change_nothing(name, seed, shift, scale):
    op, _, _ = NORMS[name]
    x = np.random.default_rng(seed).normal(size=(4, 6, 3, 5))
    np.testing.assert_allclose(op(shift + scale * x).data, op(x).data, atol=1e-8)


@every
def test_the_gradient_has_no_component_along_a_shift_or_a_scale(name, rng):
    op, axes, shape = NORMS[name]
    x, g = rng.normal(size=(2, 4, 6, 3, 5))
    (dx,) = gradients(op, g, x)
    np.testing.assert_allclose(dx.reshape(shape).sum(axis=axes), 0, atol=1e-12)
    np.testing.assert_allclose((dx * x).reshape(shape).sum(axis=axes), 0, atol=1e-9)
    assert np.abs(dx).max() > 0.1


@every
def test_a_cotangent_of_ones_gives_nothing_which_is_why_gradients_are_checked_with_a_random_one(name, rng):
    x = rng.normal(size=(4, 6, 3, 5))
    np.testing.assert_allclose(gradients(NORMS[name][0], np.ones_like(x), x)[0], 0, atol=1e-12)


@every
@pytest.mark.parametrize("value", [0.0, 3.0, -1e4])
def test_equal_entries_give_zeros_and_finite_gradients(name, value, rng):
    op, _, _ = NORMS[name]
    x = np.full((4, 6, 3, 5), value, np.float32)
    np.testing.assert_array_equal(op(x, 1e-5).data, 0)
    (dx,) = gradients(lambda x: op(x, 1e-5), rng.normal(size=x.shape).astype(np.float32), x)
    assert np.isfinite(dx).all()


def test_eps_is_added_to_the_variance():
    """x = ±a has mean 0 and variance a², divided by n and not by n − 1."""
    x = np.array([[3.0], [-3.0]])
    np.testing.assert_allclose(batch_norm(x, None, None, 7.0).data, x / 4, rtol=1e-15)
    np.testing.assert_allclose(layer_norm(x.T, None, None, 7.0).data, x.T / 4, rtol=1e-15)
    np.testing.assert_allclose(group_norm(x.T, None, None, 1, 7.0).data, x.T / 4, rtol=1e-15)


# --- relations --------------------------------------------------------------------------------------------


def test_batch_norm_is_each_channel_standardised_by_itself(rng):
    x, weight, bias = rng.normal(size=(4, 6, 3, 5)), rng.normal(size=6), rng.normal(size=6)
    y = batch_norm(x, weight, bias).data
    for c in range(6):
        expected = weight[c] * (x[:, c] - x[:, c].mean()) / np.sqrt(x[:, c].var() + 1e-5) + bias[c]
        np.testing.assert_allclose(y[:, c], expected, rtol=1e-10, atol=1e-13)


def test_batch_norm_of_a_matrix_is_that_of_images_of_one_pixel(rng):
    x, weight, bias = rng.normal(size=(7, 3)), rng.normal(size=3), rng.normal(size=3)
    images = batch_norm(x[:, :, None, None], weight, bias).data
    np.testing.assert_allclose(batch_norm(x, weight, bias).data, images[:, :, 0, 0], rtol=1e-13)


def test_one_group_is_layer_norm_over_the_whole_example(rng):
    x = rng.normal(size=(4, 6, 3, 5))
    np.testing.assert_allclose(group_norm(x, None, None, 1).data, layer_norm(x, None, None).data, rtol=1e-13)


def test_a_group_for_each_channel_normalises_each_image_by_itself(rng):
    x = rng.normal(size=(4, 6, 3, 5))
    y = group_norm(x, None, None, 6).data
    for n in range(4):
        np.testing.assert_allclose(y[n], batch_norm(x[n : n + 1], None, None).data[0], rtol=1e-12)


def test_layer_norm_is_batch_norm_of_the_transpose(rng):
    x = rng.normal(size=(7, 3))
    np.testing.assert_allclose(layer_norm(x, None, None).data, batch_norm(x.T, None, None).data.T, rtol=1e-12)


def test_layer_norm_takes_the_axes_from_the_weight(rng):
    x = rng.normal(size=(2, 3, 4, 5))
    for axes in (1, 2, 3):
        rows = x.reshape(-1, *x.shape[-axes:])
        expected = layer_norm(rows, None, None).data.reshape(x.shape)
        weight, bias = rng.normal(size=(2, *x.shape[-axes:]))
        np.testing.assert_allclose(layer_norm(x, weight, bias).data, weight * expected + bias, rtol=1e-12)
        np.testing.assert_allclose(layer_norm(x, None, bias).data, expected + bias, rtol=1e-12)


@pytest.mark.parametrize("op", [layer_norm, lambda x, w, b: group_norm(x, w, b, 2)])
def test_examples_do_not_see_each_other(op, rng):
    x = rng.normal(size=(3, 4, 2, 5))
    alone = [op(x[n : n + 1], None, None).data[0] for n in range(3)]
    np.testing.assert_array_equal(op(x, None, None).data, alone)


# --- gradients --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(5, 3), (4, 3, 2), (3, 4, 2, 3)])
def test_gradcheck_batch_norm(shape, rng):
    x, weight, bias = rng.normal(size=shape), rng.normal(size=shape[1]), rng.normal(size=shape[1])
    for report in (gradcheck(batch_norm, x, weight, bias), gradcheck(lambda x: batch_norm(x, None, None), x)):
        assert report, str(report)


@pytest.mark.parametrize("last", [(3,), (2, 3), (4, 2, 3)])
def test_gradcheck_layer_norm(last, rng):
    x, weight, bias = rng.normal(size=(3, 4, 2, 3)), rng.normal(size=last), rng.normal(size=last)
    for report in (gradcheck(layer_norm, x, weight, bias), gradcheck(lambda x: layer_norm(x, None, None), x)):
        assert report, str(report)


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_gradcheck_group_norm(groups, rng):
    x, weight, bias = rng.normal(size=(3, 4, 2, 3)), rng.normal(size=4), rng.normal(size=4)
    report = gradcheck(lambda x, w, b: group_norm(x, w, b, groups), x, weight, bias)
    assert report, str(report)


def test_gradient_matches_the_matrix_of_the_derivation(rng):
    """(I − 11ᵀ/n − x̂x̂ᵀ/n)/σ, symmetric, applied to the cotangent."""
    x, g = rng.normal(size=(2, 1, 6))
    x_hat = layer_norm(x, None, None, TINY).data[0]
    matrix = (np.eye(6) - np.ones((6, 6)) / 6 - np.outer(x_hat, x_hat) / 6) / x.std()
    np.testing.assert_allclose(
        gradients(lambda x: layer_norm(x, None, None, TINY), g, x)[0][0], matrix @ g[0], rtol=1e-9
    )


# --- numbers and memory -----------------------------------------------------------------------------------

WITH_WEIGHTS = {
    "batch": lambda x, w, b: batch_norm(x, w, b),
    "layer": lambda x, w, b: layer_norm(x, w, b),
    "group": lambda x, w, b: group_norm(x, w, b, 3),
}


def arrays_for(name, rng, dtype=np.float64):
    shape = (6, 3, 5) if name == "layer" else (6,)
    return [a.astype(dtype) for a in (rng.normal(size=(4, 6, 3, 5)), rng.normal(size=shape), rng.normal(size=shape))]


@every
def test_float32_in_float32_out_and_float32_back(name, rng):
    op, arrays, g = WITH_WEIGHTS[name], arrays_for(name, rng), rng.normal(size=(4, 6, 3, 5))
    single = [a.astype(np.float32) for a in arrays]
    assert op(*single).dtype == np.float32
    np.testing.assert_allclose(op(*single).data, op(*arrays).data, rtol=1e-5, atol=1e-5)
    for a, b in zip(gradients(op, g.astype(np.float32), *single), gradients(op, g, *arrays), strict=True):
        assert a.dtype == np.float32
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@every
def test_memory_layout_does_not_matter_and_nothing_is_changed(name, rng):
    op, (x, *weights), g = WITH_WEIGHTS[name], arrays_for(name, rng), rng.normal(size=(4, 6, 3, 5))
    expected = gradients(op, g, x, *weights)
    channels_last = x.transpose(0, 2, 3, 1).copy().transpose(0, 3, 1, 2)
    for layout in (channels_last, x[:, ::-1].copy()[:, ::-1], np.repeat(x, 2, axis=3)[..., ::2]):
        with debug(False):
            found = gradients(op, g, layout, *weights)
        np.testing.assert_array_equal(layout, x)
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12)


def test_float32_is_exact_far_from_0(rng):
    """Two passes: the variance of 1000 ± 1 is not the difference of two numbers near a million."""
    x = (1000 + rng.normal(size=(64, 4, 8, 8))).astype(np.float32)
    exact = batch_norm(x.astype(np.float64), None, None).data
    np.testing.assert_allclose(batch_norm(x, None, None).data, exact, atol=5e-4)


@pytest.mark.skipif(why_no_cupy() is not None, reason="needs CuPy and a device (or one that is emulated)")
@every
def test_cupy_agrees_with_numpy(name, rng):
    op, arrays, g = WITH_WEIGHTS[name], arrays_for(name, rng), rng.normal(size=(4, 6, 3, 5))
    expected = gradients(op, g, *arrays)
    with debug(False):
        found = gradients(op, to_backend(g, "cupy"), *(to_backend(a, "cupy") for a in arrays))
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a.get(), b, rtol=1e-11, atol=1e-12)


# --- errors -----------------------------------------------------------------------------------------------

X = np.zeros((2, 6, 4, 5))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: batch_norm(X, np.ones(5), None), ShapeError, [r"batch_norm: weight has shape \(5,\)", r"\(6,\)"]),
        (lambda: batch_norm(X, None, np.ones((6, 1, 1))), ShapeError, ["bias has shape", r"\(6,\)"]),
        (lambda: batch_norm(X[0, 0, 0], None, None), ShapeError, [r"x has shape \(5,\)", r"\(N, C\)"]),
        (lambda: batch_norm(X, None, None, 0.0), ConfigError, ["eps is 0"]),
        (lambda: layer_norm(X, np.ones(4), None), ShapeError, [r"weight \(4,\)", "last axes"]),
        (lambda: layer_norm(X, np.ones(5), np.ones((4, 5))), ShapeError, [r"bias \(4, 5\)", "last axes"]),
        (lambda: layer_norm(X, np.ones((1, 2, 6, 4, 5)), None), ShapeError, ["last axes"]),
        (lambda: group_norm(X, None, None, 4), ShapeError, ["num_groups = 4 must divide", "6 channels"]),
        (lambda: group_norm(X, np.ones(3), None, 3), ShapeError, [r"group_norm: weight has shape \(3,\)"]),
    ],
)
def test_errors_say_what_was_given_and_what_is_expected(call, error, words):
    for word in words:
        with pytest.raises(error, match=word):
            call()
