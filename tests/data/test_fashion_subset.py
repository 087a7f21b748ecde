"""The embedded images are the first ones of each class of the originals, and nothing else."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

import minivae.data as data
from minivae.data import idx, make_embedded
from minivae.data.fashion_subset import FOLDER, SHA256


def test_there_are_500_training_and_100_test_images_of_each_class():
    for part, per_class in zip(data.fashion_mnist(), (500, 100), strict=True):
        assert part.images.dtype == np.uint8
        assert part.images.shape == (10 * per_class, 1, 28, 28)
        assert np.bincount(part.labels).tolist() == [per_class] * 10
        assert len(part.class_names) == 10


@pytest.mark.parametrize("name", SHA256)
def test_each_file_is_the_one_that_was_made(name):
    assert hashlib.sha256(idx.decompressed(FOLDER / f"{name}.xz")).hexdigest() == SHA256[name]


def test_no_image_is_in_both_sets():
    train, test = data.fashion_mnist()
    assert not {x.tobytes() for x in train.images} & {x.tobytes() for x in test.images}


def test_the_files_are_small_and_their_licence_is_beside_them():
    sizes = [path.stat().st_size for path in FOLDER.glob("*.xz")]
    assert len(sizes) == len(SHA256)
    assert max(sizes) < 1_000_000
    assert sum(sizes) < 2_300_000
    licence = (FOLDER / "FASHION_MNIST_LICENSE.txt").read_text(encoding="utf-8")
    assert "Copyright © 2017 Zalando SE, https://tech.zalando.com" in licence
    assert "MIT License" in licence


def test_the_first_of_each_class_keep_the_order_of_the_data():
    labels = np.array([1, 1, 0, 1, 0, 0, 2, 2])
    assert make_embedded.first_of_each_class(labels, 2).tolist() == [0, 1, 2, 4, 6, 7]


def test_the_embedded_files_can_be_made_again_from_the_full_data():
    root = os.environ.get("MINIVAE_DATA")
    if not root or not (Path(root) / "fashion-mnist").is_dir():
        pytest.skip("needs the full Fashion-MNIST: set MINIVAE_DATA to a folder with fashion-mnist/")
    files = make_embedded.embedded_files(*data.fashion_mnist(full=True))
    assert {name: hashlib.sha256(content).hexdigest() for name, content in files.items()} == SHA256


def test_main_writes_files_that_unpack_to_the_same_bytes(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(make_embedded, "fashion_mnist", lambda full: tuple(d[:40] for d in data.fashion_mnist()))
    make_embedded.main(tmp_path)
    train, _ = data.fashion_mnist()
    assert np.array_equal(idx.read(tmp_path / "train-images-2.idx.xz"), train.images[20:40, 0])
    digest = hashlib.sha256(idx.decompressed(tmp_path / "test-labels.idx.xz")).hexdigest()
    assert f"{digest}" in capsys.readouterr().out
