from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minivae.autodiff import Tensor
from minivae.errors import ConfigError, GraphError
from minivae.optim import clip_grad_norm_


def with_gradients(*gradients):
    tensors = []
    for g in gradients:
        tensor = Tensor(np.zeros_like(g), requires_grad=True)
        tensor.grad = g
        tensors.append(tensor)
    return tensors


def norm_of(tensors):
    return np.sqrt(sum(np.sum(t.grad.astype(np.float64) ** 2) for t in tensors))


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 1000), max_norm=st.floats(1e-3, 1e3), dtype=st.sampled_from([np.float32, np.float64]))
def test_clipping_limits_the_common_norm_and_keeps_the_direction(seed, max_norm, dtype):
    rng = np.random.default_rng(seed)
    gradients = [rng.standard_normal(shape).astype(dtype) for shape in [(3, 4), (5,), ()]]
    tensors = with_gradients(*gradients)
    before = norm_of(tensors)
    returned = clip_grad_norm_(tensors, max_norm)
    assert returned.shape == ()
    assert returned.dtype == dtype
    np.testing.assert_allclose(returned, before, rtol=1e-5)
    np.testing.assert_allclose(norm_of(tensors), min(before, max_norm), rtol=1e-5)
    for tensor, g in zip(tensors, gradients, strict=True):
        assert tensor.grad.dtype == dtype
        np.testing.assert_allclose(tensor.grad, g * min(1, max_norm / before), rtol=1e-5)


def test_clipping_replaces_the_gradient_and_never_changes_it():
    g = np.full(4, 3.0)
    g.flags.writeable = False
    (tensor,) = with_gradients(g)
    clip_grad_norm_([tensor], 1.0)
    assert tensor.grad is not g
    np.testing.assert_array_equal(g, 3.0)


def test_an_infinite_limit_changes_nothing():
    (tensor,) = with_gradients(np.arange(5.0))
    clip_grad_norm_(tensor, float("inf"))
    np.testing.assert_array_equal(tensor.grad, np.arange(5.0))


def test_zero_gradients_stay_zero():
    (tensor,) = with_gradients(np.zeros(5))
    assert clip_grad_norm_([tensor], 1.0) == 0
    np.testing.assert_array_equal(tensor.grad, 0)


def test_parameters_without_gradient_are_left_out():
    (tensor,) = with_gradients(np.array([3.0, 4.0]))
    silent = Tensor(np.ones(2), requires_grad=True)
    assert clip_grad_norm_([silent, tensor], 10.0) == 5
    assert silent.grad is None


@pytest.mark.parametrize("max_norm", [0, -1.0, float("nan")])
def test_a_limit_that_cannot_work_is_refused(max_norm):
    with pytest.raises(ConfigError, match="max_norm is"):
        clip_grad_norm_(with_gradients(np.ones(2)), max_norm)


def test_no_gradient_anywhere_is_an_error():
    with pytest.raises(GraphError, match="no parameter has a gradient"):
        clip_grad_norm_([Tensor(np.ones(2), requires_grad=True)], 1.0)
