"""One layer after another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from minivae.errors import ConfigError
from minivae.layers.module import Module


class Sequential(Module):
    """Sequential(f, g, h)(x) = h(g(f(x))).

    The layers are attributes named '0', '1', ..., so that their parameters are called `0.weight` as in PyTorch.

    Raises:
        ConfigError: something that is not a Module.
    """

    def __init__(self, *layers: Module) -> None:
        for i, layer in enumerate(layers):
            if not isinstance(layer, Module):
                given = f"the class {layer.__name__}" if isinstance(layer, type) else f"a {type(layer).__name__}"
                raise ConfigError(
                    f"Sequential: layer {i} is {given}; expected a Module such as ReLU(). Give the layers one by one, "
                    "Sequential(a, b), or with a star, Sequential(*layers)."
                )
            setattr(self, str(i), layer)

    def forward(self, x: Any) -> Any:
        """Through all layers in turn."""
        for layer in self:
            x = layer(x)
        return x

    def __iter__(self) -> Iterator[Module]:
        return (layer for layer in vars(self).values() if isinstance(layer, Module))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __getitem__(self, index: int | slice) -> Module:
        chosen = list(self)[index]
        return Sequential(*chosen) if isinstance(chosen, list) else chosen
