"""Exponentials and logarithms. `expm1` and `log1p` keep the digits that eˣ − 1 and log(1 + x) lose near 0."""

from __future__ import annotations

from minivae.autodiff import Forward, primitive
from minivae.backend import Array, array_module


@primitive
def exp(x: Array) -> Forward:
    """eˣ.  d/dx = eˣ.  Overflows above 88.7 in float32 and 709.7 in float64."""
    y = array_module(x).exp(x)
    return y, lambda g: g * y


@primitive
def log(x: Array) -> Forward:
    """log x, the natural logarithm, for x > 0.  d/dx = 1/x."""
    return array_module(x).log(x), lambda g: g / x


@primitive
def log1p(x: Array) -> Forward:
    """log(1 + x) for x > −1, exact for small x too.  d/dx = 1/(1 + x)."""
    return array_module(x).log1p(x), lambda g: g / (1 + x)


@primitive
def expm1(x: Array) -> Forward:
    """eˣ − 1, exact for small x too.  d/dx = eˣ."""
    xp = array_module(x)
    return xp.expm1(x), lambda g: g * xp.exp(x)
