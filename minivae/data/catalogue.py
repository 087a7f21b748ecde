"""Every data set by its name: what the command line offers, and where each would come from."""

from __future__ import annotations

import difflib
import importlib.util
from collections.abc import Callable

from minivae.data import mnist_files as full
from minivae.data import shapes
from minivae.data.dataset import Dataset
from minivae.data.densities import DENSITIES, Density
from minivae.data.sklearn_digits import digits
from minivae.errors import ConfigError, DataError
from minivae.random import stream

NAMES = {
    "fashion-mnist": "5,000 + 1,000 images of garments, 28 × 28, ten classes; comes with minivae",
    "fashion-mnist-full": "60,000 + 10,000 images of garments, 28 × 28, ten classes",
    "mnist": "60,000 + 10,000 handwritten digits, 28 × 28",
    "digits": "1,437 + 360 handwritten digits, 8 × 8, from scikit-learn",
    "dsprites": "10,000 + 1,000 squares, ellipses and hearts, 64 × 64, with exact factors",
    "ring": "points in the plane: eight Gaussians on a circle",
    "grid": "points in the plane: 25 Gaussians on a grid",
    "moons": "points in the plane: two half circles that reach into each other",
    "pinwheel": "points in the plane: five bent arms",
    "spiral": "points in the plane: two arms wound around the origin",
    "checkerboard": "points in the plane: uniform on eight squares",
}


def load(name: str, seed: int = 0) -> tuple[Dataset, Dataset]:
    """The training and the test set of this name.

    Args:
        name: one of NAMES.
        seed: for what is drawn or split at random (digits, dsprites, points); images from files do not depend on it.

    Raises:
        DataError: there is no such name, or the data cannot be had (then it says what was tried).
        MissingExtraError: a package is missing that has the data.
    """
    if name not in NAMES:
        raise DataError(f"{_unknown(name, tuple(NAMES))} Data of your own are for Python: mv.data.Dataset(images).")
    loaders: dict[str, Callable[[], tuple[Dataset, Dataset]]] = {
        "fashion-mnist": full.fashion_mnist,
        "fashion-mnist-full": lambda: full.fashion_mnist(full=True),
        "mnist": full.mnist,
        "digits": lambda: digits(seed),
        "dsprites": lambda: shapes.dsprites(seed=seed),
    }
    return loaders[name]() if name in loaders else toy(name, seed=seed)


def available() -> dict[str, str]:
    """For every name, where the data would come from; nothing is loaded or downloaded."""
    found = {"fashion-mnist": "comes with minivae", "dsprites": "drawn by minivae"}
    for name, folder_name in (("fashion-mnist-full", "fashion-mnist"), ("mnist", "mnist")):
        folder, _ = full.find(folder_name)
        size = full.DOWNLOAD_MB[folder_name]
        found[name] = f"found in {folder}" if folder else f"not on this machine; a download of {size} MB"
    has_sklearn = importlib.util.find_spec("sklearn") is not None
    found["digits"] = "found in scikit-learn" if has_sklearn else 'needs scikit-learn: pip install "minivae[data]"'
    return {name: found.get(name, "drawn by minivae") for name in NAMES}


def toy(name: str, n: int = 5_000, n_test: int = 1_000, seed: int = 0) -> tuple[Dataset, Dataset]:
    """Points (N, 2) drawn from a density in the plane; labels tell the component that each came from.

    `density(name)` is the density itself, with its exact log_prob.

    Args:
        name: one of DENSITIES.
        n: training points.
        n_test: test points.
        seed: for the draws; training and test points are independent.

    Raises:
        DataError: there is no density of this name.
        ConfigError: a negative number of points.
    """
    if min(n, n_test) < 0:
        raise ConfigError(f"n={n}, n_test={n_test}; expected numbers of points >= 0")

    def draw(part: str, size: int) -> Dataset:
        points, component = density(name).draw(size, stream(seed, "toy", name, part))
        return Dataset(points, component, name, "drawn by minivae")

    return draw("train", n), draw("test", n_test)


def density(name: str) -> Density:
    """The density in the plane of this name.

    Raises:
        DataError: there is none.
    """
    if name not in DENSITIES:
        raise DataError(_unknown(name, tuple(DENSITIES)))
    return DENSITIES[name]


def _unknown(name: str, names: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(str(name).lower().replace("_", "-"), names, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return f"unknown data set {name!r}; expected one of {', '.join(names)}.{hint}"
