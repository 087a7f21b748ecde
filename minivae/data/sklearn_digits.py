"""The 8 × 8 digits that come with scikit-learn: small enough for lessons that must run in seconds.

Source: E. Alpaydin and C. Kaynak 1998, "Optical recognition of handwritten digits", UCI machine learning repository.
"""

from __future__ import annotations

import numpy as np

from minivae.data.dataset import Dataset
from minivae.errors import require
from minivae.random import stream

TEST_PER_CLASS = 36


def digits(seed: int = 0) -> tuple[Dataset, Dataset]:
    """1,437 training and 360 test images of handwritten digits, (1, 8, 8), with the exact values k/16, k = 0…16.

    The test set has 36 images of each class, drawn by the seed; the training set has the rest (138 to 147 each).

    Args:
        seed: which images are for testing.

    Raises:
        MissingExtraError: scikit-learn, which has the images, is not installed.
    """
    bunch = require("sklearn.datasets", "data").load_digits()
    images = bunch.images[:, None].astype(np.float32) / np.float32(16)
    labels = bunch.target.astype(np.int64)
    rng = stream(seed, "digits")
    chosen = [rng.permutation(np.flatnonzero(labels == c))[:TEST_PER_CLASS] for c in range(10)]
    is_test = np.isin(np.arange(len(labels)), np.concatenate(chosen))
    everything = Dataset(images, labels, "digits", "scikit-learn", class_names=tuple("0123456789"))
    return everything[~is_test], everything[is_test]
