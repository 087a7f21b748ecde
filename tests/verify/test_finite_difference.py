"""The stencil does what its analysis says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minivae.errors import DtypeError, ShapeError
from minivae.verify import directional_derivative, numerical_gradient
from minivae.verify.finite_difference import EPS, rounding_noise, slope, slopes


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(-3, 3), min_size=5, max_size=5), st.floats(0.01, 1.0))
def test_the_stencil_is_exact_for_polynomials_up_to_the_fourth_degree(coefficients, h):
    polynomial = np.polynomial.Polynomial(coefficients)
    assert slope(lambda t: polynomial(t), h) == pytest.approx(coefficients[1], abs=1e-12 / h)


def test_the_stencil_is_not_exact_for_the_fifth_degree_and_off_by_h4_times_f5_over_30():
    for h in (0.5, 0.1):
        assert slope(lambda t: np.asarray(t**5), h) == pytest.approx(-(h**4) * 120 / 30)


def test_truncation_error_falls_with_the_fourth_power_of_the_step():
    steps = np.array([0.4, 0.2, 0.1, 0.05])
    errors = [abs(float(slope(lambda t: np.sin(0.7 + t), h)) - np.cos(0.7)) for h in steps]
    np.testing.assert_allclose(np.diff(np.log(errors)) / np.diff(np.log(steps)), 4, atol=0.1)


def test_rounding_error_grows_as_the_step_shrinks():
    def worst(h):
        return max(abs(float(slope(lambda t, x=x: np.sin(x + t), h)) - np.cos(x)) for x in np.linspace(0, 3, 101))

    assert 10 < worst(1e-8) / worst(1e-6) < 1000
    assert worst(1e-8) < 1.5 * 2 * EPS / 1e-8


def test_one_sided_slopes_are_the_slopes_of_the_two_sides():
    bend = slopes(lambda t: np.where(t > 0, 3.0 * t, -2.0 * t), 1e-3, np.zeros(()))
    assert bend.left == pytest.approx(-2)
    assert bend.right == pytest.approx(3)
    assert bend.jump == pytest.approx(5)


def test_one_sided_slopes_agree_where_the_function_is_smooth():
    assert abs(slopes(lambda t: np.exp(t), 1e-3, np.ones(())).jump) < 1e-8


def test_directional_derivative_is_the_jacobian_times_the_direction(rng):
    A, x, v = rng.normal(size=(3, 5)), rng.normal(size=5), rng.normal(size=5)
    result = directional_derivative(lambda x: np.tanh(A @ x), x, v)
    np.testing.assert_allclose(result, (1 - np.tanh(A @ x) ** 2) * (A @ v), rtol=1e-9)


def test_numerical_gradient_of_a_quadratic_form(rng):
    A, x = rng.normal(size=(5, 5)), rng.normal(size=5)
    np.testing.assert_allclose(numerical_gradient(lambda x: x @ A @ x, x), (A + A.T) @ x, rtol=1e-9)


def test_numerical_gradient_weights_outputs_by_the_cotangent(rng):
    x, u = rng.normal(size=(2, 3)), rng.normal(size=(2, 3))
    np.testing.assert_allclose(numerical_gradient(np.sin, x, cotangent=u), u * np.cos(x), rtol=1e-9)


def test_numerical_gradient_scales_its_step_with_the_entry():
    x = np.array([1e5, 1.0])
    np.testing.assert_allclose(numerical_gradient(lambda x: np.sum(np.log(x)), x), 1 / x, rtol=1e-9)


def test_numerical_gradient_of_a_vector_needs_a_cotangent():
    with pytest.raises(ShapeError, match="cotangent"):
        numerical_gradient(np.sin, np.zeros(3))


def test_direction_of_another_shape_is_refused():
    with pytest.raises(ShapeError, match=r"\(3,\).*\(2,\)"):
        directional_derivative(np.sum, np.zeros(3), np.zeros(2))


def test_float32_is_refused_with_the_reason():
    with pytest.raises(DtypeError, match="1 % wrong"):
        numerical_gradient(np.sum, np.zeros(3, np.float32))


def test_noise_of_a_float64_function_is_its_rounding(rng):
    noise = rounding_noise(lambda t: np.exp(np.sin(1.3 + t)))
    assert noise < 10 * EPS * np.e


def test_noise_of_a_function_that_rounds_to_float32_is_seen():
    noise = rounding_noise(lambda t: np.asarray(np.exp(1.3 + t), np.float32).astype(np.float64))
    assert noise > 1e6 * EPS
