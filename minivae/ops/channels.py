"""The channels of a batch of images: where they lie in memory, and sums over all that is not a channel.

The caller sees images as (N, C, H, W). In memory they are channels-last, (N, H, W, C), wherever these ops made them: a
transposed view. A window's entries then lie in runs of kernel width × C numbers, so that copying windows copies runs.
"""

from __future__ import annotations

import math

from minivae.backend import Array, array_module


def channels_last(x: Array) -> Array:
    """(N, C, H, W) -> contiguous (N, H, W, C); a copy only where memory is not channels-last already."""
    return array_module(x).ascontiguousarray(x.transpose(0, 2, 3, 1))


def channels_first(x: Array) -> Array:
    """(N, H, W, C) -> (N, C, H, W), a view."""
    return x.transpose(0, 3, 1, 2)


def sum_each_image(x: Array) -> Array:
    """Σ over the pixels of each image: (N, C, ...) -> (N, C).

    As a product with ones. Down the channels-last memory of an array of shape (128, 32, 14, 14) NumPy's own sum takes
    five times as long.
    """
    pixels = x.reshape(*x.shape[:2], math.prod(x.shape[2:])).swapaxes(1, 2)
    ones = array_module(x).ones((1, pixels.shape[1]), x.dtype)
    return (ones @ pixels)[:, 0]


def sum_over_pixels(x: Array) -> Array:
    """Σ over all axes but axis 1: (N, C, ...) -> (C,).

    First within each image, then over the images: in float32, adding all pixels in one row is ten times less exact.
    """
    return sum_each_image(x).sum(axis=0)
