"""The work that every library does in a comparison: one model, one batch, one noise, the same initial weights."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

import minivae as mv


@dataclass(frozen=True)
class Work:
    """A training step of a VAE with a Bernoulli likelihood: forward, backward, Adam at 1e-3, in float32.

    `hidden` makes it the dense VAE, size²-hidden-latent; `channels` the convolutional one (kernel 4, stride 2,
    padding 1, ReLU), as in `minivae.models`.
    """

    batch: int = 128
    size: int = 28
    hidden: tuple[int, ...] = ()
    channels: tuple[int, ...] = ()
    latent_dim: int = 20

    @property
    def name(self) -> str:
        """Its layers, for a table."""
        if self.channels:
            return "ConvVAE " + "-".join(map(str, self.channels))
        return "VAE " + "-".join(map(str, (self.size**2, *self.hidden, self.latent_dim)))

    def model(self) -> Any:
        """minivae's model; the other libraries take its weights."""
        shape = (1, self.size, self.size)
        if self.channels:
            return mv.models.ConvVAE(shape, self.channels, self.latent_dim)
        return mv.models.VAE(shape, self.hidden, self.latent_dim)

    def batch_and_noise(self) -> tuple[np.ndarray, np.ndarray]:
        """Binary x (batch, 1, size, size), and eps (batch, latent_dim)."""
        rng = np.random.default_rng(0)
        x = rng.random((self.batch, 1, self.size, self.size)) < 0.3
        return x.astype(np.float32), rng.standard_normal((self.batch, self.latent_dim)).astype(np.float32)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def read(values: dict[str, Any]) -> Work:
    """The work that `as_dict` described."""
    return Work(**{name: tuple(v) if isinstance(v, list) else v for name, v in values.items()})


DENSE = Work(hidden=(400,))
CONVOLUTIONAL = Work(channels=(32, 64))
