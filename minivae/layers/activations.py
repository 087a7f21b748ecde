"""Activations as layers, one value in and one out. The formulas stand beside their derivatives in `minivae.ops`."""

from __future__ import annotations

from typing import Any

from minivae import ops
from minivae.autodiff import Tensor
from minivae.errors import ConfigError
from minivae.layers.module import Module


class Identity(Module):
    """x as it is."""

    def forward(self, x: Any) -> Tensor:
        """x of any shape -> the same tensor."""
        return x if isinstance(x, Tensor) else Tensor(x)


class ReLU(Module):
    """max(x, 0)."""

    def forward(self, x: Any) -> Tensor:
        """x of any shape -> the same shape."""
        return ops.relu(x)


class LeakyReLU(Module):
    """x where x > 0, negative_slope · x elsewhere."""

    negative_slope: float

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = negative_slope

    def forward(self, x: Any) -> Tensor:
        """x of any shape -> the same shape."""
        return ops.leaky_relu(x, self.negative_slope)


class ELU(Module):
    """x where x > 0, alpha · (eˣ − 1) elsewhere (Clevert et al. 2016)."""

    alpha: float

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def forward(self, x: Any) -> Tensor:
        """x of any shape -> the same shape."""
        return ops.elu(x, self.alpha)


class GELU(Module):
    """x · Φ(x), with the normal distribution function Φ (Hendrycks & Gimpel 2016); exact, not the tanh form."""

    def forward(self, x: Any) -> Tensor:
        """x of any shape -> the same shape."""
        return ops.gelu(x)


class SiLU(Module):
    """x · sigmoid(x), also called swish (Elfwing et al. 2018)."""

    def forward(self, x: Any) -> Tensor:
        """x of any shape -> the same shape."""
        return ops.silu(x)


class Tanh(Module):
    """tanh(x), in (−1, 1)."""

    def forward(self, x: Any) -> Tensor:
        """x of any shape -> the same shape."""
        return ops.tanh(x)


class Sigmoid(Module):
    """1 / (1 + e⁻ˣ): logits to probabilities."""

    def forward(self, x: Any) -> Tensor:
        """Logits of any shape -> probabilities of the same shape."""
        return ops.sigmoid(x)


class Softplus(Module):
    """log(1 + eˣ), a smooth relu; positive."""

    def forward(self, x: Any) -> Tensor:
        """x of any shape -> the same shape."""
        return ops.softplus(x)


ACTIVATIONS: dict[str, type[Module]] = {
    "relu": ReLU,
    "leaky_relu": LeakyReLU,
    "elu": ELU,
    "gelu": GELU,
    "silu": SiLU,
    "tanh": Tanh,
    "sigmoid": Sigmoid,
    "softplus": Softplus,
    "identity": Identity,
}


def activation(name: str) -> Module:
    """The activation layer of this name, with its default settings.

    Raises:
        ConfigError: there is none of this name.
    """
    if name not in ACTIVATIONS:
        raise ConfigError(f"unknown activation {name!r}; expected one of {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]()
