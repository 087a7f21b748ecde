"""`Program`: a calculation cut into named steps, any of which can be exchanged for a wrong one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Step = Callable[["Values"], Any]
Steps = Mapping[str, Step]


class Values:
    """The values of one run, calculated when they are asked for: `v.z` runs the step "z", once.

    So a wrong version costs only the steps up to the first value that gives it away.
    """

    def __init__(self, arguments: Mapping[str, Any], steps: Steps) -> None:
        self.__dict__.update(arguments)
        self._steps = steps

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name not in self._steps:
            raise AttributeError(f"no step and no argument is called {name!r}")
        value = self._steps[name](self)
        self.__dict__[name] = value
        return value

    def __getitem__(self, name: str) -> Any:
        """`v["d_x"]` is `v.d_x`."""
        return getattr(self, name)


@dataclass(frozen=True)
class Program:
    """A calculation in steps.

    Attributes:
        steps: the name of a step -> its value, from the values of other steps and of arguments: `v.mu`, `v.eps`.
        arguments: the arguments' names, in the order of the reference.
        outputs: the name of an output -> the step that calculates it, in the order of the derivation.
    """

    steps: Steps
    arguments: tuple[str, ...]
    outputs: Mapping[str, str]

    def run(self, arguments: tuple[Any, ...], changes: Steps | None = None) -> Values:
        """All values, with some steps exchanged; nothing is calculated yet."""
        return Values(dict(zip(self.arguments, arguments, strict=True)), {**self.steps, **(changes or {})})
