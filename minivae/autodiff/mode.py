"""Two switches of the autodiff: whether ops are recorded, and whether they are checked. One of each a thread."""

from __future__ import annotations

import os
import threading
from contextlib import ContextDecorator
from typing import Any


class _Mode(threading.local):
    """What a thread has switched on. A new thread starts with these."""

    record = True
    debug = os.environ.get("MINIVAE_DEBUG", "") not in ("", "0")


mode = _Mode()


class _Previous(threading.local):
    """The values to put back, innermost last. A thread has its own: one decorator may serve calls in several."""

    def __init__(self) -> None:
        self.values: list[bool] = []


class _Switch(ContextDecorator):
    """Sets one attribute of `mode` and puts the old value back at the end of the block."""

    name: str

    def __init__(self, value: bool) -> None:
        self.value = value
        self.previous = _Previous()

    def __enter__(self) -> None:
        self.previous.values.append(getattr(mode, self.name))
        setattr(mode, self.name, self.value)

    def __exit__(self, *exc: Any) -> None:
        setattr(mode, self.name, self.previous.values.pop())


class no_grad(_Switch):  # noqa: N801  (PyTorch's name)
    """Record nothing inside this block: `with no_grad(): ...` or as a decorator, `@no_grad()`.

    Not as the decorator of a generator, whose body runs when the call that made it is over.
    """

    name = "record"

    def __init__(self) -> None:
        super().__init__(False)


class debug(_Switch):  # noqa: N801
    """Check every op inside this block: `with debug(): ...`.

    The first value or gradient that is not finite stops the program and names the op and the line that made it;
    arrays that an op saves and cotangents that come in are read-only; every gradient must have its argument's
    shape and dtype. `MINIVAE_DEBUG=1` turns this on for a whole program, `set_debug(True)` for this thread.
    """

    name = "debug"

    def __init__(self, enabled: bool = True) -> None:
        super().__init__(enabled)


def set_debug(enabled: bool) -> None:
    """Switch debug mode on or off for this thread, until further notice."""
    mode.debug = enabled
