"""MNIST and Fashion-MNIST in full: found on this machine, or downloaded once.

Looked for in this order: `$MINIVAE_DATA/mnist` or `$MINIVAE_DATA/fashion-mnist`, the folder `$MINIVAE_DATA` itself,
the folder of Debian's package dataset-fashion-mnist, the cache (`~/.cache/minivae`), and then the mirrors. What is
checked is the SHA-256 of the *decompressed* files, so that every mirror that compressed them anew will do.

Sources: LeCun, Bottou, Bengio and Haffner 1998, "Gradient-based learning applied to document recognition";
Xiao, Rasul and Vollgraf 2017, "Fashion-MNIST: a novel image dataset for benchmarking machine learning algorithms".
"""

from __future__ import annotations

import hashlib
import os
import sys
from functools import partial
from pathlib import Path

from minivae.backend import Array
from minivae.data import idx
from minivae.data.dataset import Dataset
from minivae.data.download import fetch
from minivae.data.fashion_subset import FASHION_CLASSES, fashion_mnist_subset
from minivae.errors import DataError, MissingExtraError

SHA256 = {
    "mnist": {
        "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
    "fashion-mnist": {
        "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    },
}
MIRRORS = {
    "mnist": [
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ],
    "fashion-mnist": ["http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"],
}
DEBIAN = {"fashion-mnist": Path("/usr/share/datasets/fashion-mnist")}
DOWNLOAD_MB = {"mnist": 11, "fashion-mnist": 31}

_announced: set[str] = set()


def mnist() -> tuple[Dataset, Dataset]:
    """MNIST: 60,000 training and 10,000 test images of handwritten digits, (1, 28, 28) bytes each.

    Raises:
        DataError: a file is damaged, or the files are nowhere and cannot be downloaded.
    """
    return _load("mnist")


def fashion_mnist(full: bool = False) -> tuple[Dataset, Dataset]:
    """Fashion-MNIST: images of garments, (1, 28, 28) bytes each, ten classes.

    Args:
        full: False for the 5,000 + 1,000 images that come with minivae; True for all 60,000 + 10,000.

    Raises:
        DataError: (full) a file is damaged, or the files are nowhere and cannot be downloaded.
    """
    return _load("fashion-mnist") if full else fashion_mnist_subset()


def cache_folder() -> Path:
    """Where downloads are kept: `$XDG_CACHE_HOME/minivae`, by default `~/.cache/minivae`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "minivae"


def find(name: str) -> tuple[Path | None, list[str]]:
    """The first folder that has all four files, or None; and why each folder before it was passed over."""
    passed_over = []
    root = os.environ.get("MINIVAE_DATA")
    if not root:
        passed_over.append("$MINIVAE_DATA: not set")
    folders = [Path(root).expanduser() / name, Path(root).expanduser()] if root else []
    folders += [DEBIAN[name]] if name in DEBIAN else []
    for folder in [*folders, cache_folder() / name]:
        missing = [stem for stem in SHA256[name] if _file(folder, stem) is None]
        if not folder.is_dir():
            passed_over.append(f"{folder}: no such folder")
        elif missing:
            passed_over.append(f"{folder}: does not have {', '.join(missing)}")
        elif other := _is_another(folder, name):
            passed_over.append(f"{folder}: holds {other}")
        else:
            return folder, passed_over
    return None, passed_over


def _load(name: str) -> tuple[Dataset, Dataset]:
    folder, passed_over = find(name)
    if folder is None:
        folder = _download(name, passed_over)
    else:
        _announce(f"minivae: {name} from {folder}")
    arrays = {stem: idx.parse(_verified(path, name, stem), str(path)) for stem, path in _files(folder, name)}

    def dataset(part: str) -> Dataset:
        images: Array = arrays[f"{part}-images-idx3-ubyte"][:, None]
        labels = arrays[f"{part}-labels-idx1-ubyte"]
        classes = FASHION_CLASSES if name == "fashion-mnist" else tuple("0123456789")
        return Dataset(images, labels, name, str(folder), class_names=classes)

    return dataset("train"), dataset("t10k")


def _file(folder: Path, stem: str) -> Path | None:
    """The file, plain or gzipped, if it is there."""
    return next((path for path in (folder / stem, folder / f"{stem}.gz") if path.is_file()), None)


def _files(folder: Path, name: str) -> list[tuple[str, Path]]:
    return [(stem, path) for stem in SHA256[name] if (path := _file(folder, stem)) is not None]


def _is_another(folder: Path, name: str) -> str | None:
    """The other data set whose files (of the same names) are in this folder; told by the smallest one's hash."""
    stem = "t10k-labels-idx1-ubyte"
    path = _file(folder, stem)
    assert path is not None
    try:
        found = hashlib.sha256(idx.decompressed(path)).hexdigest()
    except DataError:
        return None  # damaged: loading will say so
    return next((other for other in SHA256 if other != name and SHA256[other][stem] == found), None)


def _verified(path: Path, name: str, stem: str) -> bytes:
    """The decompressed bytes of a file, if they are the right ones."""
    content = idx.decompressed(path)
    if wrong := _wrong_hash(content, name, stem):
        raise DataError(
            f"{path} is damaged, or is another file: {wrong}. Delete it: the next call then looks elsewhere, "
            "or downloads it."
        )
    return content


def _check_download(path: Path, name: str, stem: str) -> None:
    if wrong := _wrong_hash(idx.decompressed(path), name, stem):
        raise DataError(f"sent a damaged or another file (not kept): {wrong}")


def _wrong_hash(content: bytes, name: str, stem: str) -> str | None:
    found, expected = hashlib.sha256(content).hexdigest(), SHA256[name][stem]
    if found == expected:
        return None
    return f"decompressed, its SHA-256 is {found}; expected {expected} ({stem} of {name})"


def _download(name: str, passed_over: list[str]) -> Path:
    """Fetch what is missing into the cache; returns the folder there."""
    folder = cache_folder() / name
    used = set()
    try:
        for stem in SHA256[name]:
            if _file(folder, stem) is None:
                urls = [f"{mirror}{stem}.gz" for mirror in MIRRORS[name]]
                url = fetch(urls, folder / f"{stem}.gz", partial(_check_download, name=name, stem=stem))
                used.add(url.rpartition("/")[0])
    except (DataError, MissingExtraError) as error:
        tried = "\n  ".join([*passed_over, *str(error).splitlines()])
        raise DataError(
            f"the full {name} is not on this machine and could not be downloaded. Tried:\n  {tried}\n"
            f"Expected the four files {', '.join(SHA256[name])} (as they are, or gzipped, with .gz at the end). "
            f"Put them into {folder}, or into a folder {name}/ inside the folder that MINIVAE_DATA names. "
            "'fashion-mnist' has 5,000 images that need no download."
        ) from error
    _announce(f"minivae: {name} downloaded from {', '.join(sorted(used))} to {folder}")
    return folder


def _announce(message: str) -> None:
    """Say it on standard error, once."""
    if message not in _announced:
        _announced.add(message)
        print(message, file=sys.stderr)
