"""Puts the operators and the common methods on `Tensor`: x + y, x @ w, x.sum(), x[2:5], ...

The heart of the library (`minivae/autodiff`) knows no op at all. Here the ops are hung onto it.
"""

from __future__ import annotations

import numbers
import operator
from collections.abc import Callable, Sequence
from typing import Any

from minivae.autodiff import Tensor
from minivae.backend import Array
from minivae.errors import ShapeError
from minivae.ops import activations, arithmetic, exponential, indexing, linalg, piecewise, reductions, shapes


def _reflected(op: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """For `number - tensor`, of which Python asks the tensor: the same op, arguments swapped."""
    return lambda tensor, other: op(other, tensor)


def _comparison(compare: Callable[[Any, Any], Any]) -> Callable[[Tensor, Any], Array]:
    """Compare the values; the result is a plain array of booleans, through which no gradient passes."""

    def compared(x: Tensor, y: Any) -> Array:
        if isinstance(y, Tensor):
            y = y.data
        elif not (hasattr(y, "dtype") or isinstance(y, numbers.Number)):
            return NotImplemented
        try:
            return compare(x.data, y)
        except ValueError as error:
            given = f"{x.shape} and {getattr(y, 'shape', ())}"
            raise ShapeError(f"{compare.__name__}: shapes {given} do not broadcast") from error

    return compared


def _reshape(x: Tensor, *shape: Any) -> Tensor:
    """x.reshape(2, 3) or x.reshape((2, 3))."""
    return shapes.reshape(x, _unpacked(shape))


def _permute(x: Tensor, *dims: Any) -> Tensor:
    """x.permute(1, 0) or x.permute((1, 0))."""
    return shapes.permute(x, _unpacked(dims))


def _unpacked(arguments: tuple) -> Sequence[int]:
    if len(arguments) == 1 and isinstance(arguments[0], Sequence):
        return arguments[0]
    return arguments


def _transpose(x: Tensor) -> Tensor:
    """The transpose of a matrix."""
    if x.ndim != 2:
        raise ShapeError(f"T: transposes a matrix, this tensor has shape {x.shape}; use permute(dims)")
    return shapes.permute(x, (1, 0))


_ATTACHED: dict[str, Any] = {
    "__add__": arithmetic.add,
    "__radd__": _reflected(arithmetic.add),
    "__sub__": arithmetic.sub,
    "__rsub__": _reflected(arithmetic.sub),
    "__mul__": arithmetic.mul,
    "__rmul__": _reflected(arithmetic.mul),
    "__truediv__": arithmetic.div,
    "__rtruediv__": _reflected(arithmetic.div),
    "__pow__": arithmetic.power,
    "__rpow__": _reflected(arithmetic.power),
    "__matmul__": linalg.matmul,
    "__rmatmul__": _reflected(linalg.matmul),
    "__neg__": arithmetic.neg,
    "__abs__": piecewise.abs,
    "__getitem__": indexing.getitem,
    "__lt__": _comparison(operator.lt),
    "__le__": _comparison(operator.le),
    "__gt__": _comparison(operator.gt),
    "__ge__": _comparison(operator.ge),
    "__eq__": _comparison(operator.eq),
    "__ne__": _comparison(operator.ne),
    "sum": reductions.sum,
    "mean": reductions.mean,
    "var": reductions.var,
    "max": reductions.max,
    "min": reductions.min,
    "exp": exponential.exp,
    "log": exponential.log,
    "sqrt": arithmetic.sqrt,
    "square": arithmetic.square,
    "abs": piecewise.abs,
    "tanh": activations.tanh,
    "sigmoid": activations.sigmoid,
    "relu": activations.relu,
    "reshape": _reshape,
    "permute": _permute,
    "flatten": shapes.flatten,
    "T": property(_transpose),
}

for _name, _op in _ATTACHED.items():
    setattr(Tensor, _name, _op)
