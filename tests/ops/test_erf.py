from __future__ import annotations

import math

import numpy as np
import pytest

from minivae.ops.erf import erfc, normal_cdf, normal_pdf


@pytest.mark.parametrize(("dtype", "digits"), [(np.float64, 5e-16), (np.float32, 4e-7)])
def test_erfc_agrees_with_the_c_library_on_both_sides_and_far_into_the_tail(dtype, digits):
    end = 26 if dtype == np.float64 else 9  # beyond, erfc is not a normal number of this dtype
    z = np.concatenate([np.linspace(-end, end, 40_001), np.geomspace(1e-30, 1, 200), [0.0, -0.0]]).astype(dtype)
    exact = np.array([math.erfc(v) for v in z.tolist()])
    relative_error = np.abs(erfc(z) - exact) / exact
    allowed = digits * (1 + np.maximum(z, 0) ** 2)
    assert erfc(z).dtype == dtype
    assert (relative_error < allowed).all(), f"worst {np.max(relative_error / allowed):.2f} of what is allowed"


def test_one_minus_erfc_is_erf_to_rounding():
    z = np.linspace(-7, 7, 20_001)
    exact = np.array([math.erf(v) for v in z.tolist()])
    np.testing.assert_allclose(1 - erfc(z), exact, rtol=0, atol=8e-16)


def test_erfc_of_z_and_minus_z_make_two():
    z = np.linspace(0, 30, 1001)
    np.testing.assert_allclose(erfc(z) + erfc(-z), 2, rtol=1e-15)


def test_the_limits_are_reached_without_a_warning():
    for dtype in (np.float32, np.float64):
        z = np.array([-1e30, -1e4, -40, 40, 1e4, 1e30], dtype)
        np.testing.assert_array_equal(erfc(z), [2, 2, 2, 0, 0, 0])
        np.testing.assert_array_equal(normal_cdf(z), [0, 0, 0, 1, 1, 1])
        np.testing.assert_allclose(normal_pdf(z), 0, atol=1e-300)


def test_the_density_is_the_slope_of_the_distribution_function():
    x = np.linspace(-6, 6, 1001)
    h = 1e-3
    slope = (normal_cdf(x - 2 * h) - 8 * normal_cdf(x - h) + 8 * normal_cdf(x + h) - normal_cdf(x + 2 * h)) / (12 * h)
    np.testing.assert_allclose(normal_pdf(x), slope, rtol=1e-9, atol=1e-12)


def test_known_quantiles_of_the_normal_distribution():
    np.testing.assert_allclose(normal_cdf(np.array([0.0, 1.959963984540054, -1.0])), [0.5, 0.975, 0.15865525393145707])
