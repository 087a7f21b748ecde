"""Batch, layer and group normalisation: mean 0 and variance 1 over some axes, then a learned scale and shift."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

from minivae import ops
from minivae.autodiff import Tensor
from minivae.backend import Array, to_backend
from minivae.errors import ConfigError, ShapeError
from minivae.layers.checks import at_least
from minivae.layers.module import Buffer, Module, Parameter
from minivae.ops.channels import sum_over_pixels


class BatchNorm(Module):
    """y = weight · (x − mean) / √(var + eps) + bias for each channel: x (N, C) or (N, C, ...) -> the same shape.

    In training mean and var are the batch's, over all axes but the channels', and move the running ones:

        running = (1 − momentum) · running + momentum · batch's        var here divides by n − 1, as in PyTorch

    In evaluation the running ones are used, and every example is treated alone (Ioffe & Szegedy 2015). One class for
    PyTorch's BatchNorm1d and 2d; it keeps no `num_batches_tracked`, which only momentum=None would need.

    Args:
        num_features: C.
        eps: added to the variance, so that a constant channel divides by more than zero.
        momentum: the weight of the newest batch, in (0, 1].
        affine: whether weight and bias are learned; otherwise they are 1 and 0.
        track_running_stats: whether to keep running statistics; otherwise evaluation uses the batch's too.
        dtype: float32 or float64.

    Raises:
        ConfigError: an option out of range.
        ShapeError: x has other than C channels, or in training a channel has only one value, whose variance is 0.
    """

    num_features: int
    eps: float
    momentum: float
    affine: bool
    track_running_stats: bool
    weight: Parameter | None  # (C,)
    bias: Parameter | None  # (C,)
    running_mean: Buffer | None  # (C,)
    running_var: Buffer | None  # (C,)

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        dtype: Any = np.float32,
    ) -> None:
        self.num_features = at_least(1, num_features, "BatchNorm", "num_features")
        self.eps = _epsilon("BatchNorm", eps)
        if not isinstance(momentum, numbers.Real) or not 0 < momentum <= 1:
            raise ConfigError(f"BatchNorm: momentum is {momentum!r}; expected the newest batch's weight, in (0, 1]")
        self.momentum, self.affine, self.track_running_stats = float(momentum), affine, track_running_stats
        self.weight, self.bias = _scale_and_shift((num_features,), affine, affine, dtype)
        self.running_mean = self.running_var = None
        if track_running_stats:
            self.running_mean = Buffer(to_backend(np.zeros(num_features, dtype)))
            self.running_var = Buffer(to_backend(np.ones(num_features, dtype)))

    def forward(self, x: Any) -> Tensor:
        """x: (N, C) or (N, C, ...) -> the same shape."""
        if x.ndim < 2 or x.shape[1] != self.num_features:
            raise ShapeError(
                f"BatchNorm({self.num_features}): x has shape {x.shape}; expected (N, {self.num_features}) or "
                f"(N, {self.num_features}, H, W)"
            )
        if not self.training and self.running_mean is not None and self.running_var is not None:
            return self._by_running_statistics(x, self.running_mean.data, self.running_var.data)
        values = math.prod(x.shape) // self.num_features
        if values < 2:
            raise ShapeError(
                f"BatchNorm({self.num_features}): x has shape {x.shape}, one value a channel; its variance needs at "
                "least 2. Train with a larger batch (drop_last=True drops a last one that is too small), or call "
                "model.eval() to use the running statistics."
            )
        self._move_running_statistics(x.data if isinstance(x, Tensor) else x, values)
        return ops.batch_norm(x, self.weight, self.bias, self.eps)

    def _move_running_statistics(self, x: Array, values: int) -> None:
        """A step of size momentum towards the batch's mean and unbiased variance."""
        if self.running_mean is None or self.running_var is None:
            return
        mean = sum_over_pixels(x) / values
        deviation = x - mean.reshape(self._broadcastable(x))
        variance = sum_over_pixels(deviation * deviation) / (values - 1)
        for running, batch in ((self.running_mean, mean), (self.running_var, variance)):
            running.data = running.data + self.momentum * (batch - running.data)

    def _by_running_statistics(self, x: Any, mean: Array, var: Array) -> Tensor:
        """y = scale · x + shift with a scale and a shift for each channel, known beforehand."""
        scale: Any = (var + self.eps) ** -0.5
        shift: Any = -mean * scale
        if self.weight is not None and self.bias is not None:
            scale = ops.mul(self.weight, scale)
            shift = ops.sub(self.bias, ops.mul(scale, mean))
        shape = self._broadcastable(x)
        return ops.add(ops.mul(x, scale.reshape(shape)), shift.reshape(shape))

    def _broadcastable(self, x: Any) -> tuple[int, ...]:
        """The shape in which one number a channel broadcasts along the channels of x."""
        return (self.num_features, *(1,) * (x.ndim - 2))


class LayerNorm(Module):
    """y = weight · (x − mean) / √(var + eps) + bias, over the last axes of each example (Ba et al. 2016).

    x (..., *normalized_shape) -> the same shape; it does the same in training and in evaluation.

    Args:
        normalized_shape: the lengths of the axes to normalise over; a number means the last one.
        eps: added to the variance.
        elementwise_affine: whether weight and bias, of shape normalized_shape, are learned.
        bias: whether there is a bias.
        dtype: float32 or float64.

    Raises:
        ConfigError: an option out of range.
        ShapeError: the last axes of x are not normalized_shape.
    """

    normalized_shape: tuple[int, ...]
    eps: float
    elementwise_affine: bool
    weight: Parameter | None  # normalized_shape
    bias: Parameter | None  # normalized_shape

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        *,
        dtype: Any = np.float32,
    ) -> None:
        lengths = normalized_shape if isinstance(normalized_shape, Sequence) else (normalized_shape,)
        self.normalized_shape = tuple(at_least(1, n, "LayerNorm", "normalized_shape") for n in lengths)
        if not self.normalized_shape:
            raise ConfigError("LayerNorm: normalized_shape is empty; expected the lengths of the last axes")
        self.eps = _epsilon("LayerNorm", eps)
        self.elementwise_affine = elementwise_affine
        self.weight, self.bias = _scale_and_shift(
            self.normalized_shape, elementwise_affine, elementwise_affine and bias, dtype
        )

    def forward(self, x: Any) -> Tensor:
        """x: (..., *normalized_shape) -> the same shape."""
        if x.shape[-len(self.normalized_shape) :] != self.normalized_shape:
            raise ShapeError(
                f"LayerNorm: x has shape {x.shape}; its last axes must be normalized_shape = {self.normalized_shape}"
            )
        if self.weight is not None:
            return ops.layer_norm(x, self.weight, self.bias, self.eps)
        examples = ops.reshape(x, (-1, *self.normalized_shape))  # without weights, the op takes all axes but the first
        return ops.reshape(ops.layer_norm(examples, None, None, self.eps), x.shape)


class GroupNorm(Module):
    """y = weight · (x − mean) / √(var + eps) + bias, over each example's groups of channels (Wu & He 2018).

    x (N, C) or (N, C, ...) -> the same shape. mean and var are over all entries of a group, weight and bias are each
    channel's own; it does the same in training and in evaluation, and for a batch of 1.

    Args:
        num_groups: how many groups the channels fall into; 1 normalises each example as a whole.
        num_channels: C, a multiple of num_groups.
        eps: added to the variance.
        affine: whether weight and bias are learned.
        dtype: float32 or float64.

    Raises:
        ConfigError: an option out of range.
        ShapeError: x has other than C channels.
    """

    num_groups: int
    num_channels: int
    eps: float
    affine: bool
    weight: Parameter | None  # (C,)
    bias: Parameter | None  # (C,)

    def __init__(
        self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True, *, dtype: Any = np.float32
    ) -> None:
        self.num_groups = at_least(1, num_groups, "GroupNorm", "num_groups")
        self.num_channels = at_least(1, num_channels, "GroupNorm", "num_channels")
        if num_channels % num_groups:
            raise ConfigError(f"GroupNorm: num_groups = {num_groups} must divide num_channels = {num_channels}")
        self.eps, self.affine = _epsilon("GroupNorm", eps), affine
        self.weight, self.bias = _scale_and_shift((num_channels,), affine, affine, dtype)

    def forward(self, x: Any) -> Tensor:
        """x: (N, C) or (N, C, ...) -> the same shape."""
        if x.ndim < 2 or x.shape[1] != self.num_channels:
            raise ShapeError(
                f"GroupNorm({self.num_groups}, {self.num_channels}): x has shape {x.shape}; expected "
                f"(N, {self.num_channels}, ...)"
            )
        return ops.group_norm(x, self.weight, self.bias, self.num_groups, self.eps)


def _epsilon(layer: str, eps: Any) -> float:
    if not isinstance(eps, numbers.Real) or not float(eps) > 0:
        raise ConfigError(f"{layer}: eps is {eps!r}; expected a number above 0")
    return float(eps)


def _scale_and_shift(
    shape: tuple[int, ...], scale: bool, shift: bool, dtype: Any
) -> tuple[Parameter | None, Parameter | None]:
    """The learned scale, at first 1, and shift, at first 0, on the current backend."""
    weight = Parameter(to_backend(np.ones(shape, dtype))) if scale else None
    return weight, Parameter(to_backend(np.zeros(shape, dtype))) if shift else None
