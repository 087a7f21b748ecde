"""Small data and small models, so that a training run takes milliseconds."""

from __future__ import annotations

import numpy as np
import pytest

from minivae.data import Dataset
from minivae.models import VAE


@pytest.fixture
def bars():
    """Grey images of 1 × 4 × 4, a bright row or column each: 50 to train on, 20 to test on."""
    rng = np.random.Generator(np.random.Philox(3))
    images = rng.random((70, 1, 4, 4), dtype=np.float32) * np.float32(0.2)
    for image in images:
        index = rng.integers(4)
        if rng.random() < 0.5:
            image[0, index] = 0.9
        else:
            image[0, :, index] = 0.9
    whole = Dataset(images, name="bars")
    return whole[:50], whole[50:]


@pytest.fixture
def small_vae():
    """A function that makes the same untrained model each time."""

    def make(likelihood="bernoulli", **options):
        settings = {"image_shape": (1, 4, 4), "hidden": (8,), "latent_dim": 2, "seed": 1} | options
        return VAE(likelihood=likelihood, **settings)

    return make
