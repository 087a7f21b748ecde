from __future__ import annotations

import math

import numpy as np
import pytest

from minivae.errors import ConfigError
from minivae.layers import ACTIVATIONS, ELU, GELU, LeakyReLU, Sequential, activation

FORMULAS = {
    "relu": lambda x: max(x, 0.0),
    "leaky_relu": lambda x: x if x > 0 else 0.01 * x,
    "elu": lambda x: x if x > 0 else math.exp(x) - 1,
    "gelu": lambda x: x * (1 + math.erf(x / math.sqrt(2))) / 2,
    "silu": lambda x: x / (1 + math.exp(-x)),
    "tanh": math.tanh,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "softplus": lambda x: math.log(1 + math.exp(x)),
    "identity": lambda x: x,
}
POINTS = np.array([-3.0, -1.2, -0.1, 0.2, 0.9, 4.0])


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_is_its_formula(name):
    y = activation(name)(POINTS).data
    np.testing.assert_allclose(y, [FORMULAS[name](x) for x in POINTS], rtol=1e-9)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_gradient(layer_gradcheck, name):
    assert layer_gradcheck(activation(name), POINTS.reshape(2, 3))


def test_settings_reach_the_formula_and_the_printout():
    np.testing.assert_allclose(LeakyReLU(0.2)(-POINTS[:1]).data, 3.0)
    np.testing.assert_allclose(LeakyReLU(0.2)(POINTS[:1]).data, -0.6)
    np.testing.assert_allclose(ELU(2.0)(POINTS[:1]).data, 2 * (math.exp(-3) - 1))
    assert repr(LeakyReLU(0.2)) == "LeakyReLU(negative_slope=0.2)"
    assert repr(GELU()) == "GELU"


def test_unknown_activation_lists_the_known_ones():
    with pytest.raises(ConfigError, match=r"'rleu'.*relu.*tanh"):
        activation("rleu")


def test_each_call_makes_a_new_layer():
    assert activation("relu") is not activation("relu")
    assert len(Sequential(activation("relu"), activation("relu")).modules()) == 3
