"""Convolution and transposed convolution over images."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minivae import ops
from minivae.autodiff import Tensor
from minivae.errors import ConfigError
from minivae.layers.checks import IntOrPair, at_least, image_batch, pair
from minivae.layers.initialisers import Initialiser, torch_default, weight_and_bias
from minivae.layers.module import Module, Parameter
from minivae.random import Rng


class Conv2d(Module):
    """Slides out_channels filters over an image: x (N, in_channels, H, W) -> (N, out_channels, H', W').

    H' = ⌊(H + 2·padding − dilation·(kernel_size − 1) − 1) / stride⌋ + 1, and the same for W'.

    Args:
        in_channels, out_channels: channels of x and of y; both must be multiples of `groups`.
        kernel_size, stride, padding, dilation: a whole number, or a pair (height, width).
        groups: the channels fall into this many groups that do not see each other.
        bias: whether to add a bias to each output channel.
        init: how the weight is drawn; PyTorch's default is U(±1/√fan_in) for weight and bias, fan_in =
            in_channels/groups · kernel height · kernel width.
        rng: where the numbers come from; by default `minivae.random.default_rng()`.
        dtype: float32 or float64.

    Raises:
        ConfigError: an option that cannot work.
        ShapeError: x is not (N, in_channels, H, W), or smaller than the kernel.
    """

    in_channels: int
    out_channels: int
    kernel_size: IntOrPair
    stride: IntOrPair
    padding: IntOrPair
    dilation: IntOrPair
    groups: int
    weight: Parameter  # (out_channels, in_channels/groups, kernel height, kernel width)
    bias: Parameter | None  # (out_channels,)

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: IntOrPair,
        stride: IntOrPair = 1,
        padding: IntOrPair = 0,
        dilation: IntOrPair = 1,
        groups: int = 1,
        bias: bool = True,
        *,
        init: Initialiser = torch_default,
        rng: Rng | None = None,
        dtype: Any = np.float32,
    ) -> None:
        kernel = _check("Conv2d", in_channels, out_channels, kernel_size, stride, padding, dilation, groups)
        self.in_channels, self.out_channels, self.kernel_size = in_channels, out_channels, kernel_size
        self.stride, self.padding, self.dilation, self.groups = stride, padding, dilation, groups
        self.weight, self.bias = weight_and_bias(
            init,
            shape=(out_channels, in_channels // groups, *kernel),
            bias_size=out_channels if bias else None,
            fan_in=in_channels // groups * math.prod(kernel),
            fan_out=out_channels // groups * math.prod(kernel),
            rng=rng,
            dtype=dtype,
        )

    def forward(self, x: Any) -> Tensor:
        """x: (N, in_channels, H, W) -> (N, out_channels, H', W')."""
        image_batch(x, self.in_channels, self)
        return ops.conv2d(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


class ConvTranspose2d(Module):
    """The transpose of `Conv2d` as a linear map: it enlarges, x (N, in_channels, H, W) -> (N, out_channels, H', W').

    H' = (H − 1)·stride − 2·padding + dilation·(kernel_size − 1) + output_padding + 1, and the same for W'.

    Args:
        in_channels, out_channels: channels of x and of y; both must be multiples of `groups`.
        kernel_size, stride, padding, dilation: those of the convolution of which this is the transpose.
        output_padding: rows and columns added at the bottom and right, for output sizes that the stride skips;
            smaller than the stride or the dilation.
        groups: the channels fall into this many groups that do not see each other.
        bias: whether to add a bias to each output channel.
        init: how the weight is drawn. An output pixel sums about fan_in = in_channels/groups · kernel area / stride
            area products. PyTorch's default, here too, counts out_channels/groups · kernel area instead.
        rng: where the numbers come from; by default `minivae.random.default_rng()`.
        dtype: float32 or float64.

    Raises:
        ConfigError: an option that cannot work.
        ShapeError: x is not (N, in_channels, H, W).
    """

    in_channels: int
    out_channels: int
    kernel_size: IntOrPair
    stride: IntOrPair
    padding: IntOrPair
    output_padding: IntOrPair
    groups: int
    dilation: IntOrPair
    weight: Parameter  # (in_channels, out_channels/groups, kernel height, kernel width)
    bias: Parameter | None  # (out_channels,)

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: IntOrPair,
        stride: IntOrPair = 1,
        padding: IntOrPair = 0,
        output_padding: IntOrPair = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: IntOrPair = 1,
        *,
        init: Initialiser = torch_default,
        rng: Rng | None = None,
        dtype: Any = np.float32,
    ) -> None:
        name = "ConvTranspose2d"
        kernel = _check(name, in_channels, out_channels, kernel_size, stride, padding, dilation, groups)
        strides, dilations = pair(1, stride, name, "stride"), pair(1, dilation, name, "dilation")
        extra = pair(0, output_padding, name, "output_padding")
        if any(e >= max(s, d) for e, s, d in zip(extra, strides, dilations, strict=True)):
            raise ConfigError(
                f"{name}: output_padding is {output_padding}; it must be smaller than the stride ({stride}) or the "
                f"dilation ({dilation}), for it only chooses among the sizes between two strides"
            )
        self.in_channels, self.out_channels, self.kernel_size = in_channels, out_channels, kernel_size
        self.stride, self.padding, self.output_padding = stride, padding, output_padding
        self.groups, self.dilation = groups, dilation
        area, stride_area = math.prod(kernel), math.prod(strides)
        fan_in = max(1, in_channels // groups * area // stride_area)
        fan_out = out_channels // groups * area
        self.weight, self.bias = weight_and_bias(
            init,
            shape=(in_channels, out_channels // groups, *kernel),
            bias_size=out_channels if bias else None,
            fan_in=fan_out if init is torch_default else fan_in,
            fan_out=fan_out,
            rng=rng,
            dtype=dtype,
        )

    def forward(self, x: Any) -> Tensor:
        """x: (N, in_channels, H, W) -> (N, out_channels, H', W')."""
        image_batch(x, self.in_channels, self)
        return ops.conv_transpose2d(
            x,
            self.weight,
            self.bias,
            stride=self.stride,
            padding=self.padding,
            output_padding=self.output_padding,
            groups=self.groups,
            dilation=self.dilation,
        )


def _check(
    layer: str,
    in_channels: int,
    out_channels: int,
    kernel_size: IntOrPair,
    stride: IntOrPair,
    padding: IntOrPair,
    dilation: IntOrPair,
    groups: int,
) -> tuple[int, int]:
    """Refuse options that cannot work; returns the kernel's (height, width)."""
    at_least(1, in_channels, layer, "in_channels")
    at_least(1, out_channels, layer, "out_channels")
    at_least(1, groups, layer, "groups")
    if in_channels % groups or out_channels % groups:
        raise ConfigError(
            f"{layer}: groups = {groups} must divide in_channels = {in_channels} and out_channels = {out_channels}, "
            "since every group gets equally many of both"
        )
    pair(1, stride, layer, "stride")
    pair(0, padding, layer, "padding")
    pair(1, dilation, layer, "dilation")
    return pair(1, kernel_size, layer, "kernel_size")
