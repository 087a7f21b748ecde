"""Wrong versions of the activations."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minivae import ops
from minivae.autodiff import Forward, Tensor
from minivae.backend import Array
from minivae.ops.erf import erfc, normal_pdf
from minivae.selfcheck.zoo.sabotage import mutant, pullback
from minivae.selfcheck.zoo.trials import Edge

HUGE = [-1000.0, 1000.0]


@mutant
def _naive_tanh(x: Array) -> Forward:
    """(eˣ − e⁻ˣ)/(eˣ + e⁻ˣ)."""
    y = (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x))
    return y, lambda g: g * (1 - y * y)


@mutant
def _naive_sigmoid(x: Array) -> Forward:
    """1/(1 + exp(−x))."""
    y = 1 / (1 + np.exp(-x))
    return y, lambda g: g * y * (1 - y)


@mutant
def _elu_of_two_sides(x: Array, alpha: float = 1.0) -> Forward:
    """Both sides computed, then one chosen."""
    y = np.where(x > 0, x, alpha * (np.exp(x) - 1))
    positive = (x > 0).astype(x.dtype)
    return y, lambda g: g * (positive + (1 - positive) * alpha * np.exp(x))


@mutant
def _gelu_with_numpy_root(x: Array) -> Forward:
    """x·Φ(x), where np.sqrt(2) is a float64 and makes one of all it meets."""
    cdf = erfc(x / -np.sqrt(2)) / 2
    return x * cdf, lambda g: g * (cdf + x * normal_pdf(x))


def _stale_relu() -> Any:
    """A relu that keeps its mask in itself, as layers with `self.mask` do: the last call's mask serves them all."""
    kept: dict[str, Array] = {}

    @mutant
    def relu(x: Array) -> Forward:
        """max(x, 0)."""
        kept["mask"] = x > 0
        return np.maximum(x, 0), lambda g: g * kept["mask"]

    return relu


def _tanh_gelu(x: Tensor) -> Tensor:
    """The approximation that many libraries call gelu: to three digits it is."""
    return 0.5 * x * (1 + ops.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))


MUTANTS: dict[str, dict[str, Any]] = {
    "tanh": {
        "d/dx = 1 − y, the square lost": pullback("tanh", x=lambda g, x: g * (1 - np.tanh(x))),
        "d/dx = 1 − x²: of the input, not the output": pullback("tanh", x=lambda g, x: g * (1 - x * x)),
        "quotient of exponentials, which overflow": _naive_tanh,
    },
    "sigmoid": {
        "d/dx = x·(1 − x): of the input, not the output": pullback("sigmoid", x=lambda g, x: g * x * (1 - x)),
        "d/dx = y": pullback("sigmoid", x=lambda g, x: g / (1 + np.exp(-x))),
        "1/(1 + exp(−x)), whose exponential overflows": _naive_sigmoid,
        "the slope of tanh, 1 − y²": pullback("sigmoid", x=lambda g, x: g * (1 - (1 + np.exp(-x)) ** -2)),
    },
    "softplus": {
        "d/dx = 1 − sigmoid x": pullback("softplus", x=lambda g, x: g / (1 + np.exp(x))),
        "d/dx = sigmoid(y): of the output, not the input": pullback(
            "softplus", x=lambda g, x: g / (1 + 1 / (1 + np.exp(x)))
        ),
        "log(1 + exp x), whose exponential overflows": lambda x: ops.log(1 + ops.exp(x)),
    },
    "relu": {
        "d/dx = 1 on both sides": pullback("relu", x=lambda g, x: g),
        "the mask turned over": pullback("relu", x=lambda g, x: g * (x <= 0)),
        "the mask from the cotangent, not from x": pullback("relu", x=lambda g, x: g * (g > 0)),
        "a stale mask: that of the last call": _stale_relu(),
        "clipped at 1 as well": lambda x: ops.clip(x, 0.0, 1.0),
    },
    "leaky_relu": {
        "no slope for x < 0 on the way back": pullback("leaky_relu", x=lambda g, x, negative_slope=0.01: g * (x > 0)),
        "the slope on the wrong side": pullback(
            "leaky_relu", x=lambda g, x, negative_slope=0.01: g * np.where(x > 0, negative_slope, 1)
        ),
        "the option negative_slope ignored": lambda x, negative_slope=0.01: ops.leaky_relu(x, 0.01),
    },
    "elu": {
        "d/dx = y for x < 0, its α lost": pullback(
            "elu", x=lambda g, x, alpha=1.0: g * np.where(x > 0, 1, alpha * np.expm1(x))
        ),
        "d/dx = eˣ for x < 0, α forgotten": pullback(
            "elu", x=lambda g, x, alpha=1.0: g * np.where(x > 0, 1, np.exp(x))
        ),
        "α eˣ for x < 0, the −1 forgotten": lambda x, alpha=1.0: ops.elu(x, alpha) + alpha * (x < 0),
        "the exponential of the side that is not taken": _elu_of_two_sides,
    },
    "gelu": {
        "d/dx = Φ(x), the product rule forgotten": pullback("gelu", x=lambda g, x: g * ops.gelu(Tensor(x)).data / x),
        "the approximation by tanh": _tanh_gelu,
        "the approximation x·sigmoid(1.702 x)": lambda x: x * ops.sigmoid(1.702 * x),
        "np.sqrt(2) makes float64 of float32": _gelu_with_numpy_root,
    },
    "silu": {
        "d/dx = sigmoid x, the product rule forgotten": pullback("silu", x=lambda g, x: g / (1 + np.exp(-x))),
        "d/dx = s + s·(1 − s), the factor x forgotten": pullback(
            "silu", x=lambda g, x: g * (1 / (1 + np.exp(-x)) + np.exp(-x) / (1 + np.exp(-x)) ** 2)
        ),
        "x / (1 + exp(−x)), whose exponential overflows": lambda x: x / (1 + ops.exp(-x)),
    },
}

EDGES: dict[str, list[Edge]] = {
    "elu": [Edge("x = ±1000", (HUGE,), [-1, 1000], ([0, 1],))],
    "gelu": [Edge("x = ±1000", (HUGE,), [0, 1000], ([0, 1],))],
    "relu": [Edge("x = 0", ([0.0, 2.0],), [0, 2], ([0, 1],))],
    "sigmoid": [Edge("x = ±1000", (HUGE,), [0, 1], ([0, 0],))],
    "silu": [Edge("x = ±1000", (HUGE,), [0, 1000], ([0, 1],))],
    "softplus": [Edge("x = ±1000", (HUGE,), [0, 1000], ([0, 1],))],
    "tanh": [Edge("x = ±1000", (HUGE,), [-1, 1], ([0, 0],))],
}
