"""The same entries in another arrangement. A pullback puts the cotangent back into the old one."""

from __future__ import annotations

import math
from collections.abc import Sequence

from minivae.autodiff import Forward, Tensor, primitive
from minivae.backend import Array, array_module
from minivae.errors import ShapeError
from minivae.ops.dims import Dim, many_dims, one_dim


@primitive
def reshape(x: Array, shape: int | Sequence[int]) -> Forward:
    """The same entries, last axis fastest, in another shape; one length may be −1 and is worked out.

    The cotangent goes back in the memory order of x. Behind a convolution that is channels-last, and a relu whose two
    operands lie in different orders takes eight times as long.
    """
    old, xp = x.shape, array_module(x)
    if x.flags.c_contiguous:
        return x.reshape(shape), lambda g: g.reshape(old)
    slowest_first = sorted(range(x.ndim), key=lambda axis: -abs(x.strides[axis]))
    back = [slowest_first.index(axis) for axis in range(x.ndim)]
    return x.reshape(shape), lambda g: xp.ascontiguousarray(g.reshape(old).transpose(slowest_first)).transpose(back)


def flatten(x: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The axes from start_dim to end_dim, both included, made into one.

    Raises:
        ShapeError: there is no such axis, or the first comes after the last.
    """
    if not x.shape:
        return reshape(x, (1,))
    first, last = one_dim("flatten", start_dim, x.ndim), one_dim("flatten", end_dim, x.ndim)
    if first > last:
        raise ShapeError(f"flatten: start_dim {start_dim} comes after end_dim {end_dim} in shape {x.shape}")
    return reshape(x, (*x.shape[:first], math.prod(x.shape[first : last + 1]), *x.shape[last + 1 :]))


@primitive
def permute(x: Array, dims: Sequence[int]) -> Forward:
    """The axes in another order: axis i of the result is axis dims[i] of x. A view, nothing is copied.

    Raises:
        ShapeError: dims does not name every axis of x once.
    """
    axes = many_dims("permute", dims, x.ndim)
    if len(axes) != x.ndim:
        raise ShapeError(f"permute: dims {tuple(dims)} must name each of the {x.ndim} axes of shape {x.shape} once")
    inverse = sorted(range(x.ndim), key=axes.__getitem__)
    return x.transpose(axes), lambda g: g.transpose(inverse)


@primitive
def broadcast_to(x: Array, shape: Sequence[int]) -> Forward:
    """x repeated along its axes of length 1, and along new axes in front, until it has this shape. A view.

    The pullback is the identity: the machinery around every op adds up the cotangents of the copies.
    """
    return array_module(x).broadcast_to(x, tuple(shape)), lambda g: g


@primitive
def flip(x: Array, dims: Dim) -> Forward:
    """The entries in reverse order along `dims`, a dim or a tuple of them. A view; flipping twice is the identity."""
    axes = many_dims("flip", dims, x.ndim)
    backwards = tuple(slice(None, None, -1 if axis in axes else None) for axis in range(x.ndim))
    return x[backwards], lambda g: g[backwards]
