"""Derivatives from values alone: what every gradient is held against.

**The formula.** Along a line t ↦ f(x + t·v) the slope at t = 0 is, by the four-point stencil,

    D(h) = [ f(−2h) − 8 f(−h) + 8 f(h) − f(2h) ] / 12h  =  f′(0) − (h⁴/30)·f⁗′(0) + O(h⁶)

(expand the four values in powers of h: the terms in h, h² and h³ cancel).

**Its error** has two parts that pull in opposite directions:

    truncation   h⁴·|f⁗′|/30       falls with the fourth power of the step
    rounding     1.5·ε·|f| / h      grows as the step shrinks; ε = 2.2e-16 in float64

At h = 1e-3, for a function whose values and derivatives are about 1, they are 3e-14 and 3e-13: together far below
the 1e-6 that `gradcheck` asks for, and neither matters. In float32 (ε = 1.2e-7) the rounding part alone is 2e-4, and
the two-point formula (f(h) − f(−h))/2h has a truncation of h²/6 = 2e-7: neither could tell right from slightly wrong.

**Which one is it?** Plot the error of D(h) against h on logarithmic axes. A slope of 4 is truncation: the derivative
is right and the step too large. A slope of −1 is rounding: as good as it gets. A slope of 0 is an error that no step
removes: the gradient it is compared with is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from minivae.backend import Array
from minivae.errors import DtypeError, ShapeError

Line = Callable[[float], Array]
"""t ↦ f(x + t·v): a function along a line, its values in one flat array."""

EPS = float(np.finfo(np.float64).eps)


def directional_derivative(f: Callable[[Array], Any], x: Array, v: Array, step: float = 1e-3) -> Array:
    """How fast f changes at x along v: d/dt f(x + t·v) at t = 0, by the four-point stencil.

    Args:
        f: takes an array of x's shape, returns a number or an array.
        x: float64 array, the point.
        v: the direction, of x's shape; its length counts (twice the direction, twice the derivative).
        step: the h of the stencil, in multiples of v.

    Returns:
        An array of the shape of f(x).
    """
    x = require_float64(x, "x")
    v = np.asarray(v, np.float64)
    if v.shape != x.shape:
        raise ShapeError(f"directional_derivative: x has shape {x.shape}, but the direction v has {v.shape}")
    return slope(lambda t: np.asarray(f(x + t * v), np.float64), step)


def numerical_gradient(
    f: Callable[[Array], Any], x: Array, step: float = 1e-3, cotangent: Array | None = None
) -> Array:
    """The gradient of Σ cotangent · f(x), one entry of x after the other: an array of x's shape.

    Args:
        f: takes an array of x's shape, returns a number or an array.
        x: float64 array, the point.
        step: the h of the stencil; entry j moves by h·max(1, |xⱼ|).
        cotangent: weights of the entries of f(x); may be left out when f returns one number.
    """
    x = require_float64(x, "x")
    value = np.asarray(f(x.copy()), np.float64)
    if cotangent is None:
        if value.size != 1:
            raise ShapeError(
                f"numerical_gradient: f returns shape {value.shape}; only a single number has a gradient. "
                "Give cotangent= an array of that shape, which weights the entries."
            )
        cotangent = np.ones(value.shape)
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        direction = np.zeros_like(x)
        direction[index] = max(1.0, abs(float(x[index])))
        change = directional_derivative(f, x, direction, step)
        gradient[index] = np.sum(cotangent * change) / direction[index]
    return gradient


def slope(line: Line, h: float) -> Array:
    """The four-point stencil: the slope of `line` at 0."""
    return (line(-2 * h) - 8 * line(-h) + 8 * line(h) - line(2 * h)) / (12 * h)


@dataclass(frozen=True)
class Slopes:
    """What five values along a line say about the slope in the middle: from both sides, from the left, from the right.

    For a smooth function the one-sided slopes differ by h³·f⁗/2 only; at a kink they differ by its jump. `steepest` is
    the largest slope between neighbours, whatever its sign, on the flatter side.
    """

    step: float
    both: Array
    left: Array
    right: Array
    steepest: Array

    @property
    def jump(self) -> Array:
        """How much steeper the function is to the right of the point than to the left of it."""
        return self.right - self.left

    @property
    def finite(self) -> bool:
        """Whether f was finite at all the points used."""
        return bool(np.isfinite(self.both).all() and np.isfinite(self.jump).all())


def slopes(line: Line, h: float, centre: Array) -> Slopes:
    """Slopes of `line` at 0 with step h; `centre` is line(0).

        right = [ −3 f(0) + 4 f(h) − f(2h) ] / 2h        (left: the same, mirrored)

    Both one-sided formulas have the error −h²f‴/3, which cancels in their difference.
    """
    far_left, near_left, near_right, far_right = line(-2 * h), line(-h), line(h), line(2 * h)
    with np.errstate(invalid="ignore", over="ignore"):
        between = np.abs(np.diff([far_left, near_left, centre, near_right, far_right], axis=0)) / h
        return Slopes(
            step=h,
            both=(far_left - 8 * near_left + 8 * near_right - far_right) / (12 * h),
            left=(3 * centre - 4 * near_left + far_left) / (2 * h),
            right=(-3 * centre + 4 * near_right - far_right) / (2 * h),
            steepest=np.fmin(np.fmax(between[0], between[1]), np.fmax(between[2], between[3])),
        )


def rounding_noise(line: Line, scale: float = 1.0) -> Array:
    """The rounding error of `line`'s values, measured (after Moré & Wild, 2011, "Estimating computational noise").

    Over a ten-millionth of the scale any smooth function is a parabola, whose third differences vanish. What is
    left of them is rounding, enlarged by √(1 + 9 + 9 + 1). All points are on one side of 0, where a kink at 0
    itself is not seen.
    """
    values = np.stack([line(k * scale * 2.0**-26) for k in range(7)])
    with np.errstate(invalid="ignore", over="ignore"):
        return np.sqrt(np.mean(np.diff(values, n=3, axis=0) ** 2, axis=0) / 20)


def require_float64(x: Any, name: str) -> Array:
    """x as a float64 array on the host; float32 and integers are refused, with the reason."""
    array = np.asarray(x)
    if array.dtype == np.float64:
        return array
    if array.dtype.kind == "f":
        raise DtypeError(
            f"{name} is {array.dtype}; a gradient can only be checked in float64. A float32 number carries 7 digits, "
            "and differences of nearby values lose most of them: they cannot tell a right gradient from one that is "
            f"1 % wrong. Convert it: {name}.astype(np.float64); a layer or a model: .to(np.float64)."
        )
    raise DtypeError(
        f"{name} is {array.dtype}; only float64 inputs have gradients. Convert it with .astype(np.float64), or, if "
        "it is an index, a label or a mask, let f close over it: gradcheck(lambda x: f(x, labels), x)."
    )
