"""Layers: functions with parameters, and the initialisers of these."""

from minivae.layers import initialisers
from minivae.layers.activations import (
    ACTIVATIONS,
    ELU,
    GELU,
    Identity,
    LeakyReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softplus,
    Tanh,
    activation,
)
from minivae.layers.conv import Conv2d, ConvTranspose2d
from minivae.layers.dense import Dense
from minivae.layers.dropout import Dropout
from minivae.layers.module import Buffer, Module, Parameter
from minivae.layers.normalisation import BatchNorm, GroupNorm, LayerNorm
from minivae.layers.pooling import AvgPool2d, MaxPool2d, Upsample
from minivae.layers.sequential import Sequential
from minivae.layers.shape import Flatten, Reshape

__all__ = [
    "ACTIVATIONS",
    "ELU",
    "GELU",
    "AvgPool2d",
    "BatchNorm",
    "Buffer",
    "Conv2d",
    "ConvTranspose2d",
    "Dense",
    "Dropout",
    "Flatten",
    "GroupNorm",
    "Identity",
    "LayerNorm",
    "LeakyReLU",
    "MaxPool2d",
    "Module",
    "Parameter",
    "ReLU",
    "Reshape",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softplus",
    "Tanh",
    "Upsample",
    "activation",
    "initialisers",
]
