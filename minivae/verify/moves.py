"""f as a function of one of its inputs, along straight lines, with its outputs weighted."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from minivae.backend import Array
from minivae.random import Rng
from minivae.verify.finite_difference import EPS, Line, rounding_noise
from minivae.verify.problem import Arrays, Broken, random_cotangent, scales


@dataclass(frozen=True)
class Outputs:
    """How f's outputs are weighted: row 0 by the cotangent; further rows, if any, are one output each.

    Attributes:
        cotangent: the weights, of the shape of f's value.
        separately: whether there is a row for each output.
        value: f at the point.
    """

    cotangent: Array
    separately: bool
    value: Array

    def rows(self, outputs: Array) -> Array:
        """Flat outputs, or changes of them, to rows."""
        total = np.sum(self.cotangent.ravel() * outputs)[None]
        return np.concatenate([total, outputs]) if self.separately else total

    def sizes(self) -> Array:
        """The size of f in each row, as far as its rounding error goes."""
        total = np.sqrt(np.sum((self.cotangent * self.value) ** 2))[None]
        if not self.separately:
            return total
        return np.concatenate([total, np.full(self.value.size, np.abs(self.value).max(initial=0.0))])

    def index(self, row: int) -> tuple[int, ...] | None:
        """The output that a row stands for; None for row 0."""
        return None if row == 0 else index(row - 1, self.value.shape)


class Moved:
    """f while one input moves and the others stay.

    Attributes:
        x: the input that moves.
        complaint: why f could not be evaluated at some place, if it could not.
    """

    def __init__(
        self, number: int, name: str, point: Arrays, value: Callable[[Arrays], Array], outputs: Outputs
    ) -> None:
        self.number, self.name, self.point, self.value, self.outputs = number, name, point, value, outputs
        self.x = point[number]
        self.centre = outputs.rows(outputs.value.ravel())
        self.complaint = "it gives NaN or infinity there"

    def line(self, direction: Array) -> Line:
        """t ↦ the rows of f(x + t·direction); NaN where f cannot be evaluated. What is known is not computed again."""

        @functools.cache
        def at(t: float) -> Array:
            moved = list(self.point)
            moved[self.number] = self.x + t * direction.reshape(self.x.shape)
            try:
                value = self.value(moved)
            except (ValueError, ArithmeticError) as error:  # out of the domain: a negative variance, say
                self.complaint = f"it raises {type(error).__name__}: {error}"
                return np.full(self.centre.shape, np.nan)
            shape = self.outputs.value.shape
            if value.shape != shape:
                raise Broken(
                    "output shape", f"f returns shape {shape}, and {value.shape} when {self.name} moves a little"
                )
            return self.outputs.rows(value.ravel())

        return at

    def entry(self, j: int) -> Line:
        """Along the j-th entry of x alone."""
        direction = np.zeros(self.x.size)
        direction[j] = 1.0
        return self.line(direction)

    def where(self, j: int) -> str:
        """The j-th entry of x in words: its name and its value."""
        return f"{self.name}{list(index(j, self.x.shape)) or ''} = {float(self.x.ravel()[j]):.6g}"

    def noise(self, rng: Rng, step: float, largest: float) -> Array:
        """The rounding error of f in each row: ε·|f|, or what is measured if that is more.

        Args:
            rng: draws the direction along which it is measured.
            step: the step of the differences to come.
            largest: the largest |∂f/∂xⱼ|·max(1, |xⱼ|) over all inputs; f is made of numbers at least that large.

        Raises:
            Broken: it is more than a thousand times what float64 explains.
        """
        direction = random_cotangent(rng, self.x.shape) * scales(self.x)
        line = self.line(direction)
        size = np.fmax(self.outputs.sizes(), np.abs(line(step)))
        size[1:] = np.fmax.reduce(size[1:], initial=0.0)
        explained = 1000 * EPS * np.maximum(size, largest)
        measured = rounding_noise(line, step / 1e-3)
        if bool((measured > explained).any()):  # perhaps a kink close by: then the other side is smooth
            measured = np.fmin(measured, rounding_noise(self.line(-direction), step / 1e-3))
        measured[1:] = np.fmax.reduce(measured[1:], initial=0.0)
        at_an_edge = not np.isfinite([line(step), line(-step)]).all()  # where anything may happen to f
        if bool((measured > explained).any()) and not at_an_edge:
            row = int(np.nanargmax(measured / np.maximum(explained, np.finfo(np.float64).tiny)))
            raise Broken(
                "float64 inside",
                f"as {self.name} moves by a hundred-millionth, f jumps by {measured[row]:.1e}; rounding in float64 "
                f"explains {explained[row]:.1e} at most. Something inside f computes in float32, rounds, or is not "
                "continuous; or f bends so sharply that it needs a smaller step=.",
            )
        return np.fmax(EPS * size, np.fmin(measured, explained))


def index(flat: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The index, in an array of this shape, of an entry of the flat array."""
    return tuple(int(i) for i in np.unravel_index(flat, shape)) if shape else ()
