"""Right gradients pass, whatever the seed, the shape, the scale, and the layout."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minivae import ops
from minivae.autodiff import Forward, Tensor, debug, primitive
from minivae.backend import Array
from minivae.verify import gradcheck

SEEDS = range(150)


def test_products_pass_for_every_seed():
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        x, y = rng.normal(size=(3, 5)), rng.normal(size=(1, 5))
        assert gradcheck(lambda x, y: x * y / (1.5 + y * y), x, y, seed=seed)


def test_normalising_functions_pass_for_every_seed():
    for seed in SEEDS:
        x = 3 * np.random.default_rng(seed).normal(size=(2, 7))
        assert gradcheck(lambda x: ops.softmax(x, 1), x, seed=seed)


def test_functions_with_kinks_pass_for_every_seed():
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        x, w = rng.normal(size=(5, 7)), rng.normal(size=(7, 3))
        assert gradcheck(lambda x, w: ops.relu(ops.matmul(x, w)), x, w, seed=seed)


def test_large_inputs_pass_along_directions_for_every_seed():
    for seed in range(30):
        rng = np.random.default_rng(seed)
        x, w = rng.normal(size=(13, 70)), rng.normal(size=(70, 31)) / 8
        report = gradcheck(lambda x, w: ops.relu(ops.matmul(x, w)).square().sum(), x, w, seed=seed)
        assert report
        assert [i.mode for i in report.inputs] == ["directions", "directions"]


@settings(deadline=None, max_examples=60)
@given(st.integers(-9, 6), st.integers(-9, 6), st.integers(0, 1000))
def test_neither_the_scale_of_x_nor_that_of_f_matters(of_x, of_f, seed):
    x = np.random.default_rng(seed).normal(size=4)
    sx, sf = 10.0**of_x, 10.0**of_f
    assert gradcheck(lambda x: ops.tanh(x / sx) * sf, x * sx, step=1e-3 * min(1.0, sx), seed=seed)


@settings(deadline=None, max_examples=40)
@given(st.floats(0.01, 300), st.integers(0, 1000))
def test_a_step_too_large_for_the_function_is_made_smaller(size, seed):
    x = size * np.random.default_rng(seed).uniform(0.9, 1.1, 5)
    assert gradcheck(lambda x: ops.log(x) + ops.exp(-1.0 / x), x, seed=seed)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(1, 4), max_size=4), st.integers(0, 1000))
def test_any_shape_passes(shape, seed):
    assert gradcheck(lambda x: x * x + x, np.random.default_rng(seed).normal(size=shape))


@pytest.mark.parametrize(
    "x", [np.array(0.3), np.ones((1, 1)), np.arange(6.0).reshape(2, 3).T, np.arange(7.0)[::2], 0.3]
)
def test_scalars_single_entries_and_views_pass(x):
    assert gradcheck(lambda x: x * x, x)


def test_empty_inputs_pass():
    assert gradcheck(lambda x: x * x, np.zeros((0, 3)))
    assert gradcheck(lambda x, y: x * x * y.sum(), np.zeros((0, 3)), np.ones(2))


def test_a_gradient_that_is_zero_by_cancellation_passes(rng):
    x = rng.normal(size=(4, 5))
    report = gradcheck(lambda x: ops.softmax(x, 1).sum(), x)
    assert report
    assert abs(report.inputs[0].analytic) < 1e-12


def test_an_output_may_ignore_an_input_which_is_noted(rng):
    report = gradcheck(lambda x, y: x * x, rng.normal(size=3), rng.normal(size=2))
    assert report
    assert not report.inputs[1].arrived
    assert "does not change with it" in str(report)


def test_an_input_with_a_gradient_of_zeros_passes(rng):
    assert gradcheck(lambda x, y: x * x + y * 0.0, rng.normal(size=3), rng.normal(size=3))


def test_values_far_larger_than_their_changes_pass(rng):
    assert gradcheck(lambda x: x * 1e-3 + 1000.0, rng.normal(size=3))


def test_identity_passes(rng):
    assert gradcheck(lambda x: x, rng.normal(size=3))


def test_inputs_far_apart_in_size_of_gradient_are_judged_each_on_its_own(rng):
    x, y = rng.normal(size=3), rng.normal(size=3)
    assert gradcheck(lambda x, y: x * 1e4 + y * 1e-4, x, y)

    @primitive
    def wrong(x: Array, y: Array) -> Forward:
        """1000 x + y/1000; the gradient for y is 1 % wrong, and a millionth of that for x."""
        return x * 1e3 + y * 1e-3, (lambda g: 1e3 * g, lambda g: 1.01e-3 * g)

    report = gradcheck(wrong, x, y)
    assert not report
    assert report.worst.name == "y"


def test_tensors_are_accepted_and_left_alone(rng):
    x = Tensor(rng.normal(size=3), requires_grad=True)
    before = x.data.copy()
    assert gradcheck(lambda x: x * x, x)
    assert x.grad is None
    np.testing.assert_array_equal(x.data, before)


@pytest.mark.no_debug
def test_the_result_does_not_depend_on_debug_mode(rng):
    x = rng.normal(size=(3, 2))
    outside = gradcheck(ops.tanh, x)
    with debug():
        inside = gradcheck(ops.tanh, x)
    assert outside
    assert str(inside) == str(outside)


def test_the_same_seed_gives_the_same_report_and_another_one_another_cotangent(rng):
    x = rng.normal(size=(3, 2))
    assert str(gradcheck(ops.tanh, x, seed=3)) == str(gradcheck(ops.tanh, x, seed=3))
    assert not np.array_equal(gradcheck(ops.tanh, x, seed=3).cotangent, gradcheck(ops.tanh, x, seed=4).cotangent)


@pytest.mark.parametrize("value", [1.0, 0.1, 3e4, -0.7])
@pytest.mark.parametrize("n", [2, 7, 400])
def test_a_stationary_point_where_f_is_zero_passes(value, n):
    """There x + h rounds to a number beside it, and f, a parabola in what is left, moves by more than ε·|f|."""
    for seed in range(20):
        assert gradcheck(lambda x: ops.var(x, None, 0), np.full(n, value), seed=seed)
        assert gradcheck(lambda x, a=value: (x - a).square().sum(), np.full(n, value), seed=seed)


def test_a_wrong_gradient_is_still_caught_at_a_stationary_point():
    @primitive
    def off(x: Array) -> Forward:
        """Σ (x − 1)², with a gradient that is not zero at its minimum."""
        return np.sum((x - 1) ** 2), lambda g: g * (2 * (x - 1) + 1e-9)

    assert not gradcheck(off, np.ones(3))
