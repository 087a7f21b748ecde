from __future__ import annotations

import numpy as np
import pytest

from minivae.errors import ConfigError
from minivae.layers import Dense, Flatten, Identity, ReLU, Sequential, Tanh


def test_sequential_is_composition(rng):
    f, g = Dense(4, 3), Dense(3, 2)
    x = rng.standard_normal((5, 4), dtype=np.float32)
    np.testing.assert_array_equal(Sequential(f, Tanh(), g)(x).data, g(Tanh()(f(x))).data)


def test_empty_sequential_is_the_identity(rng):
    x = rng.standard_normal((5, 4))
    assert Sequential()(x) is x


def test_names_are_pytorchs():
    model = Sequential(Flatten(), Sequential(Dense(4, 3), ReLU()), Dense(3, 2))
    assert list(model.state_dict()) == ["1.0.weight", "1.0.bias", "2.weight", "2.bias"]


def test_layers_can_be_counted_indexed_and_walked():
    layers = [Dense(4, 3), ReLU(), Identity()]
    model = Sequential(*layers)
    assert len(model) == 3
    assert model[0] is layers[0]
    assert model[-1] is layers[2]
    assert list(model) == layers
    x = np.ones((2, 4), np.float32)
    assert np.array_equal(model[:2](x).data, layers[1](layers[0](x)).data)


def test_a_layer_used_twice_runs_twice_and_is_learned_once():
    square = Dense(3, 3, dtype=np.float64)
    model = Sequential(square, square)
    assert len(model) == 2
    assert model.num_parameters() == 12
    x = np.ones((2, 3))
    np.testing.assert_array_equal(model(x).data, square(square(x)).data)


def test_gradients(layer_gradcheck, rng):
    model = Sequential(Dense(4, 3, dtype=np.float64), Tanh(), Dense(3, 2, dtype=np.float64))
    assert layer_gradcheck(model, rng.standard_normal((5, 4)))


@pytest.mark.parametrize(
    ("given", "message"),
    [(([ReLU()],), "layer 0 is a list.*star"), ((Dense(2, 2), ReLU), "layer 1 is the class ReLU"), ((max,), "layer 0")],
)
def test_what_is_not_a_layer_is_refused(given, message):
    with pytest.raises(ConfigError, match=message):
        Sequential(*given)
