"""Dropout with its mask as an argument: the randomness stays with the caller, the op itself is deterministic."""

from __future__ import annotations

from typing import Any

from minivae.autodiff import Forward, Tensor, primitive
from minivae.backend import Array, array_module
from minivae.errors import ConfigError, ShapeError


@primitive
def dropout(x: Array, mask: Any, p: float) -> Forward:
    """x · mask / (1 − p): entries where the mask is 0 are dropped, the rest grow so that the mean stays.

    If each mask entry is 1 with probability 1 − p, then E[y] = x, which is why nothing is rescaled when the network
    is used. (Srivastava et al. 2014; the scaling at training time is the "inverted" form.)

    Args:
        x: any shape.
        mask: 0 or 1 (or False and True), of the shape of x, or one that broadcasts to it: (N, C, 1, 1) drops
            whole channels.
        p: the probability with which an entry is dropped, 0 ≤ p < 1.

    Raises:
        ConfigError: p is not in [0, 1).
        ShapeError: the mask does not broadcast to the shape of x.

    d/dx = mask / (1 − p).
    """
    if not 0 <= p < 1:
        raise ConfigError(f"dropout: p is {p}; expected the probability of dropping an entry, 0 <= p < 1")
    xp = array_module(x)
    mask = mask.data if isinstance(mask, Tensor) else mask
    scale = xp.asarray(mask, dtype=x.dtype) * (1 / (1 - p))
    stretches = scale.ndim > x.ndim or any(
        m not in (1, n) for m, n in zip(scale.shape[::-1], x.shape[::-1], strict=False)
    )
    if stretches:
        raise ShapeError(
            f"dropout: mask has shape {scale.shape}, x has {x.shape}; expected a mask of the shape of x, or with "
            "axes of length 1 where entries are dropped together"
        )
    return x * scale, lambda g: g * scale
