from __future__ import annotations

import numpy as np
import pytest

from minivae.errors import ConfigError, ShapeError
from minivae.layers import AvgPool2d, MaxPool2d, Upsample

X = np.arange(16.0).reshape(1, 1, 4, 4)


def test_pooling_takes_the_maximum_or_the_mean_of_each_window():
    np.testing.assert_array_equal(MaxPool2d(2)(X).data, [[[[5, 7], [13, 15]]]])
    np.testing.assert_array_equal(AvgPool2d(2)(X).data, [[[[2.5, 4.5], [10.5, 12.5]]]])
    assert MaxPool2d(3, stride=2, padding=1)(X).shape == (1, 1, 2, 2)
    assert MaxPool2d(2, stride=1, dilation=2)(X).shape == (1, 1, 2, 2)
    assert AvgPool2d((4, 1), (1, 3))(X).shape == (1, 1, 1, 2)


@pytest.mark.parametrize("factor", [1, 2, (1, 3)])
def test_average_pooling_undoes_upsampling(rng, factor):
    x = rng.standard_normal((2, 3, 4, 5))
    np.testing.assert_allclose(AvgPool2d(factor)(Upsample(factor)(x)).data, x, rtol=1e-12)
    np.testing.assert_array_equal(MaxPool2d(factor)(Upsample(factor)(x)).data, x)


@pytest.mark.parametrize("layer", [MaxPool2d(2), MaxPool2d(3, 2, 1), AvgPool2d(3, 2, 1), Upsample((2, 3))])
def test_gradients(layer_gradcheck, rng, layer):
    x = rng.permutation(2 * 2 * 5 * 6).reshape(2, 2, 5, 6) / 10.0  # no ties
    assert layer_gradcheck(layer, x)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MaxPool2d(0), "kernel_size is 0"),
        (lambda: MaxPool2d(2, 0), "stride is 0"),
        (lambda: MaxPool2d(2, dilation=0), "dilation is 0"),
        (lambda: AvgPool2d(3, padding=2), "padding is 2, the window 3"),
        (lambda: Upsample(1.5), "scale_factor is 1.5"),
    ],
)
def test_options_that_cannot_work_are_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


@pytest.mark.parametrize("layer", [MaxPool2d(2), AvgPool2d(2), Upsample(2)])
def test_images_need_four_axes(layer):
    with pytest.raises(ShapeError, match=r"\(4, 4\).*\(N, C, H, W\)"):
        layer(X[0, 0])
