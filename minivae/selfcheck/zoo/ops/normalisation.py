"""Wrong versions of normalisation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minivae import ops
from minivae.autodiff import Tensor
from minivae.backend import Array
from minivae.selfcheck.zoo.sabotage import pullback
from minivae.selfcheck.zoo.trials import Edge


def _x_hat(x: Array, mean: Callable[[Array], Array], eps: float) -> tuple[Array, Array]:
    """The standardised x and 1/σ."""
    centred = x - mean(x)
    inverse_std = 1 / np.sqrt(mean(centred * centred) + eps)
    return centred * inverse_std, inverse_std


def _batch_mean(a: Array) -> Array:
    return a.mean(axis=(0, *range(2, a.ndim)), keepdims=True)


def _layer_mean(axes: int) -> Callable[[Array], Array]:
    return lambda a: a.mean(axis=tuple(range(a.ndim - axes, a.ndim)), keepdims=True)


def _group_mean(num_groups: int) -> Callable[[Array], Array]:
    def mean(a: Array) -> Array:
        means = a.reshape(len(a), num_groups, -1).mean(axis=2)
        return np.repeat(means, a.shape[1] // num_groups, axis=1).reshape(*a.shape[:2], *(1,) * (a.ndim - 2))

    return mean


def _channels(a: Array, x: Array) -> Array:
    return a.reshape(-1, *(1,) * (x.ndim - 2))


Pull = Callable[[Array, Array, Array, Callable[[Array], Array]], Array]
"""From the cotangent of x̂, x̂, 1/σ and the mean to the gradient for x."""


def batch_norm(pull: Pull) -> Any:
    """batch_norm with another pullback for x."""

    def pulled(g: Array, x: Array, weight: Array, bias: Array, eps: float = 1e-5) -> Array:
        x_hat, inverse_std = _x_hat(x, _batch_mean, eps)
        return pull(g * _channels(weight, x), x_hat, inverse_std, _batch_mean)

    return pullback("batch_norm", x=pulled)


def layer_norm(pull: Pull) -> Any:
    """layer_norm with another pullback for x."""

    def pulled(g: Array, x: Array, weight: Array, bias: Array, eps: float = 1e-5) -> Array:
        mean = _layer_mean(weight.ndim)
        x_hat, inverse_std = _x_hat(x, mean, eps)
        return pull(g * weight, x_hat, inverse_std, mean)

    return pullback("layer_norm", x=pulled)


def group_norm(pull: Pull) -> Any:
    """group_norm with another pullback for x."""

    def pulled(g: Array, x: Array, weight: Array, bias: Array, num_groups: int = 1, eps: float = 1e-5) -> Array:
        mean = _group_mean(num_groups)
        x_hat, inverse_std = _x_hat(x, mean, eps)
        return pull(g * _channels(weight, x), x_hat, inverse_std, mean)

    return pullback("group_norm", x=pulled)


def constant_statistics(g: Array, x_hat: Array, inverse_std: Array, mean: Callable[[Array], Array]) -> Array:
    """Mean and variance taken for constants."""
    return g * inverse_std


def constant_mean(g: Array, x_hat: Array, inverse_std: Array, mean: Callable[[Array], Array]) -> Array:
    """The path through the mean forgotten."""
    return (g - x_hat * mean(g * x_hat)) * inverse_std


def constant_variance(g: Array, x_hat: Array, inverse_std: Array, mean: Callable[[Array], Array]) -> Array:
    """The path through the variance forgotten."""
    return (g - mean(g)) * inverse_std


def sums_for_means(g: Array, x_hat: Array, inverse_std: Array, mean: Callable[[Array], Array]) -> Array:
    """The 1/n of the two means forgotten."""
    single = np.zeros_like(x_hat)
    single.flat[0] = 1
    n = 1 / mean(single).max()
    return (g - n * mean(g) - n * x_hat * mean(g * x_hat)) * inverse_std


def undivided(g: Array, x_hat: Array, inverse_std: Array, mean: Callable[[Array], Array]) -> Array:
    """The 1/σ forgotten."""
    return g - mean(g) - x_hat * mean(g * x_hat)


def _batch_norm_by_ops(correction: int = 0, outside: bool = False) -> Any:
    """batch_norm composed of ops: with the unbiased variance, or with eps outside the root."""

    def norm(x: Any, weight: Any, bias: Any, eps: float = 1e-5) -> Tensor:
        over_batch, shape = (0, *range(2, x.ndim)), (-1, *(1,) * (x.ndim - 2))
        variance = ops.var(x, over_batch, correction, keepdim=True)
        std = ops.sqrt(variance) + eps if outside else ops.sqrt(variance + eps)
        x_hat = (x - ops.mean(x, over_batch, keepdim=True)) / std
        return x_hat * ops.reshape(weight, shape) + ops.reshape(bias, shape)

    return norm


def _groups_take_turns(x: Any, weight: Any, bias: Any, num_groups: int = 1, eps: float = 1e-5) -> Tensor:
    """Channels 0, 2, 4, ... in one group and 1, 3, 5, ... in the other."""
    order = np.arange(x.shape[1]).reshape(-1, num_groups).T.ravel()
    y = ops.group_norm(x[:, order], weight[order], bias[order], num_groups, eps)
    return y[:, np.argsort(order)]


MUTANTS: dict[str, dict[str, Any]] = {
    "batch_norm": {
        "mean and variance taken for constants": batch_norm(constant_statistics),
        "the path through the mean forgotten": batch_norm(constant_mean),
        "the path through the variance forgotten": batch_norm(constant_variance),
        "the 1/n of the two means forgotten on the way back": batch_norm(sums_for_means),
        "the 1/σ forgotten on the way back": batch_norm(undivided),
        "weight: Σ g·x, not Σ g·x̂": pullback(
            "batch_norm", weight=lambda g, x, w, b, eps=1e-5: (g * x).sum(axis=(0, *range(2, x.ndim)))
        ),
        "bias: averaged, not summed": pullback(
            "batch_norm", bias=lambda g, x, w, b, eps=1e-5: g.mean(axis=(0, *range(2, x.ndim)))
        ),
        "the unbiased variance in the normalisation": _batch_norm_by_ops(correction=1),
        "eps outside the root": _batch_norm_by_ops(outside=True),
        "each image normalised by itself": lambda x, weight, bias, eps=1e-5: ops.group_norm(x, weight, bias, 1, eps),
        "the option eps ignored": lambda x, weight, bias, eps=1e-5: ops.batch_norm(x, weight, bias),
    },
    "layer_norm": {
        "mean and variance taken for constants": layer_norm(constant_statistics),
        "the path through the variance forgotten": layer_norm(constant_variance),
        "the 1/σ forgotten on the way back": layer_norm(undivided),
        "weight: Σ g, not Σ g·x̂": pullback("layer_norm", weight=lambda g, x, w, b, eps=1e-5: g),
        "the option eps ignored": lambda x, weight, bias, eps=1e-5: ops.layer_norm(x, weight, bias),
        "scaled by weight before it is normalised": lambda x, weight, bias, eps=1e-5: ops.layer_norm(
            x * weight + bias, Tensor(np.ones(weight.shape, weight.dtype)), None, eps
        ),
    },
    "group_norm": {
        "mean and variance taken for constants": group_norm(constant_statistics),
        "the path through the mean forgotten": group_norm(constant_mean),
        "the 1/n of the two means forgotten on the way back": group_norm(sums_for_means),
        "groups take turns: channels 0, 2, 4 and 1, 3, 5": _groups_take_turns,
        "one group, whatever num_groups says": lambda x, weight, bias, num_groups=1, eps=1e-5: ops.group_norm(
            x, weight, bias, 1, eps
        ),
    },
}

_CONSTANT = ([[3e4, 1.0], [3e4, 2.0], [3e4, 3.0]], [1.0, 1.0], [0.0, 0.0])

EDGES: dict[str, list[Edge]] = {
    "batch_norm": [
        Edge("a constant channel", _CONSTANT, [[0, -1.2247449], [0, 0], [0, 1.2247449]], options={"eps": 1e-9})
    ],
}
