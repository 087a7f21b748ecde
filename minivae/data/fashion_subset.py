"""The images that come with minivae: a class-balanced subset of Fashion-MNIST, so that everything runs offline.

Of each class the first 500 training and the first 100 test images, in the order of the original files (Xiao, Rasul
and Vollgraf 2017; MIT licence, see embedded/FASHION_MNIST_LICENSE.txt). `python -m minivae.data.make_embedded` makes
the files from the full data set.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from minivae.backend import Array
from minivae.data import idx
from minivae.data.dataset import Dataset

FOLDER = Path(__file__).parent / "embedded"
TRAIN_PER_CLASS, TEST_PER_CLASS = 500, 100

FASHION_CLASSES = (
    "T-shirt",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)

# The idx files before compression; the training images are in two parts to keep each file small.
SHA256 = {
    "train-images-1.idx": "b33bb7209523b7098b355ac4e0c34911727eb126447b93137077c1b319b4aa48",
    "train-images-2.idx": "033718a762b2600876dc0d4a666dfe1e558d7c46a302aaace5b58ea2820ff52f",
    "train-labels.idx": "35d691216f65485d010cc635af5574a9dc04aa5060de9be64ab6e5cb5ead38e9",
    "test-images.idx": "7cee33c3c6414b1b86c25e665a6c4f41584269de3b7cc9768b1d351922845eef",
    "test-labels.idx": "3128d790775889812b73c4f13923559c8b9e281d112c6ea7862acf60a206a909",
}


def fashion_mnist_subset() -> tuple[Dataset, Dataset]:
    """The embedded 5,000 training and 1,000 test images of Fashion-MNIST, (1, 28, 28) bytes each, ten classes."""
    images = np.concatenate([_read("train-images-1.idx"), _read("train-images-2.idx")])
    return _dataset(images, _read("train-labels.idx")), _dataset(_read("test-images.idx"), _read("test-labels.idx"))


def _read(name: str) -> Array:
    return idx.read(FOLDER / f"{name}.xz")


def _dataset(images: Array, labels: Array) -> Dataset:
    return Dataset(images[:, None], labels, "fashion-mnist", "the embedded files", class_names=FASHION_CLASSES)
