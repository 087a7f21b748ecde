"""Definitions of what works entry by entry, or on one row of entries after the other, with Python's own numbers."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from typing import Any

import numpy as np

from minivae.backend import Array

F = Callable[..., Any]


def each(f: Callable[..., float]) -> F:
    """Entry by entry, shapes broadcast."""

    def elementwise(*arrays: Array, **options: Any) -> Array:
        arrays = np.broadcast_arrays(*arrays)
        values = [f(*map(float, entries), **options) for entries in zip(*(a.ravel() for a in arrays), strict=True)]
        return np.array(values).reshape(arrays[0].shape)

    return elementwise


def over(f: Callable[..., float]) -> F:
    """A number from each row of entries that are reduced together."""

    def reduced(x: Array, dim: Any = None, *args: Any, keepdim: bool = False, **options: Any) -> Array:
        axes = tuple(range(x.ndim)) if dim is None else tuple(np.atleast_1d(dim) % max(1, x.ndim))
        kept = [axis for axis in range(x.ndim) if axis not in axes]
        rows = x.transpose(*kept, *axes).reshape(*(x.shape[axis] for axis in kept), -1)
        values = [f(row.tolist(), *args, **options) for row in rows.reshape(-1, rows.shape[-1])]
        shape = [1 if axis in axes else n for axis, n in enumerate(x.shape) if keepdim or axis not in axes]
        return np.array(values).reshape(shape)

    return reduced


def along(f: Callable[[list[float]], list[float]]) -> F:
    """A row from each row of entries along an axis."""
    return lambda x, dim: np.apply_along_axis(lambda row: np.array(f(row.tolist())), dim, x)


# --- entry by entry -----------------------------------------------------------------------------------------


def sigmoid(x: float) -> float:
    """The probability whose log-odds is x."""
    return 1 / (1 + math.exp(-x))


def clip(x: float, min: float | None = None, max: float | None = None) -> float:
    """x, moved to the nearer bound if it lies outside."""
    if min is not None and x < min:
        return min
    return max if max is not None and x > max else x


def cross_entropy_of_coin(logit: float, target: float) -> float:
    """−t log p − (1 − t) log(1 − p)."""
    p = sigmoid(logit)
    return -target * math.log(p) - (1 - target) * math.log(1 - p)


def log_normal_density(x: float, mean: float, logvar: float) -> float:
    """The logarithm of the density of N(mean, e^logvar)."""
    return math.log(statistics.NormalDist(mean, math.sqrt(math.exp(logvar))).pdf(x))


def kl_of_normals(loc: float, logvar: float) -> float:
    """∫ q (log q − log p) dz for q = N(loc, e^logvar) and p = N(0, 1), by quadrature.

    The bracket is a polynomial of degree two in z, for which three nodes of Gauss and Hermite are exact.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(3)
    sigma = math.sqrt(math.exp(logvar))
    terms = []
    for node, weight in zip(nodes, weights / math.sqrt(2 * math.pi), strict=True):
        z = loc + sigma * node
        terms.append(weight * (log_normal_density(z, loc, logvar) - log_normal_density(z, 0.0, 0.0)))
    return math.fsum(terms)


# --- rows ---------------------------------------------------------------------------------------------------


def variance(row: list[float], correction: int = 1) -> float:
    """The sum of squared deviations, divided by n − correction."""
    centre = statistics.fmean(row)
    return math.fsum((x - centre) ** 2 for x in row) / (len(row) - correction)


def log_sum(row: list[float]) -> float:
    """log Σ exp x."""
    return math.log(math.fsum(map(math.exp, row)))


def probabilities(row: list[float]) -> list[float]:
    """Proportional to exp x, and together 1."""
    total = math.fsum(map(math.exp, row))
    return [math.exp(x) / total for x in row]


def standardised(row: list[float], eps: float) -> list[float]:
    """Minus the mean, divided by the standard deviation."""
    centre, spread = statistics.fmean(row), math.sqrt(variance(row, 0) + eps)
    return [(x - centre) / spread for x in row]
