"""Wrong gradients are caught, and the report says where and what."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wrong_primitives import matrix_product, product, sine

from minivae import ops
from minivae.autodiff import Forward, Tensor, primitive
from minivae.backend import Array
from minivae.verify import gradcheck


@pytest.mark.parametrize("factor", [1.00001, 1.0001, 0.999, 2.0, 0.5, -1.0])
def test_a_wrong_factor_is_caught_for_every_seed_and_named(factor, rng):
    wrong = sine(lambda x, g: factor * g * np.cos(x))
    for seed in range(50):
        assert not gradcheck(wrong, rng.normal(size=(3, 5)), seed=seed)
    report = gradcheck(wrong, rng.normal(size=(3, 5)))
    assert report.inputs[0].ratio == pytest.approx(factor, abs=1e-6)
    assert ("wrong sign" if factor == -1 else "times what they should be") in str(report)


@settings(deadline=None, max_examples=40)
@given(st.integers(-8, 6), st.integers(0, 1000))
def test_a_factor_of_1_0001_is_caught_whatever_the_scale_of_f(scale, seed):
    wrong = sine(lambda x, g: 1.0001 * g * np.cos(x))
    x = np.random.default_rng(seed).normal(size=4)
    assert not gradcheck(lambda x: wrong(x) * 10.0**scale, x, seed=seed)


def test_one_wrong_entry_is_caught_even_at_a_ten_thousandth_of_the_largest(rng):
    x = rng.normal(size=(3, 5))

    def off(x, g):
        gradient = g * np.cos(x)
        gradient[1, 3] += 1e-4 * np.abs(gradient).max()
        return gradient

    report = gradcheck(sine(off), x)
    assert not report
    assert report.inputs[0].index == (1, 3)
    assert report.inputs[0].wrong == 1


def test_one_wrong_entry_of_a_jacobian_is_located_by_input_and_output(rng):
    x, w = rng.normal(size=(3, 5)), rng.normal(size=(5, 2))

    def forgetful(x, w, g):
        kept = g.copy()
        kept[2, 1] *= 0.9999
        back = g @ w.T
        back[2] = kept[2] @ w.T
        return back

    report = gradcheck(matrix_product(forgetful, lambda x, w, g: x.T @ g), x, w)
    assert not report
    assert report.inputs[0].index[0] == 2
    assert report.inputs[0].output == (2, 1)
    assert report.inputs[1].error < 1e-9


def test_one_wrong_entry_among_many_is_found_by_halving(rng):
    def hole(x, g):
        gradient = g * np.cos(x)
        gradient[7, 41] = 0
        return gradient

    x = rng.normal(size=(13, 70))
    report = gradcheck(sine(hole), x, name="sine with a hole")
    assert not report
    assert report.inputs[0].mode == "directions"
    assert report.inputs[0].index == (7, 41)
    assert report.inputs[0].analytic == 0
    assert report.inputs[0].numeric == pytest.approx(report.cotangent[7, 41] * np.cos(x[7, 41]))


def test_a_missing_term_is_caught(rng):
    @primitive
    def softmax(x: Array) -> Forward:
        """The softmax over the last axis, its pullback without the term −y Σ g y."""
        y = np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)
        return y, lambda g: g * y

    assert not gradcheck(softmax, rng.normal(size=(3, 5)))


def test_a_transposed_gradient_is_caught_even_where_the_shape_fits(rng):
    wrong = matrix_product(lambda x, w, g: g @ w, lambda x, w, g: x.T @ g)
    report = gradcheck(wrong, rng.normal(size=(3, 4)), rng.normal(size=(4, 4)))
    assert not report
    assert report.worst.name == "x"


def test_swapped_pullbacks_are_caught(rng):
    wrong = product(lambda x, y, g: g * x, lambda x, y, g: g * y)
    assert not gradcheck(wrong, rng.normal(size=3), rng.normal(size=3))


def test_a_broadcast_gradient_that_is_spread_instead_of_summed_is_caught(rng):
    wrong = product(lambda x, y, g: g * y, lambda x, y, g: (g * x).mean(axis=0))
    report = gradcheck(wrong, rng.normal(size=(7, 5)), rng.normal(size=5))
    assert not report
    assert report.inputs[1].ratio == pytest.approx(1 / 7)


def test_a_gradient_of_zeros_that_a_cotangent_of_ones_would_pass_is_caught(rng):
    @primitive
    def softmax(x: Array) -> Forward:
        """The softmax over the last axis, its pullback zero."""
        y = np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)
        return y, lambda g: 0 * g

    x = rng.normal(size=(3, 5))
    blind = Tensor(x, requires_grad=True)
    right = Tensor(x, requires_grad=True)
    softmax(blind).backward(np.ones((3, 5)))
    ops.softmax(right, 1).backward(np.ones((3, 5)))
    np.testing.assert_allclose(blind.grad, right.grad, atol=1e-15)  # ones see no difference

    report = gradcheck(softmax, x)
    assert not report
    assert "term is missing" in str(report)


def test_a_detached_path_is_caught_and_named(rng):
    x, y = rng.normal(size=3), rng.normal(size=3)
    report = gradcheck(lambda x, y: x * y.detach(), x, y)
    assert not report
    assert report.inputs[0].error < 1e-9
    assert not report.inputs[1].arrived
    assert "The path is cut" in str(report)


def test_a_path_detached_in_part_is_caught(rng):
    report = gradcheck(lambda x: x * x.detach(), rng.normal(size=3))
    assert not report
    assert report.inputs[0].ratio == pytest.approx(0.5)


def test_a_function_detached_altogether_is_caught(rng):
    report = gradcheck(lambda x: Tensor(x.data * 2), rng.normal(size=3))
    assert not report
    assert "no gradient arrives" in str(report)


def test_a_gradient_that_is_right_only_for_scalar_cotangents_is_caught(rng):
    wrong = sine(lambda x, g: g.mean() * np.cos(x))
    assert gradcheck(wrong, np.array(0.7))
    assert not gradcheck(wrong, rng.normal(size=4))


def test_a_gradient_wrong_in_a_neighbour_is_not_excused_by_a_kink(rng):
    @primitive
    def wrong(x: Array) -> Forward:
        """|x|, its gradient 1 % too large."""
        return np.abs(x), lambda g: 1.01 * g * np.sign(x)

    report = gradcheck(wrong, np.array([0.0, 1.0, -2.0]))
    assert not report
    assert report.redraws == 1
    assert report.inputs[0].ratio == pytest.approx(1.01)


@pytest.mark.parametrize("step", [0.2, 0.1])
def test_the_slope_of_a_right_gradient_with_too_large_a_step_is_4(step):
    report = gradcheck(sine(lambda x, g: g * np.cos(x)), np.array([0.7]), step=step, rtol=1e-2)
    assert report
    assert report.inputs[0].slope == pytest.approx(4, abs=0.2)


def test_the_slope_of_a_wrong_gradient_is_0(rng):
    report = gradcheck(sine(lambda x, g: 1.01 * g * np.cos(x)), rng.normal(size=4))
    assert report.inputs[0].slope == pytest.approx(0, abs=0.01)
    assert "the gradient is wrong" in str(report)


def test_the_slope_of_rounding_is_about_minus_1():
    slopes = [
        gradcheck(lambda x: x * 0.1, np.random.default_rng(i).normal(size=5), step=1e-5).inputs[0].slope
        for i in range(20)
    ]
    assert -1.6 < np.nanmedian(slopes) < -0.4


@pytest.mark.parametrize("x", [1.05e-3, 2e-3, 3e-3])
def test_a_pole_within_the_first_step_hides_nothing(x):
    """There f is huge or infinite at the stencil's ends: their rounding must not excuse the gradient."""

    @primitive
    def wrong(x: Array) -> Forward:
        """x⁻⁵ and its gradient, 1.0001 times."""
        return x**-5, lambda g: g * -5.0005 * x**-6

    assert gradcheck(lambda x: ops.power(x, -5.0), np.array([x]))
    assert not gradcheck(wrong, np.array([x]))
