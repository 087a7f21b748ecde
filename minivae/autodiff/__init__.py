"""Reverse-mode automatic differentiation: `Tensor`, its graph, `backward()` and `@primitive`."""

from minivae.autodiff.graph import Node, Pullback, pull_back
from minivae.autodiff.mode import debug, mode, no_grad, set_debug
from minivae.autodiff.primitive import PRIMITIVES, Forward, primitive
from minivae.autodiff.tensor import Tensor, as_array

__all__ = [
    "PRIMITIVES",
    "Forward",
    "Node",
    "Pullback",
    "Tensor",
    "as_array",
    "debug",
    "mode",
    "no_grad",
    "primitive",
    "pull_back",
    "set_debug",
]
