"""Layers that only rearrange; the batch axis stays."""

from __future__ import annotations

import math
from typing import Any

from minivae import ops
from minivae.autodiff import Tensor
from minivae.errors import ConfigError, ShapeError
from minivae.layers.module import Module


class Flatten(Module):
    """The axes from start_dim to end_dim made into one; by default all but the batch axis: (N, ...) -> (N, D)."""

    start_dim: int
    end_dim: int

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, x: Any) -> Tensor:
        """x: (N, ...) -> (N, D), D the product of the rest."""
        return ops.flatten(x, self.start_dim, self.end_dim)


class Reshape(Module):
    """Each example in another shape: Reshape(64, 7, 7) makes (N, 3136) into (N, 64, 7, 7).

    Args:
        shape: the shape without the batch axis; one length may be −1 and is worked out.

    Raises:
        ConfigError: a length below −1, or more than one −1.
        ShapeError: the entries of an example do not fill the shape.
    """

    shape: tuple[int, ...]

    def __init__(self, *shape: int) -> None:
        if len(shape) == 1 and isinstance(shape[0], (tuple, list)):
            shape = tuple(shape[0])
        whole = all(isinstance(length, int) and length >= -1 and length != 0 for length in shape)
        if not whole or shape.count(-1) > 1:
            raise ConfigError(
                f"Reshape: the shape is {shape}; expected whole numbers above 0, at most one of them -1, without the "
                "batch axis"
            )
        self.shape = shape

    def forward(self, x: Any) -> Tensor:
        """x: (N, ...) -> (N, *shape)."""
        given, wanted = math.prod(x.shape[1:]), abs(math.prod(self.shape))
        if x.ndim == 0 or (given % wanted if -1 in self.shape else given != wanted):
            raise ShapeError(
                f"Reshape{self.shape}: x has shape {x.shape}, {given} entries an example; they do not fill "
                f"{self.shape}, which has {'a multiple of ' if -1 in self.shape else ''}{wanted}"
            )
        lengths = [given // wanted if length == -1 else length for length in self.shape]
        return ops.reshape(x, (x.shape[0], *lengths))

    def extra_repr(self) -> str:
        """The shape."""
        return ", ".join(map(str, self.shape))
