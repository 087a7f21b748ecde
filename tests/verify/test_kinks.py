"""At a kink there is no gradient to check: the report says so and looks elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from minivae import ops
from minivae.autodiff import Forward, primitive
from minivae.backend import Array
from minivae.verify import gradcheck


def test_relu_at_zero_is_redrawn_and_said_so():
    report = gradcheck(ops.relu, np.array([1.0, 0.0, -1.0]))
    assert report
    assert report.redraws >= 1
    assert "kink at x[1] = 0: slope" in str(report)
    assert not np.array_equal(report.point[0], [1.0, 0.0, -1.0])


def test_the_kink_of_a_single_number_is_named_without_an_index():
    assert "kink at x = 0: slope" in str(gradcheck(ops.abs, np.array(0.0)))


def test_abs_at_zero_is_redrawn_although_the_symmetric_difference_agrees_with_sign():
    assert gradcheck(ops.abs, np.zeros(5)).redraws >= 1


def test_ties_of_the_maximum_are_redrawn():
    report = gradcheck(lambda x: ops.max(x, 0), np.array([1.0, 2.0, 2.0]))
    assert report
    assert report.redraws >= 1


@pytest.mark.parametrize("distance", [1e-3, 1e-4, 2e-5])
def test_a_kink_beside_the_point_is_avoided_by_a_smaller_step(distance):
    report = gradcheck(ops.relu, np.array([distance, -distance, 1.0]))
    assert report
    assert report.redraws == 0


def test_a_kink_of_a_small_share_is_seen():
    report = gradcheck(lambda x: x * 1e3 + ops.relu(x), np.array([1.0, 0.0]))
    assert report
    assert report.redraws == 1


def test_a_kink_in_large_inputs_is_redrawn():
    x = np.random.default_rng(0).normal(size=(40, 30))
    x[3, 5] = 0.0
    report = gradcheck(ops.relu, x)
    assert report
    assert report.redraws >= 1


def test_a_kink_that_no_redraw_escapes_fails_and_names_the_place():
    centre = np.zeros(1)

    def follows(x):
        """|x − c|, c wherever the gradient was last asked for."""
        if x.requires_grad:
            centre[:] = x.data
        return ops.abs(x - centre.copy())

    report = gradcheck(follows, np.zeros(1))
    assert not report
    assert report.redraws == 5
    assert {f.check for f in report.failures} == {"smooth"}
    assert "kink at x[0]" in str(report)


def test_a_jump_is_not_smooth():
    @primitive
    def step(x: Array) -> Forward:
        """1 where x > 0, else 0."""
        return (x > 0).astype(x.dtype), lambda g: 0 * g

    assert gradcheck(step, np.array([0.5, -0.5]))
    assert gradcheck(step, np.array([0.5, 0.0])).redraws >= 1


def test_smooth_but_sharply_bent_functions_are_not_taken_for_kinked():
    report = gradcheck(lambda x: ops.softplus(x * 200.0) / 200.0, np.array([0.0, 0.001, -0.002]))
    assert report
    assert report.redraws == 0


def test_a_kink_in_every_entry_at_once_is_no_rounding_error():
    report = gradcheck(ops.relu, np.zeros((2, 2)))
    assert report
    assert "kink" in str(report)
