"""Pixels between 0 and 1 as coin tosses: under a Bernoulli likelihood an image must be black and white.

Three ways: *dynamic*, a new toss each time an image is used (Salakhutdinov and Murray 2008; Burda et al. 2016);
*fixed*, one toss for good, as in Larochelle's binarised MNIST (Larochelle and Murray 2011); *threshold*, no chance.
The numbers of the three are not comparable: always say which.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from minivae.backend import Array
from minivae.data.dataset import Dataset
from minivae.random import Rng, stream, uniform

CHUNK = 256  # examples whose fixed tosses come from one stream


def toss(images: Array, rng: Rng) -> Array:
    """A bool for each pixel, True with probability exactly v / 255 (bytes), or x within 2^-24 (floats in [0, 1]).

    A byte that is uniform on 0 … 254 lies below v in v of 255 cases.
    """
    return _chances(rng, images.shape, images.dtype) < images


def threshold(images: Array) -> Array:
    """A bool for each pixel: x >= 0.5, which for bytes means v >= 128."""
    return images >= (128 if images.dtype == np.uint8 else np.float32(0.5))


def binarised(dataset: Dataset) -> Dataset:
    """The data set with every pixel tossed once, for good: 0 or 255 as bytes.

    The result depends on an example's index alone, on no seed: all runs see the same data, so their scores compare.
    """
    tosses = np.empty(dataset.images.shape, np.bool_)
    for start in range(0, len(dataset), CHUNK):
        images = dataset.images[start : start + CHUNK]
        rng = stream(0, "binarise", "fixed", start // CHUNK)
        # a whole chunk's chances, though fewer images may be left: a longer data set must not change them
        chances = _chances(rng, (CHUNK, *dataset.image_shape), images.dtype)
        tosses[start : start + CHUNK] = chances[: len(images)] < images
    return replace(dataset, images=tosses, source=f"{dataset.source}, binarised once")


def _chances(rng: Rng, shape: tuple[int, ...], dtype: np.dtype) -> Array:
    if dtype != np.uint8:
        return uniform(rng, shape)
    size = int(np.prod(shape))
    draws = rng.bit_generator.random_raw(-(-size // 8)).view(np.uint8)[:size]
    while (spoilt := np.flatnonzero(draws == 255)).size:  # draw again, so that 0 … 254 are left, all equally likely
        draws[spoilt] = np.frombuffer(rng.bytes(spoilt.size), np.uint8)
    return draws.reshape(shape)
