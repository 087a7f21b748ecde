"""Make the embedded subset of Fashion-MNIST from the full data set: `python -m minivae.data.make_embedded [FOLDER]`.

Prints the SHA-256 of each file before compression; they are the ones in fashion_subset.py. (The compressed bytes may
differ from one version of liblzma to another.)
"""

from __future__ import annotations

import hashlib
import lzma
import sys
from pathlib import Path

import numpy as np

from minivae.backend import Array
from minivae.data import idx
from minivae.data.dataset import Dataset
from minivae.data.fashion_subset import FOLDER, TEST_PER_CLASS, TRAIN_PER_CLASS
from minivae.data.mnist_files import fashion_mnist


def first_of_each_class(labels: Array, per_class: int) -> Array:
    """The indices of the first `per_class` examples of every class, in the order of the data."""
    return np.sort(np.concatenate([np.flatnonzero(labels == c)[:per_class] for c in np.unique(labels)]))


def embedded_files(train: Dataset, test: Dataset) -> dict[str, bytes]:
    """The content of the embedded idx files, before compression, by name."""
    files = {}
    for part, data, per_class in (("train", train, TRAIN_PER_CLASS), ("test", test, TEST_PER_CLASS)):
        assert data.labels is not None
        chosen = data[first_of_each_class(data.labels, per_class)]
        assert chosen.labels is not None
        images = chosen.images[:, 0]
        if part == "train":
            files["train-images-1.idx"] = idx.encode(images[: len(images) // 2])
            files["train-images-2.idx"] = idx.encode(images[len(images) // 2 :])
        else:
            files["test-images.idx"] = idx.encode(images)
        files[f"{part}-labels.idx"] = idx.encode(chosen.labels.astype(np.uint8))
    return files


def main(folder: Path = FOLDER) -> None:
    """Write the files."""
    for name, content in embedded_files(*fashion_mnist(full=True)).items():
        packed = lzma.compress(content, preset=9 | lzma.PRESET_EXTREME)
        (folder / f"{name}.xz").write_bytes(packed)
        print(f"{name}.xz  {len(packed):,} bytes  sha256 before compression {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
