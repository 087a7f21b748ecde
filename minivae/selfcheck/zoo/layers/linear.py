"""Wrong versions of the dense layer and of the convolutions."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minivae import layers, ops
from minivae.autodiff import Tensor
from minivae.layers.initialisers import Initialiser
from minivae.random import normal, stream, uniform
from minivae.selfcheck.zoo.sabotage import forward, methods
from minivae.selfcheck.zoo.subject import Trial, Verdict
from minivae.selfcheck.zoo.trials import all_of

# --- initial weights ----------------------------------------------------------------------------------------


def initial(fan_in: int, *arguments: Any) -> Trial:
    """Weight and bias are uniform on ±1/√fan_in: none lies outside, and Σw² is what it should be (five errors)."""

    def run(target: Any, seed: int) -> Verdict:
        layer = target(*arguments, rng=stream(seed, "initial"))
        shares = [np.asarray(p.data, np.float64).ravel() * math.sqrt(fan_in) for p in (layer.weight, layer.bias)]
        w = shares[0]
        z = ((w**2).mean() - 1 / 3) / math.sqrt((1 / 5 - 1 / 9) / w.size)
        return all_of(
            [
                *(Verdict(np.abs(a).max() <= 1, f"{np.abs(a).max():.2g} times the bound") for a in shares),
                Verdict(abs(z) <= 5, f"mean square {3 * (w**2).mean():.2g} times as large: z = {z:+.0f}"),
                Verdict(np.unique(shares[1]).size > 1, "the bias is constant"),
            ]
        )

    return Trial("initial weights", run)


def drawn(layer: Any, init: Initialiser) -> Any:
    """The layer with another default for its initial weights."""

    @functools.wraps(layer.__init__)
    def made(self: Any, *args: Any, **options: Any) -> None:
        layer.__init__(self, *args, **{"init": init, **options})

    return methods(layer, __init__=made)


def _uniform(bound: Callable[[int, int], float]) -> Initialiser:
    return lambda shape, fan_in, fan_out, rng: (uniform(rng, shape) * 2 - 1) * np.float32(bound(fan_in, fan_out))


def wrong_weights(layer: Any) -> dict[str, Any]:
    """What can be wrong with the initial weights of any layer."""
    return {
        "initial weights from N(0, 1)": drawn(layer, lambda shape, fan_in, fan_out, rng: normal(rng, shape)),
        "initial weights all equal": drawn(layer, lambda shape, fan_in, fan_out, rng: np.full(shape, 0.01, np.float32)),
        "initial weights on ±1/fan_in, the root forgotten": drawn(layer, _uniform(lambda a, b: 1 / a)),
        "initial weights on ±1/√fan_out": drawn(layer, _uniform(lambda a, b: 1 / math.sqrt(b))),
        "initial weights on (0, 1/√fan_in): of one sign": drawn(
            layer, lambda shape, fan_in, fan_out, rng: uniform(rng, shape) * np.float32(2 / math.sqrt(fan_in))
        ),
    }


# --- dense and convolution ----------------------------------------------------------------------------------


def _conv(**wrong: Any) -> Any:
    """Conv2d that hands other options to the op."""

    def run(self: Any, x: Tensor) -> Tensor:
        names = ("weight", "bias", "stride", "padding", "dilation", "groups")
        given = {name: getattr(self, name) for name in names}
        given |= {name: f(self) for name, f in wrong.items()}
        return ops.conv2d(x, **given)

    return forward(layers.Conv2d, run)


def _transposed(**wrong: Any) -> Any:
    """ConvTranspose2d that hands other options to the op."""

    def run(self: Any, x: Tensor) -> Tensor:
        names = ("weight", "bias", "stride", "padding", "output_padding", "groups", "dilation")
        given = {name: getattr(self, name) for name in names}
        given |= {name: f(self) for name, f in wrong.items()}
        return ops.conv_transpose2d(x, **given)

    return forward(layers.ConvTranspose2d, run)


DENSE: dict[str, Any] = wrong_weights(layers.Dense) | {
    "the bias not added": forward(layers.Dense, lambda self, x: ops.dense(x, self.weight)),
    "the weight detached": forward(layers.Dense, lambda self, x: ops.dense(x, self.weight.detach(), self.bias)),
    "the input detached": forward(layers.Dense, lambda self, x: ops.dense(x.detach(), self.weight, self.bias)),
    "the bias subtracted": forward(
        layers.Dense, lambda self, x: ops.dense(x, self.weight, None if self.bias is None else -self.bias)
    ),
    "a relu behind it": forward(layers.Dense, lambda self, x: ops.relu(ops.dense(x, self.weight, self.bias))),
}

CONV2D: dict[str, Any] = wrong_weights(layers.Conv2d) | {
    "padding ignored": _conv(padding=lambda self: 0),
    "stride ignored": _conv(stride=lambda self: 1),
    "dilation ignored": _conv(dilation=lambda self: 1),
    "stride and dilation swapped": _conv(stride=lambda self: self.dilation, dilation=lambda self: self.stride),
    "the bias not added": _conv(bias=lambda self: None),
    "the kernel turned": _conv(weight=lambda self: ops.flip(self.weight, (2, 3))),
    "the weight detached": _conv(weight=lambda self: self.weight.detach()),
}

CONV_TRANSPOSE2D: dict[str, Any] = wrong_weights(layers.ConvTranspose2d) | {
    "padding ignored": _transposed(padding=lambda self: 0),
    "output_padding ignored": _transposed(output_padding=lambda self: 0),
    "stride ignored": _transposed(stride=lambda self: 1, output_padding=lambda self: 0),
    "groups and dilation swapped": _transposed(groups=lambda self: self.dilation, dilation=lambda self: self.groups),
    "the bias not added": _transposed(bias=lambda self: None),
    "the kernel turned": _transposed(weight=lambda self: ops.flip(self.weight, (2, 3))),
    "the weight detached": _transposed(weight=lambda self: self.weight.detach()),
}

MUTANTS: dict[str, dict[str, Any]] = {"Dense": DENSE, "Conv2d": CONV2D, "ConvTranspose2d": CONV_TRANSPOSE2D}
TRIALS = {
    "Dense": initial(97, 97, 83),
    "Conv2d": initial(3 * 15, 6, 14, (3, 5), 1, 0, 1, 2),
    "ConvTranspose2d": initial(7 * 15, 6, 14, (3, 5), 1, 0, 0, 2),
}
