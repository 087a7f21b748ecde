"""A gradient check of a whole layer: of its input and of each of its parameters."""

from __future__ import annotations

import pytest

from minivae.layers import Module
from minivae.verify import gradcheck


def holder_of(layer: Module, name: str) -> tuple[Module, str]:
    *path, attribute = name.split(".")
    for part in path:
        layer = getattr(layer, part)
    return layer, attribute


def check_layer(layer: Module, *inputs, **options):
    """gradcheck of `layer` as a function of its inputs and of all of its parameters, which must be float64."""
    named = dict(layer.named_parameters())

    def f(*tensors):
        for name, tensor in zip(named, tensors[len(inputs) :], strict=True):
            setattr(*holder_of(layer, name), tensor)
        try:
            return layer(*tensors[: len(inputs)], **options)
        finally:
            for name, parameter in named.items():
                setattr(*holder_of(layer, name), parameter)

    return gradcheck(f, *inputs, *[parameter.data for parameter in named.values()])


@pytest.fixture
def layer_gradcheck():
    return check_layer
