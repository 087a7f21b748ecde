from __future__ import annotations

import numpy as np
import pytest

from minivae import ops
from minivae.errors import ConfigError, ShapeError
from minivae.layers import Conv2d, ConvTranspose2d


def test_convolution_layer_is_the_op_with_its_weights(rng):
    layer = Conv2d(4, 6, (3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2)
    x = rng.standard_normal((2, 4, 9, 8), dtype=np.float32)
    expected = ops.conv2d(x, layer.weight, layer.bias, (2, 1), (1, 0), (1, 2), 2)
    np.testing.assert_array_equal(layer(x).data, expected.data)
    assert layer(x).shape == (2, 6, 5, 6)


def test_transposed_convolution_inverts_the_shape_of_a_convolution(rng):
    x = rng.standard_normal((2, 3, 14, 11), dtype=np.float32)
    down = Conv2d(3, 5, 4, stride=2, padding=1)
    up = ConvTranspose2d(5, 3, 4, stride=2, padding=1, output_padding=(0, 1))
    assert down(x).shape == (2, 5, 7, 5)
    assert up(down(x)).shape == x.shape


def test_transposed_convolution_is_the_transpose_of_the_convolution_with_the_same_weight(rng):
    down = Conv2d(4, 6, 3, stride=2, padding=1, groups=2, bias=False, dtype=np.float64)
    up = ConvTranspose2d(6, 4, 3, stride=2, padding=1, groups=2, bias=False, dtype=np.float64)
    assert up.weight.shape == down.weight.shape
    up.weight.data = down.weight.data
    x, y = rng.standard_normal((2, 4, 7, 9)), rng.standard_normal((2, 6, 4, 5))
    np.testing.assert_allclose(np.vdot(down(x).data, y), np.vdot(x, up(y).data), rtol=1e-12)


@pytest.mark.parametrize("bias", [True, False])
def test_convolution_gradients(layer_gradcheck, rng, bias):
    layer = Conv2d(2, 4, (3, 2), stride=2, padding=1, groups=2, bias=bias, dtype=np.float64)
    assert layer_gradcheck(layer, rng.standard_normal((2, 2, 5, 6)))


@pytest.mark.parametrize("bias", [True, False])
def test_transposed_convolution_gradients(layer_gradcheck, rng, bias):
    layer = ConvTranspose2d(4, 2, 3, 2, 1, output_padding=1, groups=2, bias=bias, dtype=np.float64)
    assert layer_gradcheck(layer, rng.standard_normal((2, 4, 3, 2)))


def test_without_bias_there_is_none():
    assert Conv2d(1, 2, 3, bias=False).bias is None
    assert ConvTranspose2d(1, 2, 3, bias=False).num_parameters() == 18


@pytest.mark.parametrize("layer", [Conv2d, ConvTranspose2d])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((0, 2, 3), "in_channels is 0"),
        ((2, 0, 3), "out_channels is 0"),
        ((2, 2, 0), "kernel_size is 0"),
        ((2, 2, (3, 3, 3)), r"kernel_size is \(3, 3, 3\).*pair"),
        ((2, 2, 3, 0), "stride is 0"),
        ((2, 2, 3, 1, -1), "padding is -1"),
        ((2, 2, 3, 1, 0.5), "padding is 0.5"),
    ],
)
def test_options_that_cannot_work_are_refused(layer, options, message):
    with pytest.raises(ConfigError, match=rf"{layer.__name__}: {message}"):
        layer(*options)


@pytest.mark.parametrize("layer", [Conv2d, ConvTranspose2d])
def test_groups_must_divide_the_channels(layer):
    for channels in [(4, 6), (6, 4)]:
        with pytest.raises(ConfigError, match="groups = 4 must divide"):
            layer(*channels, 3, groups=4)
    with pytest.raises(ConfigError, match="dilation is 0"):
        layer(2, 2, 3, dilation=0)


def test_output_padding_must_be_smaller_than_the_stride_or_dilation():
    ConvTranspose2d(1, 1, 3, stride=1, output_padding=1, dilation=2)
    with pytest.raises(ConfigError, match=r"output_padding is 2.*smaller than the stride"):
        ConvTranspose2d(1, 1, 3, stride=2, output_padding=2)


@pytest.mark.parametrize("layer", [Conv2d(3, 4, 3), ConvTranspose2d(3, 4, 3)])
def test_wrong_channel_count_says_what_was_given_and_expected(layer):
    with pytest.raises(ShapeError, match=r"\(2, 1, 8, 8\), so 1 channels; expected 3"):
        layer(np.zeros((2, 1, 8, 8), np.float32))
    with pytest.raises(ShapeError, match="permute"):
        layer(np.zeros((2, 8, 8, 3), np.float32))
    with pytest.raises(ShapeError, match="batch axis"):
        layer(np.zeros((3, 8, 8), np.float32))


@pytest.mark.parametrize("layer", [Conv2d, ConvTranspose2d])
def test_sizes_may_be_numpy_integers(layer, rng):
    four, three, two = np.arange(2, 5)[::-1]
    assert layer(four, four, three, groups=two)(rng.normal(size=(1, 4, 5, 5)).astype(np.float32)).shape[:2] == (1, 4)
