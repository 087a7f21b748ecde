"""The convolutional VAE: sizes that halve, and sizes that do not."""

from __future__ import annotations

import numpy as np
import pytest

from minivae.errors import ConfigError
from minivae.models import ConvVAE


def test_number_of_parameters():
    encoder = (16 * 1 * 32 + 32) + (16 * 32 * 64 + 64) + 2 * (7 * 7 * 64 * 20 + 20)
    decoder = (20 * 7 * 7 * 64 + 7 * 7 * 64) + (16 * 64 * 32 + 32) + (16 * 32 * 1 + 1)
    assert ConvVAE().num_parameters() == encoder + decoder


@pytest.mark.parametrize(
    ("image_shape", "channels"),
    [((1, 2, 2), (3,)), ((3, 8, 12), (2, 5)), ((1, 32, 16), (2, 3, 4, 5)), ((2, 6, 10), (4,)), ((1, 28, 28), (4, 4))],
)
def test_decoder_gives_back_the_size_of_the_image(image_shape, channels):
    model = ConvVAE(image_shape, channels, latent_dim=2)
    x = np.zeros((3, *image_shape), np.float32)
    assert model.reconstruct(x).shape == x.shape
    features = channels[-1] * image_shape[1] * image_shape[2] // 4 ** len(channels)
    assert model.encoder.mu.in_features == features


@pytest.mark.parametrize(
    ("image_shape", "channels", "advice"),
    [
        ((1, 28, 28), (8, 16, 32), "multiples of 8. Pad the images to 32 × 32, or give at most 2 channels"),
        ((1, 30, 28), (8, 16), "multiples of 4. Pad the images to 32 × 28, or give at most 1 channels"),
        ((1, 28, 27), (8,), "multiples of 2. Pad the images to 28 × 28, or use VAE"),
    ],
)
def test_a_size_that_does_not_halve_is_refused_with_advice(image_shape, channels, advice):
    with pytest.raises(ConfigError) as error:
        ConvVAE(image_shape, channels)
    assert advice in str(error.value)
    assert f"{image_shape[1]} × {image_shape[2]}" in str(error.value)


@pytest.mark.parametrize("channels", [(), (0,), (8, -1), 8, (2.5,)])
def test_channels_must_be_positive_and_there(channels):
    with pytest.raises(ConfigError, match="channels"):
        ConvVAE(channels=channels)


@pytest.mark.parametrize("image_shape", [(28, 28), (784,), (1, 1, 28, 28)])
def test_images_have_three_axes(image_shape):
    with pytest.raises(ConfigError, match=r"\(channels, height, width\)"):
        ConvVAE(image_shape)


def test_latent_code_moves_with_nothing_but_the_image():
    """The encoder sees every pixel: changing any single one changes μ."""
    model = ConvVAE((1, 8, 8), (4, 4), latent_dim=3, activation="tanh")
    blank = np.zeros((1, 1, 8, 8), np.float32)
    spots = np.eye(64, dtype=np.float32).reshape(64, 1, 8, 8)
    change = np.abs(model.encode(spots).mean.numpy() - model.encode(blank).mean.numpy())
    assert (change.max(axis=1) > 1e-5).all()
