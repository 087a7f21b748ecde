"""The same check for arrays on a GPU (or on CuPy's emulation of one)."""

from __future__ import annotations

import numpy as np
import pytest

from minivae import ops
from minivae.autodiff import Forward, Tensor, primitive
from minivae.backend import Array, array_module
from minivae.verify import gradcheck

cupy = pytest.importorskip("cupy")


def test_right_gradients_pass_and_are_the_same_as_on_the_host(rng):
    x, w = rng.normal(size=(3, 5)), rng.normal(size=(5, 2))
    report = gradcheck(ops.matmul, cupy.asarray(x), Tensor(cupy.asarray(w)))
    assert report
    for there, here in zip(report.inputs, gradcheck(ops.matmul, x, w).inputs, strict=True):
        assert there.checked == here.checked
        assert isinstance(there.analytic, float)


def test_wrong_gradients_are_caught(rng):
    @primitive
    def wrong(x: Array) -> Forward:
        """sin x, its gradient 1 % too large."""
        xp = array_module(x)
        return xp.sin(x), lambda g: 1.01 * g * xp.cos(x)

    report = gradcheck(wrong, cupy.asarray(rng.normal(size=(3, 5))))
    assert not report
    assert report.inputs[0].ratio == pytest.approx(1.01)


def test_a_pullback_that_writes_into_its_cotangent_is_caught_although_nothing_is_read_only(rng):
    @primitive
    def writes(x: Array) -> Forward:
        """sin x, its pullback changing the cotangent in place."""
        xp = array_module(x)

        def pullback(g):
            g *= xp.cos(x)
            return g

        return xp.sin(x), pullback

    assert not gradcheck(writes, cupy.asarray(rng.normal(size=(3, 5))))


def test_kinks_are_redrawn():
    assert gradcheck(ops.relu, cupy.zeros(3)).redraws == 1


def test_float32_is_refused():
    with pytest.raises(TypeError, match="float32"):
        gradcheck(ops.relu, cupy.zeros(3, np.float32))
