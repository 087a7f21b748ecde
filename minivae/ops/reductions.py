"""Sums, means, variances and extremes over some axes.

`dim` is an axis, a tuple of axes, or None for all. A sum's gradient is its cotangent, the same for every entry that
went into it: a broadcast view, which costs no memory.
"""

from __future__ import annotations

import math

from minivae.autodiff import Forward, primitive
from minivae.backend import Array, array_module
from minivae.errors import ShapeError
from minivae.ops.dims import Dim, kept_shape, many_dims


@primitive
def sum(x: Array, dim: Dim = None, keepdim: bool = False) -> Forward:
    """Σ x over `dim`.  d/dxᵢ = 1."""
    shape, axes = x.shape, many_dims("sum", dim, x.ndim)
    return (
        x.sum(axis=axes, keepdims=keepdim),
        lambda g: array_module(g).broadcast_to(g.reshape(kept_shape(shape, axes)), shape),
    )


@primitive
def mean(x: Array, dim: Dim = None, keepdim: bool = False) -> Forward:
    """(1/n) Σ x over `dim`, n entries to each mean.  d/dxᵢ = 1/n."""
    xp, shape, axes = array_module(x), x.shape, many_dims("mean", dim, x.ndim)
    kept = kept_shape(shape, axes)
    n = _count("mean", shape, axes)
    return x.mean(axis=axes, keepdims=keepdim), lambda g: xp.broadcast_to(g.reshape(kept) / n, shape)


@primitive
def var(x: Array, dim: Dim = None, correction: int = 1, keepdim: bool = False) -> Forward:
    """Σ (x − m)² / (n − correction) over `dim`, m the mean.  d/dxᵢ = 2 (xᵢ − m) / (n − correction).

    In two passes, mean first: the mean of squares minus the square of the mean loses all digits when |m| is large.
    The mean depends on x too, but adds nothing to the gradient, since Σ (x − m) = 0.

    Args:
        x: any shape.
        dim: the axes to reduce.
        correction: 1 for the unbiased estimate (Bessel's), 0 for the mean squared deviation.
        keepdim: keep the reduced axes with length 1.

    Raises:
        ShapeError: n is not greater than `correction`.
    """
    axes = many_dims("var", dim, x.ndim)
    kept = kept_shape(x.shape, axes)
    n = _count("var", x.shape, axes) - correction
    if n <= 0:
        raise ShapeError(f"var: {n + correction} entries along dim {dim} are too few for correction={correction}")
    deviation = x - x.mean(axis=axes, keepdims=True)
    y = (deviation * deviation).sum(axis=axes, keepdims=keepdim) / n
    return y, lambda g: g.reshape(kept) * (2 / n) * deviation


@primitive
def max(x: Array, dim: Dim = None, keepdim: bool = False) -> Forward:
    """The largest entry over `dim` (PyTorch: amax).  Its gradient goes there; entries that tie share it evenly."""
    axes = many_dims("max", dim, x.ndim)
    _count("max", x.shape, axes)
    y = x.max(axis=axes, keepdims=True)
    return _extreme(x, y, axes, keepdim)


@primitive
def min(x: Array, dim: Dim = None, keepdim: bool = False) -> Forward:
    """The smallest entry over `dim` (PyTorch: amin).  Its gradient goes there; entries that tie share it evenly."""
    axes = many_dims("min", dim, x.ndim)
    _count("min", x.shape, axes)
    y = x.min(axis=axes, keepdims=True)
    return _extreme(x, y, axes, keepdim)


def _extreme(x: Array, y: Array, axes: tuple[int, ...], keepdim: bool) -> Forward:
    """The value and the pullback of max and min; y has the reduced axes with length 1."""

    def pullback(g: Array) -> Array:
        reached = x == y
        ties = reached.sum(axis=axes, keepdims=True, dtype=x.dtype)
        return reached * (g.reshape(y.shape) / ties)

    return y if keepdim else y.squeeze(axes), pullback


@primitive
def logsumexp(x: Array, dim: Dim = None, keepdim: bool = False) -> Forward:
    """log Σ exp x over `dim`.  d/dxᵢ = exp xᵢ / Σ exp x, the softmax.

    With m = max x: m + log Σ exp(x − m), in which no exponential overflows and one of them is 1.
    """
    xp, axes = array_module(x), many_dims("logsumexp", dim, x.ndim)
    _count("logsumexp", x.shape, axes)
    m = x.max(axis=axes, keepdims=True)
    total = xp.exp(x - m).sum(axis=axes, keepdims=True)
    y = m + xp.log(total)
    return y if keepdim else y.squeeze(axes), lambda g: xp.exp(x - m) * (g.reshape(m.shape) / total)


def _count(op: str, shape: tuple[int, ...], axes: tuple[int, ...]) -> int:
    """How many entries go into each result; none at all is an error."""
    n = math.prod(shape[axis] for axis in axes)
    if n == 0:
        raise ShapeError(f"{op}: shape {shape} has no entries along the dims to reduce")
    return n
