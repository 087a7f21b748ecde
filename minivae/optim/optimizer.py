"""`Optimizer`: what all optimisers share. A subclass adds only its formula."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from minivae.autodiff import Tensor
from minivae.backend import Array, array_module, backend_of, to_numpy
from minivae.errors import BackendError, CheckpointError, ConfigError, DtypeError, GraphError, ShapeError
from minivae.optim.chunks import chunks


class Optimizer:
    """Holds the parameters and, for each, a count of its steps and the averages that the method keeps.

    A step changes `parameter.data` in place and reads `parameter.grad`, which it never changes. A parameter without
    a gradient is left alone, and its count too. A graph built before the step cannot be walked back after it.

    Args:
        params: the tensors to learn, `model.parameters()`.
        lr: the learning rate; `optimizer.lr` may be set at any time, which is what a schedule does.

    Raises:
        ConfigError: no parameters, a parameter twice, something that is not a leaf Tensor, or an option out of range.
    """

    options: ClassVar[tuple[str, ...]] = ("lr",)  # attributes that are numbers, saved in the state
    n_scratch: ClassVar[int] = 1  # how many scratch arrays the formula needs
    averages: tuple[str, ...] = ()  # the names of what is kept for each parameter

    params: list[Tensor]
    lr: float
    initial_lr: float | None  # the learning rate that schedules scale; the first schedule notes it
    steps: list[int]  # of each parameter
    state: dict[str, list[Array | None]]  # for each of `averages`, an array a parameter, None before its first step

    def __init__(self, params: Iterable[Tensor], lr: float) -> None:
        self.params = _checked(params, type(self).__name__)
        self.lr = self._in_range("lr", lr)
        self.initial_lr = None
        self.steps = [0] * len(self.params)
        self.state = {name: [None] * len(self.params) for name in self.averages}

    def update(self, t: int, p: Array, g: Array, *averages_and_scratch: Array) -> None:
        """The formula: change p (and the averages) in place, given its gradient g and that this is its step t >= 1.

        All arrays are flat and of one length; g must not be changed. Scratch arrays come last and hold anything.
        """
        raise NotImplementedError

    def step(self) -> None:
        """One step for every parameter that has a gradient.

        Raises:
            GraphError: no parameter has one.
            ShapeError, DtypeError, BackendError: a gradient or an average does not fit its parameter.
        """
        if all(p.grad is None for p in self.params):
            raise GraphError(
                f"{type(self).__name__}.step: none of the {len(self.params)} parameters has a gradient. Call "
                "loss.backward() first; if you did, the loss was not computed from these parameters."
            )
        for i, p in enumerate(self.params):
            if p.grad is None:
                continue
            own = [self._average(name, i) for name in self.averages]
            _check_update(i, p, own)
            p.written_to()
            self.steps[i] += 1
            for piece in chunks(self.n_scratch, p.data, p.grad, *own):
                self.update(self.steps[i], *piece)

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for p in self.params:
            p.grad = None

    def _average(self, name: str, i: int) -> Array:
        average = self.state[name][i]
        if average is None:
            data = self.params[i].data
            average = self.state[name][i] = array_module(data).zeros(data.shape, data.dtype)
        return average

    # --- state --------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """A flat dict of numbers (the options) and NumPy copies (`steps`, and for instance `decayed_sum.3`)."""
        values = {name: getattr(self, name) for name in (*self.options, "initial_lr")}
        state: dict[str, Any] = {name: value for name, value in values.items() if value is not None}
        state["steps"] = np.array(self.steps, np.int64)
        for name, arrays in self.state.items():
            state |= {f"{name}.{i}": np.array(to_numpy(a)) for i, a in enumerate(arrays) if self.steps[i]}
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict`, to the bit; options are restored too.

        Raises:
            CheckpointError: it belongs to another optimiser or to other parameters.
        """
        own = type(self).__name__
        steps = [int(n) for n in state.get("steps", ())]
        if len(steps) != len(self.params):
            raise CheckpointError(
                f"{own}: this state is of {len(steps)} parameters, this optimiser has {len(self.params)}"
            )
        expected = {f"{name}.{i}": p for name in self.averages for i, p in enumerate(self.params) if steps[i]}
        names = {*self.options, "steps", *expected}
        missing, unexpected = names - state.keys(), state.keys() - names - {"initial_lr"}
        if missing or unexpected:
            raise CheckpointError(
                f"{own}: this state belongs to another optimiser; missing: {sorted(missing) or 'nothing'}, "
                f"unexpected: {sorted(unexpected) or 'nothing'}"
            )
        for name, p in expected.items():
            if state[name].shape != p.shape or state[name].dtype != p.dtype:
                raise CheckpointError(
                    f"{own}: {name} is {state[name].dtype} {state[name].shape}, its parameter {p.dtype} {p.shape}"
                )
        for name in self.options:
            setattr(self, name, state[name])
        self.initial_lr = state.get("initial_lr")
        self.steps = steps
        for name in self.averages:
            self.state[name] = [
                array_module(p.data).array(state[f"{name}.{i}"]) if steps[i] else None
                for i, p in enumerate(self.params)
            ]

    # --- options ------------------------------------------------------------------------------------------

    def _in_range(self, name: str, value: float, below: float = float("inf")) -> float:
        """`value` if it is a number with 0 <= value < below."""
        if not isinstance(value, numbers.Real) or not 0 <= value < below:
            limit = f" and below {below}" if below < float("inf") else ""
            raise ConfigError(f"{type(self).__name__}: {name} is {value!r}; expected a number, 0 or more{limit}")
        return float(value)

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.options)
        return f"{type(self).__name__}({settings}) for {sum(p.size for p in self.params):,} parameters"


def _checked(params: Iterable[Tensor], optimizer: str) -> list[Tensor]:
    """The parameters as a list, if they can be optimised; their arrays are made contiguous."""
    if isinstance(params, (Tensor, Mapping)) or not isinstance(params, Iterable):
        raise ConfigError(
            f"{optimizer}: params is a {type(params).__name__}; expected a list of parameters, model.parameters()"
        )
    params = list(params)
    if not params:
        raise ConfigError(
            f"{optimizer}: the list of parameters is empty (a generator that was used before is empty, too)"
        )
    for i, p in enumerate(params):
        if not isinstance(p, Tensor):
            hint = "; use model.parameters() for named_parameters()" if isinstance(p, tuple) else ""
            raise ConfigError(f"{optimizer}: params[{i}] is a {type(p).__name__}, expected a Parameter{hint}")
        if p.node is not None and p.node.op != "leaf":
            raise ConfigError(f"{optimizer}: params[{i}] is the result of {p.node.op!r}; only leaves can be optimised")
    if len({id(p) for p in params}) < len(params):
        raise ConfigError(
            f"{optimizer}: a parameter is in the list twice and would be stepped twice; model.parameters() gives "
            "shared parameters once"
        )
    for p in params:
        _make_contiguous(p)
    return params


def _make_contiguous(p: Tensor) -> None:
    """Replace an array that has gaps or another order by a copy, because a flat view must be able to write to it."""
    if not p.data.flags.c_contiguous:
        p.data = array_module(p.data).ascontiguousarray(p.data)


def _check_update(i: int, p: Tensor, averages: list[Array]) -> None:
    """Gradient and averages must fit the parameter, and its array must be writable."""
    grad = p.grad
    assert grad is not None
    if grad.shape != p.shape:
        raise ShapeError(f"params[{i}] has shape {p.shape}, its gradient {grad.shape}")
    if isinstance(p.data, np.ndarray) and not p.data.flags.writeable:
        raise ConfigError(
            f"params[{i}] of shape {p.shape} has a read-only array, which cannot be updated in place; give it a copy: "
            "Parameter(array)"
        )
    _make_contiguous(p)
    fitting = (p.shape, p.dtype, array_module(p.data))
    for name, array in [("gradient", grad), *(("running average", average) for average in averages)]:
        if (array.shape, array.dtype, array_module(array)) == fitting:
            continue
        hint = "" if name == "gradient" else "; after model.to(...) or a change of .data, make a new optimiser"
        if array.dtype != p.dtype:
            raise DtypeError(f"params[{i}] is {p.dtype}, its {name} {array.dtype}{hint}")
        if backend_of(array) != p.device:
            raise BackendError(f"params[{i}] is on {p.device}, its {name} on {backend_of(array)}{hint}")
        if array.shape != p.shape:
            raise ShapeError(f"params[{i}] has shape {p.shape}, its {name} {array.shape}{hint}")
