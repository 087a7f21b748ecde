"""Wrong versions of the ops that reduce, and of softmax."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minivae import ops
from minivae.autodiff import Tensor
from minivae.backend import Array
from minivae.selfcheck.zoo.sabotage import pullback
from minivae.selfcheck.zoo.trials import Edge

# --- reductions ---------------------------------------------------------------------------------------------


def _axes(x: Array, dim: Any) -> tuple[int, ...]:
    return tuple(range(x.ndim)) if dim is None else tuple(np.atleast_1d(dim) % max(1, x.ndim))


def _kept(g: Array, x: Array, dim: Any) -> Array:
    """The cotangent with the reduced axes back, of length 1."""
    axes = _axes(x, dim)
    return g.reshape([1 if axis in axes else n for axis, n in enumerate(x.shape)])


def _number(x: Array, dim: Any) -> int:
    return math.prod(x.shape[axis] for axis in _axes(x, dim))


def reduction(op: str, f: Callable[[Array, Array, int], Array]) -> Any:
    """The reduction with the pullback f(cotangent with its axes kept, x, how many entries go into one result)."""

    def pull(g: Array, x: Array, dim: Any = None, *args: Any, **options: Any) -> Array:
        return np.broadcast_to(f(_kept(g, x, dim), x, _number(x, dim)), x.shape) * np.ones_like(x)

    return pullback(op, x=pull)


def _centred(pull: Callable[..., Array]) -> Any:
    """var with the pullback pull(cotangent, x, mean, n, correction)."""

    def pulled(g: Array, x: Array, dim: Any = None, correction: int = 1, keepdim: bool = False) -> Array:
        mean = x.mean(axis=_axes(x, dim), keepdims=True)
        return pull(_kept(g, x, dim), x, mean, _number(x, dim), correction)

    return pullback("var", x=pulled)


def _one_pass_var(x: Any, dim: Any = None, correction: int = 1, keepdim: bool = False) -> Tensor:
    """E[x²] − E[x]², corrected: two large numbers, whose difference has few digits."""
    n = _number(x, dim)
    mean_of_squares, mean = ops.mean(ops.square(x), dim, keepdim), ops.mean(x, dim, keepdim)
    return (mean_of_squares - mean * mean) * (n / (n - correction))


def _hit(extreme: Callable[..., Array]) -> Callable[..., Array]:
    """The whole cotangent to every entry that ties."""

    def pull(g: Array, x: Array, dim: Any = None, keepdim: bool = False) -> Array:
        return _kept(g, x, dim) * (x == extreme(x, axis=_axes(x, dim), keepdims=True))

    return pull


def _naive_logsumexp(x: Any, dim: Any = None, keepdim: bool = False) -> Tensor:
    return ops.log(ops.sum(ops.exp(x), dim, keepdim))


def _log_mean_exp(x: Any, dim: Any = None, keepdim: bool = False) -> Tensor:
    return ops.logsumexp(x, dim, keepdim) - math.log(_number(x.data, dim))


def _hard_max(g: Array, x: Array, dim: Any = None, keepdim: bool = False) -> Array:
    return _kept(g, x, dim) * (x == x.max(axis=_axes(x, dim), keepdims=True))


REDUCTIONS: dict[str, dict[str, Any]] = {
    "sum": {
        "the gradient divided by n": reduction("sum", lambda g, x, n: g / n),
        "the gradient times n": reduction("sum", lambda g, x, n: g * n),
    },
    "mean": {
        "the 1/n forgotten on the way back": reduction("mean", lambda g, x, n: g),
        "1/n counts all entries of x": reduction("mean", lambda g, x, n: g / x.size),
        "1/n counts the entries of the last axis": reduction("mean", lambda g, x, n: g / x.shape[-1]),
    },
    "var": {
        "2/n for 2/(n − correction)": _centred(lambda g, x, m, n, c: g * 2 * (x - m) / n),
        "the 2 lost": _centred(lambda g, x, m, n, c: g * (x - m) / (n - c)),
        "the mean not subtracted on the way back": _centred(lambda g, x, m, n, c: g * 2 * x / (n - c)),
        "correction ignored": lambda x, dim=None, correction=1, keepdim=False: ops.var(x, dim, 0, keepdim),
        "E[x²] − E[x]², which loses all digits far from 0": _one_pass_var,
    },
    "max": {
        "every entry gets the gradient": reduction("max", lambda g, x, n: g),
        "the smallest entry gets it": reduction("max", lambda g, x, n: g * (x == x.min())),
        "entries that tie get the whole each": pullback("max", x=_hit(np.max)),
    },
    "min": {
        "the largest entry gets the gradient": pullback("min", x=_hit(np.max)),
        "entries that tie get the whole each": pullback("min", x=_hit(np.min)),
    },
    "logsumexp": {
        "every entry gets the gradient, as in sum": reduction("logsumexp", lambda g, x, n: g),
        "the largest entry gets it all": pullback("logsumexp", x=_hard_max),
        "softmax over all of x": reduction("logsumexp", lambda g, x, n: g * np.exp(x) / np.exp(x).sum()),
        "the maximum not subtracted": _naive_logsumexp,
        "the log of the mean, not of the sum": _log_mean_exp,
    },
}

# --- softmax ------------------------------------------------------------------------------------------------


def _softmax(pull: Callable[[Array, Array, int], Array], op: str = "softmax") -> Any:
    """softmax or its logarithm with the pullback pull(cotangent, p, axis)."""
    return pullback(op, x=lambda g, x, dim: pull(g, ops.softmax(Tensor(x), dim).data, dim))


SOFTMAX: dict[str, dict[str, Any]] = {
    "softmax": {
        "p·g, the sum over the others forgotten": _softmax(lambda g, p, axis: p * g),
        "p·(1 − p)·g, the diagonal alone": _softmax(lambda g, p, axis: p * (1 - p) * g),
        "Σ g for Σ p·g": _softmax(lambda g, p, axis: p * (g - g.sum(axis=axis, keepdims=True))),
        "the maximum not subtracted": lambda x, dim: ops.exp(x) / ops.sum(ops.exp(x), dim, keepdim=True),
        "over the last axis, whatever dim says": lambda x, dim: ops.softmax(x, -1),
    },
    "log_softmax": {
        "the gradient passed on as it is": pullback("log_softmax", x=lambda g, x, dim: g),
        "g − p·g, without the sum": _softmax(lambda g, p, axis: g - p * g, "log_softmax"),
        "the pullback of softmax": _softmax(
            lambda g, p, axis: p * (g - (p * g).sum(axis=axis, keepdims=True)), "log_softmax"
        ),
        "log(softmax(x)), whose small p round to 0": lambda x, dim: ops.log(ops.softmax(x, dim)),
    },
}

MUTANTS = REDUCTIONS | SOFTMAX

EDGES: dict[str, list[Edge]] = {
    "log_softmax": [Edge("logits 1000 and 0", ([1000.0, 0.0],), [0, -1000], options={"dim": 0})],
    "logsumexp": [Edge("x = 1000 and 0", ([1000.0, 0.0],), 1000, ([1, 0],)), Edge("x = −1000", ([-1000.0],), -1000)],
    "max": [Edge("a tie", ([1.0, 3.0, 3.0],), 3, ([0, 0.5, 0.5],))],
    "min": [Edge("a tie", ([1.0, 1.0, 3.0],), 1, ([0.5, 0.5, 0],))],
    "softmax": [Edge("logits 1000 and 0", ([1000.0, 0.0],), [1, 0], options={"dim": 0})],
    "var": [Edge("values near 1e8", ([1e8 + 1, 1e8 + 2, 1e8 + 3],), 1, ([-1, 0, 1],))],
}
