"""Definitions of what rearranges, joins, cuts and multiplies arrays."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minivae.backend import Array


def gathered(shape: Sequence[int], source: Callable[[tuple[int, ...]], Any]) -> Array:
    """The array of this shape whose entry at each index is source(index)."""
    out = np.zeros(tuple(shape))
    for index in np.ndindex(out.shape):
        out[index] = source(index)
    return out


def matmul(x: Array, y: Array) -> Array:
    """Sums of products over the axis that the two share."""
    rows = x[None] if x.ndim == 1 else x
    columns = y[:, None] if y.ndim == 1 else y
    z = (rows[..., :, None, :] * columns.swapaxes(-1, -2)[..., None, :, :]).sum(axis=-1)
    z = z[..., 0] if y.ndim == 1 else z
    return z.take(0, axis=-2 if y.ndim > 1 else -1) if x.ndim == 1 else z


def broadcast_to(x: Array, shape: Sequence[int]) -> Array:
    """Copies along new axes and axes of length 1."""
    return gathered(shape, lambda i: x[tuple(j % n for j, n in zip(i[len(shape) - x.ndim :], x.shape, strict=True))])


def permute(x: Array, dims: Sequence[int]) -> Array:
    """Axis i of the result is axis dims[i] of x."""
    return gathered([x.shape[d] for d in dims], lambda i: x[tuple(i[list(dims).index(d)] for d in range(x.ndim))])


def flip(x: Array, dims: Any) -> Array:
    """Counted from the other end along some axes."""
    turned = {int(d) % x.ndim for d in np.atleast_1d(dims)}
    return gathered(x.shape, lambda i: x[tuple(-1 - j if axis in turned else j for axis, j in enumerate(i))])


def concat(tensors: list[Array], dim: int = 0) -> Array:
    """The slices of all tensors along an axis, one after the other."""
    return np.moveaxis(np.array([part for t in tensors for part in np.moveaxis(t, dim, 0)]), 0, dim)


def split(x: Array, size: Any, dim: int = 0) -> list[Array]:
    """Parts of a length, or of these lengths."""
    n = x.shape[dim]
    lengths = size if isinstance(size, list) else [min(size, n - start) for start in range(0, n, size)]
    ends = list(itertools.accumulate(lengths))
    return [np.take(x, range(end - length, end), axis=dim) for end, length in zip(ends, lengths, strict=True)]


def pad(x: Array, pad: Sequence[int], value: float = 0.0) -> Array:
    """Entry i of an axis moves to i + (the border before); what has no entry is `value`."""
    borders = [(0, 0)] * (x.ndim - len(pad) // 2) + [(pad[k], pad[k + 1]) for k in range(len(pad) - 2, -1, -2)]
    shape = [n + before + after for n, (before, after) in zip(x.shape, borders, strict=True)]

    def source(i: tuple[int, ...]) -> float:
        at = tuple(j - before for j, (before, _) in zip(i, borders, strict=True))
        return x[at] if all(0 <= j < n for j, n in zip(at, x.shape, strict=True)) else value

    return gathered(shape, source)
