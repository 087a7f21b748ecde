"""Arithmetic, entry by entry. All of it broadcasts; undoing that on the way back is not an op's concern."""

from __future__ import annotations

from minivae.autodiff import Forward, primitive
from minivae.backend import Array, array_module


@primitive
def add(x: Array, y: Array) -> Forward:
    """x + y, shapes broadcast.  d/dx = 1, d/dy = 1."""
    return x + y, (lambda g: g, lambda g: g)


@primitive
def sub(x: Array, y: Array) -> Forward:
    """x − y, shapes broadcast.  d/dx = 1, d/dy = −1."""
    return x - y, (lambda g: g, lambda g: -g)


@primitive
def mul(x: Array, y: Array) -> Forward:
    """x · y, shapes broadcast.  d/dx = y, d/dy = x."""
    return x * y, (lambda g: g * y, lambda g: g * x)


@primitive
def div(x: Array, y: Array) -> Forward:
    """x / y, shapes broadcast.  d/dx = 1/y, d/dy = −x/y²."""
    z = x / y
    return z, (lambda g: g / y, lambda g: -g * z / y)
