"""White shapes on black with known factors: shape, scale, orientation and position, drawn here, exactly.

Modelled on the idea of dSprites (Matthey, Higgins, Hassabis and Lerchner 2017), with the differences that make the
factors exact: at one scale all shapes have the same area, the position is the shape's centre of mass, and the 40
orientations are all different angles (a square looks the same after a quarter turn, an ellipse after half of one).

In units of the image's side: at scale s the area is 0.075 s²; the centre is at (16.5 + i)/64, i = 0 … 31, so
every shape lies within the image. Nothing is smoothed: a pixel is white if its centre lies in the shape.
"""

from __future__ import annotations

import math

import numpy as np

from minivae.backend import Array
from minivae.data.dataset import Dataset
from minivae.errors import ConfigError, DataError
from minivae.random import stream

FACTOR_NAMES = ("shape", "scale", "orientation", "x", "y")
FACTOR_SIZES = (3, 6, 40, 32, 32)
SHAPES = ("square", "ellipse", "heart")
TOTAL = math.prod(FACTOR_SIZES)

AREA = 0.075  # of the image, at scale 1
_SQUARE = math.sqrt(AREA) / 2  # half a side
_ELLIPSE = math.sqrt(AREA / (2 * math.pi))  # the short half-axis; the long one is twice that
_LOBE = math.sqrt(AREA / (4 + math.pi))  # the heart: a square of side 2r on its corner, half circles of radius r
_HEART_CENTRE = _LOBE * (math.pi + 4 / 3) / (math.sqrt(2) * (4 + math.pi))  # its centroid, above the square's centre


def dsprites(n: int = 10_000, n_test: int = 1_000, seed: int = 0, size: int = 64) -> tuple[Dataset, Dataset]:
    """A random training and test set out of all 737,280 images, none of them twice; (1, size, size) bytes, 0 or 255.

    `factors` are the indices (N, 5) of shape, scale, orientation, x and y; `labels` are the shapes.

    Args:
        n: training images.
        n_test: test images.
        seed: which of the images.
        size: pixels along a side: 16, 32, or a multiple of 64.

    Raises:
        ConfigError: more images than there are, fewer than none, or a size that the grid of positions does not fit.
    """
    if min(n, n_test) < 0 or n + n_test > TOTAL:
        raise ConfigError(f"n={n}, n_test={n_test}; expected numbers >= 0 with a sum of at most {TOTAL:,}")
    chosen = stream(seed, "dsprites").choice(TOTAL, n + n_test, replace=False)
    factors = np.stack(np.unravel_index(chosen, FACTOR_SIZES), axis=1)
    return _dataset(factors[:n], size), _dataset(factors[n:], size)


def sprites(factors: Array, size: int = 64) -> Array:
    """The images with these factors: indices (N, 5) of shape, scale, orientation, x, y -> (N, 1, size, size) uint8.

    `factor_grid()` gives the factors of all images in order.

    Raises:
        DataError: the indices are not (N, 5), or lie outside FACTOR_SIZES.
        ConfigError: a size that the grid of positions does not fit.
    """
    factors = np.asarray(factors)
    _check(factors, size)
    # A centre is a whole number of pixels and a fraction of one, here in 128ths. A shape is drawn once for each
    # fraction that occurs (for sizes from 64 on there is but one) on a larger canvas; an image is a window on that.
    whole, fraction = np.divmod((2 * factors[:, 3:] + 33) * size, 128)
    axes = (*FACTOR_SIZES[:3], 128, 128)
    numbers = np.ravel_multi_index((*factors[:, :3].T, *fraction.T), axes)
    kinds, kind = np.unique(numbers, return_inverse=True)
    reach = 48 * size // 64  # no centre is further than this from the top left corner
    canvas = _draw(np.stack(np.unravel_index(kinds, axes), axis=1), reach + size, reach, size)
    windows = np.lib.stride_tricks.sliding_window_view(canvas, (size, size), axis=(1, 2))
    images = windows[kind, reach - whole[:, 1], reach - whole[:, 0]]
    return images[:, None]


def factor_grid() -> Array:
    """The factors of all 737,280 images, (737280, 5); the last one, y, changes fastest."""
    return np.stack(np.unravel_index(np.arange(TOTAL), FACTOR_SIZES), axis=1)


def factor_values(factors: Array) -> Array:
    """What the indices (N, 5) mean, in the same order, (N, 5).

    The shape's number, the scale, the angle in radians (clockwise), and the centre of mass: x from the left and y
    from the top, as fractions of the image's side.
    """
    shape, scale, orientation, x, y = np.asarray(factors).T
    return np.stack([shape, 0.5 + scale / 10, orientation * (math.tau / 40), (x + 16.5) / 64, (y + 16.5) / 64], axis=1)


def _dataset(factors: Array, size: int) -> Dataset:
    images = sprites(factors, size)
    return Dataset(images, factors[:, 0], "dsprites", "drawn by minivae", factors, FACTOR_NAMES, SHAPES)


def _draw(kinds: Array, side: int, middle: int, size: int) -> Array:
    """(K, side, side) canvases, each with one shape, its centre at `middle` plus its fraction of a pixel."""
    shape, scale, orientation = kinds[:, 0], 0.5 + kinds[:, 1] / 10, kinds[:, 2] * (math.tau / 40)
    radius = math.ceil(0.25 * size)  # a box that holds every shape
    pixels = np.arange(-radius, radius + 1) + 0.5
    x = (pixels - kinds[:, 3, None] / 128)[:, None, :] / size / scale[:, None, None]
    y = (pixels - kinds[:, 4, None] / 128)[:, :, None] / size / scale[:, None, None]
    cos, sin = np.cos(orientation)[:, None, None], np.sin(orientation)[:, None, None]
    x, y = cos * x + sin * y, cos * y - sin * x  # turned back to where the shape stands upright
    canvas = np.zeros((len(kinds), side, side), np.uint8)
    box = slice(middle - radius, middle + radius + 1)
    for number, contains in enumerate((_in_square, _in_ellipse, _in_heart)):
        mine = shape == number
        canvas[mine, box, box] = np.where(contains(x[mine], y[mine]), np.uint8(255), np.uint8(0))
    return canvas


def _in_square(x: Array, y: Array) -> Array:
    return np.maximum(np.abs(x), np.abs(y)) <= _SQUARE


def _in_ellipse(x: Array, y: Array) -> Array:
    return (x / 2) ** 2 + y**2 <= _ELLIPSE**2


def _in_heart(x: Array, y: Array) -> Array:
    """The square stands on its corner (y points down); each half circle sits on one of its upper sides."""
    y = y - _HEART_CENTRE
    u, v = (x - y) / math.sqrt(2), (-x - y) / math.sqrt(2)  # along the two upper sides' normals
    square = np.maximum(np.abs(u), np.abs(v)) <= _LOBE
    return square | ((u - _LOBE) ** 2 + v**2 <= _LOBE**2) | (u**2 + (v - _LOBE) ** 2 <= _LOBE**2)


def _check(factors: Array, size: int) -> None:
    if size not in (16, 32) and (size < 64 or size % 64):
        raise ConfigError(f"size={size}; expected 16, 32, or a multiple of 64, so that the 32 positions fit the pixels")
    if factors.ndim != 2 or factors.shape[1] != 5 or factors.dtype.kind not in "iu":
        raise DataError(
            f"factors of shape {factors.shape} and dtype {factors.dtype}; expected whole numbers (N, 5): "
            f"{', '.join(FACTOR_NAMES)}. For one image, sprites([[2, 5, 0, 16, 16]])."
        )
    outside = (factors < 0) | (factors >= np.array(FACTOR_SIZES))
    if outside.any():
        row, column = np.argwhere(outside)[0]
        raise DataError(
            f"factors[{row}, {column}] = {factors[row, column]}; expected {FACTOR_NAMES[column]} from 0 to "
            f"{FACTOR_SIZES[column] - 1}"
        )
