"""Wrong versions of the layers that normalise."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from typing import Any

import numpy as np

from minivae import layers, ops
from minivae.autodiff import Tensor
from minivae.random import stream
from minivae.selfcheck.zoo.sabotage import forward, methods
from minivae.selfcheck.zoo.subject import Trial, Verdict
from minivae.selfcheck.zoo.trials import all_of, compare


def _running(target: Any, seed: int) -> Verdict:
    """After two batches the running statistics are what their formula says; in evaluation they stay."""
    rng = stream(seed, "running")
    layer = target(3, momentum=0.3, dtype=np.float64)
    mean, var = [0.0] * 3, [1.0] * 3
    for _ in range(2):
        x = 5 + 2 * rng.standard_normal((4, 3, 2))
        layer(Tensor(x))
        for c in range(3):
            row = x[:, c].ravel().tolist()
            mean[c] = 0.7 * mean[c] + 0.3 * statistics.fmean(row)
            var[c] = 0.7 * var[c] + 0.3 * statistics.variance(row)
    learned = [
        compare(layer.running_mean.data, mean, what="running_mean"),
        compare(layer.running_var.data, var, what="running_var"),
    ]
    layer.eval()(Tensor(x))
    return all_of([*learned, compare(layer.running_mean.data, mean, what="running_mean after evaluation")])


def _moving(f: Callable[[Any, Any, Any, int], None]) -> Any:
    """BatchNorm that moves its running statistics by f(self, mean, variance, number of values)."""

    def move(self: Any, x: Any, values: int) -> None:
        axes = (0, *range(2, x.ndim))
        f(self, x.mean(axis=axes), x.var(axis=axes), values)

    return methods(layers.BatchNorm, _move_running_statistics=move)


def _towards(self: Any, mean: Any, var: Any, share: float) -> None:
    self.running_mean.data = self.running_mean.data + share * (mean - self.running_mean.data)
    self.running_var.data = self.running_var.data + share * (var - self.running_var.data)


def _moving_in_evaluation(self: Any, x: Any) -> Tensor:
    if self.running_mean is not None:
        self._move_running_statistics(x.data, math.prod(x.shape) // x.shape[1])
    return layers.BatchNorm.forward(self, x)


def _by_running_statistics(scale: Callable[[Any, Any], Any], shift: bool = True) -> Any:
    """BatchNorm that multiplies by scale(self, running variance) in evaluation."""

    def run(self: Any, x: Any, mean: Any, var: Any) -> Tensor:
        shape = (-1, *(1,) * (x.ndim - 2))
        y = (x - mean.reshape(shape)) * scale(self, var).reshape(shape)
        return y if self.weight is None else y * self.weight.reshape(shape) + self.bias.reshape(shape)

    return methods(layers.BatchNorm, _by_running_statistics=run)


def _always_by_the_batch(self: Any, x: Any) -> Tensor:
    return ops.batch_norm(x, self.weight, self.bias, self.eps)


def _always_by_the_past(self: Any, x: Any) -> Tensor:
    return self._by_running_statistics(x, self.running_mean.data, self.running_var.data)


def _constant_statistics(self: Any, x: Any) -> Tensor:
    """The batch's mean and variance taken for constants on the way back."""
    if not self.training:
        return layers.BatchNorm.forward(self, x)
    axes = (0, *range(2, x.ndim))
    return self._by_running_statistics(x, x.data.mean(axis=axes), x.data.var(axis=axes))


BATCH_NORM: dict[str, Any] = {
    "the batch's statistics in evaluation": forward(layers.BatchNorm, _always_by_the_batch),
    "the running statistics in training": forward(layers.BatchNorm, _always_by_the_past),
    "mean and variance taken for constants": forward(layers.BatchNorm, _constant_statistics),
    "momentum turned over": _moving(lambda self, m, v, n: _towards(self, m, v * n / (n - 1), 1 - self.momentum)),
    "the biased variance": _moving(lambda self, m, v, n: _towards(self, m, v, self.momentum)),
    "the standard deviation": _moving(lambda self, m, v, n: _towards(self, m, (v * n / (n - 1)) ** 0.5, self.momentum)),
    "the running statistics are the last batch's": _moving(lambda self, m, v, n: _towards(self, m, v * n / (n - 1), 1)),
    "the running statistics never move": _moving(lambda self, m, v, n: None),
    "the running statistics move in evaluation": forward(layers.BatchNorm, _moving_in_evaluation),
    "eps outside the root in evaluation": _by_running_statistics(lambda self, var: 1 / (var**0.5 + self.eps)),
    "eps forgotten in evaluation": _by_running_statistics(lambda self, var: var**-0.5),
    "divided by the variance in evaluation": _by_running_statistics(lambda self, var: 1 / (var + self.eps)),
}


def _unbiased_layer_norm(self: Any, x: Any) -> Tensor:
    axes = tuple(range(-len(self.normalized_shape), 0))
    y = (x - ops.mean(x, axes, keepdim=True)) / ops.sqrt(ops.var(x, axes, keepdim=True) + self.eps)
    return ops.add(y if self.weight is None else y * self.weight, 0.0 if self.bias is None else self.bias)


def _whole_examples(self: Any, x: Any) -> Tensor:
    y = ops.layer_norm(x, None, None, self.eps)
    return ops.add(y if self.weight is None else y * self.weight, 0.0 if self.bias is None else self.bias)


LAYER_NORM: dict[str, Any] = {
    "the whole example, whatever normalized_shape": forward(layers.LayerNorm, _whole_examples),
    "the unbiased variance": forward(layers.LayerNorm, _unbiased_layer_norm),
    "weight and bias swapped": forward(
        layers.LayerNorm,
        lambda self, x: (
            layers.LayerNorm.forward(self, x)
            if self.bias is None
            else ops.layer_norm(x, self.bias, self.weight, self.eps)
        ),
    ),
    "the bias not added": forward(
        layers.LayerNorm,
        lambda self, x: (
            layers.LayerNorm.forward(self, x) if self.weight is None else ops.layer_norm(x, self.weight, None, self.eps)
        ),
    ),
    "weight and bias detached": forward(
        layers.LayerNorm,
        lambda self, x: (
            layers.LayerNorm.forward(self, x)
            if self.weight is None
            else ops.layer_norm(x, self.weight.detach(), None if self.bias is None else self.bias.detach(), self.eps)
        ),
    ),
}


def _group_norm(groups: Callable[[Any], int], weighted: bool = True) -> Any:
    return forward(
        layers.GroupNorm,
        lambda self, x: ops.group_norm(
            x, self.weight if weighted else None, self.bias if weighted else None, groups(self), self.eps
        ),
    )


GROUP_NORM: dict[str, Any] = {
    "num_groups taken for channels in a group": _group_norm(lambda self: self.num_channels // self.num_groups),
    "one group": _group_norm(lambda self: 1),
    "each channel by itself": _group_norm(lambda self: self.num_channels),
    "weight and bias ignored": _group_norm(lambda self: self.num_groups, weighted=False),
    "the batch's statistics": forward(
        layers.GroupNorm, lambda self, x: ops.batch_norm(x, self.weight, self.bias, self.eps)
    ),
}

MUTANTS: dict[str, dict[str, Any]] = {"BatchNorm": BATCH_NORM, "LayerNorm": LAYER_NORM, "GroupNorm": GROUP_NORM}
TRIAL = Trial("running", _running)
