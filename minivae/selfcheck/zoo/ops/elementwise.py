"""Wrong versions of the ops that work entry by entry, but for the activations."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minivae import ops
from minivae.autodiff import Forward
from minivae.backend import Array
from minivae.selfcheck.zoo.sabotage import cut, gradient, mutant, pullback
from minivae.selfcheck.zoo.trials import Edge


def _spread(g: Array, like: Array) -> Array:
    """The mean of a cotangent over the axes that broadcasting stretched, where the sum belongs."""
    extra = g.ndim - like.ndim
    axes = tuple(i for i in range(g.ndim) if i < extra or (like.shape[i - extra] == 1 and g.shape[i] != 1))
    return g.mean(axis=axes, keepdims=True).reshape(like.shape)


def _first(g: Array, like: Array) -> Array:
    """The cotangent of the first of the copies that broadcasting made, where the sum belongs."""
    g = g.reshape(-1, *g.shape[g.ndim - like.ndim :])[0]
    return g[tuple(slice(None, n) for n in like.shape)]


# --- arithmetic ---------------------------------------------------------------------------------------------

ARITHMETIC: dict[str, dict[str, Any]] = {
    "add": {
        "the gradient for y is x's with a sign, as in sub": gradient("add", y=lambda dy: -dy),
        "no gradient for y": cut("add", "y"),
        "broadcast y gets the mean, not the sum": pullback("add", y=lambda g, x, y: _spread(g, y)),
    },
    "sub": {
        "the sign of d/dy lost": gradient("sub", y=lambda dy: -dy),
        "broadcast y gets the gradient of its first copy": pullback("sub", y=lambda g, x, y: -_first(g, y)),
    },
    "mul": {
        "pullbacks swapped: d/dx = x": pullback("mul", x=lambda g, x, y: g * x, y=lambda g, x, y: g * y),
        "y taken for a constant": cut("mul", "y"),
        "broadcast y gets the mean, not the sum": pullback("mul", y=lambda g, x, y: _spread(g * x, y)),
    },
    "div": {
        "the sign of d/dy lost": gradient("div", y=lambda dy: -dy),
        "d/dy = −x/y, not −x/y²": pullback("div", y=lambda g, x, y: -g * x / y),
        "d/dy = −1/y², without x": pullback("div", y=lambda g, x, y: -g / y**2),
        "d/dx = y, as if it were mul": pullback("div", x=lambda g, x, y: g * y),
    },
    "power": {
        "the exponent not lowered: d/dx = y·xʸ": pullback("power", x=lambda g, x, y: g * y * x**y),
        "the exponent not brought down: d/dx = xʸ⁻¹": pullback("power", x=lambda g, x, y: g * x ** (y - 1)),
        "d/dy with log y for log x": pullback("power", y=lambda g, x, y: g * x**y * np.log(np.abs(y))),
        "the exponent taken for a constant": cut("power", "y"),
        "d/dx = y·xʸ/x, which is NaN at x = 0": pullback("power", x=lambda g, x, y: g * y * x**y / x),
    },
    "neg": {"the sign lost on the way back": gradient("neg", x=lambda dx: -dx)},
    "square": {
        "d/dx = x, the 2 lost": pullback("square", x=lambda g, x: g * x),
        "d/dx = 2, the x lost": pullback("square", x=lambda g, x: 2 * g),
    },
    "sqrt": {
        "d/dx = 1/√x, the ½ lost": gradient("sqrt", x=lambda dx: 2 * dx),
        "d/dx = 1/(2x)": pullback("sqrt", x=lambda g, x: g / (2 * x)),
    },
    "exp": {
        "d/dx = x·e^(x−1), the rule for powers": pullback("exp", x=lambda g, x: g * x * np.exp(x - 1)),
        "d/dx = x": pullback("exp", x=lambda g, x: g * x),
    },
    "expm1": {
        "d/dx = eˣ − 1": pullback("expm1", x=lambda g, x: g * np.expm1(x)),
        "exp(x) − 1, which loses small x": lambda x: ops.exp(x) - 1,
    },
    "log": {
        "d/dx = 1/log x": pullback("log", x=lambda g, x: g / np.log(x)),
        "the logarithm to base 10": lambda x: ops.log(x) / math.log(10),
    },
    "log1p": {
        "d/dx = 1/x": pullback("log1p", x=lambda g, x: g / x),
        "log(1 + x), which loses small x": lambda x: ops.log(1 + x),
    },
}

# --- pieces -------------------------------------------------------------------------------------------------


def _stale_dropout() -> Any:
    """Dropout that keeps its mask in itself."""
    kept: dict[str, Array] = {}

    @mutant
    def dropout(x: Array, mask: Any, p: float) -> Forward:
        """x · mask / (1 − p)."""
        kept["mask"] = mask
        return x * mask * x.dtype.type(1 / (1 - p)), lambda g: g * kept["mask"] * x.dtype.type(1 / (1 - p))

    return dropout


def _clip_without_mask(g: Array, x: Array, min: float | None = None, max: float | None = None) -> Array:
    return g


def _clip_below_only(g: Array, x: Array, min: float | None = None, max: float | None = None) -> Array:
    return g if min is None else g * (x >= min)


_BOTH = pullback("where", x=lambda g, x, y, condition: g, y=lambda g, x, y, condition: g)
_TURNED = pullback("where", x=lambda g, x, y, condition: g * ~condition, y=lambda g, x, y, condition: g * condition)

PIECEWISE: dict[str, dict[str, Any]] = {
    "abs": {
        "d/dx = 1": pullback("abs", x=lambda g, x: g),
        "d/dx = x": pullback("abs", x=lambda g, x: g * x),
        "d/dx = x/|x|, which is NaN at 0": pullback("abs", x=lambda g, x: g * x / np.abs(x)),
    },
    "maximum": {
        "both get the whole gradient": pullback("maximum", x=lambda g, x, y: g, y=lambda g, x, y: g),
        "the smaller gets it": pullback("maximum", x=lambda g, x, y: g * (x < y), y=lambda g, x, y: g * (y < x)),
        "a tie gives the whole to each": pullback(
            "maximum", x=lambda g, x, y: g * (x >= y), y=lambda g, x, y: g * (y >= x)
        ),
    },
    "minimum": {
        "the larger gets the gradient": pullback(
            "minimum", x=lambda g, x, y: g * (x > y), y=lambda g, x, y: g * (y > x)
        ),
        "a tie gives nothing to either": pullback(
            "minimum", x=lambda g, x, y: g * (x < y), y=lambda g, x, y: g * (y < x)
        ),
    },
    "clip": {
        "d/dx = 1 outside too": pullback("clip", x=_clip_without_mask),
        "the upper bound forgotten on the way back": pullback("clip", x=_clip_below_only),
        "no gradient at all": cut("clip", "x"),
    },
    "where": {
        "both sides get the whole gradient": lambda condition, x, y: _BOTH(x, y, condition),
        "the condition turned over on the way back": lambda condition, x, y: _TURNED(x, y, condition),
        "the condition turned over in the value": lambda condition, x, y: ops.where(condition, y, x),
    },
    "dropout": {
        "the mask forgotten on the way back": pullback("dropout", x=lambda g, x, mask, p: g / (1 - p)),
        "the scale forgotten on the way back": pullback("dropout", x=lambda g, x, mask, p: g * mask),
        "a stale mask: that of the last call": _stale_dropout(),
        "divided by p, not by 1 − p": lambda x, mask, p: ops.dropout(x, mask, p) * ((1 - p) / p),
        "nothing rescaled": lambda x, mask, p: ops.dropout(x, mask, p) * (1 - p),
        "the mask turned over": lambda x, mask, p: ops.dropout(x, ~mask, p),
    },
}

MUTANTS = ARITHMETIC | PIECEWISE

EDGES: dict[str, list[Edge]] = {
    "abs": [Edge("x = 0", ([0.0, -2.0],), [0, 2], ([0, -1],))],
    "clip": [Edge("x on a bound", ([0.6, 2.0],), [0.6, 0.6], ([1, 0],), {"max": 0.6})],
    "expm1": [Edge("x = 1e-12", ([1e-12],), [1e-12], ([1],))],
    "log1p": [Edge("x = 1e-12", ([1e-12],), [1e-12], ([1],))],
    "maximum": [Edge("a tie", ([1.0, 2.0], [1.0, 3.0]), [1, 3], ([0.5, 0], [0.5, 1]))],
    "minimum": [Edge("a tie", ([1.0, 2.0], [1.0, 3.0]), [1, 2], ([0.5, 1], [0.5, 0]))],
    "power": [Edge("x = 0", ([0.0, 0.0, 0.0], [2.0, 1.0, 0.0]), [0, 0, 1], ([0, 1, 0], [0, 0, 0]))],
}
