"""Ways to make a wrong version of something right: of an op, of a method, of a function that others call.

Whatever is made here stays out of `PRIMITIVES`, the list of the ops of minivae.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from minivae.autodiff import PRIMITIVES, Forward, Tensor, primitive
from minivae.backend import Array

Op = Callable[..., Tensor]


def mutant(forward: Callable[..., Forward]) -> Op:
    """`@primitive`, for an op that is wrong on purpose."""
    forward.__module__ = "mutant"
    return primitive(forward)


def pullback(op: str | Op, /, **wrong: Callable[..., Array]) -> Op:
    """The op with other pullbacks for the arguments named.

        pullback(ops.mul, x=lambda g, x, y: g * x)          # should be g * y

    A pullback gets the cotangent and then whatever the op itself was given, as plain arrays.
    """

    def changed(pullbacks: list, names: list[str], args: tuple, options: dict) -> None:
        for name, pull in wrong.items():
            pullbacks[names.index(name)] = lambda g, pull=pull: pull(g, *args, **options)

    return _with_pullbacks(op, changed)


def gradient(op: str | Op, /, **change: Callable[[Array], Any]) -> Op:
    """The op with the gradients for the arguments named changed afterwards.

    gradient(ops.sub, y=lambda dy: -dy)                 # the sign is lost
    """

    def changed(pullbacks: list, names: list[str], args: tuple, options: dict) -> None:
        for name, f in change.items():
            i = names.index(name)
            pullbacks[i] = lambda g, f=f, right=pullbacks[i]: f(right(g))

    return _with_pullbacks(op, changed)


def cut(op: str | Op, /, *arguments: str) -> Op:
    """The op with no gradient at all for the arguments named."""

    def changed(pullbacks: list, names: list[str], args: tuple, options: dict) -> None:
        for name in arguments:
            pullbacks[names.index(name)] = None

    return _with_pullbacks(op, changed)


def _with_pullbacks(op: str | Op, changed: Callable[[list, list[str], tuple, dict], None]) -> Op:
    """The op after `changed(pullbacks, names of the arguments, what the op was given)`."""
    forward: Callable[..., Forward] = (PRIMITIVES[op] if isinstance(op, str) else op).__wrapped__  # type: ignore[attr-defined]
    names = list(inspect.signature(forward).parameters)

    @functools.wraps(forward)
    def wrong(*args: Any, **options: Any) -> Forward:
        value, right = forward(*args, **options)
        pullbacks = list(right) if isinstance(right, tuple) else [right]
        changed(pullbacks, names, args, options)
        return value, tuple(pullbacks)

    return mutant(wrong)


def methods(cls: type, **wrong: Any) -> Any:
    """A subclass, of the same name, with other methods or attributes."""
    return type(cls.__name__, (cls,), {"__doc__": cls.__doc__, "__module__": "mutant", **wrong})


def forward(layer: type, f: Callable[..., Any]) -> Any:
    """The layer with another forward(self, x)."""
    return methods(layer, forward=f)


@contextmanager
def put(holder: Any, name: str, value: Any) -> Iterator[None]:
    """Inside the block `holder.name` is this value."""
    before = getattr(holder, name)
    setattr(holder, name, value)
    try:
        yield
    finally:
        setattr(holder, name, before)
