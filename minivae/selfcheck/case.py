"""One entry of the catalogue: something of the library, and inputs at which its gradients are checked.

The inputs decide what a check can see. So the sizes in a case are pairwise different, mostly coprime (a 3 taken for a
5 fails), no values are equal or symmetric, log-variances lie on both sides of 0, weights are away from
their initial values (a scale of 1 and a shift of 0 hide mistakes), and every option that enters a formula has a case.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from minivae import ops
from minivae.autodiff import Tensor
from minivae.backend import Array
from minivae.random import Rng, stream
from minivae.verify import GradcheckReport, gradcheck

Draw = Callable[[Rng], Array]
"""Makes an input from a generator."""


@dataclass(frozen=True)
class Check:
    """What `gradcheck` gets: a function of Tensors, and its inputs by name."""

    f: Callable[..., Tensor]
    inputs: dict[str, Array]


@dataclass(frozen=True)
class Case:
    """One check.

    Attributes:
        group: 'op', 'layer', 'distribution', 'objective' or 'model'.
        subject: what is checked, by its name in the library.
        variant: with which options.
        target: the thing itself, an op or a class. It is handed to `build`, so that another can stand in for it.
        build: target and generator to the function and the inputs.
        full_below: as for `gradcheck`: so many numbers are moved one by one, the rest along random directions.
    """

    group: str
    subject: str
    variant: str
    target: Any
    build: Callable[[Any, Rng], Check]
    full_below: int = 300

    @property
    def name(self) -> str:
        """Such as 'conv2d, stride 2'."""
        return f"{self.subject}, {self.variant}" if self.variant else self.subject

    def run(self, seed: int = 0, target: Any = None) -> GradcheckReport:
        """The report for this case's target, or for another one in its place."""
        check = self.build(self.target if target is None else target, stream(seed, "selfcheck", self.group, self.name))
        return gradcheck(
            check.f,
            *check.inputs.values(),
            seed=seed,
            full_below=self.full_below,
            name=self.name,
            names=list(check.inputs),
        )


def op(
    subject: str,
    variant: str = "",
    options: dict[str, Any] | None = None,
    call: Callable[..., Tensor] | None = None,
    function: Callable[..., Tensor] | None = None,
    **inputs: Draw,
) -> Case:
    """A case for `minivae.ops.<subject>`.

    Args:
        subject: its name.
        variant: what is special about this case.
        options: the op's options.
        call: how to call it, given the op and the inputs, where op(*inputs, **options) does not do.
        function: the op itself, where it is not in `minivae.ops`.
        inputs: how to draw its inputs.
    """

    def build(target: Any, rng: Rng) -> Check:
        def f(*tensors: Tensor) -> Tensor:
            return call(target, *tensors) if call is not None else target(*tensors, **(options or {}))

        return Check(f, {name: draw(rng) for name, draw in inputs.items()})

    return Case("op", subject, variant, function or getattr(ops, subject), build)


# --- inputs -------------------------------------------------------------------------------------------------


def normal(*shape: int, scale: float = 1.0) -> Draw:
    """Standard normal values, times `scale`."""
    return lambda rng: np.asarray(scale * rng.standard_normal(shape))


def between(low: float, high: float, *shape: int) -> Draw:
    """Uniform values."""
    return lambda rng: np.asarray(rng.uniform(low, high, shape))


def positive(*shape: int) -> Draw:
    """Values between ½ and 2."""
    return between(0.5, 2.0, *shape)


def nonzero(*shape: int) -> Draw:
    """Values of both signs, away from 0 by at least ½."""
    return lambda rng: np.asarray(rng.choice([-1.0, 1.0], shape) * rng.uniform(0.5, 2.0, shape))


def binary(*shape: int) -> Draw:
    """Zeros and ones."""
    return lambda rng: (rng.random(shape) < 0.5).astype(np.float64)
