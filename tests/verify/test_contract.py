"""Each rule of the contract is checked, and named when it is broken."""

from __future__ import annotations

import numpy as np
import pytest
from wrong_primitives import product, sine

from minivae import ops
from minivae.autodiff import Forward, Tensor, primitive
from minivae.backend import Array
from minivae.errors import DtypeError
from minivae.verify import gradcheck


def broken(report):
    """The names of the broken rules; the report must have failed."""
    assert not report.passed
    assert report.failures
    assert str(report).startswith(report.name + ": FAIL")
    return {failure.check for failure in report.failures}


def test_nothing_is_broken_in_a_right_function(rng):
    report = gradcheck(ops.tanh, rng.normal(size=(3, 2)))
    assert report.failures == ()
    assert "BROKEN" not in str(report)


def test_float32_is_refused_with_the_reason_and_the_remedy():
    with pytest.raises(DtypeError, match=r"(?s)x is float32.*1 % wrong.*astype\(np.float64\)"):
        gradcheck(ops.tanh, np.zeros(3, np.float32))


def test_integers_are_refused_with_the_remedy():
    with pytest.raises(DtypeError, match=r"labels"):
        gradcheck(ops.tanh, np.arange(3))


def test_no_input_is_refused():
    with pytest.raises(TypeError, match="at least one input"):
        gradcheck(ops.tanh)


def test_a_random_function_is_named(rng):
    report = gradcheck(lambda x: x * rng.normal(), np.ones(3))
    assert broken(report) == {"deterministic"}
    assert "eps=" in str(report)


def test_a_function_that_counts_its_calls_is_named():
    calls = []
    assert broken(gradcheck(lambda x: x * float(calls.append(1) or len(calls)), np.ones(3))) == {"deterministic"}


def test_a_function_whose_shape_changes_is_named():
    calls = []
    growing = lambda x: x * np.ones((calls.append(1) or len(calls), 3))
    assert broken(gradcheck(growing, np.ones(3))) == {"deterministic"}


def test_a_gradient_of_another_shape_is_named(rng):
    report = gradcheck(sine(lambda x, g: (g * np.cos(x))[:2]), rng.normal(size=3))
    assert broken(report) == {"gradient shape"}
    assert "(2,)" in str(report)


def test_a_pullback_that_returns_nothing_is_named(rng):
    assert broken(gradcheck(sine(lambda x, g: None), rng.normal(size=3))) == {"gradient shape"}


def test_a_gradient_of_another_dtype_is_named(rng):
    report = gradcheck(sine(lambda x, g: (g * np.cos(x)).astype(np.float32)), rng.normal(size=3))
    assert broken(report) == {"gradient dtype"}
    assert "float32" in str(report)


def test_a_pullback_that_writes_into_its_cotangent_is_named(rng):
    def writes(x, g):
        g *= np.cos(x)
        return g

    assert broken(gradcheck(sine(writes), rng.normal(size=3))) == {"cotangent untouched"}


def test_a_pullback_that_writes_into_what_it_saved_is_named(rng):
    @primitive
    def square(x: Array) -> Forward:
        """x², its pullback doubling the array it keeps."""
        kept = x.copy()

        def pullback(g):
            nonlocal kept
            kept = kept * 2
            return g * kept

        return x * x, pullback

    assert "same result twice" in broken(gradcheck(square, rng.normal(size=3)))


def test_a_pullback_with_a_state_is_named_even_if_its_first_answer_is_right(rng):
    @primitive
    def sin(x: Array) -> Forward:
        """sin x, its pullback right only once."""
        used = []
        return np.sin(x), lambda g: g * np.cos(x) * (1.0 if used.append(1) or len(used) == 1 else 0.5)

    assert "same result twice" in broken(gradcheck(sin, rng.normal(size=3)))


def test_a_function_that_writes_into_its_input_is_named():
    def doubles(x):
        y = x * 2.0
        if x.data.flags.writeable:
            x.data[...] = 7.0
        return y

    assert "inputs untouched" in broken(gradcheck(doubles, np.ones(3)))


def test_a_pullback_that_is_not_linear_is_named(rng):
    assert "linear" in broken(gradcheck(sine(lambda x, g: g * np.abs(g) * np.cos(x)), rng.normal(size=3)))


def test_a_pullback_that_ignores_the_cotangent_is_named(rng):
    rules = broken(gradcheck(sine(lambda x, g: np.cos(x)), rng.normal(size=3)))
    assert {"linear", "zero on zero"} <= rules


def test_a_pullback_with_a_constant_added_is_named(rng):
    assert {"linear", "zero on zero"} <= broken(gradcheck(sine(lambda x, g: g * np.cos(x) + 1e-6), rng.normal(size=3)))


def test_a_tiny_offset_breaks_zero_on_zero(rng):
    rules = broken(gradcheck(sine(lambda x, g: g * np.cos(x) + 1e-15), rng.normal(size=3)))
    assert rules == {"zero on zero"}


def test_sharing_one_tensor_between_two_arguments_adds_up(rng):
    """A pullback that is right for two tensors, but not when both are the same one."""
    clever = lambda x, y: x * x if x is y else x * y + y * 0.0
    x, y = rng.normal(size=3), rng.normal(size=3)
    assert gradcheck(clever, x, y)

    overwrites = lambda x, y: x * y.detach() if x is y else x * y
    assert broken(gradcheck(overwrites, x, y)) == {"adds up when used twice"}


def test_a_second_use_that_overwrites_the_first_is_named(rng):
    uses = []

    @primitive
    def sin(x: Array) -> Forward:
        """sin x, but the second call on the same array passes no gradient."""
        uses.append(id(x.base if x.base is not None else x))
        repeated = len(uses) > 1 and uses[-1] == uses[-2]
        return np.sin(x), lambda g: g * np.cos(x) * (0.0 if repeated else 1.0)

    assert "adds up when used twice" in broken(gradcheck(sin, rng.normal(size=3)))


def test_a_dependence_on_the_memory_layout_is_named(rng):
    @primitive
    def sin(x: Array) -> Forward:
        """sin x, but wrong for views with gaps."""
        right = x.flags.c_contiguous
        return np.sin(x), lambda g: g * np.cos(x) * (1.0 if right else 2.0)

    assert broken(gradcheck(sin, rng.normal(size=(2, 3)))) == {"any memory layout"}


def test_a_function_that_leaves_the_graph_is_named(rng):
    report = gradcheck(lambda x: x.numpy() * 2, rng.normal(size=3))
    assert broken(report) == {"returns a Tensor"}
    assert "ndarray" in str(report)


def test_a_function_that_returns_float32_is_named(rng):
    assert broken(gradcheck(lambda x: Tensor(x.data.astype(np.float32)), rng.normal(size=3))) == {"float64 inside"}


def test_a_function_that_computes_in_float32_inside_is_named():
    @primitive
    def sin(x: Array) -> Forward:
        """sin x, by way of float32."""
        return np.sin(x.astype(np.float32)).astype(np.float64), lambda g: g * np.cos(x)

    for seed in range(30):
        x = np.random.default_rng(seed).normal(size=(3, 5))
        assert broken(gradcheck(sin, x)) == {"float64 inside"}


def test_a_value_that_is_not_finite_at_the_point_is_named():
    report = gradcheck(ops.log, np.array([1.0, 0.0]))
    assert broken(report) == {"finite"}


def test_a_point_at_the_edge_of_the_domain_is_named():
    report = gradcheck(ops.log, np.array([1.0, 1e-9]))
    assert broken(report) == {"finite"}
    assert "x[1]" in str(report)


def test_a_function_that_refuses_its_neighbourhood_is_named_with_its_reason():
    def positive_only(x):
        if x.data.min() < 0:
            raise ValueError("a variance cannot be negative")
        return x * x

    report = gradcheck(positive_only, np.array([0.0, 1.0]))
    assert broken(report) == {"finite"}
    assert "a variance cannot be negative" in str(report)


def test_a_gradient_that_is_not_finite_is_named(rng):
    assert broken(gradcheck(sine(lambda x, g: g * np.inf), rng.normal(size=3))) == {"finite"}


def test_an_input_at_the_edge_of_its_domain_does_not_hide_a_fault_in_another():
    wrong = product(lambda x, y, g: g * y, lambda x, y, g: 2 * g * x)
    report = gradcheck(lambda x, y: ops.log(x) + wrong(x, y), np.array([1e-9, 1.0, 2.0]), np.array([1.0, 2.0, 3.0]))
    assert broken(report) == {"finite"}
    assert report.inputs[0].mode == "not compared"
    assert report.inputs[1].ratio == pytest.approx(2)


def test_two_faults_are_both_reported(rng):
    wrong = product(lambda x, y, g: 2 * g * y, lambda x, y, g: g * x + 1e-3)
    report = gradcheck(wrong, rng.normal(size=3), rng.normal(size=3))
    assert "linear" in broken(report)
    assert report.inputs[0].ratio == pytest.approx(2)
    assert not report.inputs[1].error < 1e-6
