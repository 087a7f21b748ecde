"""Cases for the layers: the gradients for the input and for every parameter."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from minivae import layers
from minivae.autodiff import Tensor
from minivae.backend import to_backend
from minivae.layers import Module
from minivae.random import Rng, stream
from minivae.selfcheck.case import Case, Check, Draw, between, nonzero, normal


def layer(
    subject: str,
    variant: str = "",
    arguments: tuple[Any, ...] = (),
    options: dict[str, Any] | None = None,
    call: Callable[..., Tensor] | None = None,
    **inputs: Draw,
) -> Case:
    """A case for `minivae.layers.<subject>`.

    Args:
        subject: its name.
        variant: what is special about this case.
        arguments, options: of the constructor.
        call: how to call it, given the module and the inputs, where module(*inputs) does not do.
        inputs: how to draw its inputs.
    """

    def build(target: Any, rng: Rng) -> Check:
        draws = {"rng": rng} if "rng" in inspect.signature(target).parameters else {}
        module = target(*arguments, **(options or {}), **draws)
        return module_check(
            module, rng, call or Module.__call__, {name: draw(rng) for name, draw in inputs.items()}, 0.7
        )

    return Case("layer", subject, variant, getattr(layers, subject), build)


def module_check(module: Module, rng: Rng, call: Callable[..., Tensor], inputs: dict[str, Any], spread: float) -> Check:
    """`call(module, *inputs)` as a function of the inputs and of all parameters, in float64.

    The parameters start `spread` away from their initial values.
    """
    module.to(np.float64)
    parameters = {
        name: parameter.numpy() + spread * rng.standard_normal(parameter.shape)
        for name, parameter in module.named_parameters()
    }

    def f(*tensors: Tensor) -> Tensor:
        with replaced(module, dict(zip(parameters, tensors[len(inputs) :], strict=True))):
            return call(module, *tensors[: len(inputs)])

    return Check(f, {**inputs, **parameters})


@contextmanager
def replaced(module: Module, tensors: Mapping[str, Tensor]) -> Iterator[None]:
    """Inside the block the parameters of these (dotted) names are these tensors."""
    before = {name: _exchange(module, name, tensor) for name, tensor in tensors.items()}
    try:
        yield
    finally:
        for name, parameter in before.items():
            _exchange(module, name, parameter)


def _exchange(module: Any, name: str, new: Any) -> Any:
    """Put `new` where `name` points to; returns what was there."""
    *path, last = name.split(".")
    holder = module
    for key in path:
        holder = _entries(holder)[_key(holder, key)]
    entries, key = _entries(holder), _key(holder, last)
    old, entries[key] = entries[key], new
    return old


def _entries(holder: Any) -> Any:
    return holder if isinstance(holder, (list, tuple, dict)) else vars(holder)


def _key(holder: Any, key: str) -> Any:
    return int(key) if isinstance(holder, (list, tuple)) else key


def _evaluated(module: Module, x: Tensor) -> Tensor:
    """In evaluation mode, with running statistics that are neither 0 nor 1."""
    for i, (_, buffer) in enumerate(module.named_buffers()):
        buffer.data = to_backend(np.linspace(0.5 + i, 1.3 + 2 * i, buffer.size), buffer.device)
    return module.eval()(x)


def _redrawn_mask(module: Any, x: Tensor) -> Tensor:
    """Dropout, the same mask in every call."""
    module.rng = stream(0, "mask")
    return module(x)


WEIGHTED: list[Case] = [
    layer("Dense", "", (5, 3), x=normal(7, 5)),
    layer("Dense", "no bias", (5, 3), {"bias": False}, x=normal(7, 5)),
    layer("Conv2d", "", (3, 4, (3, 2)), x=normal(2, 3, 5, 4)),
    layer("Conv2d", "stride 2, padding 1, 2 groups", (2, 4, 3, 2, 1, 1, 2), x=normal(2, 2, 5, 4)),
    layer("Conv2d", "dilation 2, no bias", (2, 3, 2), {"dilation": 2, "bias": False}, x=normal(2, 2, 5, 4)),
    layer("ConvTranspose2d", "", (3, 2, (3, 2)), x=normal(2, 3, 4, 3)),
    layer("ConvTranspose2d", "stride 2, padding 1, output padding 1", (3, 2, 3, 2, 1, 1), x=normal(2, 3, 2, 3)),
    layer("ConvTranspose2d", "2 groups, dilation 3, no bias", (4, 6, 2, 1, 0, 0, 2, False, 3), x=normal(1, 4, 3, 2)),
    layer("BatchNorm", "features", (3,), x=normal(7, 3)),
    layer("BatchNorm", "images", (3,), x=normal(5, 3, 2, 4)),
    layer("BatchNorm", "no weights, eps 0.5", (3,), {"affine": False, "eps": 0.5}, x=normal(7, 3)),
    layer("BatchNorm", "evaluation", (3,), call=_evaluated, x=normal(5, 3, 2)),
    layer("BatchNorm", "evaluation, no weights", (3,), {"affine": False}, call=_evaluated, x=normal(5, 3)),
    layer("LayerNorm", "", (7,), x=normal(3, 2, 7)),
    layer("LayerNorm", "two axes", ((2, 5),), x=normal(3, 2, 5)),
    layer("LayerNorm", "no bias", (7,), {"bias": False}, x=normal(3, 7)),
    layer("LayerNorm", "no weights, eps 0.5", (7,), {"elementwise_affine": False, "eps": 0.5}, x=normal(3, 7)),
    layer("GroupNorm", "3 groups", (3, 6), x=normal(2, 6, 5)),
    layer("GroupNorm", "images, no weights", (2, 4), {"affine": False}, x=normal(2, 4, 3, 5)),
]

WEIGHTLESS: list[Case] = [
    *(
        layer(name, x=nonzero(3, 5))
        for name in ("Identity", "ReLU", "LeakyReLU", "ELU", "GELU", "SiLU", "Tanh", "Sigmoid", "Softplus")
    ),
    layer("LeakyReLU", "slope 0.3", (0.3,), x=nonzero(3, 5)),
    layer("ELU", "alpha 0.7", (0.7,), x=nonzero(3, 5)),
    layer("Dropout", "p 0.4", (0.4,), call=_redrawn_mask, x=normal(3, 5)),
    layer("Dropout", "evaluation", (0.4,), call=_evaluated, x=normal(3, 5)),
    layer("MaxPool2d", "", (2,), x=normal(2, 3, 4, 5)),
    layer("MaxPool2d", "windows overlap, padding", (3, 2, 1), x=normal(2, 1, 5, 4)),
    layer("MaxPool2d", "negative values, padding", (3, 2, 1), x=between(-3, -1, 2, 1, 5, 4)),
    layer("AvgPool2d", "", (2,), x=normal(2, 3, 4, 5)),
    layer("AvgPool2d", "windows overlap, padding", (3, 2, 1), x=normal(2, 1, 5, 4)),
    layer("Upsample", "scale (3, 2)", ((3, 2),), x=normal(2, 3, 2, 5)),
    layer("Flatten", x=normal(3, 2, 5)),
    layer("Reshape", "", (5, 2), x=normal(3, 10)),
]


def _stack(target: Any, rng: Rng) -> Check:
    """A small network of all kinds of layers."""
    network = target(
        layers.Conv2d(2, 3, 3, padding=1, bias=False, rng=rng),  # a bias here would have gradient 0
        layers.BatchNorm(3),
        layers.Tanh(),
        layers.AvgPool2d(2),
        layers.Flatten(),
        layers.Dense(12, 5, rng=rng),
        layers.LayerNorm(5),
        layers.SiLU(),
        layers.Dense(5, 2, rng=rng),
    )
    return module_check(network, rng, Module.__call__, {"x": rng.standard_normal((3, 2, 4, 5))}, 0.3)


CASES = [*WEIGHTED, *WEIGHTLESS, Case("layer", "Sequential", "nine layers", layers.Sequential, _stack)]
