"""Each trial sees its own kind of mistake, and says so."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest

from minivae import layers, ops
from minivae.autodiff import Forward, primitive
from minivae.backend import Array
from minivae.layers import Module, Parameter
from minivae.selfcheck.case import normal, op
from minivae.selfcheck.layers import layer
from minivae.selfcheck.zoo import definitions
from minivae.selfcheck.zoo.definitions import DEFINITIONS, defined
from minivae.selfcheck.zoo.sabotage import gradient
from minivae.selfcheck.zoo.subject import Verdict
from minivae.selfcheck.zoo.trials import Edge, all_of, compare, edges, float32, gradients, value

CASES = [op("tanh", "small", x=normal(3, 5)), op("tanh", "large", x=normal(7, scale=3.0))]


def test_the_definitions_share_no_code_with_the_ops():
    for path in pathlib.Path(definitions.__file__).parent.glob("*.py"):
        text = path.read_text()
        assert "minivae.ops" not in text
        assert "import ops" not in text


def test_every_definition_is_of_an_op():
    assert all(hasattr(ops, name) or name == "kl_to_standard_normal" for name in DEFINITIONS)


def test_value_names_the_case_in_which_the_values_differ():
    trial = value(CASES, defined(DEFINITIONS["tanh"]))
    assert trial.judge(ops.tanh).passed
    clipped = lambda x: ops.clip(ops.tanh(x), -0.9999, 0.9999)
    verdict = trial.judge(clipped)
    assert not verdict.passed
    assert verdict.evidence.endswith("(large)")
    assert "shape (), expected (3, 5)" in trial.judge(lambda x: ops.tanh(x).sum()).evidence


def test_value_sees_parameters_that_should_not_be_there():
    class Scaled(Module):
        def __init__(self):
            self.scale = Parameter(np.ones(5))

        def forward(self, x):
            return ops.tanh(x) * self.scale

    trial = value([layer("Tanh", x=normal(3, 5))], layers.Tanh)
    assert trial.judge(layers.Tanh).passed
    assert trial.judge(Scaled).evidence == "its inputs are x (3, 5), scale (5,); expected x (3, 5)"


def test_gradcheck_says_what_failed():
    trial = gradients(CASES)
    assert trial.judge(ops.tanh).passed
    assert trial.judge(gradient("tanh", x=lambda dx: 1.5 * dx)).evidence.startswith("relative error")
    assert trial.judge(lambda x: ops.tanh(x.detach())).evidence == "no gradient arrives at x (small)"
    assert "broken rule" in trial.judge(gradient("tanh", x=lambda dx: dx.sum(axis=0))).evidence


@primitive
def doubling(x: Array) -> Forward:
    """tanh x in float64, whatever x is."""
    y = np.tanh(x.astype(np.float64))
    return y, lambda g: g * (1 - y * y)


@pytest.mark.no_debug  # debug mode would refuse the op's value before the trial sees it
def test_float32_sees_a_float64_value_and_a_float64_gradient():
    trial = float32(CASES)
    assert trial.judge(ops.tanh).passed
    assert trial.judge(doubling).evidence == "the value is float64 (small)"
    assert trial.judge(gradient("tanh", x=lambda dx: dx * np.ones(dx.shape))).evidence.startswith(
        "a gradient is float64"
    )
    assert not trial.judge(lambda x: ops.tanh(x) * 1.001 if x.dtype == np.float32 else ops.tanh(x)).passed


@primitive
def infinite(x: Array) -> Forward:
    """x, with an infinite gradient."""
    return x, lambda g: g * np.inf


def test_edges_see_overflow_wrong_values_and_wrong_or_infinite_gradients():
    at = lambda **given: edges([Edge("x = ±1000", ([-1000.0, 1000.0],), [-1, 1], **given)])
    assert at(gradient=([0, 0],)).judge(ops.tanh).passed
    overflow = lambda x: (ops.exp(x) - ops.exp(-x)) / (ops.exp(x) + ops.exp(-x))
    assert at().judge(overflow).evidence == "x = ±1000: overflow"
    assert "relative error" in at().judge(ops.sigmoid).evidence
    assert (
        "gradient"
        in at(gradient=([0, 0],)).judge(lambda x: ops.clip(x, -1.0, 1.0) + 0.0 * x + (x - x.detach())).evidence
    )
    assert edges([Edge("x = 1", ([1.0],), [1])]).judge(infinite).evidence == "x = 1: NaN or infinite"


def test_all_of_gives_the_first_failure():
    yes, no = Verdict(True, "yes"), Verdict(False, "no")
    assert all_of([yes, no, Verdict(False, "later")]) is no
    assert all_of([yes, yes]) is yes


def test_nan_is_equal_to_nothing():
    assert not compare([np.nan], [1.0]).passed
    assert not compare([np.nan], [np.nan]).passed
    assert compare(np.zeros(0), np.zeros(0)).passed
