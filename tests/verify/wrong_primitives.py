"""Primitives that are wrong on purpose."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minivae.autodiff import Forward, Tensor, primitive
from minivae.backend import Array


def sine(pullback: Callable[[Array, Array], Any]) -> Callable[..., Tensor]:
    """sin x with the pullback (x, g) ↦ pullback(x, g)."""

    @primitive
    def sin(x: Array) -> Forward:
        """sin x."""
        return np.sin(x), lambda g: pullback(x, g)

    return sin


def product(left: Callable[[Array, Array, Array], Any], right: Callable[[Array, Array, Array], Any]):
    """x · y with the pullbacks left(x, y, g) and right(x, y, g)."""

    @primitive
    def product(x: Array, y: Array) -> Forward:
        """x · y, shapes broadcast."""
        return x * y, (lambda g: left(x, y, g), lambda g: right(x, y, g))

    return product


def matrix_product(left: Callable[[Array, Array, Array], Any], right: Callable[[Array, Array, Array], Any]):
    """x @ w with the pullbacks left(x, w, g) and right(x, w, g)."""

    @primitive
    def matrix_product(x: Array, w: Array) -> Forward:
        """x @ w."""
        return x @ w, (lambda g: left(x, w, g), lambda g: right(x, w, g))

    return matrix_product
