"""Definitions of what networks are made of: windows of images, normalisation, the loss of a classifier."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minivae.backend import Array
from minivae.selfcheck.zoo.definitions.rows import F, probabilities, standardised
from minivae.selfcheck.zoo.definitions.shapes import gathered


def both(option: Any) -> tuple[int, int]:
    """An option for height and width."""
    return option if isinstance(option, tuple) else (option, option)


def conv2d(
    x: Array, weight: Array, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Array:
    """For each output pixel, its window of x times the kernel."""
    (sh, sw), (ph, pw), (dh, dw) = both(stride), both(padding), both(dilation)
    outputs, inputs, kh, kw = weight.shape
    height = (x.shape[2] + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    width = (x.shape[3] + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    y = np.zeros((len(x), outputs, height, width))
    for o, u, v in np.ndindex(outputs, height, width):
        first = o // (outputs // groups) * inputs
        for c, i, j in np.ndindex(inputs, kh, kw):
            row, column = u * sh + i * dh - ph, v * sw + j * dw - pw
            if 0 <= row < x.shape[2] and 0 <= column < x.shape[3]:
                y[:, o, u, v] += x[:, first + c, row, column] * weight[o, c, i, j]
    return y if bias is None else y + bias.reshape(1, -1, 1, 1)


def conv_transpose2d(
    x: Array,
    weight: Array,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Array:
    """Each pixel of x puts the kernel, times itself, on its window of the result."""
    (sh, sw), (ph, pw), (dh, dw), (eh, ew) = both(stride), both(padding), both(dilation), both(output_padding)
    inputs, outputs, kh, kw = weight.shape
    height = (x.shape[2] - 1) * sh - 2 * ph + dh * (kh - 1) + 1 + eh
    width = (x.shape[3] - 1) * sw - 2 * pw + dw * (kw - 1) + 1 + ew
    y = np.zeros((len(x), outputs * groups, height, width))
    for c, u, v in np.ndindex(inputs, *x.shape[2:]):
        first = c // (inputs // groups) * outputs
        for o, i, j in np.ndindex(outputs, kh, kw):
            row, column = u * sh + i * dh - ph, v * sw + j * dw - pw
            if 0 <= row < height and 0 <= column < width:
                y[:, first + o, row, column] += x[:, c, u, v] * weight[c, o, i, j]
    return y if bias is None else y + bias.reshape(1, -1, 1, 1)


def pool(f: Callable[[list[float]], float], outside: float) -> F:
    """A number from each window; `outside` is what the padding counts as."""

    def pooled(x: Array, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1) -> Array:
        (kh, kw), (ph, pw), (dh, dw) = both(kernel_size), both(padding), both(dilation)
        sh, sw = both(kernel_size if stride is None else stride)
        height = (x.shape[2] + 2 * ph - dh * (kh - 1) - 1) // sh + 1
        width = (x.shape[3] + 2 * pw - dw * (kw - 1) - 1) // sw + 1

        def entry(n: int, c: int, row: int, column: int) -> float:
            inside = 0 <= row < x.shape[2] and 0 <= column < x.shape[3]
            return float(x[n, c, row, column]) if inside else outside

        def window(at: tuple[int, ...]) -> float:
            n, c, u, v = at
            return f([entry(n, c, u * sh + i * dh - ph, v * sw + j * dw - pw) for i in range(kh) for j in range(kw)])

        return gathered((*x.shape[:2], height, width), window)

    return pooled


def upsample_nearest(x: Array, scale_factor: Any) -> Array:
    """Each pixel of the result is the one of x that lies under it."""
    sh, sw = both(scale_factor)
    n, channels, height, width = x.shape
    return gathered((n, channels, height * sh, width * sw), lambda i: x[i[0], i[1], i[2] // sh, i[3] // sw])


# --- normalisation ------------------------------------------------------------------------------------------


def batch_norm(x: Array, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Array:
    """Each channel over the batch."""
    y = np.zeros_like(x)
    for c in range(x.shape[1]):
        y[:, c] = np.reshape(standardised(x[:, c].ravel().tolist(), eps), x[:, c].shape)
        y[:, c] = y[:, c] * (1 if weight is None else weight[c]) + (0 if bias is None else bias[c])
    return y


def layer_norm(x: Array, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Array:
    """Each example by itself."""
    shape = next((a.shape for a in (weight, bias) if a is not None), x.shape[1:])
    rows = [standardised(row.tolist(), eps) for row in x.reshape(-1, math.prod(shape))]
    y = np.reshape(rows, x.shape)
    return y * (1 if weight is None else weight) + (0 if bias is None else bias)


def group_norm(x: Array, weight: Any = None, bias: Any = None, num_groups: int = 1, eps: float = 1e-5) -> Array:
    """Each group of an example's neighbouring channels by itself; weight and bias belong to channels."""
    y = np.zeros_like(x)
    size = x.shape[1] // num_groups
    for n, c in np.ndindex(*x.shape[:2]):
        group = slice(c // size * size, c // size * size + size)
        y[n, group] = np.reshape(standardised(x[n, group].ravel().tolist(), eps), x[n, group].shape)
    shape = (-1, *(1,) * (x.ndim - 2))
    return y * (1 if weight is None else weight.reshape(shape)) + (0 if bias is None else bias.reshape(shape))


def cross_entropy(logits: Array, labels: Any) -> Array:
    """−log of the probability of the label."""
    labels = np.asarray(labels)

    def loss(i: tuple[int, ...]) -> float:
        row = np.moveaxis(logits, 1, -1)[i]
        return -math.log(probabilities(row.tolist())[labels[i]])

    return gathered(labels.shape, loss)
