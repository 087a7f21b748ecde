"""Wrong versions of the ops that multiply, rearrange, join and cut arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minivae import ops
from minivae.autodiff import PRIMITIVES, Forward, Tensor
from minivae.backend import Array
from minivae.selfcheck.zoo.sabotage import cut, gradient, mutant, pullback

# --- products -----------------------------------------------------------------------------------------------


def _untransposed_matmul(g: Array, x: Array, y: Array) -> Array:
    fits = y.ndim == 2 and y.shape[0] == y.shape[1]
    return g @ y if fits else _right_gradient("matmul", 0, g, x, y)


def _untransposed_dense(g: Array, x: Array, weight: Array, bias: Array | None = None) -> Array:
    fits = weight.shape[0] == weight.shape[1]
    return g @ weight if fits else _right_gradient("dense", 0, g, x, weight, bias)


def _right_gradient(op: str, k: int, g: Array, *args: Any) -> Array:
    return PRIMITIVES[op].__wrapped__(*args)[1][k](g)  # type: ignore[attr-defined]


PRODUCTS: dict[str, dict[str, Any]] = {
    "matmul": {
        "g @ y for g @ yᵀ, which fits where y is square": pullback("matmul", x=_untransposed_matmul),
        "y taken for a constant": cut("matmul", "y"),
        "batches that share y averaged, not added": pullback(
            "matmul", y=lambda g, x, y: _right_gradient("matmul", 1, g, x, y) / (len(x) if x.ndim > y.ndim else 1)
        ),
        "xᵀ @ g, the sign lost": gradient("matmul", y=lambda dy: -dy),
        "batches that share x: the gradient of the last one": pullback(
            "matmul", x=lambda g, x, y: _last(_right_gradient("matmul", 0, g, x, y), x)
        ),
    },
    "dense": {
        "g @ weight for g @ weightᵀ, which fits where it is square": pullback("dense", x=_untransposed_dense),
        "the weight's gradient averaged over the batch": pullback(
            "dense", weight=lambda g, x, w, b=None: _right_gradient("dense", 1, g, x, w, b) / len(x)
        ),
        "the bias's gradient averaged over the batch": pullback(
            "dense", bias=lambda g, x, w, b=None: g.mean(axis=tuple(range(g.ndim - 1)))
        ),
        "the bias's gradient is that of the last example": pullback(
            "dense", bias=lambda g, x, w, b=None: g.reshape(-1, g.shape[-1])[-1]
        ),
        "the bias not added": lambda x, weight, bias=None: ops.dense(x, weight) + (0 if bias is None else 0 * bias),
    },
}


def _last(dx: Array, x: Array) -> Array:
    """Of the copies that broadcasting made of x, the last one's gradient."""
    dx = dx.reshape(-1, *dx.shape[dx.ndim - x.ndim :])[-1]
    return dx[tuple(slice(-n, None) for n in x.shape)]


# --- rearranging --------------------------------------------------------------------------------------------


def _fortran_flatten(x: Any, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The first of the axes runs fastest."""
    axes = [*range(start_dim), *range(x.ndim - 1, start_dim - 1, -1)]
    return ops.flatten(ops.permute(x, axes), start_dim)


def _concat(index: Callable[[int, list[Array], int], slice]) -> Any:
    """concat where part i gets g[index(i, parts, axis)] along the axis."""

    @mutant
    def concat(*tensors: Array, dim: int = 0) -> Forward:
        """Parts of one shape."""
        parts = list(tensors)

        def pull(i: int) -> Any:
            at: list[Any] = [slice(None)] * parts[0].ndim
            at[dim] = index(i, parts, dim)
            return lambda g: g[tuple(at)]

        return np.concatenate(parts, axis=dim), tuple(pull(i) for i in range(len(parts)))

    return lambda tensors, dim=0: concat(*tensors, dim=dim)


def _stack(pull: Callable[[Array, int, int], Array]) -> Any:
    """stack where tensor i gets pull(cotangent, i, axis)."""

    @mutant
    def stack(*tensors: Array, dim: int = 0) -> Forward:
        """Tensors of one shape."""
        pullbacks = tuple(lambda g, i=i: pull(g, i, dim) for i in range(len(tensors)))
        return np.stack(tensors, axis=dim), pullbacks

    return lambda tensors, dim=0: stack(*tensors, dim=dim)


def _split_from_the_end(x: Any, split_size_or_sections: Any, dim: int = 0) -> Any:
    return ops.split(x, split_size_or_sections, dim)[::-1]


def _pad_first_axis_first(x: Any, pad: Sequence[int], value: float = 0.0) -> Tensor:
    """The widths read in NumPy's order: the first axis first."""
    pairs = [tuple(pad[i : i + 2]) for i in range(0, len(pad), 2)] + [(0, 0)] * (x.ndim - len(pad) // 2)
    return ops.pad(x, [width for pair in pairs[::-1] for width in pair], value)


def _crop(g: Array, x: Array, pad: Sequence[int], value: float = 0.0) -> Array:
    """From the first entry on, the border before it forgotten."""
    return g[tuple(slice(0, n) for n in x.shape)]


def _right_pad(g: Array, x: Array, pad: Sequence[int], value: float) -> Array:
    return PRIMITIVES["pad"].__wrapped__(x, pad, value)[1](g)  # type: ignore[attr-defined]


def _zeros_in_float64(g: Array, x: Array, pad: Sequence[int], value: float = 0.0) -> Array:
    dx = np.zeros(x.shape)
    dx[...] = _right_pad(g, x, pad, value)
    return dx


def _assign(g: Array, x: Array, index: Any) -> Array:
    dx = np.zeros_like(x)
    dx[index] = g
    return dx


def _add_in_float64(g: Array, x: Array, index: Any) -> Array:
    dx = np.zeros(x.shape)
    np.add.at(dx, index, g)
    return dx


def _average(g: Array, x: Array, index: Any) -> Array:
    dx, times = np.zeros_like(x), np.zeros_like(x)
    np.add.at(dx, index, g)
    np.add.at(times, index, 1)
    return dx / np.maximum(times, 1)


REARRANGING: dict[str, dict[str, Any]] = {
    "reshape": {
        "the first axis fastest on the way back": pullback(
            "reshape", x=lambda g, x, shape: g.reshape(x.shape, order="F")
        ),
        "the first axis fastest in the value": lambda x, shape: ops.reshape(_fortran_flatten(x), shape),
    },
    "flatten": {
        "the first axis runs fastest": _fortran_flatten,
        "the batch axis flattened, too": lambda x, start_dim=0, end_dim=-1: ops.flatten(x),
    },
    "permute": {
        "permuted again, not back": pullback("permute", x=lambda g, x, dims: g.transpose(dims)),
        "a reshape in its place": lambda x, dims: ops.reshape(x, [x.shape[d] for d in dims]),
        "the inverse permutation": lambda x, dims: ops.permute(x, [list(dims).index(d) for d in range(x.ndim)]),
    },
    "broadcast_to": {
        "the copies' gradients averaged": pullback(
            "broadcast_to", x=lambda g, x, shape: g.sum(axis=(0, 2)).reshape(x.shape) * x.size / g.size
        ),
        "the gradient of the first copy": pullback("broadcast_to", x=lambda g, x, shape: g[0, :, :1]),
    },
    "flip": {
        "not turned back": pullback("flip", x=lambda g, x, dims: g),
        "all axes turned back": pullback("flip", x=lambda g, x, dims: np.flip(g)),
    },
    "concat": {
        "each part gets the slice at the beginning": _concat(lambda i, parts, dim: slice(0, parts[i].shape[dim])),
        "each part gets the slice at the end": _concat(lambda i, parts, dim: slice(-parts[i].shape[dim], None)),
        "in reverse order": lambda tensors, dim=0: ops.concat(list(tensors)[::-1], dim),
    },
    "stack": {
        "each tensor gets the gradient of the first": _stack(lambda g, i, dim: g.take(0, axis=dim)),
        "each tensor gets the sum": _stack(lambda g, i, dim: g.sum(axis=dim)),
    },
    "split": {"in reverse order": _split_from_the_end},
    "pad": {
        "cut off from the first entry on": pullback("pad", x=_crop),
        "widths read first axis first": _pad_first_axis_first,
        "value ignored": lambda x, pad, value=0.0: ops.pad(x, pad),
        "np.zeros without dtype on the way back": pullback("pad", x=_zeros_in_float64),
    },
    "getitem": {
        "= for +=: an entry picked twice keeps the last gradient": pullback("getitem", x=_assign),
        "an entry picked twice gets the mean": pullback("getitem", x=_average),
        "np.zeros without dtype on the way back": pullback("getitem", x=_add_in_float64),
    },
}

MUTANTS = PRODUCTS | REARRANGING
