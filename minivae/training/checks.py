"""One look at the data before training, so that a mistake in them is an error now and not a NaN in an hour."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

from minivae.backend import Array
from minivae.data import check_images
from minivae.errors import ConfigError, DataError, ShapeError
from minivae.metrics import to_model
from minivae.models import evaluation

CHUNK = 4096  # examples looked at together


def is_grey(dataset: Any) -> bool:
    """Whether some pixel is neither black nor white (0 or 1; of bytes 0 or 255)."""
    white = 255 if dataset.images.dtype == np.uint8 else 1
    return any(bool(((part != 0) & (part != white)).any()) for part in _chunks(dataset.images))


def choose_binarise(model: Any, dataset: Any, binarise: str | None) -> str | None:
    """What `binarise=None` means: "dynamic" where a Bernoulli likelihood meets grey pixels, else nothing."""
    if binarise is None and likelihood_of(model) == "bernoulli" and is_grey(dataset):
        return "dynamic"
    return binarise


def likelihood_of(model: Any) -> str | None:
    """The name of the model's likelihood, if it has one in its config."""
    return (getattr(model, "config", None) or {}).get("likelihood")


def check_data(model: Any, dataset: Any, name: str, binarise: str | None) -> None:
    """Check that the data can be trained on by this model.

    Raises:
        DataError: they are empty, hold NaN or infinity, or values that the likelihood cannot have produced.
        ShapeError: the images do not have the shape that the model was made for.
    """
    given, expected = tuple(dataset.images.shape[1:]), (getattr(model, "config", None) or {}).get("image_shape")
    what = f"the {name} data ({dataset.name})"
    if len(dataset) and expected is not None and given != tuple(expected):
        raise ShapeError(
            f"{what} are images of shape {given}, this model was made for {tuple(expected)} (channels, height, "
            f"width). {_shape_hint(given, tuple(expected))}"
        )
    unit_interval = binarise is not None or likelihood_of(model) in ("bernoulli", "grey-bce")
    try:
        check_images(dataset.images, *((0.0, 1.0) if unit_interval else (None, None)))
        if binarise is None:
            _check_support(model, dataset)
    except DataError as error:
        raise DataError(f"{what} cannot be used with this model: {error}") from error


def check_batch_size(model: Any, dataset: Any, batch_size: int) -> None:
    """Check that batches of this size can be made of the data, and that the model's layers can work with them.

    Raises:
        ConfigError: it is no whole number above 0, is larger than the data, or leaves batch normalisation a batch of 1.
    """
    n = len(dataset)
    if not isinstance(batch_size, (int, np.integer)) or isinstance(batch_size, bool) or batch_size < 1:
        raise ConfigError(f"batch_size is {batch_size!r}; expected a whole number, 1 or more")
    if batch_size > n:
        raise ConfigError(
            f"batch_size {batch_size} is larger than the training data ({dataset.name}: {n} examples). "
            f"Choose batch_size={n} or less."
        )
    smallest = n % batch_size or batch_size
    norms = [module for module in model.modules() if type(module).__name__.startswith("BatchNorm")]
    if smallest == 1 and norms:
        where = "batch_size is 1" if batch_size == 1 else f"the last batch of each epoch has 1 ({n} % {batch_size})"
        raise ConfigError(
            f"{where}, but the model has batch normalisation: the variance over one example is zero. Choose another "
            "batch_size, or layer or group normalisation, which do not look across the batch."
        )


def describe_data(dataset: Any) -> dict[str, Any]:
    """What a checkpoint remembers of a data set: enough to find it again and to see whether it is the same."""
    checksum = 0
    for part in _chunks(dataset.images):
        checksum = zlib.crc32(np.ascontiguousarray(part).data, checksum)
    return {
        "name": dataset.name,
        "source": str(dataset.source),
        "examples": len(dataset.images),
        "shape": [int(n) for n in dataset.images.shape[1:]],
        "dtype": str(dataset.images.dtype),
        "crc32": f"{checksum:08x}",
    }


def _chunks(images: Array) -> Any:
    return (images[start : start + CHUNK] for start in range(0, len(images), CHUNK))


def _check_support(model: Any, dataset: Any) -> None:
    """Ask the model's own likelihood whether it can have produced these values."""
    with evaluation(model):
        likelihood = model.decode(model.encode(to_model(dataset.images[:1])).mean)
    for part in _chunks(dataset.images):
        likelihood.check_support(to_model(part))


def _shape_hint(given: tuple[int, ...], expected: tuple[int, ...]) -> str:
    """How to make the two shapes meet, where it can be told."""
    if len(given) == len(expected) == 3:
        if given[0] != expected[0] and given[1:] == expected[1:]:
            return f"The number of channels differs: make the model with image_shape={given}."
        if (given[2], *given[:2]) == expected:
            return "Channels come first here: images.transpose(0, 3, 1, 2) puts them there."
    return f"Make the model with image_shape={given}."
