"""The variational autoencoder of convolutions."""

from __future__ import annotations

import itertools
import math

from minivae.autodiff import Tensor
from minivae.distributions import Normal
from minivae.errors import ConfigError
from minivae.layers import Conv2d, ConvTranspose2d, Dense, Flatten, Module, Reshape, Sequential, activation
from minivae.models.base import LatentVariableModel, sizes
from minivae.models.likelihood import make_likelihood
from minivae.random import Rng, stream


def halving(before: int, after: int, rng: Rng) -> Conv2d:
    """A convolution that halves height and width.

    Since the stride of 2 divides the kernel of 4, every pixel lies under equally many kernel positions.
    """
    return Conv2d(before, after, kernel_size=4, stride=2, padding=1, rng=rng)


def doubling(before: int, after: int, rng: Rng) -> ConvTranspose2d:
    """The transpose of `halving`: it doubles height and width, and for the same reason leaves no checkerboard."""
    return ConvTranspose2d(before, after, kernel_size=4, stride=2, padding=1, rng=rng)


class ConvEncoder(Module):
    """q(z|x): each convolution halves height and width; then flatten, and two heads, μ and log σ²."""

    def __init__(
        self, image_shape: tuple[int, ...], channels: tuple[int, ...], latent_dim: int, act: str, rng: Rng
    ) -> None:
        layers: list[Module] = []
        for before, after in itertools.pairwise((image_shape[0], *channels)):
            layers += [halving(before, after, rng), activation(act)]
        self.trunk = Sequential(*layers, Flatten())
        features = math.prod(smallest_map(image_shape, channels))
        self.mu = Dense(features, latent_dim, rng=rng)
        self.logvar = Dense(features, latent_dim, rng=rng)

    def forward(self, x: Tensor) -> Normal:
        """x: (B, C, H, W) -> a Normal of shape (B, latent_dim)."""
        h = self.trunk(x)
        return Normal.from_logvar(self.mu(h), self.logvar(h))


class ConvDecoder(Module):
    """z to the parameter of p(x|z) for each pixel (a logit or a mean): the encoder mirrored."""

    def __init__(
        self, image_shape: tuple[int, ...], channels: tuple[int, ...], latent_dim: int, act: str, rng: Rng
    ) -> None:
        start = smallest_map(image_shape, channels)
        layers: list[Module] = [Dense(latent_dim, math.prod(start), rng=rng), activation(act), Reshape(*start)]
        for before, after in itertools.pairwise(reversed(channels)):
            layers += [doubling(before, after, rng), activation(act)]
        self.trunk = Sequential(*layers)
        self.output = doubling(channels[0], image_shape[0], rng)

    def forward(self, z: Tensor) -> Tensor:
        """z: (B, latent_dim) -> (B, C, H, W)."""
        return self.output(self.trunk(z))


class ConvVAE(LatentVariableModel):
    """A VAE whose encoder halves the image once for each entry of `channels`, and whose decoder doubles it back.

    Args:
        image_shape: (C, H, W); H and W must be divisible by 2 to the number of `channels`.
        channels: output channels of the encoder's convolutions (kernel 4, stride 2, padding 1).
        latent_dim: how many numbers z holds.
        activation: after each layer but the last; a name from `minivae.layers.ACTIVATIONS`.
        likelihood: "bernoulli" (binary x), "grey-bce", "gaussian" or "gaussian-learned".
        seed: decides the initial weights.
        sigma: the standard deviation of a Gaussian likelihood, or where the learned one starts; 0.1 if left out.

    Raises:
        ConfigError: an option that cannot work; for a size that does not halve so often, it says what to change.
    """

    def __init__(
        self,
        image_shape: tuple[int, ...] = (1, 28, 28),
        channels: tuple[int, ...] = (32, 64),
        latent_dim: int = 20,
        activation: str = "relu",
        likelihood: str = "bernoulli",
        seed: int = 0,
        *,
        sigma: float | None = None,
    ) -> None:
        super().__init__(image_shape, latent_dim)
        self.channels = sizes(channels, "ConvVAE", "channels")
        self.activation = activation
        _check_halving(self.image_shape, self.channels)
        rng = stream(seed, "weights")
        self.encoder = ConvEncoder(self.image_shape, self.channels, self.latent_dim, activation, rng)
        self.decoder = ConvDecoder(self.image_shape, self.channels, self.latent_dim, activation, rng)
        self.likelihood = make_likelihood(likelihood, sigma)
        self.config = {
            "type": "ConvVAE",
            "image_shape": list(self.image_shape),
            "channels": list(self.channels),
            "latent_dim": self.latent_dim,
            "activation": activation,
            "likelihood": likelihood,
            "seed": seed,
            "sigma": sigma,
        }


def smallest_map(image_shape: tuple[int, ...], channels: tuple[int, ...]) -> tuple[int, int, int]:
    """(C, H, W) after the encoder's last convolution."""
    _, height, width = image_shape
    return channels[-1], height >> len(channels), width >> len(channels)


def _check_halving(image_shape: tuple[int, ...], channels: tuple[int, ...]) -> None:
    if len(image_shape) != 3:
        raise ConfigError(
            f"ConvVAE: image_shape is {image_shape}; expected (channels, height, width). For a grey image put a 1 in "
            "front; for a table use VAE."
        )
    if not channels:
        raise ConfigError("ConvVAE: channels is (); expected at least one convolution. Without any, use VAE.")
    _, height, width = image_shape
    unit = 2 ** len(channels)
    if height % unit or width % unit:
        padded = f"{math.ceil(height / unit) * unit} × {math.ceil(width / unit) * unit}"
        fitting = max(n for n in range(len(channels)) if height % 2**n == 0 and width % 2**n == 0)
        last = "Is that (height, width, channels)? Channels come first. " if width <= 4 < image_shape[0] else ""
        fewer = f", or give at most {fitting} channels" if fitting else ", or use VAE, which takes any size"
        raise ConfigError(
            f"ConvVAE: images of {height} × {width} cannot be halved {len(channels)} times, once for each of "
            f"channels={channels}; height and width must be multiples of {unit}. {last}Pad the images to "
            f"{padded}{fewer}."
        )


__all__ = ["ConvDecoder", "ConvEncoder", "ConvVAE"]
