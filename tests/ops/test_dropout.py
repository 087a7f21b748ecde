"""Dropout with a given mask."""

from __future__ import annotations

import math

import numpy as np
import pytest

from minivae.autodiff import Tensor
from minivae.backend import to_backend, why_no_cupy
from minivae.errors import ConfigError, ShapeError
from minivae.ops.dropout import dropout
from minivae.verify import gradcheck


def test_entries_are_dropped_or_grown(rng):
    x, mask = rng.normal(size=(5, 7)), rng.random((5, 7)) < 0.6
    y = dropout(x, mask, 0.2).data
    np.testing.assert_array_equal(y[~mask], 0)
    np.testing.assert_allclose(y[mask], x[mask] / 0.8, rtol=1e-15)


def test_the_mean_over_masks_is_x(rng):
    """E[mask] = 1 − p; the standard error of the mean of n draws is |x|·√(p/((1 − p)n))."""
    x, p, n = rng.normal(size=6), 0.3, 40_000
    y = dropout(np.broadcast_to(x, (n, 6)), rng.random((n, 6)) >= p, p).data
    z = (y.mean(axis=0) - x) / (np.abs(x) * math.sqrt(p / (1 - p) / n))
    assert np.abs(z).max() < 4


def test_p_of_0_and_a_mask_of_ones_is_the_identity(rng):
    x = rng.normal(size=(3, 4))
    np.testing.assert_array_equal(dropout(x, np.ones((3, 4)), 0).data, x)


def test_the_gradient_takes_the_same_mask(rng):
    x, g, mask = rng.normal(size=(4, 5)), rng.normal(size=(4, 5)), rng.random((4, 5)) < 0.5
    leaf = Tensor(x, requires_grad=True)
    dropout(leaf, mask, 0.5).backward(g)
    np.testing.assert_array_equal(leaf.grad, np.where(mask, 2 * g, 0))


@pytest.mark.parametrize("mask_shape", [(3, 4, 2, 2), (3, 4, 1, 1), (4, 1, 1), ()])
def test_gradcheck_passes(mask_shape, rng):
    mask = (rng.random(mask_shape) < 0.6).astype(float)
    report = gradcheck(lambda x: dropout(x, mask, 0.4), rng.normal(size=(3, 4, 2, 2)))
    assert report, str(report)


@pytest.mark.parametrize("mask_dtype", [bool, np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_is_that_of_x_whatever_the_masks(mask_dtype, dtype):
    x = Tensor(np.ones((2, 3), dtype), requires_grad=True)
    y = dropout(x, np.ones((2, 3), mask_dtype), 0.5)
    y.sum().backward()
    assert (y.dtype, x.grad.dtype) == (dtype, dtype)


def test_a_mask_may_be_a_tensor_and_gets_no_gradient():
    x, mask = Tensor(np.ones(3), requires_grad=True), Tensor(np.array([1.0, 0.0, 1.0]), requires_grad=True)
    dropout(x, mask, 0.5).sum().backward()
    np.testing.assert_array_equal(x.grad, [2, 0, 2])
    assert mask.grad is None


@pytest.mark.skipif(why_no_cupy() is not None, reason="needs CuPy and a device (or one that is emulated)")
def test_cupy_agrees_with_numpy(rng):
    x, mask = rng.normal(size=(3, 4)), rng.random((3, 4)) < 0.5
    y = dropout(to_backend(x, "cupy"), to_backend(mask, "cupy"), 0.5).data
    np.testing.assert_array_equal(y.get(), dropout(x, mask, 0.5).data)


@pytest.mark.parametrize("p", [1.0, -0.1, 1.5, math.nan])
def test_p_outside_0_to_1_is_an_error(p):
    with pytest.raises(ConfigError, match=f"dropout: p is {p}"):
        dropout(np.ones(3), np.ones(3), p)


@pytest.mark.parametrize("shape", [(4, 3, 3), (2, 2), (2,), (1, 4, 3)])
def test_a_mask_that_would_enlarge_x_or_does_not_fit_is_an_error(shape):
    with pytest.raises(ShapeError, match=r"dropout: mask has shape .* x has \(4, 3\)"):
        dropout(np.ones((4, 3)), np.ones(shape), 0.5)
