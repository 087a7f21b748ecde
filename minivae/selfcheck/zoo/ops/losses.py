"""Wrong versions of the losses, the densities and the KL divergence to the standard normal."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minivae import ops
from minivae.autodiff import PRIMITIVES, Forward, Tensor
from minivae.backend import Array
from minivae.selfcheck.zoo.sabotage import cut, gradient, mutant, pullback
from minivae.selfcheck.zoo.trials import Edge

kl = PRIMITIVES["kl_to_standard_normal"]


def _p(logits: Array) -> Array:
    return 1 / (1 + np.exp(-logits))


@mutant
def _density_with_numpy_constant(x: Array, mean: Array, logvar: Array) -> Forward:
    """np.log(2π) is a float64 and makes one of all it meets."""
    value, pullbacks = PRIMITIVES["gaussian_log_likelihood"].__wrapped__(x, mean, logvar)  # type: ignore[attr-defined]
    return value + 0.5 * math.log(2 * math.pi) - 0.5 * np.log(2 * np.pi), pullbacks


def _of_probabilities(logits: Any, target: Any) -> Tensor:
    p = ops.sigmoid(logits)
    return -(target * ops.log(p) + (1 - target) * ops.log(1 - p))


def _log_likelihood(x: Any, mean: Any, logvar: Any) -> Tensor:
    """The density in terms of d = x − mean and the variance."""
    d = x - mean
    return -0.5 * (math.log(2 * math.pi) + logvar + d * d / ops.exp(logvar))


def _precedence(x: Any, mean: Any, logvar: Any) -> Tensor:
    """−½ (log 2π + lv + d²)/e^lv: the brackets closed too late."""
    d = x - mean
    return -0.5 * (math.log(2 * math.pi) + logvar + d * d) / ops.exp(logvar)


def _sum_of_squares(x: Any, mean: Any, logvar: Any) -> Tensor:
    """−d²: squared error, with neither ½ nor constant nor variance."""
    d = x - mean
    return -d * d + 0 * logvar


def _cross_entropy(pull: Callable[[Array, Array, Array, int], Array]) -> Any:
    """cross_entropy with the pullback pull(cotangent with the class axis, p, one-hot labels, number of examples)."""

    def pulled(g: Array, logits: Array, labels: Any) -> Array:
        p = ops.softmax(Tensor(logits), 1).data
        onehot = np.moveaxis(np.eye(p.shape[1])[labels], -1, 1)
        return pull(np.expand_dims(g, 1), p, onehot, labels.size)

    return pullback("cross_entropy", logits=pulled)


def _shifted_labels(logits: Any, labels: Any) -> Tensor:
    return ops.cross_entropy(logits, (np.asarray(labels) + 1) % logits.shape[1])


def _log_of_softmax(logits: Any, labels: Any) -> Tensor:
    onehot = np.moveaxis(np.eye(logits.shape[1], dtype=logits.dtype)[np.asarray(labels)], -1, 1)
    return -ops.sum(ops.log(ops.softmax(logits, 1)) * onehot, 1)


def _kl_of_exp(loc: Any, logvar: Any) -> Tensor:
    """exp(logvar) − 1 as it stands in the book."""
    return 0.5 * (loc * loc + ops.exp(logvar) - 1.0 - logvar)


MUTANTS: dict[str, dict[str, Any]] = {
    "binary_cross_entropy_with_logits": {
        "the sign: t − sigmoid(l)": gradient("binary_cross_entropy_with_logits", logits=lambda dl: -dl),
        "l − t, the sigmoid forgotten on the way back": pullback(
            "binary_cross_entropy_with_logits", logits=lambda g, logits, t: g * (logits - t)
        ),
        "times p·(1 − p) once too often": pullback(
            "binary_cross_entropy_with_logits",
            logits=lambda g, logits, t: g * (_p(logits) - t) * _p(logits) * (1 - _p(logits)),
        ),
        "no gradient for the target": cut("binary_cross_entropy_with_logits", "target"),
        "arguments swapped": lambda logits, target: ops.binary_cross_entropy_with_logits(target, logits),
        "sigmoid twice": lambda logits, target: ops.binary_cross_entropy_with_logits(ops.sigmoid(logits), target),
        "the term (1 − t)·log(1 − p) forgotten": lambda logits, target: target * ops.softplus(-logits),
        "in bits": lambda logits, target: ops.binary_cross_entropy_with_logits(logits, target) / math.log(2),
        "log p and log(1 − p) of rounded probabilities": _of_probabilities,
    },
    "gaussian_log_likelihood": {
        "mean: the sign lost": gradient("gaussian_log_likelihood", mean=lambda dm: -dm),
        "mean: not divided by the variance": pullback(
            "gaussian_log_likelihood", mean=lambda g, x, mean, lv: g * (x - mean)
        ),
        "logvar: the ½ lost": gradient("gaussian_log_likelihood", logvar=lambda dv: 2 * dv),
        "logvar: the −½ of the normalising term lost": pullback(
            "gaussian_log_likelihood", logvar=lambda g, x, mean, lv: g * 0.5 * (x - mean) ** 2 * np.exp(-lv)
        ),
        "log 2π forgotten": lambda x, mean, logvar: _log_likelihood(x, mean, logvar) + 0.5 * math.log(2 * math.pi),
        "log σ² forgotten": lambda x, mean, logvar: _log_likelihood(x, mean, logvar) + 0.5 * logvar,
        "logvar taken for log σ": lambda x, mean, logvar: _log_likelihood(x, mean, 2 * logvar),
        "brackets: −½ (lv + d²)/e^lv": _precedence,
        "squared error in its place": _sum_of_squares,
        "e^logvar, which overflows where σ does not": _log_likelihood,
        "np.log(2π) makes float64 of float32": _density_with_numpy_constant,
    },
    "cross_entropy": {
        "the sign: onehot − p": gradient("cross_entropy", logits=lambda dl: -dl),
        "the onehot forgotten": _cross_entropy(lambda g, p, onehot, n: g * p),
        "the gradient averaged, the value not": _cross_entropy(lambda g, p, onehot, n: g * (p - onehot) / n),
        "labels counted from 1": _shifted_labels,
        "log(softmax(x)), whose small p round to 0": _log_of_softmax,
    },
    "kl_to_standard_normal": {
        "dKL/dμ = μ/2": pullback("kl_to_standard_normal", loc=lambda g, mu, lv: g * mu / 2),
        "dKL/dμ = 2μ": pullback("kl_to_standard_normal", loc=lambda g, mu, lv: g * 2 * mu),
        "dKL/dlv = e^lv/2, the −½ lost": pullback("kl_to_standard_normal", logvar=lambda g, mu, lv: g * np.exp(lv) / 2),
        "dKL/dlv = e^lv − 1, the ½ lost": pullback("kl_to_standard_normal", logvar=lambda g, mu, lv: g * np.expm1(lv)),
        "the derivative by σ, σ − 1/σ": pullback(
            "kl_to_standard_normal", logvar=lambda g, mu, lv: g * (np.exp(lv / 2) - np.exp(-lv / 2))
        ),
        "no −1": lambda mu, lv: kl(mu, lv) + 0.5,
        "no ½": lambda mu, lv: 2 * kl(mu, lv),
        "+ logvar for − logvar": lambda mu, lv: kl(mu, lv) + lv,
        "μ not squared": lambda mu, lv: kl(mu, lv) + 0.5 * (mu - mu * mu),
        "log σ for log σ²": lambda mu, lv: kl(mu, lv) + 0.25 * lv,
        "exp(logvar) − 1, which is negative near 0 in float32": _kl_of_exp,
    },
}

EDGES: dict[str, list[Edge]] = {
    "binary_cross_entropy_with_logits": [
        Edge("logits ±1000", ([-1000.0, 1000.0, 1000.0], [0.0, 1.0, 0.0]), [0, 0, 1000], ([0, 0, 1],))
    ],
    "cross_entropy": [Edge("logits ±1000", ([[1000.0, -1000.0]],), [2000], ([[1, -1]],), {"labels": np.array([1])})],
    "gaussian_log_likelihood": [
        Edge(
            "logvar ±100 in float32",
            ([1.0, 0.0], [0.0, 0.0], [100.0, -100.0]),
            [-50.918939, 49.081061],
            dtype=np.float32,
        )
    ],
    "kl_to_standard_normal": [
        Edge(
            "logvar 1e-3 in float32",
            ([0.0], [1e-3]),
            [2.5008e-07],
            ([0], [5.0025e-4]),
            dtype=np.float32,
            tolerance=0.01,
        )
    ],
}
