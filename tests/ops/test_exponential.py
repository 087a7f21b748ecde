from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minivae import ops
from minivae.autodiff import Tensor
from minivae.verify import gradcheck

few = settings(max_examples=30, deadline=None)
numbers = arrays(np.float64, (2, 3), elements=st.floats(-20, 20))


def gradient(f, x):
    leaf = Tensor(x, requires_grad=True)
    f(leaf).sum().backward()
    return leaf.grad


@few
@given(numbers)
def test_log_undoes_exp_and_so_do_their_derivatives(x):
    np.testing.assert_allclose(ops.log(ops.exp(x)).data, x, atol=1e-14)
    np.testing.assert_allclose(gradient(lambda x: ops.log(ops.exp(x)), x), np.ones_like(x), rtol=1e-14)


@few
@given(arrays(np.float64, (2, 3), elements=st.floats(-3, 20)))
def test_log1p_undoes_expm1(x):
    np.testing.assert_allclose(ops.log1p(ops.expm1(x)).data, x, rtol=1e-13)


def test_gradients():
    x = np.random.default_rng(0).normal(size=(3, 4))
    assert gradcheck(ops.exp, x)
    assert gradcheck(ops.expm1, x)
    assert gradcheck(ops.log, np.exp(x))
    assert gradcheck(ops.log1p, np.expm1(x))


def test_expm1_and_log1p_keep_tiny_numbers_where_exp_and_log_lose_them():
    for dtype in (np.float32, np.float64):
        x = np.array([-1e-30, 1e-30], dtype)
        np.testing.assert_array_equal(ops.expm1(x).data, x)
        np.testing.assert_array_equal(ops.log1p(x).data, x)
        np.testing.assert_array_equal((ops.exp(x) - 1).data, 0)


def test_the_derivative_of_expm1_keeps_its_digits_far_to_the_left():
    """eˣ as (eˣ − 1) + 1 would have three right digits at −30 and be 0 at −40."""
    x = np.array([-40.0, -30.0])
    np.testing.assert_allclose(gradient(ops.expm1, x), np.exp(x), rtol=1e-15)


def test_exp_vanishes_quietly_far_to_the_left():
    x = np.array([-1e4, -1e30], np.float32)
    np.testing.assert_array_equal(ops.exp(x).data, 0)
    np.testing.assert_array_equal(gradient(ops.exp, x), 0)
