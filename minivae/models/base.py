"""What all models with one latent variable can do: encode, decode, their ELBO, samples and reconstructions."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from minivae.autodiff import Tensor, no_grad
from minivae.backend import Array, to_backend
from minivae.distributions import Distribution, Normal
from minivae.errors import ConfigError, DataError, ShapeError
from minivae.layers import Module
from minivae.layers.checks import at_least
from minivae.models.likelihood import Likelihood
from minivae.objectives import ELBO, elbo
from minivae.random import Rng, normal, stream


class LatentVariableModel(Module):
    """z ~ N(0, I), x ~ p(x|z), and an encoder q(z|x) that inverts it.

    A model sets, after `super().__init__(...)`:

        encoder: a module, x of shape (B, *image_shape) -> q(z|x), a Normal of shape (B, latent_dim);
        decoder: a module, z of shape (B, latent_dim) -> a Tensor of shape (B, *image_shape), which the likelihood
            turns into p(x|z);
        likelihood: a `Likelihood`;
        config: a dict of plain values, "type" and the constructor's arguments, from which `build` makes it again.

    Args:
        image_shape: the shape of one example, (C, H, W) or for a table (D,).
        latent_dim: how many numbers z holds.

    Raises:
        ConfigError: a size that is not a positive whole number.
    """

    encoder: Module
    decoder: Module
    likelihood: Likelihood
    config: dict[str, Any]

    def __init__(self, image_shape: tuple[int, ...], latent_dim: int) -> None:
        self.image_shape = sizes(image_shape, type(self).__name__, "image_shape")
        if not self.image_shape:
            raise ConfigError(f"{type(self).__name__}: image_shape is (); expected (C, H, W), or (D,) for a table")
        self.latent_dim = at_least(1, latent_dim, type(self).__name__, "latent_dim")

    # --- the two halves and the objective -------------------------------------------------------------------

    def encode(self, x: Any) -> Normal:
        """q(z|x): x of shape (B, *image_shape) -> a Normal of shape (B, latent_dim).

        Raises:
            ShapeError: x is not a batch of examples of the model's shape.
            DataError: x holds bytes.
        """
        return self.encoder(self._batch(x))

    def decode(self, z: Any) -> Distribution:
        """p(x|z): z of shape (B, latent_dim) -> a distribution of shape (B, *image_shape).

        Raises:
            ShapeError: z is not a batch of latent vectors.
        """
        z = self._tensor(z)
        if z.ndim != 2 or z.shape[1] != self.latent_dim:
            hint = " One vector is a batch of one: z[None]." if z.shape == (self.latent_dim,) else ""
            raise ShapeError(
                f"{type(self).__name__}.decode: z has shape {z.shape}; expected (B, {self.latent_dim}), the model's "
                f"latent_dim last.{hint}"
            )
        return self.likelihood(self.decoder(z))

    def elbo(self, x: Any, eps: Any = None, rng: Rng | None = None, beta: float = 1.0) -> ELBO:
        """The negative ELBO and its terms, in nats per example, from one z for each example.

        Args:
            x: (B, *image_shape).
            eps: the noise in z = μ + σ·ε, of shape (B, latent_dim); drawn from `rng` if left out.
            rng: a NumPy Generator; this thread's default if left out.
            beta: weight of the KL term.
        """
        x = self._batch(x)
        q = self.encoder(x)
        z = q.rsample(eps, rng)
        p = self.decode(z)
        return elbo(x, p, q, beta=beta)

    def forward(self, x: Any, eps: Any = None, rng: Rng | None = None) -> Distribution:
        """p(x|z) at one z drawn from q(z|x): encode, sample, decode."""
        return self.decode(self.encode(x).rsample(eps, rng))

    # --- pictures -------------------------------------------------------------------------------------------

    def sample(self, n: int, seed: int = 0) -> Array:
        """n new examples: the means of p(x|z) at n draws of z from N(0, I), as a NumPy array (n, *image_shape).

        The means are shown, not draws from p(x|z), which would add the pixel noise.
        """
        n = at_least(1, n, f"{type(self).__name__}.sample", "n")
        dtype, device = self._dtype_and_device()
        z = to_backend(normal(stream(seed, "sample"), (n, self.latent_dim), dtype), device)
        with evaluation(self):
            return self.decode(z).mean.numpy()

    def reconstruct(self, x: Any) -> Array:
        """The mean of p(x|z) at the mean of q(z|x), as a NumPy array of x's shape.

        As the result is a NumPy array, x may be one too, wherever the model is.
        """
        x = self._batch(x)
        x = Tensor(to_backend(x.data, self._dtype_and_device()[1]))
        with evaluation(self):
            return self.decode(self.encode(x).mean).mean.numpy()

    def extra_repr(self) -> str:
        """The constructor's arguments."""
        given = {name: tuple(v) if isinstance(v, list) else v for name, v in self.config.items()}
        return ", ".join(f"{name}={v!r}" for name, v in given.items() if name != "type" and v is not None)

    # --- checks ---------------------------------------------------------------------------------------------

    def check_data(self, x: Any) -> None:
        """One pass over data x: do shape and values suit this model? `fit` asks once, before it starts.

        Raises:
            ShapeError: x is not a batch of examples of the model's shape.
            DataError: a value is NaN, infinite, or outside what the likelihood can produce.
        """
        self._check_batch(x if hasattr(x, "shape") else np.asarray(x))
        self.likelihood.check_support(x)

    def _batch(self, x: Any) -> Tensor:
        if getattr(x, "dtype", None) == np.uint8 and x.size and int(x.max()) > 1:
            raise DataError(
                f"{type(self).__name__}: x holds bytes, up to {int(x.max())}; a model takes floats. A byte v stands "
                "for v / 255: give images / np.float32(255), or a data set's `x` in place of its `images`."
            )
        x = self._tensor(x)
        self._check_batch(x)
        return x

    def _check_batch(self, x: Any) -> None:
        if x.shape[1:] == self.image_shape and x.ndim > 0 and x.shape[0] > 0:
            return
        hint = ""
        if x.shape == self.image_shape:
            hint = " One example is a batch of one: x[None]."
        elif x.ndim > 0 and x.shape[0] == 0:
            hint = " The batch is empty."
        elif x.ndim == 4 and len(self.image_shape) == 3 and x.shape[1] != self.image_shape[0]:
            hint = f" x has {x.shape[1]} channels, the model {self.image_shape[0]}."
        elif x.ndim == 2 and x.shape[1] == math.prod(self.image_shape):
            hint = f" These are flat: x.reshape(-1, {', '.join(map(str, self.image_shape))})."
        expected = ", ".join(map(str, ("B", *self.image_shape)))
        raise ShapeError(
            f"{type(self).__name__}: x has shape {x.shape}; expected ({expected}).{hint} For other data, make the "
            "model with another image_shape."
        )

    def _tensor(self, x: Any) -> Tensor:
        """x as a Tensor; lists take the model's dtype and place, integers its dtype."""
        if isinstance(x, Tensor):
            return x
        if hasattr(x, "dtype") and x.dtype.kind == "f":
            return Tensor(x)
        dtype, device = self._dtype_and_device()
        return Tensor(x if hasattr(x, "dtype") else to_backend(np.asarray(x, dtype), device), dtype=dtype)

    def _dtype_and_device(self) -> tuple[np.dtype, str]:
        _, parameter = next(self.named_parameters())
        return parameter.dtype, parameter.device


@contextmanager
def evaluation(module: Module) -> Iterator[None]:
    """Inside the block the module is in evaluation mode and nothing is recorded; afterwards all is as before."""
    before = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        with no_grad():
            yield
    finally:
        for part, training in before:
            part.training = training


def sizes(values: Any, model: str, name: str) -> tuple[int, ...]:
    """A tuple of positive whole numbers.

    Raises:
        ConfigError: it is not one.
    """
    if not isinstance(values, (tuple, list)):
        raise ConfigError(f"{model}: {name} is {values!r}; expected a tuple of whole numbers, for instance ({values},)")
    return tuple(at_least(1, value, model, f"{name}[{i}]") for i, value in enumerate(values))


__all__ = ["LatentVariableModel", "evaluation", "sizes"]
