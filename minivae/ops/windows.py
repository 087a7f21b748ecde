"""Windows: how the window of a convolution or of pooling is laid over an image."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

from minivae.backend import Array
from minivae.errors import ConfigError, ShapeError

Pair = tuple[int, int]
IntOrPair = int | tuple[int, int]


@dataclass(frozen=True)
class Grid:
    """Where windows lie on an image: all that a convolution knows beside its kernel. Pairs are (height, width).

    Along each axis, window o meets with its entry k the image's position  o·stride + k·dilation − padding.
    """

    size: Pair  # of the image
    count: Pair  # of windows, and so the size of a convolution's value
    kernel: Pair
    stride: Pair
    padding: Pair
    dilation: Pair
    groups: int = 1

    @property
    def padded(self) -> Pair:
        """The size of the image with its padding."""
        return _each_axis(lambda n, p: n + 2 * p, self.size, self.padding)

    def met_by(self, i: int, j: int) -> tuple[slice, slice]:
        """The rows and columns of the padded image that entry (i, j) of the windows meets, one for each window."""
        return _each_axis(
            lambda k, n, s, d: slice(k * d, k * d + (n - 1) * s + 1, s), (i, j), self.count, self.stride, self.dilation
        )


def reach_along(kernel: int, dilation: int) -> int:
    """From a window's first to its last entry along one axis, both counted: dilation·(kernel − 1) + 1."""
    return dilation * (kernel - 1) + 1


def reach(kernel: Pair, dilation: Pair) -> Pair:
    """`reach_along` both axes."""
    return _each_axis(reach_along, kernel, dilation)


def _each_axis(f: Any, *pairs: tuple) -> Any:
    height, width = (f(*values) for values in zip(*pairs, strict=True))
    return height, width


def pair(op: str, name: str, value: Any, least: int) -> Pair:
    """(height, width) from a whole number, or from two.

    Raises:
        ConfigError: it is neither, or below `least`.
    """
    both = value if isinstance(value, (tuple, list)) else (value, value)
    try:
        height, width = (operator.index(number) for number in both)
    except (TypeError, ValueError):
        height = width = least - 1
    if min(height, width) < least:
        raise ConfigError(
            f"{op}: {name} is {value!r}; expected a whole number of at least {least}, or a pair (height, width)"
        )
    return height, width


def lay(op: str, x: Array, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int = 1) -> Grid:
    """The grid of all windows that fit on x: ⌊(size + 2·padding − reach) / stride⌋ + 1 along each axis.

    Raises:
        ShapeError: x is not (N, C, H, W), or too small for one window.
    """
    if x.ndim != 4:
        raise ShapeError(f"{op}: x has shape {x.shape}; expected images as (N, C, H, W)")
    size, extent = (x.shape[2], x.shape[3]), reach(kernel, dilation)
    count = _each_axis(lambda n, p, r, s: (n + 2 * p - r) // s + 1, size, padding, extent, stride)
    grid = Grid(size, count, kernel, stride, padding, dilation, groups)
    if min(count) < 1:
        raise ShapeError(
            f"{op}: the window is larger than the image. x has shape {x.shape}, so {grid.padded} with its padding; a "
            f"kernel of {kernel} with dilation {dilation} reaches over {extent}. Give larger images, more padding or a "
            "smaller kernel."
        )
    return grid
