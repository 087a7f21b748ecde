"""The report can be read, by a person and by a program."""

from __future__ import annotations

import numpy as np
import pytest
from wrong_primitives import product, sine

from minivae import ops
from minivae.verify import gradcheck
from minivae.verify.report import explain_slope

RIGHT = sine(lambda x, g: g * np.cos(x))
WRONG = sine(lambda x, g: 2 * g * np.cos(x))


def test_pass_and_fail_stand_in_the_first_line(rng):
    x = rng.normal(size=3)
    assert str(gradcheck(RIGHT, x, name="sine")).splitlines()[0].startswith("sine: PASS")
    assert str(gradcheck(WRONG, x, name="sine")).splitlines()[0].startswith("sine: FAIL")


def test_truth_value_is_passed(rng):
    x = rng.normal(size=3)
    assert bool(gradcheck(RIGHT, x)) is gradcheck(RIGHT, x).passed is True
    assert bool(gradcheck(WRONG, x)) is gradcheck(WRONG, x).passed is False


def test_require_returns_the_report_or_raises_with_it(rng):
    x = rng.normal(size=3)
    assert gradcheck(RIGHT, x).require().passed
    with pytest.raises(AssertionError, match="All are 2 times"):
        gradcheck(WRONG, x).require()


def test_analytic_and_numeric_are_what_they_are_called(rng):
    x = rng.normal(size=4)
    report = gradcheck(WRONG, x)
    worst = report.inputs[0]
    u = report.cotangent if worst.output is None else np.eye(4)[worst.output]
    assert worst.analytic == pytest.approx((u * 2 * np.cos(x))[worst.index])
    assert worst.numeric == pytest.approx((u * np.cos(x))[worst.index])
    assert f"analytic {worst.analytic:.9g}, numeric {worst.numeric:.9g}" in str(report)


def test_the_error_is_relative_to_the_largest_entry_of_its_input(rng):
    x = np.array([0.1, 0.2, 100.0])
    wrong = product(lambda x, y, g: g * y + np.array([0.5, 0, 0]) * g, lambda x, y, g: g * x)
    report = gradcheck(lambda x: wrong(x, x).sum(), x)
    assert report.inputs[0].index == (0,)
    assert report.inputs[0].error == pytest.approx(0.5 / 200, rel=1e-3)


def test_every_input_has_its_line_with_its_name_and_shape(rng):
    def f(mu, logvar):
        return mu * ops.exp(logvar)

    text = str(gradcheck(f, rng.normal(size=(2, 3)), rng.normal(size=3)))
    assert "mu      (2, 3)  6 entries" in text
    assert "logvar  (3,)    3 entries" in text


def test_seed_step_and_cotangent_are_printed(rng):
    report = gradcheck(RIGHT, rng.normal(size=3), seed=17, step=2e-3)
    assert "seed 17, step 2e-03, random cotangent of shape (3,)" in str(report)


def test_no_cotangent_entry_is_small_enough_to_hide_an_output(rng):
    u = gradcheck(RIGHT, rng.normal(size=200)).cotangent
    assert np.abs(u).min() >= 0.5
    assert 50 < (u > 0).sum() < 150


@pytest.mark.parametrize(
    ("limit", "modes"), [(25, ["full", "full"]), (24, ["directions", "full"]), (3, ["directions"] * 2)]
)
def test_the_smallest_inputs_are_compared_whole(rng, limit, modes):
    report = gradcheck(lambda x, y: x * y, rng.normal(size=(4, 5)), rng.normal(size=5), full_below=limit)
    assert [i.mode for i in report.inputs] == modes
    assert report


def test_at_least_five_directions(rng):
    assert gradcheck(RIGHT, rng.normal(size=400), directions=2).inputs[0].checked == 5
    assert gradcheck(RIGHT, rng.normal(size=400), directions=9).inputs[0].checked == 9


@pytest.mark.parametrize(
    ("slope", "word"), [(4.0, "is right"), (0.0, "is wrong"), (-1.0, "rounding"), (np.nan, "too small"), (2.0, "part")]
)
def test_each_slope_has_its_explanation(slope, word):
    assert word in explain_slope(slope)
