"""A gradient typed in by hand, without any Tensor."""

from __future__ import annotations

import numpy as np
import pytest

from minivae.errors import DtypeError
from minivae.verify import check_gradient

B, D, L = 13, 7, 5


def kl(heads):
    """½ Σ (μ² + e^lv − 1 − lv), mean over the batch: nats per example."""
    mu, logvar = heads["mu"], heads["logvar"]
    return 0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar) / len(mu)


def kl_gradient(heads):
    mu, logvar = heads["mu"], heads["logvar"]
    return {"mu": mu / len(mu), "logvar": 0.5 * (np.exp(logvar) - 1) / len(mu)}


@pytest.fixture
def heads(rng):
    return {"mu": rng.normal(size=(B, L)), "logvar": rng.normal(size=(B, L))}


def test_a_right_gradient_passes_for_every_seed():
    for seed in range(100):
        rng = np.random.default_rng(seed)
        heads = {"mu": rng.normal(size=(B, L)), "logvar": rng.normal(size=(B, L))}
        assert check_gradient(kl, kl_gradient, heads, seed=seed)


@pytest.mark.parametrize(
    ("key", "wrong", "ratio"),
    [
        ("mu", lambda mu, lv: mu / 2 / B, 0.5),
        ("mu", lambda mu, lv: 2 * mu / B, 2.0),
        ("mu", lambda mu, lv: mu, B),
        ("logvar", lambda mu, lv: np.exp(lv) / 2 / B, None),
        ("logvar", lambda mu, lv: (np.exp(lv) - 1) / B, 2.0),
        ("logvar", lambda mu, lv: (np.exp(lv / 2) - np.exp(-lv / 2)) / B, None),
        ("logvar", lambda mu, lv: -0.5 * (np.exp(lv) - 1) / B, -1.0),
    ],
)
def test_the_usual_mistakes_in_the_gradient_of_the_kl_are_caught_in_their_block(heads, key, wrong, ratio):
    report = check_gradient(kl, lambda h: {**kl_gradient(h), key: wrong(h["mu"], h["logvar"])}, heads)
    assert not report
    bad = {i.name: i for i in report.inputs if i.error > report.rtol}
    assert list(bad) == [key]
    assert bad[key].ratio == (None if ratio is None else pytest.approx(ratio))


def test_values_in_the_report_are_those_of_the_gradient_itself(rng):
    x = rng.normal(size=5)
    report = check_gradient(lambda x: np.sum(x**2), lambda x: 3 * x, x)
    worst = report.inputs[0]
    assert worst.analytic == pytest.approx(3 * x[worst.index])
    assert worst.numeric == pytest.approx(2 * x[worst.index])


def test_a_function_with_many_outputs_takes_a_cotangent(rng):
    A, x = rng.normal(size=(3, 5)), rng.normal(size=5)
    f = lambda x: np.tanh(A @ x)
    assert check_gradient(f, lambda x, g: A.T @ (g * (1 - np.tanh(A @ x) ** 2)), x)
    report = check_gradient(f, lambda x, g: A.T @ (1 - np.tanh(A @ x) ** 2), x)
    assert "linear" in {failure.check for failure in report.failures}


def test_tuples_and_lists_come_back_as_they_were_given(rng):
    seen = set()

    def f(x):
        seen.add(type(x))
        return np.sum(x[0]) * np.sum(x[1] ** 2)

    parts = (rng.normal(size=2), rng.normal(size=3))
    gradient = lambda x: (np.full(2, np.sum(x[1] ** 2)), 2 * x[1] * np.sum(x[0]))
    assert check_gradient(f, gradient, parts)
    assert check_gradient(f, gradient, list(parts))
    assert seen == {tuple, list}
    assert not check_gradient(f, lambda x: gradient(x)[::-1], parts)


def test_a_number_may_be_the_input():
    assert check_gradient(lambda x: x**3, lambda x: 3 * x**2, 0.7)
    assert not check_gradient(lambda x: x**3, lambda x: 3 * x, 0.7)


def test_one_number_in_an_array_is_one_number(rng):
    assert check_gradient(lambda x: np.sum(x**2, keepdims=True), lambda x: 2 * x, rng.normal(size=3))


def test_many_outputs_and_no_cotangent_is_refused_with_the_ways_out(rng):
    with pytest.raises(TypeError, match=r"shape \(3,\).*single number.*cotangent"):
        check_gradient(lambda x: x**2, lambda x: 2 * x, rng.normal(size=3))


def test_a_large_gradient_is_checked_along_directions(rng):
    x = rng.normal(size=(50, 40))
    assert check_gradient(lambda x: np.sum(np.sin(x)), np.cos, x).inputs[0].mode == "directions"

    def hole(x):
        gradient = np.cos(x)
        gradient[31, 7] *= 1.5
        return gradient

    assert check_gradient(lambda x: np.sum(np.sin(x)), hole, x).inputs[0].index == (31, 7)


def failures(f, grad_f, x):
    report = check_gradient(f, grad_f, x)
    assert not report
    return {failure.check for failure in report.failures}, str(report)


SQUARES, TWICE = lambda x: np.sum(x**2), lambda x: 2 * x


def test_float32_is_refused():
    with pytest.raises(DtypeError, match="1 % wrong"):
        check_gradient(SQUARES, TWICE, np.ones(3, np.float32))
    with pytest.raises(DtypeError, match="mu"):
        check_gradient(kl, kl_gradient, {"mu": np.ones((2, 3), np.float32), "logvar": np.ones((2, 3))})


def test_a_random_function_is_named(rng):
    assert failures(lambda x: np.sum(x * rng.normal(size=3)), TWICE, np.ones(3))[0] == {"deterministic"}


def test_a_random_gradient_is_named(rng):
    assert "same result twice" in failures(SQUARES, lambda x: 2 * x + rng.normal(size=3), np.ones(3))[0]


def test_a_kink_at_the_point_is_said(rng):
    report = check_gradient(lambda x: np.sum(np.abs(x)), np.sign, np.array([0.0, 1.0]))
    assert report
    assert "kink at x[0] = 0" in str(report)


def test_a_gradient_of_wrong_shape_is_named_with_a_hint():
    checks, text = failures(lambda x: np.sum(x**2), lambda x: 2 * x.T, np.ones((3, 2)))
    assert checks == {"gradient shape"}
    assert "transposed" in text
    checks, text = failures(
        lambda b: np.sum((np.ones((4, 3)) + b) ** 2), lambda b: 2 * (np.ones((4, 3)) + b), np.ones(3)
    )
    assert "summed over the axes" in text


def test_a_gradient_of_wrong_dtype_is_named():
    assert failures(SQUARES, lambda x: (2 * x).astype(np.float32), np.ones(3))[0] == {"gradient dtype"}
    assert failures(SQUARES, lambda x: np.full(3, 2), np.ones(3))[0] == {"gradient dtype"}


def test_a_forgotten_return_is_named():
    def forgets(x):
        2 * x

    report = check_gradient(SQUARES, forgets, np.ones(3))
    assert not report
    assert "None" in str(report)


def test_a_missing_part_of_a_dict_is_named(heads):
    report = check_gradient(kl, lambda h: {"mu": h["mu"] / B}, heads)
    assert not report
    assert [i.name for i in report.inputs if i.error > report.rtol] == ["logvar"]
    assert failures(kl, lambda h: {**kl_gradient(h), "sigma": h["mu"]}, heads)[0] == {"gradient shape"}
    assert failures(kl, lambda h: h["mu"], heads)[0] == {"gradient shape"}


def test_a_tensor_in_place_of_an_array_is_named():
    from minivae.autodiff import Tensor

    checks, text = failures(SQUARES, lambda x: Tensor(2 * x), np.ones(3))
    assert checks == {"gradient shape"}
    assert "Tensor" in text
    assert failures(lambda x: Tensor(np.array(1.0)), TWICE, np.ones(3))[0] == {"returns numbers"}


def test_a_list_in_place_of_an_array_is_named():
    checks, text = failures(SQUARES, lambda x: [2.0, 2.0, 2.0], np.ones(3))
    assert checks == {"gradient shape"}
    assert "list" in text


def test_a_function_that_is_not_finite_beside_the_point_is_named():
    checks, text = failures(lambda x: np.sum(np.log(x)), lambda x: 1 / x, np.array([1.0, 1e-9]))
    assert checks == {"finite"}
    assert "x[1]" in text


def test_a_gradient_that_writes_into_x_is_named():
    def in_place(x):
        x *= 2
        return x

    x = np.ones(3)
    assert "inputs untouched" in failures(SQUARES, in_place, x)[0]
    np.testing.assert_array_equal(x, 1)


def test_a_function_that_computes_in_float32_is_named(rng):
    x = rng.normal(size=7)
    assert failures(lambda x: np.sum(x.astype(np.float32) ** 2), TWICE, x)[0] == {"float64 inside"}
    assert failures(lambda x: float(np.sum(x.astype(np.float32) ** 2)), TWICE, x)[0] == {"float64 inside"}


def test_a_forgotten_return_is_asked_for():
    assert "is its `return` line missing?" in failures(SQUARES, lambda x: None, np.ones(3))[1]
    assert "is its `return` line missing?" in failures(lambda x: None, TWICE, np.ones(3))[1]


def test_complex_numbers_are_named():
    assert "complex" in failures(lambda x: np.sum(x**2) + 0j, TWICE, np.ones(3))[1]
    checks, text = failures(SQUARES, lambda x: 2 * x + 0j, np.ones(3))
    assert checks == {"gradient dtype"}
    assert "complex" in text
    assert "astype" not in text


def test_functions_of_another_number_of_arguments_are_refused_with_the_reason():
    x = np.ones(3)
    with pytest.raises(TypeError, match=r"f takes \(w, b\), but it is called with x alone.*a tuple"):
        check_gradient(lambda w, b: np.sum(w * b), lambda w, b: (b, w), (x, x))
    with pytest.raises(TypeError, match=r"grad_f takes \(x, u\), but f returns a single number"):
        check_gradient(SQUARES, lambda x, u: 2 * x * u, x)


def test_a_nan_in_the_gradient_is_told_as_such():
    text = failures(SQUARES, lambda x: np.where(x > 1, np.nan, 2 * x), np.array([0.3, 1.5]))[1]
    assert "x[1]: your gradient says nan" in text
    assert "NaN comes from" in text
    assert "Slope" not in text


def test_close_to_the_edge_of_the_domain_the_step_gets_small_enough():
    log, x = lambda x: np.sum(np.log(x)), np.array([1e-3, 1e-5, 2.0])
    report = check_gradient(log, lambda x: 1 / x, x)
    assert report
    assert "rounding hides" in str(report)
    assert not check_gradient(log, lambda x: np.array([1, 1.001, 1]) / x, x)


def test_what_rounding_hides_is_said():
    large = lambda x: 1e14 + np.sum(x**2)
    report = check_gradient(large, lambda x: 2.2 * x, np.ones(3))
    assert "rounding hides any error below" in str(report)
    assert "rounding hides" not in str(check_gradient(SQUARES, TWICE, np.ones(3)))
    assert "rounding hides" in str(check_gradient(large, lambda x: 0 * x, np.ones(3)))
    assert "rounding hides" not in str(check_gradient(lambda x: 3.0, lambda x: 0 * x, np.ones(3)))


def test_a_point_where_f_does_not_change_is_no_proof_of_a_formula(rng):
    spread, wrong = lambda x: np.sum((x - x.mean(0)) ** 2), lambda x: 7 * (x - x.mean(0))
    assert "any formula that gives zero here passes" in str(check_gradient(spread, wrong, rng.normal(size=(1, 4))))
    assert not check_gradient(spread, wrong, rng.normal(size=(2, 4)))
