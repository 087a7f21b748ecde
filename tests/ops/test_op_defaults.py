"""What an op does when an option is left out. Where PyTorch has the option, these are its defaults."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from minivae import ops

DIMS = {"dim": None, "keepdim": False}
WINDOW = {"stride": None, "padding": 0}
AFFINE = {"weight": None, "bias": None, "eps": 1e-5}

DEFAULTS = {
    "avg_pool2d": WINDOW,
    "batch_norm": AFFINE,
    "clip": {"min": None, "max": None},
    "concat": {"dim": 0},
    "conv2d": {"bias": None, "stride": 1, "padding": 0, "dilation": 1, "groups": 1},
    "conv_transpose2d": {"bias": None, "stride": 1, "padding": 0, "output_padding": 0, "groups": 1, "dilation": 1},
    "dense": {"bias": None},
    "elu": {"alpha": 1.0},
    "flatten": {"start_dim": 0, "end_dim": -1},
    "group_norm": AFFINE | {"num_groups": 1},
    "layer_norm": AFFINE,
    "leaky_relu": {"negative_slope": 0.01},
    "logsumexp": DIMS,
    "max": DIMS,
    "max_pool2d": WINDOW | {"dilation": 1},
    "mean": DIMS,
    "min": DIMS,
    "pad": {"value": 0.0},
    "split": {"dim": 0},
    "stack": {"dim": 0},
    "sum": DIMS,
    "var": DIMS | {"correction": 1},
}


@pytest.mark.parametrize("name", [name for name in ops.__all__ if callable(getattr(ops, name))])
def test_defaults(name):
    parameters = inspect.signature(getattr(ops, name)).parameters.values()
    assert {p.name: p.default for p in parameters if p.default is not p.empty} == DEFAULTS.get(name, {})


@pytest.mark.parametrize("f", [ops.sum, ops.mean, ops.max, ops.min, ops.var, ops.logsumexp])
def test_a_reduction_without_a_dim_gives_one_number(f):
    x = np.arange(6.0).reshape(2, 3)
    assert f(x).shape == ()
    assert f(x, keepdim=True).shape == (1, 1)
