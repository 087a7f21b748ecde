"""Checks of layer options, each with an error that says what was given and what is expected."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from minivae.errors import ConfigError, ShapeError
from minivae.random import Rng

IntOrPair = int | tuple[int, int]


def at_least(minimum: int, value: Any, layer: str, name: str) -> int:
    """`value` as an int, if it is one and not below `minimum`."""
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool) or number < minimum:
        raise ConfigError(f"{layer}: {name} is {value!r}; expected a whole number, {minimum} or more")
    return number


def pair(minimum: int, value: Any, layer: str, name: str) -> tuple[int, int]:
    """(height, width) from one whole number or two."""
    both = value if isinstance(value, (tuple, list)) else (value, value)
    if len(both) != 2:
        raise ConfigError(f"{layer}: {name} is {value!r}; expected a whole number or a pair (height, width)")
    return at_least(minimum, both[0], layer, name), at_least(minimum, both[1], layer, name)


def image_batch(x: Any, channels: int | None, module: Any) -> None:
    """x must be (N, C, H, W), with this number of channels. The module is put into words only if it is not."""
    if x.ndim != 4:
        hint = " Add a batch axis: x[None]." if x.ndim == 3 else ""
        raise ShapeError(f"{_described(module)}: x has shape {x.shape}; expected images as (N, C, H, W).{hint}")
    if channels is not None and x.shape[1] != channels:
        hint = " Channels come second; permute(0, 3, 1, 2) puts them there." if x.shape[3] == channels else ""
        raise ShapeError(
            f"{_described(module)}: x has shape {x.shape}, so {x.shape[1]} channels; expected {channels}. "
            f"Give images of {channels} channels or make the layer for {x.shape[1]}.{hint}"
        )


def _described(module: Any) -> str:
    return f"{type(module).__name__}({module.extra_repr()})"


def generator(rng: Any) -> Rng:
    """`rng` must be a NumPy Generator."""
    if not isinstance(rng, np.random.Generator):
        raise ConfigError(f"rng is {rng!r}; expected a NumPy Generator, for instance minivae.random.stream(seed)")
    return rng
