from __future__ import annotations

import numpy as np
import pytest

from minivae.errors import ConfigError, ShapeError
from minivae.layers import Flatten, Reshape


def test_reshape_undoes_flatten(rng):
    x = rng.standard_normal((5, 2, 3, 4))
    flat = Flatten()(x)
    assert flat.shape == (5, 24)
    for layer in (Reshape(2, 3, 4), Reshape((2, 3, 4)), Reshape(2, -1, 4)):
        np.testing.assert_array_equal(layer(flat).data, x)
    assert Flatten(2)(x).shape == (5, 2, 12)
    assert Flatten(0, 1)(x).shape == (10, 3, 4)


def test_an_empty_batch_keeps_its_shape():
    assert Reshape(3, -1)(np.zeros((0, 12))).shape == (0, 3, 4)


@pytest.mark.parametrize("layer", [Flatten(), Flatten(1, 2), Reshape(4, -1)])
def test_gradients(layer_gradcheck, rng, layer):
    assert layer_gradcheck(layer, rng.standard_normal((2, 3, 4, 2)))


@pytest.mark.parametrize("shape", [(0, 3), (-2, 3), (-1, -1), (2.0,)])
def test_impossible_shapes_are_refused(shape):
    with pytest.raises(ConfigError, match="Reshape: the shape is"):
        Reshape(*shape)


@pytest.mark.parametrize("shape", [(64, 7, 7), (-1, 5)])
def test_entries_that_do_not_fill_the_shape_are_named(shape):
    with pytest.raises(ShapeError, match=r"x has shape \(2, 24\), 24 entries"):
        Reshape(*shape)(np.zeros((2, 24)))


def test_printout_shows_the_shape():
    assert repr(Reshape(64, 7, 7)) == "Reshape(64, 7, 7)"
    assert repr(Flatten(start_dim=2)) == "Flatten(start_dim=2)"
