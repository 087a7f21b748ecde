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


@primitive
def neg(x: Array) -> Forward:
    """−x.  d/dx = −1."""
    return -x, lambda g: -g


@primitive
def square(x: Array) -> Forward:
    """x².  d/dx = 2x."""
    return x * x, lambda g: g * (2 * x)


@primitive
def sqrt(x: Array) -> Forward:
    """√x for x ≥ 0.  d/dx = 1/(2√x), infinite at 0."""
    y = array_module(x).sqrt(x)
    return y, lambda g: g / (2 * y)


@primitive
def power(x: Array, y: Array) -> Forward:
    """xʸ, shapes broadcast.  d/dx = y·xʸ⁻¹, d/dy = xʸ·log x.

    A negative x needs a whole number y, and then there is no derivative by y. At x = 0 the derivative by y is taken
    as 0, its limit for y > 0.
    """
    xp = array_module(x, y)
    z = x**y
    return z, (
        lambda g: g * y * x ** (y - (y != 0)),  # where y = 0 this is 0 · x⁰, never 0 · ∞
        lambda g: g * z * xp.log(x + (x == 0)),  # where x = 0 this is 0 · log 1
    )
