"""Debug mode names the first thing that goes wrong, and where."""

from __future__ import annotations

import numpy as np
import pytest

from minivae import ops
from minivae.autodiff import Forward, Tensor, debug, mode, primitive, set_debug
from minivae.backend import Array
from minivae.errors import DtypeError, NonFiniteError, ShapeError


@pytest.fixture
def x() -> Tensor:
    return Tensor(np.array([0.0, 2.0]), requires_grad=True)


def test_the_first_non_finite_value_names_op_range_and_line(x):
    y = x - 1
    with (
        pytest.raises(NonFiniteError, match=r"(?s)log: .*\[-1, 1\].*test_debug\.py:\d+: .*THE LINE"),
        np.errstate(all="ignore"),
    ):
        ops.log(y)  # THE LINE


def test_the_first_non_finite_gradient_names_op_and_line(x):
    y = ops.sqrt(x)  # its derivative at 0 is infinite: THE LINE
    with pytest.raises(NonFiniteError, match=r"(?s)sqrt: the gradient.*THE LINE"), np.errstate(all="ignore"):
        y.sum().backward()


@pytest.mark.no_debug
def test_outside_debug_mode_nothing_is_checked(x):
    with np.errstate(all="ignore"):
        ops.log(x - 1)
    assert (x * 1).data.flags.writeable


@pytest.mark.no_debug
def test_debug_is_a_block_and_a_switch(x):
    assert not mode.debug
    with debug():
        assert mode.debug
        with debug(False):
            assert not mode.debug
        assert mode.debug
    assert not mode.debug
    set_debug(True)
    assert mode.debug
    set_debug(False)


def test_an_op_that_writes_to_its_input_is_caught(x):
    @primitive
    def careless(x: Array) -> Forward:
        x *= 2
        return x.copy(), lambda g: 2 * g

    with pytest.raises(ShapeError, match="read-only"):
        careless(x)
    assert x.data[1] == 2


def test_a_pullback_that_writes_to_its_cotangent_is_caught(x):
    @primitive
    def careless(x: Array) -> Forward:
        def pullback(g: Array) -> Array:
            g *= 2
            return g

        return 2 * x, pullback

    with pytest.raises(ValueError, match="read-only"):
        careless(x).sum().backward()


def test_the_inputs_flags_are_left_alone(x):
    (x * x).sum().backward()
    assert x.data.flags.writeable


def test_a_gradient_of_another_dtype_is_caught(x):
    @primitive
    def f(x: Array) -> Forward:
        return 2 * x, lambda g: (2 * g).astype(np.float32)

    with pytest.raises(DtypeError, match="float32; expected float64"):
        f(x).sum().backward()


def test_a_gradient_that_is_no_array_is_caught(x):
    @primitive
    def f(x: Array) -> Forward:
        return 2 * x, lambda g: None

    with pytest.raises(ShapeError, match="None, not an array"):
        f(x).sum().backward()


def test_a_value_of_another_dtype_is_caught():
    @primitive
    def f(x: Array) -> Forward:
        return x * np.sqrt(2), lambda g: g * np.sqrt(2)

    with pytest.raises(DtypeError, match=r"f: the value is float64, its arguments float32(.|\n)*f\(Tensor"):
        f(Tensor([1.0]))
