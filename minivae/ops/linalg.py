"""Matrix products."""

from __future__ import annotations

import math

from minivae.autodiff import Forward, primitive
from minivae.backend import Array, array_module
from minivae.errors import ShapeError


@primitive
def matmul(x: Array, y: Array) -> Forward:
    """x @ y: (..., M, K) @ (..., K, N) -> (..., M, N), leading axes broadcast.  d/dx = g @ yᵀ, d/dy = xᵀ @ g.

    A 1-D x counts as one row, a 1-D y as one column; that axis is dropped from the result, as in NumPy.

    Raises:
        ShapeError: an argument is a single number, or the two lengths K differ, or the leading axes do not broadcast.
    """
    try:
        value = x @ y
    except ValueError as error:
        if x.ndim == 0 or y.ndim == 0:
            raise ShapeError("matmul: a single number is no matrix; multiply with * instead") from error
        if x.shape[-1] == y.shape[-2:][0]:
            raise  # the leading axes do not broadcast
        raise ShapeError(
            f"matmul: the last axis of x, of shape {x.shape}, must be as long as the "
            f"{'only' if y.ndim == 1 else 'last but one'} axis of y, of shape {y.shape}"
        ) from error

    def as_matrices(g: Array) -> tuple[Array, Array, Array]:
        """x, y and the cotangent with the axes that a 1-D argument lacks."""
        g = g if x.ndim > 1 else array_module(g).expand_dims(g, -1 if y.ndim == 1 else -2)
        g = g if y.ndim > 1 else g[..., None]
        return x if x.ndim > 1 else x[None, :], y if y.ndim > 1 else y[:, None], g

    def pull_x(g: Array) -> Array:
        _, columns, g = as_matrices(g)
        return g @ columns.swapaxes(-1, -2)

    def pull_y(g: Array) -> Array:
        rows, _, g = as_matrices(g)
        dy = rows.swapaxes(-1, -2) @ g
        return dy if y.ndim > 1 else dy[..., 0]

    return value, (pull_x, pull_y)


@primitive
def dense(x: Array, weight: Array, bias: Array | None = None) -> Forward:
    """x @ weight + bias: (..., I) @ (I, O) + (O,) -> (..., O), any leading axes.

    With g and x seen as matrices, one row an example: d/dx = g @ weightᵀ, d/dweight = xᵀ @ g, d/dbias = Σ g.

    Raises:
        ShapeError: weight is not (I, O), or bias not (O,).
    """
    if weight.ndim != 2 or x.ndim == 0 or x.shape[-1] != weight.shape[0]:
        raise ShapeError(
            f"dense: x has shape {x.shape}, weight {weight.shape}; expected x (..., I) and weight (I, O): the last "
            "axis of x must be as long as the first of weight"
        )
    inputs, outputs = weight.shape
    if bias is not None and bias.shape != (outputs,):
        raise ShapeError(f"dense: bias has shape {bias.shape}; with weight {weight.shape} expected ({outputs},)")
    shape, n = x.shape, math.prod(x.shape[:-1])
    rows = x.reshape(n, inputs)
    y = rows @ weight
    if bias is not None:
        y += bias
    return y.reshape(*shape[:-1], outputs), (
        lambda g: (g.reshape(n, outputs) @ weight.T).reshape(shape),
        lambda g: rows.T @ g.reshape(n, outputs),
        lambda g: g.reshape(n, outputs).sum(axis=0),
    )
