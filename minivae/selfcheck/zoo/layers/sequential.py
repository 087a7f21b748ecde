"""Wrong versions of `Sequential`, and with it of the tree of layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from minivae import layers
from minivae.autodiff import Tensor
from minivae.random import stream
from minivae.selfcheck.zoo.sabotage import forward, methods
from minivae.selfcheck.zoo.subject import Trial, Verdict
from minivae.selfcheck.zoo.trials import all_of


def _modes(target: Any, seed: int) -> Verdict:
    """eval(), train(), zero_grad() and the state reach every layer, however deep."""
    inner = target(layers.Dense(3, 2, rng=stream(seed, "a")), layers.Dropout(0.5))
    network = target(layers.Dense(5, 3, rng=stream(seed, "b")), inner)
    parts = [network, inner, *inner, network[0]]
    network.eval()
    evaluated = [part.training for part in parts]
    network.train()
    trained = [part.training for part in parts]
    for parameter in network.parameters():
        parameter.grad = np.ones(parameter.shape, parameter.dtype)
    network.zero_grad()
    names = ["0.weight", "0.bias", "1.0.weight", "1.0.bias"]
    return all_of(
        [
            Verdict([name for name, _ in network.named_parameters()] == names, "not all parameters are found"),
            Verdict(not any(evaluated), "after eval() a layer is still in training"),
            Verdict(all(trained), "after train() a layer is still in evaluation"),
            Verdict(list(network.state_dict()) == names, f"the state has {', '.join(network.state_dict())}"),
            Verdict(all(p.grad is None for p in (inner[0].weight, network[0].bias)), "a gradient after zero_grad()"),
        ]
    )


def _train_itself_alone(self: Any, mode: bool = True) -> Any:
    self.training = mode
    return self


def _train_children_alone(self: Any, mode: bool = True) -> Any:
    for part in (self, *self):
        part.training = mode
    return self


def _forget_own(self: Any) -> None:
    for part in self:
        for value in vars(part).values():
            if isinstance(value, layers.Parameter):
                value.grad = None


def _one_after_another(order: Any) -> Any:
    def run(self: Any, x: Tensor) -> Tensor:
        for layer in order(list(self)):
            x = layer(x)
        return x

    return forward(layers.Sequential, run)


def _detached_between(self: Any, x: Tensor) -> Tensor:
    for layer in self:
        x = layer(x.detach())
    return x


MUTANTS: dict[str, Any] = {
    "the last layer left out": _one_after_another(lambda parts: parts[:-1]),
    "one layer twice": _one_after_another(lambda parts: [*parts[:-1], parts[-2], parts[-1]]),
    "detached between layers": forward(layers.Sequential, _detached_between),
    "the parameters of the first layer alone": methods(
        layers.Sequential, named_parameters=lambda self: ((f"0.{k}", p) for k, p in self[0].named_parameters())
    ),
    "train() and eval() reach nobody": methods(layers.Sequential, train=_train_itself_alone),
    "train() and eval() go one level down": methods(layers.Sequential, train=_train_children_alone),
    "zero_grad() goes one level down": methods(layers.Sequential, zero_grad=_forget_own),
}

TRIAL = Trial("modes", _modes)
