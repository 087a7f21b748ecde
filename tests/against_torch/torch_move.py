"""Weights from a module of ours to one of PyTorch's and back, by name, and the comparison of the two modules."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from torch_compare import agree, cotangent, torch

from minivae.autodiff import Tensor
from minivae.layers import Dense, Module


def dense_weights(ours: Module) -> set[str]:
    """The names of the weights that PyTorch keeps transposed: those of Dense, (I, O) here and (O, I) there."""
    return {f"{name}.weight" if name else "weight" for name, part in ours.named_modules() if isinstance(part, Dense)}


def to_torch(ours: Module, theirs: torch.nn.Module) -> None:
    """Load our state into PyTorch's module; names and shapes must fit as they are, but for Dense."""
    transposed = dense_weights(ours)
    state = ours.state_dict()
    fitting = {name: torch.tensor(array.T if name in transposed else array) for name, array in state.items()}
    missing, unexpected = theirs.load_state_dict(fitting, strict=False)
    assert not unexpected
    assert all(name.endswith("num_batches_tracked") for name in missing), missing  # a count that ours does not keep


def from_torch(theirs: torch.nn.Module, ours: Module) -> None:
    """Load PyTorch's state into our module."""
    transposed = dense_weights(ours)
    state = {name: tensor.numpy() for name, tensor in theirs.state_dict().items()}
    ours.load_state_dict(
        {
            name: array.T if name in transposed else array
            for name, array in state.items()
            if not name.endswith("num_batches_tracked")
        }
    )


def randomise(module: Module, seed: int = 0) -> None:
    """Other numbers for all parameters and buffers: weights of 1 and biases of 0 would hide mistakes."""
    rng = np.random.default_rng(seed)

    def other(name: str, array: np.ndarray) -> np.ndarray:
        if name.endswith("running_var"):
            return rng.uniform(0.5, 2, array.shape)
        return rng.normal(size=array.shape) / max(1, math.prod(array.shape[1:])) ** 0.5

    state = module.state_dict()
    module.load_state_dict({name: np.asarray(other(name, array), array.dtype) for name, array in state.items()})


def same_gradients(what: str, ours: Module, theirs: torch.nn.Module, dtype: type) -> None:
    """The gradients of all parameters, by name."""
    transposed, others = dense_weights(ours), dict(theirs.named_parameters())
    parameters = dict(ours.named_parameters())
    assert set(parameters) == set(others)
    for name, parameter in parameters.items():
        gradient = others[name].grad.T if name in transposed else others[name].grad
        agree(f"{what}: gradient", parameter.grad, gradient, dtype, name)


def same_state(what: str, ours: Module, theirs: torch.nn.Module, dtype: type) -> None:
    """Parameters and buffers, by name."""
    transposed, others = dense_weights(ours), theirs.state_dict()
    for name, array in ours.state_dict().items():
        other = others[name].T if name in transposed else others[name]
        agree(f"{what}: state", array, other, dtype, name)


def compare_modules(
    what: str,
    ours: Module,
    theirs: torch.nn.Module,
    x: np.ndarray,
    dtype: type,
    call: Callable[[Tensor], Tensor] | None = None,
) -> None:
    """One pass there and back through both: value, gradient of the input and of every parameter, and buffers after.

    `call` stands in for ours(x) where more than x must be given.
    """
    ours.zero_grad()
    theirs.zero_grad()
    mine = Tensor(x.astype(dtype), requires_grad=True)
    other = torch.tensor(x.astype(dtype), requires_grad=True)
    y, expected = (call or ours)(mine), theirs(other)
    agree(f"{what}: value", y.data, expected, dtype)
    g = cotangent(expected.shape, dtype)
    y.backward(g)
    expected.backward(torch.from_numpy(g))
    agree(f"{what}: gradient", mine.grad, other.grad, dtype, "x")
    same_gradients(what, ours, theirs, dtype)
    same_state(what, ours, theirs, dtype)
