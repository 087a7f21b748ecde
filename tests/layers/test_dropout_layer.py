from __future__ import annotations

import numpy as np
import pytest

from minivae.errors import ConfigError
from minivae.layers import Dropout
from minivae.random import manual_seed, stream


def test_dropout_keeps_the_mean_and_drops_the_share_p():
    x = np.ones((400, 500), np.float32)
    y = Dropout(0.3)(x).data
    n = y.size
    assert abs((y == 0).mean() - 0.3) < 4 * np.sqrt(0.3 * 0.7 / n)
    assert abs(y.mean() - 1) < 4 * np.sqrt(0.3 / 0.7 / n)
    np.testing.assert_allclose(np.unique(y), [0, 1 / 0.7], rtol=1e-6)


def test_dropout_is_the_identity_in_evaluation_and_for_p_zero(rng):
    x = rng.standard_normal((3, 4))
    np.testing.assert_array_equal(Dropout(0.9).eval()(x).data, x)
    np.testing.assert_array_equal(Dropout(0.0)(x).data, x)


def test_dropout_depends_on_the_seed_alone_and_not_on_the_dtype():
    layer = Dropout(0.5)
    masks = []
    for dtype in (np.float32, np.float64):
        manual_seed(3, "step", 17)
        masks.append(layer(np.ones((20, 20), dtype)).data)
        assert masks[-1].dtype == dtype
    np.testing.assert_array_equal(masks[0], masks[1])
    assert not np.array_equal(layer(np.ones((20, 20))).data, masks[1])
    own = [Dropout(0.5, rng=stream(5))(np.ones((9, 9))).data for _ in range(2)]
    np.testing.assert_array_equal(own[0], own[1])


def test_dropout_gradient_passes_where_the_value_does(layer_gradcheck, rng):
    mask = rng.random((4, 5)) < 0.5
    assert layer_gradcheck(Dropout(0.4), rng.standard_normal((4, 5)), mask=mask)


@pytest.mark.parametrize("p", [-0.1, 1.0, 1.5, float("nan"), "0.5"])
def test_p_outside_zero_one_is_refused(p):
    with pytest.raises(ConfigError, match="0 <= p < 1"):
        Dropout(p)


def test_rng_must_be_a_generator():
    with pytest.raises(ConfigError, match="rng is 3"):
        Dropout(0.5, rng=3)
