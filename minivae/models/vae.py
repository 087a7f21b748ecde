"""The variational autoencoder of dense layers (Kingma & Welling 2014)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

from minivae.autodiff import Tensor
from minivae.distributions import Normal
from minivae.layers import Dense, Flatten, Module, Reshape, Sequential, activation
from minivae.models.base import LatentVariableModel, sizes
from minivae.models.likelihood import make_likelihood
from minivae.random import Rng, stream


class DenseEncoder(Module):
    """q(z|x): flatten, the hidden layers, and from the last one two heads, μ and log σ²."""

    def __init__(
        self, image_shape: tuple[int, ...], hidden: tuple[int, ...], latent_dim: int, act: str, rng: Rng
    ) -> None:
        widths = (math.prod(image_shape), *hidden)
        self.trunk = Sequential(Flatten(), *dense_stack(widths, act, rng))
        self.mu = Dense(widths[-1], latent_dim, rng=rng)
        self.logvar = Dense(widths[-1], latent_dim, rng=rng)

    def forward(self, x: Tensor) -> Normal:
        """x: (B, *image_shape) -> a Normal of shape (B, latent_dim)."""
        h = self.trunk(x)
        return Normal.from_logvar(self.mu(h), self.logvar(h))


class DenseDecoder(Module):
    """z to the parameter of p(x|z) for each entry of x (a logit or a mean): the encoder's widths in reverse."""

    def __init__(
        self, image_shape: tuple[int, ...], hidden: tuple[int, ...], latent_dim: int, act: str, rng: Rng
    ) -> None:
        widths = (latent_dim, *reversed(hidden))
        self.trunk = Sequential(*dense_stack(widths, act, rng))
        self.output = Dense(widths[-1], math.prod(image_shape), rng=rng)
        self.reshape = Reshape(*image_shape)

    def forward(self, z: Tensor) -> Tensor:
        """z: (B, latent_dim) -> (B, *image_shape)."""
        return self.reshape(self.output(self.trunk(z)))


class VAE(LatentVariableModel):
    """A VAE whose encoder and decoder are dense layers.

    Args:
        image_shape: the shape of one example, (C, H, W) or for a table (D,).
        hidden: widths of the encoder's hidden layers; the decoder has them in reverse. With none, `()`, encoder and
            decoder are linear: with a Gaussian likelihood that is probabilistic PCA.
        latent_dim: how many numbers z holds.
        activation: after each hidden layer; a name from `minivae.layers.ACTIVATIONS`.
        likelihood: "bernoulli" (binary x), "grey-bce", "gaussian" or "gaussian-learned".
        seed: decides the initial weights.
        sigma: the standard deviation of a Gaussian likelihood, or where the learned one starts; 0.1 if left out.

    Raises:
        ConfigError: an option that cannot work.
    """

    def __init__(
        self,
        image_shape: tuple[int, ...] = (1, 28, 28),
        hidden: tuple[int, ...] = (400,),
        latent_dim: int = 20,
        activation: str = "relu",
        likelihood: str = "bernoulli",
        seed: int = 0,
        *,
        sigma: float | None = None,
    ) -> None:
        super().__init__(image_shape, latent_dim)
        self.hidden = sizes(hidden, "VAE", "hidden")
        self.activation = activation
        rng = stream(seed, "weights")
        self.encoder = DenseEncoder(self.image_shape, self.hidden, self.latent_dim, activation, rng)
        self.decoder = DenseDecoder(self.image_shape, self.hidden, self.latent_dim, activation, rng)
        self.likelihood = make_likelihood(likelihood, sigma)
        self.config = {
            "type": "VAE",
            "image_shape": list(self.image_shape),
            "hidden": list(self.hidden),
            "latent_dim": self.latent_dim,
            "activation": activation,
            "likelihood": likelihood,
            "seed": seed,
            "sigma": sigma,
        }


def dense_stack(widths: tuple[int, ...], act: str, rng: Rng) -> Iterator[Module]:
    """Dense and activation from each width to the next."""
    for before, after in itertools.pairwise(widths):
        yield Dense(before, after, rng=rng)
        yield activation(act)


__all__ = ["VAE", "DenseDecoder", "DenseEncoder"]
