"""The fully connected layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from minivae import ops
from minivae.autodiff import Tensor
from minivae.errors import ShapeError
from minivae.layers.checks import at_least
from minivae.layers.initialisers import Initialiser, torch_default, weight_and_bias
from minivae.layers.module import Module, Parameter
from minivae.random import Rng


class Dense(Module):
    """y = x @ weight + bias.  x: (..., in_features) -> (..., out_features).

    The weight is (in_features, out_features), as the formula reads; PyTorch's Linear keeps it transposed.

    Args:
        in_features, out_features: lengths of the last axis of x and of y.
        bias: whether to add a bias.
        init: how the weight is drawn; PyTorch's default is U(±1/√in_features) for weight and bias.
        rng: where the numbers come from; by default `minivae.random.default_rng()`.
        dtype: float32 or float64.

    Raises:
        ConfigError: a size below 1.
        ShapeError: the last axis of x is not in_features long.
    """

    in_features: int
    out_features: int
    weight: Parameter  # (in_features, out_features)
    bias: Parameter | None  # (out_features,)

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        init: Initialiser = torch_default,
        rng: Rng | None = None,
        dtype: Any = np.float32,
    ) -> None:
        self.in_features = at_least(1, in_features, "Dense", "in_features")
        self.out_features = at_least(1, out_features, "Dense", "out_features")
        self.weight, self.bias = weight_and_bias(
            init,
            shape=(in_features, out_features),
            bias_size=out_features if bias else None,
            fan_in=in_features,
            fan_out=out_features,
            rng=rng,
            dtype=dtype,
        )

    def forward(self, x: Any) -> Tensor:
        """x: (..., in_features) -> (..., out_features)."""
        if x.ndim == 0 or x.shape[-1] != self.in_features:
            raise ShapeError(
                f"Dense({self.in_features}, {self.out_features}): x has shape {x.shape}; its last axis must have "
                f"length in_features = {self.in_features}. Images are flattened first, by Flatten()."
            )
        return ops.dense(x, self.weight, self.bias)
