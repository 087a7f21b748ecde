"""`Module`: a function with parameters. A model is a tree of them.

Whatever a module holds in its attributes is found by looking: a `Parameter`, a `Buffer`, another `Module`, and
lists, tuples or dicts of these, in the order in which they were assigned. There is no registration and nothing to
call first. The dotted names are PyTorch's: `encoder.0.weight` is `model.encoder[0].weight`.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import numpy as np

from minivae.autodiff import Tensor, as_array
from minivae.backend import Array, array_module, to_numpy
from minivae.errors import CheckpointError

Self = TypeVar("Self", bound="Module")


class Parameter(Tensor):
    """A tensor that is learned. It owns its array: the data are copied, because an optimiser writes into them."""

    __slots__ = ()

    def __init__(self, data: Any, dtype: Any = None) -> None:
        super().__init__(as_array(data, dtype).copy(), requires_grad=True)


class Buffer(Tensor):
    """A tensor that belongs to a module's state but is not learned, such as a running mean."""

    __slots__ = ()

    def __init__(self, data: Any, dtype: Any = None) -> None:
        super().__init__(as_array(data, dtype).copy())


class Module:
    """A function with parameters; write `forward`, assign parameters and other modules as attributes.

        class Autoencoder(Module):
            def __init__(self):
                self.encoder = Dense(784, 20)
                self.decoder = Dense(20, 784)

            def forward(self, x):
                return self.decoder(self.encoder(x))

    Attributes:
        training: True in training mode. Dropout and batch normalisation look at it; `train()` and `eval()` set it.
    """

    training: bool = True  # of the class, so that a subclass may forget super().__init__()

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The function itself; every module defines its own."""
        raise NotImplementedError(f"{type(self).__name__} has no forward(); define what it computes")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """`module(x)` is `module.forward(x)`."""
        return self.forward(*args, **kwargs)

    # --- what is inside -----------------------------------------------------------------------------------

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """(dotted name, module) for this module (named '') and all in it, each once, in definition order."""
        return ((name, part) for name, part in _tree(self) if isinstance(part, Module))

    def modules(self) -> list[Module]:
        """This module and all in it."""
        return [module for _, module in self.named_modules()]

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """(dotted name, parameter) in definition order; one that is shared comes once, under its first name."""
        return ((name, part) for name, part in _tree(self) if isinstance(part, Parameter))

    def parameters(self) -> list[Parameter]:
        """All parameters in definition order, each once."""
        return [parameter for _, parameter in self.named_parameters()]

    def named_buffers(self) -> Iterator[tuple[str, Buffer]]:
        """(dotted name, buffer) in definition order, each once."""
        return ((name, part) for name, part in _tree(self) if isinstance(part, Buffer))

    def num_parameters(self) -> int:
        """How many numbers are learned."""
        return sum(parameter.size for parameter in self.parameters())

    # --- modes, places, gradients -------------------------------------------------------------------------

    def train(self: Self, mode: bool = True) -> Self:
        """Switch to training mode (or, with False, out of it), here and below; returns the module."""
        for module in self.modules():
            module.training = bool(mode)
        return self

    def eval(self: Self) -> Self:
        """Switch to evaluation mode: dropout does nothing, batch normalisation uses its running statistics."""
        return self.train(False)

    def to(self: Self, target: Any) -> Self:
        """Move all parameters and buffers in place, to a backend ('numpy', 'cupy') or a float dtype.

        The `Parameter` objects stay the same, only their `.data` is new; gradients are forgotten. An optimiser
        that has already made a step keeps its averages where they were, so make it after moving.
        """
        for _, tensor in self._tensors():
            tensor.written_to()  # the graph remembers the old dtype
            tensor.data = tensor.to(target).data
            tensor.grad = None
        return self

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for parameter in self.parameters():
            parameter.grad = None

    # --- state --------------------------------------------------------------------------------------------

    def _tensors(self) -> Iterator[tuple[str, Tensor]]:
        return ((name, part) for name, part in _tree(self) if isinstance(part, Tensor))

    def state_dict(self) -> dict[str, Array]:
        """Name -> NumPy copy, for every parameter and buffer. Training goes on without changing it."""
        return {name: np.array(to_numpy(tensor.data)) for name, tensor in self._tensors()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Copy the arrays of a `state_dict` into the parameters and buffers, all of them or none.

        Raises:
            CheckpointError: names are missing or unexpected, shapes or dtypes differ; it lists them all.
        """
        own = dict(self._tensors())
        problems = [f"missing: {name} {own[name].shape}" for name in own if name not in state]
        problems += [f"unexpected: {name} {np.shape(state[name])}" for name in state if name not in own]
        for name, tensor in own.items():
            if name not in state:
                continue
            given = state[name]
            if not hasattr(given, "dtype"):
                problems.append(f"not an array: {name} is a {type(given).__name__}")
            elif given.shape != tensor.shape:
                problems.append(f"wrong shape: {name} is {given.shape}, expected {tensor.shape}")
            elif given.dtype != tensor.dtype:
                problems.append(f"wrong dtype: {name} is {given.dtype}, expected {tensor.dtype}")
        if problems:
            lines = "".join(f"\n  {problem}" for problem in problems)
            raise CheckpointError(
                f"this state does not fit this {type(self).__name__}; nothing was loaded:{lines}\n"
                "Build the model with the options with which it was saved; for another dtype call "
                "model.to(dtype) first."
            )
        for name, tensor in own.items():
            tensor.written_to()
            tensor.data[...] = array_module(tensor.data).asarray(as_array(state[name]))

    # --- printing -----------------------------------------------------------------------------------------

    def extra_repr(self) -> str:
        """The settings shown in the printout: the arguments of `__init__` kept as attributes, unless default."""
        shown = []
        for name, argument in inspect.signature(type(self)).parameters.items():
            value = vars(self).get(name, argument.default)
            if value is None and argument.default is True:
                value = False  # bias=False leaves self.bias = None behind
            if isinstance(value, (bool, int, float, str, tuple)) and value != argument.default:
                shown.append(f"{name}={value!r}")
        return ", ".join(shown)

    def __repr__(self) -> str:
        rows = []
        for name, module in self.named_modules():
            *path, label = name.split(".")
            indent = "  " * (len(path) + 1) if name else ""
            settings = module.extra_repr()
            heading = type(module).__name__ + (f"({settings})" if settings else "")
            own = sum(part.size for part in _own_parameters(module))
            rows.append((f"{indent}{label + ': ' if name else ''}{heading}", f"{own:,}" if own else ""))
        total = self.num_parameters()
        if len(rows) == 1 and not total:
            return rows[0][0]
        width = max(len(left) for left, _ in rows)
        digits = len(f"{total:,}")
        lines = [f"{left:<{width}}  {right:>{digits}}".rstrip() for left, right in rows]
        buffers = sum(buffer.size for _, buffer in self.named_buffers())
        note = f" (and {buffers:,} numbers in buffers)" if buffers else ""
        return "\n".join([*lines, f"{'total parameters':<{width}}  {total:>{digits},}{note}"])


def _entries(holder: Any) -> Iterator[tuple[str, Any]]:
    """What hangs directly from a module, list, tuple or dict, with its name there."""
    if isinstance(holder, Module):
        holder = vars(holder)
    if isinstance(holder, dict):
        return ((str(key), value) for key, value in holder.items())
    if isinstance(holder, (list, tuple)):
        return ((str(i), value) for i, value in enumerate(holder))
    return iter(())


def _tree(root: Module) -> Iterator[tuple[str, Any]]:
    """(dotted name, part) for the module and every Module, Parameter and Buffer below, depth first, each once."""
    return _visit("", root, set())


def _visit(name: str, part: Any, seen: set[int]) -> Iterator[tuple[str, Any]]:
    if not isinstance(part, (Module, Parameter, Buffer, list, tuple, dict)) or id(part) in seen:
        return
    seen.add(id(part))
    if isinstance(part, (Module, Tensor)):
        yield name, part
    for key, value in _entries(part):
        yield from _visit(f"{name}.{key}" if name else key, value, seen)


def _own_parameters(module: Module) -> Iterator[Parameter]:
    """The parameters that a module holds itself or in a list, not through another module."""
    for _, value in _entries(module):
        held = [value] if isinstance(value, Tensor) else [part for _, part in _entries(value)]
        if not isinstance(value, Module):
            yield from (part for part in held if isinstance(part, Parameter))
