"""What is checked, with Tensors or without: a value function and its pullback, both on plain host arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minivae.backend import Array
from minivae.random import Rng
from minivae.verify.report import Failure

Arrays = Sequence[Array]
GivenPullback = Callable[[Array], Sequence[Any]]
"""A cotangent of f's value to one gradient an input, exactly as the code under test gave them (None included)."""


@dataclass(frozen=True)
class Problem:
    """A function and its claimed gradient.

    Attributes:
        name: what to call it.
        names: the inputs' names.
        point: where to check it: float64 arrays on the host.
        value: f on plain arrays, nothing recorded.
        differentiate: f's value at a point, and its pullback there.
        contract: the names of the rules that it is checked for.
        check_contract: checks those that not every problem has, given the gradients, the cotangent and the share of
            rounding in a gradient.
        cotangent: how f's outputs are weighted; None for at random. (A single number needs no weight.)
    """

    name: str
    names: tuple[str, ...]
    point: tuple[Array, ...]
    value: Callable[[Arrays], Array]
    differentiate: Callable[[Arrays], tuple[Array, GivenPullback]]
    contract: tuple[str, ...] = ()
    check_contract: Callable[[list[Array | None], Array, float], list[Failure]] | None = None
    cotangent: Array | None = None


class Broken(Exception):  # noqa: N818  (it is an answer, not an accident)
    """f or its gradient broke a rule in a way that leaves nothing to compare."""

    def __init__(self, check: str, message: str) -> None:
        super().__init__(message)
        self.failure = Failure(check, message)


def random_cotangent(rng: Rng, shape: tuple[int, ...]) -> Array:
    """Random signs, sizes between ½ and 1½: never ones, and no output is weighted so little that it is overlooked.

    A cotangent of ones is blind: the entries of a softmax sum to 1 whatever its input is, so the gradient of their
    sum is zero, and a backward that returns nothing but zeros would pass. Normalisation layers have the same flaw.
    """
    return rng.choice([-1.0, 1.0], shape) * rng.uniform(0.5, 1.5, shape)


def scales(x: Array) -> Array:
    """max(1, |xⱼ|): the unit in which each entry is moved."""
    return np.maximum(1.0, np.abs(x))
