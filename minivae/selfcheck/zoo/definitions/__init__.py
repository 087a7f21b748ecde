"""What each op is, written a second time: as its definition reads, with loops and Python's own mathematics.

Nothing here is fast, or safe from overflow; it need only be right, in float64, for ordinary numbers. It shares no code
with `minivae/ops`.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from typing import Any

import numpy as np

from minivae.autodiff import Tensor
from minivae.selfcheck.zoo.definitions import networks, rows, shapes


def defined(f: rows.F) -> Callable[..., Any]:
    """A function of plain arrays as one of Tensors, so that it can stand where the op stands."""

    def op(*args: Any, **options: Any) -> Any:
        result = f(*(_plain(arg) for arg in args), **options)
        return tuple(map(Tensor, result)) if isinstance(result, (list, tuple)) else Tensor(np.asarray(result))

    return op


def _plain(argument: Any) -> Any:
    if isinstance(argument, Tensor):
        return argument.data
    return type(argument)(map(_plain, argument)) if isinstance(argument, (list, tuple)) else argument


DEFINITIONS: dict[str, rows.F] = {
    "abs": rows.each(lambda x: x if x > 0 else -x),
    "add": rows.each(lambda x, y: x + y),
    "avg_pool2d": networks.pool(statistics.fmean, 0.0),
    "batch_norm": networks.batch_norm,
    "binary_cross_entropy_with_logits": rows.each(rows.cross_entropy_of_coin),
    "broadcast_to": shapes.broadcast_to,
    "clip": rows.each(rows.clip),
    "concat": shapes.concat,
    "conv2d": networks.conv2d,
    "conv_transpose2d": networks.conv_transpose2d,
    "cross_entropy": networks.cross_entropy,
    "dense": lambda x, weight, bias=None: shapes.matmul(x, weight) + (0 if bias is None else bias),
    "div": rows.each(lambda x, y: x / y),
    "dropout": lambda x, mask, p: rows.each(lambda x, kept: x / (1 - p) if kept else 0.0)(x, mask),
    "elu": rows.each(lambda x, alpha=1.0: x if x > 0 else alpha * (math.exp(x) - 1)),
    "exp": rows.each(math.exp),
    "expm1": rows.each(math.expm1),
    "flatten": lambda x, start_dim=0: np.array(x.ravel().tolist()).reshape(*x.shape[:start_dim], -1),
    "flip": shapes.flip,
    "gaussian_log_likelihood": rows.each(rows.log_normal_density),
    "gelu": rows.each(lambda x: x * statistics.NormalDist().cdf(x)),
    "getitem": lambda x, index: np.array(x[index]),
    "group_norm": networks.group_norm,
    "kl_to_standard_normal": rows.each(rows.kl_of_normals),
    "layer_norm": networks.layer_norm,
    "leaky_relu": rows.each(lambda x, negative_slope=0.01: x if x > 0 else negative_slope * x),
    "log": rows.each(math.log),
    "log1p": rows.each(math.log1p),
    "log_softmax": rows.along(lambda row: [math.log(p) for p in rows.probabilities(row)]),
    "logsumexp": rows.over(rows.log_sum),
    "matmul": shapes.matmul,
    "max": rows.over(max),
    "max_pool2d": networks.pool(max, -math.inf),
    "maximum": rows.each(max),
    "mean": rows.over(statistics.fmean),
    "min": rows.over(min),
    "minimum": rows.each(min),
    "mul": rows.each(lambda x, y: x * y),
    "neg": rows.each(lambda x: -x),
    "pad": shapes.pad,
    "permute": shapes.permute,
    "power": rows.each(lambda x, y: x**y),
    "relu": rows.each(lambda x: max(x, 0.0)),
    "reshape": lambda x, shape: np.array(x.ravel().tolist()).reshape(shape),
    "sigmoid": rows.each(rows.sigmoid),
    "silu": rows.each(lambda x: x * rows.sigmoid(x)),
    "softmax": rows.along(rows.probabilities),
    "softplus": rows.each(lambda x: math.log(1 + math.exp(x))),
    "split": shapes.split,
    "sqrt": rows.each(math.sqrt),
    "square": rows.each(lambda x: x**2),
    "stack": lambda tensors, dim=0: np.moveaxis(np.array([t.tolist() for t in tensors]), 0, dim),
    "sub": rows.each(lambda x, y: x - y),
    "sum": rows.over(math.fsum),
    "tanh": rows.each(math.tanh),
    "upsample_nearest": networks.upsample_nearest,
    "var": rows.over(rows.variance),
    "where": lambda condition, x, y: rows.each(lambda c, a, b: a if c else b)(condition, x, y),
}
"""Each op by name."""
