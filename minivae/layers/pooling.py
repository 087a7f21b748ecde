"""Pooling and upsampling: smaller and larger images, without weights."""

from __future__ import annotations

from typing import Any

from minivae import ops
from minivae.autodiff import Tensor
from minivae.errors import ConfigError
from minivae.layers.checks import IntOrPair, image_batch, pair
from minivae.layers.module import Module


class MaxPool2d(Module):
    """The largest value of each window: x (N, C, H, W) -> (N, C, H', W').

    H' = ⌊(H + 2·padding − dilation·(kernel_size − 1) − 1) / stride⌋ + 1, and the same for W'. The padding never wins.

    Args:
        kernel_size: the window, a whole number or (height, width).
        stride: the distance of windows; by default kernel_size, so that they do not overlap.
        padding: at each border, at most half the window.
        dilation: the distance of the entries of a window.

    Raises:
        ConfigError: an option that cannot work.
        ShapeError: x is not (N, C, H, W).
    """

    kernel_size: IntOrPair
    stride: IntOrPair | None
    padding: IntOrPair
    dilation: IntOrPair

    def __init__(
        self,
        kernel_size: IntOrPair,
        stride: IntOrPair | None = None,
        padding: IntOrPair = 0,
        dilation: IntOrPair = 1,
    ) -> None:
        _check_window("MaxPool2d", kernel_size, stride, padding)
        pair(1, dilation, "MaxPool2d", "dilation")
        self.kernel_size, self.stride, self.padding, self.dilation = kernel_size, stride, padding, dilation

    def forward(self, x: Any) -> Tensor:
        """x: (N, C, H, W) -> (N, C, H', W')."""
        image_batch(x, None, self)
        return ops.max_pool2d(x, self.kernel_size, self.stride, self.padding, self.dilation)


class AvgPool2d(Module):
    """The mean of each window, padding counted as zeros: x (N, C, H, W) -> (N, C, H', W').

    H' = ⌊(H + 2·padding − kernel_size) / stride⌋ + 1, and the same for W'.

    Args:
        kernel_size: the window, a whole number or (height, width).
        stride: the distance of windows; by default kernel_size, so that they do not overlap.
        padding: at each border, at most half the window.

    Raises:
        ConfigError: an option that cannot work.
        ShapeError: x is not (N, C, H, W).
    """

    kernel_size: IntOrPair
    stride: IntOrPair | None
    padding: IntOrPair

    def __init__(self, kernel_size: IntOrPair, stride: IntOrPair | None = None, padding: IntOrPair = 0) -> None:
        _check_window("AvgPool2d", kernel_size, stride, padding)
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding

    def forward(self, x: Any) -> Tensor:
        """x: (N, C, H, W) -> (N, C, H', W')."""
        image_batch(x, None, self)
        return ops.avg_pool2d(x, self.kernel_size, self.stride, self.padding)


class Upsample(Module):
    """Each pixel repeated, the nearest neighbour: x (N, C, H, W) -> (N, C, H · scale_factor, W · scale_factor).

    Args:
        scale_factor: a whole number, or one for the height and one for the width.

    Raises:
        ConfigError: scale_factor is not a whole number of 1 or more.
        ShapeError: x is not (N, C, H, W).
    """

    scale_factor: IntOrPair

    def __init__(self, scale_factor: IntOrPair) -> None:
        pair(1, scale_factor, "Upsample", "scale_factor")
        self.scale_factor = scale_factor

    def forward(self, x: Any) -> Tensor:
        """x: (N, C, H, W) -> (N, C, H · scale_factor, W · scale_factor)."""
        image_batch(x, None, self)
        return ops.upsample_nearest(x, self.scale_factor)


def _check_window(layer: str, kernel_size: IntOrPair, stride: IntOrPair | None, padding: IntOrPair) -> None:
    """Refuse windows and borders that cannot work."""
    kernel = pair(1, kernel_size, layer, "kernel_size")
    if stride is not None:
        pair(1, stride, layer, "stride")
    border = pair(0, padding, layer, "padding")
    if any(2 * p > k for p, k in zip(border, kernel, strict=True)):
        raise ConfigError(
            f"{layer}: padding is {padding}, the window {kernel_size}; expected at most half the window, or a window "
            "could lie in the padding alone"
        )
