"""What each layer computes, from the definitions of the ops: a subclass that stands where the layer stands."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minivae import layers
from minivae.autodiff import Tensor
from minivae.selfcheck.zoo.definitions import DEFINITIONS, defined
from minivae.selfcheck.zoo.sabotage import methods


def _op(name: str) -> Any:
    return defined(DEFINITIONS[name])


def _batch_norm(self: Any, x: Tensor) -> Tensor:
    """By the batch in training, by the running statistics in evaluation."""
    if self.training:
        return _op("batch_norm")(x, self.weight, self.bias, self.eps)
    y = np.zeros(x.shape)
    for c in range(x.shape[1]):
        centre, spread = float(self.running_mean.data[c]), math.sqrt(float(self.running_var.data[c]) + self.eps)
        weight, bias = (1.0, 0.0) if self.weight is None else (float(self.weight.data[c]), float(self.bias.data[c]))
        y[:, c] = weight * (x.data[:, c] - centre) / spread + bias
    return Tensor(y)


def _layer_norm(self: Any, x: Tensor) -> Tensor:
    weight = np.ones(self.normalized_shape) if self.weight is None else self.weight
    return _op("layer_norm")(x, weight, self.bias, self.eps)


def _conv_transpose2d(self: Any, x: Tensor) -> Tensor:
    names = ("stride", "padding", "output_padding", "groups", "dilation")
    return _op("conv_transpose2d")(x, self.weight, self.bias, **{name: getattr(self, name) for name in names})


def _one_after_another(self: Any, x: Tensor) -> Tensor:
    for i in range(len(vars(self))):
        x = vars(self)[str(i)](x)
    return x


_FORWARD: dict[str, Any] = {
    "AvgPool2d": lambda self, x: _op("avg_pool2d")(x, self.kernel_size, self.stride, self.padding),
    "BatchNorm": _batch_norm,
    "Conv2d": lambda self, x: _op("conv2d")(
        x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups
    ),
    "ConvTranspose2d": _conv_transpose2d,
    "Dense": lambda self, x: _op("dense")(x, self.weight, self.bias),
    "ELU": lambda self, x: _op("elu")(x, alpha=self.alpha),
    "Flatten": lambda self, x: _op("flatten")(x, self.start_dim),
    "GELU": lambda self, x: _op("gelu")(x),
    "GroupNorm": lambda self, x: _op("group_norm")(x, self.weight, self.bias, self.num_groups, self.eps),
    "Identity": lambda self, x: x,
    "LayerNorm": _layer_norm,
    "LeakyReLU": lambda self, x: _op("leaky_relu")(x, negative_slope=self.negative_slope),
    "MaxPool2d": lambda self, x: _op("max_pool2d")(x, self.kernel_size, self.stride, self.padding, self.dilation),
    "ReLU": lambda self, x: _op("relu")(x),
    "Reshape": lambda self, x: _op("reshape")(x, (len(x), *self.shape)),
    "Sequential": _one_after_another,
    "SiLU": lambda self, x: _op("silu")(x),
    "Sigmoid": lambda self, x: _op("sigmoid")(x),
    "Softplus": lambda self, x: _op("softplus")(x),
    "Tanh": lambda self, x: _op("tanh")(x),
    "Upsample": lambda self, x: _op("upsample_nearest")(x, self.scale_factor),
}

DEFINED: dict[str, Any] = {name: methods(getattr(layers, name), forward=f) for name, f in _FORWARD.items()}
"""Each layer by name; what is drawn at random (`Dropout`) has no definition of this kind."""
