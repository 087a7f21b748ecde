"""Wrong versions of convolution and transposed convolution.

The gradients are written with loops here, as on paper: every way in which a pixel of x meets an entry of the kernel to
make a pixel of y is one product, and a mistake is one wrong index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minivae import ops
from minivae.autodiff import Tensor
from minivae.backend import Array
from minivae.selfcheck.zoo.definitions.networks import both
from minivae.selfcheck.zoo.sabotage import cut, gradient, pullback

Place = Callable[[int, int, int, int, int, int], int]
"""The row of x that entry i of window u meets: (u, i, stride, padding, dilation, kernel) -> row."""


def meetings(x: Array, weight: Array, y: Array, place: Place, options: dict[str, Any]) -> Iterator[tuple]:
    """Which pixels of x, which entry of the kernel and which pixels of y belong together, for y = A_w x.

    Each is an index with the channels of one group: (N, C), (O, C) and (N, O).
    """
    stride, padding = both(options.get("stride", 1)), both(options.get("padding", 0))
    dilation, groups = both(options.get("dilation", 1)), options.get("groups", 1)
    outputs, inputs, kh, kw = weight.shape
    for u, v, i, j in np.ndindex(*y.shape[2:], kh, kw):
        row = place(u, i, stride[0], padding[0], dilation[0], kh)
        column = place(v, j, stride[1], padding[1], dilation[1], kw)
        if 0 <= row < x.shape[2] and 0 <= column < x.shape[3]:
            for k in range(groups):
                of_x = slice(k * inputs, (k + 1) * inputs)
                of_y = slice(k * outputs // groups, (k + 1) * outputs // groups)
                yield (slice(None), of_x, row, column), (of_y, slice(None), i, j), (slice(None), of_y, u, v)


# --- places -------------------------------------------------------------------------------------------------


def right(u: int, i: int, stride: int, padding: int, dilation: int, kernel: int) -> int:
    """u·stride + i·dilation − padding."""
    return u * stride + i * dilation - padding


def one_too_far(u: int, i: int, stride: int, padding: int, dilation: int, kernel: int) -> int:
    """The padding off by one."""
    return u * stride + i * dilation - padding + 1


def no_padding(u: int, i: int, stride: int, padding: int, dilation: int, kernel: int) -> int:
    """The border forgotten."""
    return u * stride + i * dilation


def no_dilation(u: int, i: int, stride: int, padding: int, dilation: int, kernel: int) -> int:
    """The entries of the window side by side."""
    return u * stride + i - padding


def no_stride(u: int, i: int, stride: int, padding: int, dilation: int, kernel: int) -> int:
    """The windows side by side."""
    return u + i * dilation - padding


def turned(u: int, i: int, stride: int, padding: int, dilation: int, kernel: int) -> int:
    """The kernel turned by 180°."""
    return u * stride + (kernel - 1 - i) * dilation - padding


# --- gradients by loops -------------------------------------------------------------------------------------


def to_x(place: Place = right, add: bool = True) -> Callable[..., Array]:
    """conv2d, the gradient for x: each window puts kernel · cotangent where it has read."""

    def pull(g: Array, x: Array, weight: Array, bias: Any = None, **options: Any) -> Array:
        dx = np.zeros_like(x)
        for of_x, of_w, of_y in meetings(x, weight, g, place, options):
            dx[of_x] = (dx[of_x] if add else 0) + g[of_y] @ weight[of_w]
        return dx

    return pull


def to_weight(place: Place = right, add: bool = True, images: slice = slice(None)) -> Callable[..., Array]:
    """conv2d, the gradient for the kernel."""

    def pull(g: Array, x: Array, weight: Array, bias: Any = None, **options: Any) -> Array:
        dw = np.zeros_like(weight)
        for of_x, of_w, of_y in meetings(x, weight, g, place, options):
            dw[of_w] = (dw[of_w] if add else 0) + g[of_y][images].T @ x[of_x][images]
        return dw

    return pull


def transposed_to_x(place: Place) -> Callable[..., Array]:
    """conv_transpose2d, the gradient for x: a convolution of the cotangent."""

    def pull(g: Array, x: Array, weight: Array, bias: Any = None, **options: Any) -> Array:
        dx = np.zeros_like(x)
        for of_g, of_w, of_x in meetings(g, weight, x, place, options):
            dx[of_x] += g[of_g] @ weight[of_w].T
        return dx

    return pull


def transposed_to_weight(place: Place) -> Callable[..., Array]:
    """conv_transpose2d, the gradient for the kernel: that of conv2d, x and cotangent swapped."""
    return lambda g, x, weight, bias=None, **options: to_weight(place)(x, g, weight, **options)


# --- wrong values -------------------------------------------------------------------------------------------


def _turned_kernel(conv: Any) -> Any:
    """What mathematics calls a convolution, where deep learning means a correlation."""
    return lambda x, weight, *args, **options: conv(x, ops.flip(weight, (2, 3)), *args, **options)


def _zeros_behind(x: Any, weight: Any, bias: Any = None, output_padding: Any = 0, **options: Any) -> Tensor:
    """Output padding taken literally: rows and columns of zeros, at the bottom and right."""
    bottom, right = both(output_padding)
    y = ops.pad(ops.conv_transpose2d(x, weight, None, **options), (0, right, 0, bottom))
    return y if bias is None else y + ops.reshape(bias, (-1, 1, 1))


def _groups_take_turns(x: Any, weight: Any, bias: Any = None, groups: int = 1, **options: Any) -> Tensor:
    """Channels 0, 2, 4, ... in one group and 1, 3, 5, ... in the other."""
    channels = [c for first in range(groups) for c in range(first, x.shape[1], groups)]
    return ops.conv2d(x[:, np.array(channels)], weight, bias, groups=groups, **options)


def _transposed_options(x: Any, weight: Any, bias: Any = None, **options: Any) -> Tensor:
    """Pairs of (height, width) read as (width, height)."""
    swapped = {name: value[::-1] if isinstance(value, tuple) else value for name, value in options.items()}
    return ops.conv2d(x, weight, bias, **swapped)


def _bias_mean(g: Array, *args: Any, **options: Any) -> Array:
    return g.mean(axis=(0, 2, 3))


def _bias_of_last_image(g: Array, *args: Any, **options: Any) -> Array:
    return g[-1].sum(axis=(1, 2))


MUTANTS: dict[str, dict[str, Any]] = {
    "conv2d": {
        "x: padding off by one on the way back": pullback("conv2d", x=to_x(one_too_far)),
        "x: padding forgotten on the way back": pullback("conv2d", x=to_x(no_padding)),
        "x: stride forgotten on the way back": pullback("conv2d", x=to_x(no_stride)),
        "x: dilation forgotten on the way back": pullback("conv2d", x=to_x(no_dilation)),
        "x: the kernel turned the wrong way on the way back": pullback("conv2d", x=to_x(turned)),
        "x: = for +=, overlapping windows overwrite each other": pullback("conv2d", x=to_x(add=False)),
        "weight: = for +=, the gradient of the last window": pullback("conv2d", weight=to_weight(add=False)),
        "weight: the gradient of the last image": pullback("conv2d", weight=to_weight(images=slice(-1, None))),
        "weight: padding off by one on the way back": pullback("conv2d", weight=to_weight(one_too_far)),
        "weight: stride forgotten on the way back": pullback("conv2d", weight=to_weight(no_stride)),
        "bias: averaged, not summed": pullback("conv2d", bias=_bias_mean),
        "bias: the gradient of the last image": pullback("conv2d", bias=_bias_of_last_image),
        "the kernel turned: a convolution for a correlation": _turned_kernel(ops.conv2d),
        "groups take turns: channels 0, 2, 4 and 1, 3, 5": _groups_take_turns,
        "pairs (height, width) read as (width, height)": _transposed_options,
        "the bias not added": lambda x, weight, bias=None, **options: ops.conv2d(x, weight, None, **options),
    },
    "conv_transpose2d": {
        "x: the kernel turned on the way back": pullback("conv_transpose2d", x=transposed_to_x(turned)),
        "x: padding forgotten on the way back": pullback("conv_transpose2d", x=transposed_to_x(no_padding)),
        "x: stride forgotten on the way back": pullback("conv_transpose2d", x=transposed_to_x(no_stride)),
        "weight: padding off by one on the way back": pullback(
            "conv_transpose2d", weight=transposed_to_weight(one_too_far)
        ),
        "weight: dilation forgotten on the way back": pullback(
            "conv_transpose2d", weight=transposed_to_weight(no_dilation)
        ),
        "weight: the sign lost": gradient("conv_transpose2d", weight=lambda dw: -dw),
        "bias: averaged, not summed": pullback("conv_transpose2d", bias=_bias_mean),
        "the input taken for a constant": cut("conv_transpose2d", "x"),
        "the kernel turned by 180°": _turned_kernel(ops.conv_transpose2d),
        "output padding filled with zeros": _zeros_behind,
    },
}
