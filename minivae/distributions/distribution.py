"""What the distributions have in common: a shape, densities in nats, and sampling with the noise as an argument."""

from __future__ import annotations

from typing import Any

import numpy as np

from minivae import ops
from minivae.autodiff import Tensor, mode
from minivae.backend import Array, array_module, current_backend, to_backend
from minivae.errors import ShapeError
from minivae.random import Rng

Value = Tensor | float
"""A parameter of a distribution: a Tensor, or one number that holds for every entry."""


class Distribution:
    """The base: one independent random variable for each entry of `shape`.

    Attributes:
        shape: the shape of a sample, and of `log_prob` and `entropy`: nothing is summed here, an objective does that.
        label: what a loss made of −log_prob is to be called, "NLL" (negative log-likelihood) where it is one.
        is_likelihood: whether exp(log_prob) is a density or a probability, that is, sums to one over x.
    """

    label: str = "NLL"
    is_likelihood: bool = True
    shape: tuple[int, ...]

    def log_prob(self, x: Any) -> Tensor:
        """log p(x) of each entry, in nats."""
        raise NotImplementedError(f"{self._name} has no log_prob")

    def entropy(self) -> Tensor:
        """−E[log p(x)] of each entry, in nats."""
        raise NotImplementedError(f"{self._name} has no entropy")

    def sample(self, rng: Rng | None = None, sample_shape: tuple[int, ...] = ()) -> Any:
        """A draw, of shape `sample_shape + shape`, through which no gradient passes."""
        raise NotImplementedError(f"{self._name} cannot be sampled")

    def rsample(self, eps: Any = None, rng: Rng | None = None, sample_shape: tuple[int, ...] = ()) -> Tensor:
        """A draw written as a differentiable function of the parameters and of noise, where there is one."""
        raise NotImplementedError(f"{self._name} has no reparameterised sample")

    @property
    def mean(self) -> Tensor:
        """E[x] of each entry."""
        raise NotImplementedError(f"{self._name} has no mean")

    @property
    def variance(self) -> Tensor:
        """E[(x − E[x])²] of each entry."""
        raise NotImplementedError(f"{self._name} has no variance")

    def check_support(self, x: Any) -> None:
        """One pass over x: raises DataError if some entry cannot be an outcome of this distribution."""

    def __repr__(self) -> str:
        return f"{self._name}(shape={self.shape})"

    @property
    def _name(self) -> str:
        return type(self).__name__

    def _check_x(self, x: Any) -> None:
        if mode.debug:
            self.check_support(x)


def as_value(parameter: Any) -> Value:
    """A plain number stays one (as a float); all else becomes a Tensor, if it is not one."""
    if isinstance(parameter, (int, float, np.generic)):
        return float(parameter)
    return parameter if isinstance(parameter, Tensor) else Tensor(parameter)


def shape_of(name: str, **parts: Any) -> tuple[int, ...]:
    """The shape that the named parts (Tensors, numbers, distributions) broadcast to.

    Raises:
        ShapeError: they do not.
    """
    shapes = {key: getattr(value, "shape", ()) for key, value in parts.items()}
    try:
        return np.broadcast_shapes(*shapes.values())
    except ValueError:
        given = ", ".join(f"{key}: {shape}" for key, shape in shapes.items())
        raise ShapeError(
            f"{name}: the shapes do not broadcast to one\n  given: {given}\n"
            "  rule:  align the shapes at their last axis; lengths must be equal, or one of them 1"
        ) from None


def plain(x: Any) -> Array:
    """The array in a Tensor, an array, a list or a number."""
    array = x.data if isinstance(x, Tensor) else x
    return array_module(array).asarray(array)


def dtype_and_backend(*parameters: Value) -> tuple[np.dtype, str]:
    """Where noise must go to meet these parameters; float32 on the current backend if they are all numbers."""
    for parameter in parameters:
        if isinstance(parameter, Tensor):
            return parameter.dtype, parameter.device
    return np.dtype(np.float32), current_backend()


def expand(value: Value, shape: tuple[int, ...], *beside: Value) -> Tensor:
    """The value as a Tensor of this shape, of the dtype and on the backend of the parameters `beside` it."""
    if not isinstance(value, Tensor):
        dtype, backend = dtype_and_backend(*beside)
        value = Tensor(to_backend(np.asarray(value, dtype), backend))
    return value if value.shape == shape else ops.broadcast_to(value, shape)
