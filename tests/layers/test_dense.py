from __future__ import annotations

import numpy as np
import pytest

from minivae.errors import ConfigError, ShapeError
from minivae.layers import Dense
from minivae.random import manual_seed, stream


def test_dense_is_an_affine_map(rng):
    layer = Dense(5, 3)
    x = rng.standard_normal((7, 5), dtype=np.float32)
    expected = x.astype(np.float64) @ layer.weight.data + layer.bias.data
    np.testing.assert_allclose(layer(x).data, expected, rtol=1e-5, atol=1e-6)
    assert layer(x).dtype == np.float32
    assert layer(x[None]).shape == (1, 7, 3)


def test_dense_without_bias_is_linear(rng):
    layer = Dense(5, 3, bias=False, dtype=np.float64)
    x, y = rng.standard_normal((2, 7, 5))
    assert layer.bias is None
    np.testing.assert_allclose(layer(2 * x - y).data, 2 * layer(x).data - layer(y).data, atol=1e-13)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(7, 5), (2, 3, 5), (5,)])
def test_dense_gradients(layer_gradcheck, rng, shape, bias):
    assert layer_gradcheck(Dense(5, 3, bias, dtype=np.float64), rng.standard_normal(shape))


def test_same_seed_same_weights_whatever_the_dtype():
    a, b = Dense(5, 3, rng=stream(7)), Dense(5, 3, rng=stream(7), dtype=np.float64)
    np.testing.assert_array_equal(a.weight.data, b.weight.data.astype(np.float32))
    assert b.weight.dtype == b.bias.dtype == np.float64
    manual_seed(7)
    np.testing.assert_array_equal(a.weight.data, Dense(5, 3).weight.data)
    assert not np.array_equal(a.weight.data, Dense(5, 3).weight.data)


@pytest.mark.parametrize(("given", "name"), [((0, 3), "in_features"), ((3, -1), "out_features"), ((2.5, 1), "in_")])
def test_impossible_sizes_are_refused(given, name):
    with pytest.raises(ConfigError, match=name):
        Dense(*given)


def test_wrong_last_axis_names_layer_shapes_and_rule():
    with pytest.raises(ShapeError, match=r"Dense\(784, 400\).*\(2, 1, 28, 28\).*784.*Flatten"):
        Dense(784, 400)(np.zeros((2, 1, 28, 28), np.float32))


def test_rng_must_be_a_generator():
    with pytest.raises(ConfigError, match="rng is 0"):
        Dense(2, 3, rng=0)
