"""`Dataset`: images (or tables, or points) with their labels, kept as compactly as they came."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from minivae.backend import Array, array_module, to_numpy
from minivae.errors import DataError


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Examples and what is known about them. Slicing gives a Dataset: `train[:100]`, `train[train.labels == 3]`.

    Images of bytes stay bytes (a pixel v stands for v / 255); everything else is kept as float32. `x` gives floats.

    Args:
        images: (N, C, H, W) images, or (N, D) rows of a table or points; uint8, bool or floats.
        labels: (N,) classes, if there are any.
        name: what the data are called.
        source: where they came from.
        factors: (N, F) indices of the generative factors, where these are known exactly.
        factor_names: the names of the F factors.
        class_names: the names of the classes.

    Raises:
        DataError: a shape or dtype that cannot be examples, or labels or factors of another length.
    """

    images: Array
    labels: Array | None = None
    name: str = "data"
    source: str = "memory"
    factors: Array | None = None
    factor_names: tuple[str, ...] = ()
    class_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "images", _compact(self.images))
        for what in ("labels", "factors"):
            values = getattr(self, what)
            if values is None:
                continue
            values = to_numpy(values)
            if len(values.shape) == 0 or len(values) != len(self.images):
                raise DataError(
                    f"{what} have shape {values.shape} beside {len(self.images)} examples; "
                    f"expected one row of {what} for each example"
                )
            object.__setattr__(self, what, values.astype(np.int64, copy=False) if values.dtype.kind in "iu" else values)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, key: Any) -> Dataset:
        """The examples that a slice, an index array, a mask or one index picks, as a Dataset."""
        if isinstance(key, (int, np.integer)):
            key = [key]
        labels = None if self.labels is None else self.labels[key]
        factors = None if self.factors is None else self.factors[key]
        return replace(self, images=self.images[key], labels=labels, factors=factors)

    @property
    def image_shape(self) -> tuple[int, ...]:
        """The shape of one example: (C, H, W), or (D,)."""
        return self.images.shape[1:]

    @property
    def x(self) -> Array:
        """All examples as float32 (bytes are divided by 255), a new array."""
        return self.floats()

    def floats(self) -> Array:
        """All examples as float32 (bytes are divided by 255), a new array."""
        return to_floats(self.images)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        """`x`: what a model or a picture makes of a Dataset that it is given in place of an array."""
        return self.x.astype(dtype or np.float32, copy=False)

    def __repr__(self) -> str:
        shape = " × ".join(map(str, self.image_shape))
        kind = "images" if len(self.image_shape) == 3 else "rows"
        parts = [f"{len(self):,} {kind} of {shape}, {self.images.dtype}"]
        if self.labels is not None and self.labels.dtype.kind == "i":
            parts.append(f"{len(np.unique(self.labels))} classes")
        if self.factor_names:
            parts.append(f"factors {', '.join(self.factor_names)}")
        return f"<Dataset {self.name!r}: {'; '.join(parts)}; source: {self.source}>"


def as_dataset(data: Any) -> Dataset:
    """A Dataset as it is, an array of examples as a Dataset.

    Raises:
        DataError: these are no examples, or several data sets at once.
    """
    if isinstance(data, (tuple, list)) and any(isinstance(part, Dataset) for part in data):
        raise DataError(f"{len(data)} data sets at once; expected one. Take them apart: train, test = mv.data.mnist()")
    return data if hasattr(data, "images") else Dataset(data)


def to_floats(images: Array) -> Array:
    """Bytes v become v / 255 in float32; other dtypes become float32. Always a new array, on the same backend."""
    x = images.astype(np.float32)
    if images.dtype == np.uint8:
        x /= np.float32(255)
    return x


def check_images(images: Any, low: float | None = 0.0, high: float | None = 1.0) -> None:
    """Raise a DataError unless `images` are examples that a model can be given.

    Bytes stand for v / 255, so they are always within [0, 1].

    Args:
        images: an array (N, C, H, W) or (N, D), or a Dataset.
        low: the smallest value allowed; None for any.
        high: the largest value allowed; None for any.

    Raises:
        DataError: no examples; a shape that is not (N, C, H, W) or (N, D); NaN or infinite values; values
            outside [low, high]; bytes of which the largest is 1.
    """
    images = images.images if isinstance(images, Dataset) else images
    xp = array_module(images)
    images = xp.asarray(images)
    _check_shape(images)
    if images.size == 0:
        raise DataError(
            f"the data are empty: shape {images.shape}. Expected at least one example; "
            "was a slice or a filter applied that leaves none?"
        )
    if images.dtype.kind != "f":
        _check_dtype(images)
        if images.dtype == np.uint8 and int(images.max()) == 1:
            raise DataError(
                "all bytes are 0 or 1. A byte v stands for v / 255, so this is black, or nearly. For black and white "
                "hand over bools: images.astype(bool)."
            )
        return
    finite = xp.isfinite(images)
    if not bool(finite.all()):
        first = _first(~finite)
        raise DataError(
            f"{int((~finite).sum()):,} of {images.size:,} values are NaN or infinite; the first is "
            f"{float(images[first])} at index {first}. Expected finite numbers: remove those examples, "
            "or replace the values, before training."
        )
    low, high = -math.inf if low is None else low, math.inf if high is None else high
    smallest, largest = float(images.min()), float(images.max())
    if smallest < low or largest > high:
        first = _first((images < low) | (images > high))
        raise DataError(
            f"values from {smallest:g} to {largest:g}; expected [{low:g}, {high:g}]. The first one outside "
            f"is {float(images[first]):g} at index {first}. {_range_fix(smallest, largest)}"
        )


def _range_fix(smallest: float, largest: float) -> str:
    if smallest >= 0 and 100 < largest <= 255:
        return "They look like bytes: hand them over as uint8 (images.astype(np.uint8)), or divide by 255."
    return "Rescale them, (x - x.min()) / (x.max() - x.min()), or choose a likelihood for real numbers: 'gaussian'."


def _first(mask: Array) -> tuple[int, ...]:
    """The index of the first True."""
    return tuple(int(i) for i in np.unravel_index(int(mask.argmax()), mask.shape))


def _check_shape(images: Array) -> None:
    if images.ndim in (2, 4):
        return
    fix = ""
    if images.ndim == 3:
        fix = " For images with one channel, add its axis: images[:, None]."
    elif images.ndim == 1:
        fix = " For points on a line, add an axis: x[:, None]. For a single example, one in front: x[None]."
    raise DataError(
        f"the data have shape {images.shape}; expected images (N, C, H, W), or rows of a table (N, D).{fix}"
    )


def _check_dtype(images: Array) -> None:
    if images.dtype.kind != "f" and images.dtype not in (np.uint8, np.bool_):
        raise DataError(
            f"the data have dtype {images.dtype}; expected uint8 (0 to 255), bool, or floats. "
            "For bytes use images.astype(np.uint8); for other numbers say what they mean with .astype(np.float32)."
        )


def _compact(images: Any) -> Array:
    """uint8 for bytes and bools, float32 for floats; on the host."""
    if isinstance(images, (str, Path)):
        raise DataError(
            f"{str(images)!r} is a name; expected the examples themselves, an array: np.load of a .npy file"
        )
    try:
        array = to_numpy(images)
    except ValueError as error:
        raise DataError(f"the examples do not make one array; have they different shapes? ({error})") from error
    _check_dtype(array)
    _check_shape(array)
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    return array if array.dtype == np.uint8 else array.astype(np.float32, copy=False)
