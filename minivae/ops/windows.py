"""Windows: how a kernel or a pooling window is laid over an image, and the image's windows as rows of a matrix."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from minivae.backend import Array, array_module, backend_of
from minivae.errors import ConfigError, ShapeError

Pair = tuple[int, int]
IntOrPair = int | tuple[int, int]

TILE_BYTES = 1 << 20
"""Roughly what one tile of a batch may occupy. Half of a core's L2 cache, typically; see `tiles`."""


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


def reach(kernel: Pair, dilation: Pair) -> Pair:
    """From a window's first to its last entry, both counted: dilation·(kernel − 1) + 1."""
    return _each_axis(lambda k, d: d * (k - 1) + 1, kernel, dilation)


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


def tiles(x: Array, bytes_per_image: int) -> Iterator[slice]:
    """Slices of the batch, so small that what is computed for one is still in cache when it is used.

    A 4×4 convolution of (128, 32, 14, 14) to 64 channels with stride 2 needs 1 MB for its windows instead of 13. On
    one core it takes 4.4 ms instead of 4.5, the gradient for its kernel 4.4 instead of 4.7, that for x 5.7 instead of
    6.1; the matrix products alone take 3.2. A GPU gets the batch at once: to start a kernel costs it more than its
    cache saves.
    """
    size = len(x) if backend_of(x) == "cupy" else TILE_BYTES // max(1, bytes_per_image)
    for start in range(0, len(x), max(1, size)):
        yield slice(start, min(len(x), start + max(1, size)))


def column_tiles(x: Array, grid: Grid) -> Iterator[tuple[slice, Array]]:
    """Tile by tile, the windows of the images x (N, C, H, W) as rows of a matrix (known as im2col).

    Yields a slice of the batch, and its matrix: for each image and output position one row, the window's
    kh·kw·C entries. The copy is made from a view in which entries that windows share appear many times.
    """
    xp = array_module(x)
    images = x.transpose(0, 2, 3, 1)
    (height, width), channels = grid.size, x.shape[1]
    (kh, kw), (sh, sw), (dh, dw), (ph, pw) = grid.kernel, grid.stride, grid.dilation, grid.padding
    rows, row = grid.count[0] * grid.count[1], kh * kw * channels
    frame: Array | None = None
    for tile in tiles(x, x.itemsize * (rows * row + grid.padded[0] * grid.padded[1] * channels)):
        n = tile.stop - tile.start
        if ph or pw:
            if frame is None:
                frame = xp.zeros((n, *grid.padded, channels), x.dtype)  # its border stays 0 from tile to tile
            frame[:n, ph : ph + height, pw : pw + width] = images[tile]
            padded = frame[:n]
        else:
            padded = xp.ascontiguousarray(images[tile])
        of_n, of_h, of_w, of_c = padded.strides
        windows = xp.lib.stride_tricks.as_strided(
            padded,
            (n, *grid.count, kh, kw, channels),
            (of_n, of_h * sh, of_w * sw, of_h * dh, of_w * dw, of_c),
        )
        yield tile, windows.reshape(n * rows, row)
