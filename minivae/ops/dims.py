"""What a caller may write for `dim`: an axis, a tuple of axes, negative ones that count from the end, or None."""

from __future__ import annotations

import operator
from collections.abc import Sequence

from minivae.errors import ShapeError

Dim = int | Sequence[int] | None


def one_dim(op: str, dim: int, ndim: int) -> int:
    """The axis as a number from 0 to ndim − 1.

    Raises:
        ShapeError: there is no such axis.
    """
    try:
        axis = operator.index(dim)
    except TypeError:
        raise ShapeError(f"{op}: dim is {dim!r}; expected a whole number") from None
    if not -ndim <= axis < ndim:
        raise ShapeError(f"{op}: there is no dim {dim} in {ndim} dims; expected {_range(ndim)}")
    return axis % ndim


def many_dims(op: str, dim: Dim, ndim: int) -> tuple[int, ...]:
    """The axes as numbers from 0 to ndim − 1; None means all of them.

    Raises:
        ShapeError: there is no such axis, or one is named twice.
    """
    if dim is None:
        return tuple(range(ndim))
    axes = tuple(one_dim(op, d, ndim) for d in (dim if isinstance(dim, Sequence) else (dim,)))
    if len(set(axes)) != len(axes):
        raise ShapeError(f"{op}: dim {dim} names an axis twice")
    return axes


def kept_shape(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape after a reduction over these axes that keeps them with length 1."""
    return tuple(1 if axis in axes else n for axis, n in enumerate(shape))


def _range(ndim: int) -> str:
    return f"a dim from {-ndim} to {ndim - 1}" if ndim else "none: the tensor is a single number"
