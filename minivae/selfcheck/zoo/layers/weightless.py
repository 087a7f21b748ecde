"""Wrong versions of the layers that learn nothing: activations, windows, and what rearranges."""

from __future__ import annotations

from typing import Any

import numpy as np

from minivae import layers, ops
from minivae.autodiff import Tensor
from minivae.selfcheck.zoo.ops import pooling
from minivae.selfcheck.zoo.sabotage import forward


def _relu_in_place(self: Any, x: Tensor) -> Tensor:
    y = ops.relu(x)
    x.data[...] = y.data
    return y


ACTIVATIONS: dict[str, dict[str, Any]] = {
    "Identity": {
        "detached": forward(layers.Identity, lambda self, x: x.detach()),
        "a relu": forward(layers.Identity, lambda self, x: ops.relu(x)),
    },
    "ReLU": {
        "detached": forward(layers.ReLU, lambda self, x: ops.relu(x.detach())),
        "x > 0, the step": forward(layers.ReLU, lambda self, x: Tensor((x.data > 0).astype(x.dtype))),
        "writes into its input": forward(layers.ReLU, _relu_in_place),
        "|x|": forward(layers.ReLU, lambda self, x: ops.abs(x)),
    },
    "LeakyReLU": {
        "the slope ignored": forward(layers.LeakyReLU, lambda self, x: ops.leaky_relu(x)),
        "the slope for positive x": forward(layers.LeakyReLU, lambda self, x: -ops.leaky_relu(-x, self.negative_slope)),
        "a relu": forward(layers.LeakyReLU, lambda self, x: ops.relu(x)),
    },
    "ELU": {
        "alpha ignored": forward(layers.ELU, lambda self, x: ops.elu(x)),
        "alpha for positive x, too": forward(layers.ELU, lambda self, x: self.alpha * ops.elu(x)),
        "a leaky relu": forward(layers.ELU, lambda self, x: ops.leaky_relu(x, self.alpha)),
    },
    "GELU": {
        "x·sigmoid(1.702 x)": forward(layers.GELU, lambda self, x: x * ops.sigmoid(1.702 * x)),
        "a silu": forward(layers.GELU, lambda self, x: ops.silu(x)),
    },
    "SiLU": {
        "the sigmoid alone": forward(layers.SiLU, lambda self, x: ops.sigmoid(x)),
        "the gate detached": forward(layers.SiLU, lambda self, x: x * ops.sigmoid(x).detach()),
    },
    "Tanh": {
        "1.7159 tanh(2x/3), scaled as by LeCun": forward(
            layers.Tanh, lambda self, x: 1.7159 * ops.tanh(x * (2.0 / 3.0))
        ),
        "a sigmoid": forward(layers.Tanh, lambda self, x: ops.sigmoid(x)),
    },
    "Sigmoid": {
        "the hard one, clip(x/6 + ½)": forward(layers.Sigmoid, lambda self, x: ops.clip(x / 6.0 + 0.5, 0.0, 1.0)),
        "a tanh": forward(layers.Sigmoid, lambda self, x: ops.tanh(x)),
        "of −x": forward(layers.Sigmoid, lambda self, x: ops.sigmoid(-x)),
    },
    "Softplus": {
        "a relu": forward(layers.Softplus, lambda self, x: ops.relu(x)),
        "1 + eˣ, the logarithm forgotten": forward(layers.Softplus, lambda self, x: 1.0 + ops.exp(x)),
    },
}

# --- windows ------------------------------------------------------------------------------------------------


def _zeros_between(self: Any, x: Tensor) -> Tensor:
    """Each pixel once, at the corner of its block."""
    sh, sw = self.scale_factor
    corner = np.zeros((sh, sw))
    corner[0, 0] = 1
    return ops.upsample_nearest(x, (sh, sw)) * np.tile(corner, x.shape[2:]).astype(x.dtype)


WINDOWS: dict[str, dict[str, Any]] = {
    "MaxPool2d": {
        "the mean of each window": forward(
            layers.MaxPool2d, lambda self, x: ops.avg_pool2d(x, self.kernel_size, self.stride, self.padding)
        ),
        "stride ignored": forward(
            layers.MaxPool2d, lambda self, x: ops.max_pool2d(x, self.kernel_size, None, self.padding)
        ),
        "padding with zeros, which may win": forward(
            layers.MaxPool2d,
            lambda self, x: pooling.zero_padded_max(x, self.kernel_size, self.stride, self.padding, self.dilation),
        ),
        "the smallest value": forward(
            layers.MaxPool2d, lambda self, x: -ops.max_pool2d(-x, self.kernel_size, self.stride, self.padding)
        ),
    },
    "AvgPool2d": {
        "the largest value of each window": forward(
            layers.AvgPool2d, lambda self, x: ops.max_pool2d(x, self.kernel_size, self.stride, self.padding)
        ),
        "padding ignored": forward(layers.AvgPool2d, lambda self, x: ops.avg_pool2d(x, self.kernel_size, self.stride)),
        "padding not counted": forward(
            layers.AvgPool2d,
            lambda self, x: pooling.mean_of_image_alone(x, self.kernel_size, self.stride, self.padding),
        ),
    },
    "Upsample": {
        "height and width swapped": forward(
            layers.Upsample, lambda self, x: ops.upsample_nearest(x, self.scale_factor[::-1])
        ),
        "zeros between the pixels": forward(layers.Upsample, _zeros_between),
        "the image tiled": forward(layers.Upsample, lambda self, x: pooling.tiled(x, self.scale_factor)),
    },
}

# --- rearranging --------------------------------------------------------------------------------------------


def _fortran(x: Tensor) -> Tensor:
    """Each example's entries with the first axis fastest."""
    return ops.flatten(ops.permute(x, (0, *range(x.ndim - 1, 0, -1))), 1)


REARRANGING: dict[str, dict[str, Any]] = {
    "Flatten": {
        "the batch axis, too": forward(layers.Flatten, lambda self, x: ops.flatten(x)),
        "the first axis fastest": forward(layers.Flatten, lambda self, x: _fortran(x)),
        "the last axis stays": forward(layers.Flatten, lambda self, x: ops.flatten(x, 1, -2)),
    },
    "Reshape": {
        "the shape reversed, then transposed": forward(
            layers.Reshape, lambda self, x: ops.permute(ops.reshape(x, (len(x), *self.shape[::-1])), (0, 2, 1))
        ),
        "entries of different examples mixed": forward(
            layers.Reshape,
            lambda self, x: ops.reshape(ops.permute(x, (1, 0)), (len(x), *self.shape)),
        ),
    },
}

MUTANTS = ACTIVATIONS | WINDOWS | REARRANGING
