"""Cases for the ops that work entry by entry."""

from __future__ import annotations

import numpy as np

from minivae.backend import to_backend
from minivae.selfcheck.case import Case, between, nonzero, normal, op, positive

_MASK = np.arange(15).reshape(3, 5) % 7 < 4

ARITHMETIC: list[Case] = [
    op("add", x=normal(3, 5), y=normal(3, 5)),
    op("add", "broadcast both ways", x=normal(3, 1, 5), y=normal(4, 1)),
    op("add", "0-d with 2-d", x=normal(), y=normal(3, 5)),
    op("sub", x=normal(3, 5), y=normal(3, 5)),
    op("sub", "broadcast both ways", x=normal(3, 1, 5), y=normal(4, 1)),
    op("mul", x=normal(3, 5), y=normal(3, 5)),
    op("mul", "broadcast both ways", x=normal(3, 1, 5), y=normal(4, 1)),
    op("mul", "0-d with 2-d", x=normal(), y=normal(3, 5)),
    op("mul", "same tensor twice", call=lambda mul, x: mul(x, x), x=normal(3, 5)),
    op("div", x=normal(3, 5), y=nonzero(3, 5)),
    op("div", "broadcast both ways", x=normal(3, 1, 5), y=nonzero(4, 1)),
    op("power", x=positive(3, 5), y=normal(3, 5)),
    op("power", "broadcast both ways", x=positive(3, 1, 5), y=normal(4, 1)),
    op("power", "exponent 3", call=lambda power, x: power(x, 3), x=nonzero(3, 5)),
    op("power", "exponent -1.5", call=lambda power, x: power(x, -1.5), x=positive(3, 5)),
    op("power", "base 2", call=lambda power, y: power(2.0, y), y=normal(3, 5)),
    op("neg", x=normal(3, 5)),
    op("square", x=normal(3, 5)),
    op("sqrt", x=positive(3, 5)),
    op("exp", x=normal(3, 5)),
    op("expm1", x=normal(3, 5)),
    op("expm1", "near 0", x=normal(3, 5, scale=1e-3)),
    op("log", x=positive(3, 5)),
    op("log1p", x=between(-0.5, 2, 3, 5)),
]

ACTIVATIONS: list[Case] = [
    op("tanh", x=normal(3, 5)),
    op("sigmoid", x=normal(3, 5, scale=3)),
    op("softplus", x=normal(3, 5, scale=3)),
    op("relu", x=nonzero(3, 5)),
    op("relu", "used at two points", call=lambda relu, x: relu(x) + relu(0.3 - x) * 2.0, x=nonzero(3, 5)),
    op("leaky_relu", x=nonzero(3, 5)),
    op("leaky_relu", "slope 0.3", {"negative_slope": 0.3}, x=nonzero(3, 5)),
    op("elu", x=nonzero(3, 5)),
    op("elu", "alpha 0.7", {"alpha": 0.7}, x=nonzero(3, 5)),
    op("gelu", x=normal(3, 5, scale=2)),
    op("silu", x=normal(3, 5, scale=2)),
]

PIECEWISE: list[Case] = [
    op("abs", x=nonzero(3, 5)),
    op("maximum", x=normal(3, 5), y=normal(3, 5)),
    op("maximum", "broadcast both ways", x=normal(3, 1, 5), y=normal(4, 1)),
    op("maximum", "with a number", call=lambda maximum, x: maximum(x, 0.2), x=normal(3, 5)),
    op("minimum", x=normal(3, 5), y=normal(3, 5)),
    op("minimum", "broadcast both ways", x=normal(3, 1, 5), y=normal(4, 1)),
    op("clip", "both bounds", {"min": -0.4, "max": 0.6}, x=normal(3, 5)),
    op("clip", "lower bound", {"min": -0.4}, x=normal(3, 5)),
    op("clip", "upper bound", {"max": 0.6}, x=normal(3, 5)),
    op("where", call=lambda where, x, y: where(to_backend(_MASK, x.device), x, y), x=normal(3, 5), y=normal(3, 5)),
    op(
        "where",
        "broadcast",
        call=lambda where, x, y: where(to_backend(_MASK[:, :1], x.device), x, y),
        x=normal(5),
        y=normal(),
    ),
    op("dropout", "p 0.4", call=lambda dropout, x: dropout(x, _MASK, 0.4), x=normal(3, 5)),
    op(
        "dropout",
        "two masks in turn",
        call=lambda dropout, x: dropout(x, _MASK, 0.4) + dropout(x, ~_MASK, 0.4) * 2.0,
        x=normal(3, 5),
    ),
    op("dropout", "a mask for each row", call=lambda dropout, x: dropout(x, _MASK[:, :1], 0.25), x=normal(3, 5)),
]

CASES = ARITHMETIC + ACTIVATIONS + PIECEWISE
