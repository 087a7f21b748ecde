"""Tensors put together, taken apart, and framed with a border."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from minivae.autodiff import Forward, Pullback, Tensor, primitive
from minivae.backend import Array, array_module
from minivae.errors import ShapeError
from minivae.ops.dims import one_dim
from minivae.ops.indexing import getitem


def concat(tensors: Sequence[Any], dim: int = 0) -> Tensor:
    """The tensors one after the other along an axis that they have.

    Args:
        tensors: at least one, of the same shape but for the length of axis `dim`.
        dim: the axis along which they are joined.

    Raises:
        ShapeError: there is none, or the other lengths differ.
    """
    return _concat(*tensors, dim=dim)


@primitive
def _concat(*tensors: Array, dim: int = 0) -> Forward:
    """All shapes are the same, but for the length of axis dim."""
    if not tensors:
        raise ShapeError("concat: the list of tensors is empty; expected at least one")
    shapes = [tensor.shape for tensor in tensors]
    axis = one_dim("concat", dim, len(shapes[0]))
    rest = [shape[:axis] + shape[axis + 1 :] for shape in shapes]
    if any(len(shape) != len(shapes[0]) for shape in shapes) or any(r != rest[0] for r in rest):
        raise ShapeError(f"concat: shapes {_list(shapes)} must be the same, but for the length of dim {dim}")
    ends = list(itertools.accumulate(shape[axis] for shape in shapes))
    parts = [slice(end - shape[axis], end) for end, shape in zip(ends, shapes, strict=True)]
    y = array_module(*tensors).concatenate(tensors, axis=axis)
    return y, tuple(_take((*[slice(None)] * axis, part)) for part in parts)


def stack(tensors: Sequence[Any], dim: int = 0) -> Tensor:
    """The tensors side by side along a new axis; stack([x, y])[0] is x.

    Args:
        tensors: at least one, all of the same shape.
        dim: where the new axis is in the result.

    Raises:
        ShapeError: there is none, or the shapes differ.
    """
    return _stack(*tensors, dim=dim)


@primitive
def _stack(*tensors: Array, dim: int = 0) -> Forward:
    """All shapes are the same."""
    if not tensors:
        raise ShapeError("stack: the list of tensors is empty; expected at least one")
    shapes = [tensor.shape for tensor in tensors]
    if any(shape != shapes[0] for shape in shapes):
        raise ShapeError(f"stack: shapes {_list(shapes)} must all be the same; concat joins along an existing dim")
    axis = one_dim("stack", dim, len(shapes[0]) + 1)
    y = array_module(*tensors).stack(tensors, axis=axis)
    return y, tuple(_take((*[slice(None)] * axis, i)) for i in range(len(tensors)))


def split(x: Tensor, split_size_or_sections: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """x cut along an axis; concat(split(x, ...), dim) is x.

    Args:
        x: any shape but that of a single number.
        split_size_or_sections: the length of each part (the last may be shorter), or the list of their lengths.
        dim: the axis to cut.

    Raises:
        ShapeError: the lengths do not add up to that of the axis, or the length of a part is not positive.
    """
    axis = one_dim("split", dim, x.ndim)
    n = x.shape[axis]
    if isinstance(split_size_or_sections, Sequence):
        lengths = list(split_size_or_sections)
        if sum(lengths) != n or any(length < 0 for length in lengths):
            raise ShapeError(f"split: sections {lengths} must add up to {n}, the length of dim {dim} in {x.shape}")
    else:
        size = split_size_or_sections
        if size < 1:
            raise ShapeError(f"split: the length of a part is {size}; expected at least 1")
        lengths = [min(size, n - start) for start in range(0, n, size)] or [0]
    ends = itertools.accumulate(lengths)
    return tuple(
        getitem(x, (*[slice(None)] * axis, slice(end - length, end))) for end, length in zip(ends, lengths, strict=True)
    )


@primitive
def pad(x: Array, pad: Sequence[int], value: float = 0.0) -> Forward:
    """x with a border of `value`.  The pullback cuts the border off again.

    Args:
        x: any shape.
        pad: the border's widths, last axis first, each axis before and after: (left, right, top, bottom, ...). A
            negative width cuts off. Axes that are not mentioned stay as they are.
        value: what fills the border.

    Raises:
        ShapeError: an odd number of widths, more than two an axis, or more cut off than is there.
    """
    widths = tuple(pad)
    if len(widths) % 2 or len(widths) > 2 * x.ndim:
        raise ShapeError(
            f"pad: {len(widths)} widths {widths} for shape {x.shape}; expected two an axis, last axis first: "
            "(left, right, top, bottom, ...)"
        )
    pairs = [(0, 0)] * (x.ndim - len(widths) // 2) + list(zip(widths[::2], widths[1::2], strict=True))[::-1]
    shape = tuple(n + before + after for n, (before, after) in zip(x.shape, pairs, strict=True))
    if any(n < 0 for n in shape):
        raise ShapeError(f"pad: widths {widths} cut more off shape {x.shape} than there is")
    xp, old = array_module(x), x.shape
    outer = tuple(slice(max(b, 0), n - max(a, 0)) for n, (b, a) in zip(shape, pairs, strict=True))
    inner = tuple(slice(max(-b, 0), n - max(-a, 0)) for n, (b, a) in zip(old, pairs, strict=True))
    y = xp.full(shape, value, dtype=x.dtype)
    y[outer] = x[inner]

    def pullback(g: Array) -> Array:
        dx = xp.zeros(old, dtype=g.dtype)
        dx[inner] = g[outer]
        return dx

    return y, pullback if min(widths, default=0) < 0 else lambda g: g[outer]


def _take(index: tuple) -> Pullback:
    return lambda g: g[index]


def _list(shapes: Sequence[tuple[int, ...]]) -> str:
    return ", ".join(map(str, shapes))
