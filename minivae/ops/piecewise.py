"""Functions made of pieces. At a kink the gradient is one that lies between the slopes of the two sides."""

from __future__ import annotations

import numbers
from typing import Any

from minivae.autodiff import Forward, Tensor, primitive
from minivae.backend import Array, array_module, backend_of
from minivae.errors import BackendError, ConfigError, DtypeError


@primitive
def abs(x: Array) -> Forward:
    """|x|.  d/dx = sign x, and 0 at 0."""
    xp = array_module(x)
    return xp.abs(x), lambda g: g * xp.sign(x)


@primitive
def maximum(x: Array, y: Array) -> Forward:
    """The larger of x and y, shapes broadcast.  Its gradient goes to the larger; where they tie, half to each."""
    xp = array_module(x, y)
    return xp.maximum(x, y), (lambda g: g * _won(x, y), lambda g: g * _won(y, x))


@primitive
def minimum(x: Array, y: Array) -> Forward:
    """The smaller of x and y, shapes broadcast.  Its gradient goes to the smaller; where they tie, half to each."""
    xp = array_module(x, y)
    return xp.minimum(x, y), (lambda g: g * _won(y, x), lambda g: g * _won(x, y))


def _won(x: Array, y: Array) -> Array:
    """1 where x > y, ½ where x = y, 0 where x < y."""
    return ((x > y).astype(x.dtype) + (x >= y)) / 2


@primitive
def clip(x: Array, min: float | None = None, max: float | None = None) -> Forward:
    """x, but at least `min` and at most `max`.  d/dx = 1 for min ≤ x ≤ max, bounds included, otherwise 0.

    Raises:
        ConfigError: neither bound is given, one is not a number, or min > max.
    """
    if not all(bound is None or isinstance(bound, numbers.Real) for bound in (min, max)):
        raise ConfigError("clip: min and max are numbers or None; between arrays use maximum and minimum")
    if min is None and max is None:
        raise ConfigError("clip: give min, max or both")
    if min is not None and max is not None and min > max:
        raise ConfigError(f"clip: min = {min} is greater than max = {max}; swap them")
    xp = array_module(x)
    y = x if min is None else xp.maximum(x, min)
    y = y if max is None else xp.minimum(y, max)
    return y, lambda g: g * (y == x)


def where(condition: Any, x: Any, y: Any) -> Tensor:
    """x where the condition holds, otherwise y; shapes broadcast.

    Both sides are computed before this chooses, and the gradient of the side that was not chosen is 0 times what it
    is. So do not write where(x > 0, log(x), 0): make the log harmless first, log(where(x > 0, x, 1)).

    Args:
        condition: an array of booleans on the backend of x and y, such as `x > 0`; no gradient passes to it.
        x, y: Tensors, arrays or numbers.

    Raises:
        DtypeError: the condition is not boolean.
        BackendError: the condition is on another backend.
    """
    return _where(x, y, condition.data if isinstance(condition, Tensor) else condition)


@primitive
def _where(x: Array, y: Array, condition: Any) -> Forward:
    """x where the condition holds, otherwise y; the shapes of x, y and the condition broadcast."""
    if len({backend_of(array) for array in (x, y, condition) if getattr(array, "ndim", 0)}) > 1:
        raise BackendError(
            f"where: the condition is on {backend_of(condition)}, but x or y is not. "
            "Compute the condition from arrays on the same backend."
        )
    xp = array_module(x, y, condition)
    condition = xp.asarray(condition)
    if condition.dtype != bool:
        raise DtypeError(f"where: the condition is {condition.dtype}, expected booleans, such as x > 0")
    return xp.where(condition, x, y), (lambda g: g * condition, lambda g: g * ~condition)
