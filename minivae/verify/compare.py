"""The comparison of a gradient with differences of the function's values.

**What is compared.** For small inputs the whole Jacobian: every entry of the input is moved on its own, and the
change of every output is held against the pullback, for a random cotangent and, if there are not too many outputs,
for each output alone. For large inputs: the derivative along random directions that move all entries at once.

**The relative error** of an entry of an input's gradient is

    error = |analytic − numeric| / (scale + floor/rtol)

    scale   the largest entry, analytic or numeric, of this input's gradient. (The entry's own size will not do: an
            entry that is zero, or nearly, has rounding errors as large as its neighbours' and would always fail.)
    floor   the rounding error of the differences, 15·ε_f/h, where ε_f is the rounding error of f: the larger of
            ε·|f| and what is measured (`rounding_noise`). The stencil turns it into at most 1.5·ε_f/h; ten times
            that is allowed. floor/rtol is thus the smallest gradient that differences of f can check to rtol.

It passes at error ≤ rtol, which is to say |analytic − numeric| ≤ rtol·scale + floor. Where f is about 1 in size, an
error of 1e-6 of the largest entry is found as long as the largest entry exceeds 3e-6.

For a direction d with n entries the scale is the derivative's typical size, ‖gradient∘d‖. One wrong entry among n then
shows as 1/√n of its error: with a million entries, an entry that is 0.1 % wrong still shows as 1e-6.

**Too large a step, and kinks.** Wherever the error is too large, or the slopes on the two sides differ, the step is
divided by 4, up to five times, and the step is kept at which the numeric value changes least (the gradient under test
has no say in it). If the slopes differ at every one of these steps, f has a kink there, and no gradient can be checked.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from minivae.backend import Array
from minivae.random import Rng
from minivae.verify.finite_difference import EPS, Line, Slopes, rounding_noise, slopes
from minivae.verify.problem import Arrays, Broken, random_cotangent, scales
from minivae.verify.report import InputReport

REFINEMENTS = 5
GIVE_UP = 5  # so many derivatives wrong even with a refined step are enough to know


@dataclass(frozen=True)
class Kink:
    """A place where the slopes on the two sides differ."""

    where: str
    left: float
    right: float


@dataclass(frozen=True)
class Outputs:
    """How f's outputs are weighted: row 0 by the random cotangent; further rows, if any, are one output each."""

    cotangent: Array
    separately: bool
    value: Array

    def rows(self, outputs: Array) -> Array:
        """Flat outputs, or changes of them, to rows."""
        total = np.sum(self.cotangent.ravel() * outputs)[None]
        return np.concatenate([total, outputs]) if self.separately else total

    def sizes(self) -> Array:
        """The size of f in each row, for its rounding error."""
        total = np.sqrt(np.sum((self.cotangent * self.value) ** 2))[None]
        if not self.separately:
            return total
        return np.concatenate([total, np.full(self.value.size, np.abs(self.value).max(initial=0.0))])

    def index(self, row: int) -> tuple[int, ...] | None:
        """The output that a row stands for; None for row 0."""
        return None if row == 0 else _index(row - 1, self.value.shape)


@dataclass
class Comparison:
    """One input's comparison."""

    number: int  # which of the inputs
    name: str
    point: Arrays
    value: Callable[[Arrays], Array]
    outputs: Outputs
    gradient: Array  # (rows, n)
    arrived: bool
    step: float
    rtol: float
    atol: float | None
    largest: float  # over all inputs: the largest |∂f/∂xⱼ|·max(1, |xⱼ|)

    def __post_init__(self) -> None:
        self.x = self.point[self.number]
        self.centre = self.outputs.rows(self.outputs.value.ravel())
        self.noise = self.outputs.sizes() * EPS
        self.kink: Kink | None = None
        self.mode = "full"
        self.complaint = ""  # why f could not be evaluated, if it could not

    # --- f along a line -------------------------------------------------------------------------------------

    def line(self, direction: Array) -> Line:
        """t ↦ the rows of f(x + t·direction); NaN where f cannot be evaluated. What is known is not computed again."""

        @functools.cache
        def at(t: float) -> Array:
            moved = list(self.point)
            moved[self.number] = self.x + t * direction.reshape(self.x.shape)
            try:
                value = self.value(moved)
            except (ValueError, ArithmeticError) as error:  # out of the domain: a negative variance, say
                self.complaint = f"it raised {type(error).__name__}: {error}"
                return np.full(self.centre.shape, np.nan)
            if value.shape != self.outputs.value.shape:
                raise Broken(
                    "output shape", f"f returned shape {self.outputs.value.shape}, then {value.shape} beside it"
                )
            return self.outputs.rows(value.ravel())

        return at

    def measure_noise(self, rng: Rng) -> None:
        """Raise the rounding error of f from its theoretical size to what is measured.

        Raises:
            Broken: it is a thousand times what float64 explains.
        """
        direction = random_cotangent(rng, self.x.shape) * scales(self.x)
        line, backwards = self.line(direction), self.line(-direction)
        size = np.fmax(self.outputs.sizes(), np.abs(line(self.step)))
        explained = 1000 * EPS * np.maximum(size, self.largest)
        measured = rounding_noise(line, self.step / 1e-3)
        if bool((measured > explained).any()):  # perhaps a kink close by: then the other side is smooth
            measured = np.fmin(measured, rounding_noise(backwards, self.step / 1e-3))
        measured[1:] = np.fmax.reduce(measured[1:], initial=0.0)
        if bool((measured > explained).any()):
            row = int(np.nanargmax(measured / np.maximum(explained, np.finfo(np.float64).tiny)))
            raise Broken(
                "float64 inside",
                f"as {self.name} moves by a hundred-millionth, f jumps by {measured[row]:.1e}; rounding in float64 "
                f"explains {explained[row]:.1e} at most. Something inside f computes in float32, rounds, or is not "
                "continuous.",
            )
        self.noise = np.fmax(EPS * size, measured)

    def floor(self, step: float) -> Array:
        """The rounding error allowed in a difference with this step, for each row."""
        return np.full_like(self.noise, self.atol) if self.atol is not None else 15 * self.noise / step

    # --- errors ---------------------------------------------------------------------------------------------

    def compare(self, mode: str, analytic: Array, lines: list[Line], steps: Array) -> InputReport:
        """Hold `analytic` (rows, k) against differences along k lines."""
        self.mode = mode
        found = [slopes(line, h, self.centre) for line, h in zip(lines, steps.tolist(), strict=True)]
        refined: list[int] = []
        hopeless = 0
        while True:
            errors, jumps = self.judge(analytic, found)
            suspicion = np.fmax(errors / self.rtol, jumps).max(axis=0)
            suspicion[refined] = 0.0
            j = int(suspicion.argmax())
            if suspicion[j] <= 1 or hopeless >= GIVE_UP:
                break
            refined.append(j)
            ladder = self.ladder(lines[j], found[j])
            found[j] = _settled(ladder)
            if not found[j].finite:
                raise self._not_finite(j)
            errors, _ = self.judge(analytic, found)
            jumps = np.stack([self.judge(analytic, [*found[:j], s, *found[j + 1 :]])[1][:, j] for s in ladder])
            row = int(jumps.min(axis=0).argmax())
            if jumps[:, row].min() > 1:
                self.kink = Kink(self._where(j), float(found[j].left[row]), float(found[j].right[row]))
                break
            hopeless += bool((errors[:, j] > self.rtol).any())
        row, j = (int(i) for i in np.unravel_index(int(np.argmax(errors)), errors.shape))
        numeric = np.stack([s.both for s in found], axis=1)
        return InputReport(
            name=self.name,
            shape=self.x.shape,
            mode=mode,
            checked=len(lines),
            error=float(errors[row, j]),
            index=_index(j, self.x.shape) if mode == "full" else None,
            output=self.outputs.index(row),
            analytic=float(analytic[row, j]),
            numeric=float(numeric[row, j]),
            step=found[j].step,
            slope=self.slope_of_error(lines[j], float(analytic[row, j]), row, found[j].step),
            wrong=int((errors > self.rtol).any(axis=0).sum()),
            ratio=_common_ratio(analytic[0], numeric[0], self.rtol),
            arrived=self.arrived,
        )

    def judge(self, analytic: Array, found: list[Slopes]) -> tuple[Array, Array]:
        """Relative errors, and jumps of the slope in multiples of the largest that counts as smooth: (rows, k)."""
        numeric = np.stack([s.both for s in found], axis=1)
        floor = np.stack([self.floor(s.step) for s in found], axis=1)
        jump = np.abs(np.stack([s.jump for s in found], axis=1))
        scale = np.fmax(np.abs(analytic), np.nan_to_num(np.abs(numeric), posinf=0.0))
        if self.mode == "full":
            scale = scale.max(axis=1, keepdims=True)
            scale[1:] = scale[1:].max(initial=0.0)
        else:
            norms = np.sqrt(np.sum((self.gradient * scales(self.x).ravel()) ** 2, axis=1, keepdims=True))
            scale = np.fmax(norms / math.sqrt(self.x.size), scale)
        measurable = np.fmax(scale + floor / self.rtol, np.finfo(np.float64).tiny)
        errors = np.nan_to_num(np.abs(analytic - numeric) / measurable, nan=np.inf)
        return errors, np.nan_to_num(jump / (10 * self.rtol * measurable), nan=np.inf)

    def ladder(self, line: Line, first: Slopes) -> list[Slopes]:
        """The slopes for the steps h, h/4, h/16, ..."""
        found = [first]
        for _ in range(REFINEMENTS):
            found.append(slopes(line, found[-1].step / 4, self.centre))
        return found

    def slope_of_error(self, line: Line, analytic: float, row: int, step: float) -> float:
        """The slope of log |analytic − numeric| against log h over five steps around `step`; NaN if it has none."""
        ladder = [slopes(line, step * 2.0**k, self.centre) for k in (-2, -1, 0, 1, 2)]
        points = [
            (math.log(s.step), math.log(error))
            for s in ladder
            if s.finite and (error := abs(analytic - float(s.both[row]))) > 0
        ]
        if len(points) < 3:
            return math.nan
        h, e = np.array(points).T
        return float(np.sum((h - h.mean()) * (e - e.mean())) / np.sum((h - h.mean()) ** 2))

    def _where(self, j: int) -> str:
        """The place of the j-th derivative, in words."""
        if self.mode != "full":
            return self.name
        return f"{self.name}{list(_index(j, self.x.shape))} = {float(self.x.ravel()[j]):.6g}"

    def _not_finite(self, j: int) -> Broken:
        return Broken(
            "finite",
            f"f cannot be evaluated a small step to both sides of {self._where(j)}: "
            f"{self.complaint or 'it gives NaN or infinity there'}. "
            "Choose a point inside the domain, away from its edge.",
        )

    # --- the two ways to look -------------------------------------------------------------------------------

    def full(self) -> InputReport:
        """Every entry on its own."""
        lines = [self.line(_unit(j, self.x.size)) for j in range(self.x.size)]
        return self.compare("full", self.gradient, lines, self.step * scales(self.x).ravel())

    def along_directions(self, rng: Rng, count: int) -> InputReport:
        """All entries at once, along random directions; if that fails, the worst entry is searched for."""
        shape, n = self.x.shape, self.x.size
        directions = np.stack(
            [(random_cotangent(rng, shape) * scales(self.x)).ravel() / math.sqrt(n) for _ in range(count)]
        )
        lines = [self.line(d) for d in directions]
        report = self.compare("directions", self.gradient @ directions.T, lines, np.full(count, self.step))
        if report.error <= self.rtol or self.kink is not None or not self.arrived:
            return report
        return self._located(report, directions)

    def _located(self, report: InputReport, directions: Array) -> InputReport:
        """Halve the set of entries, keeping the half with the larger error, down to one entry."""

        def error(entries: Array) -> float:
            worst = 0.0
            for d in directions:
                part = np.zeros_like(d)
                part[entries] = d[entries]
                numeric = slopes(self.line(part), report.step, self.centre).both
                worst = max(worst, float(np.abs(self.gradient @ part - numeric).max()))
            return worst

        entries = np.arange(self.x.size)
        while entries.size > 1:
            entries = max(np.array_split(entries, 2), key=error)
        j = int(entries[0])
        line = self.line(_unit(j, self.x.size))
        numeric = _settled(self.ladder(line, slopes(line, report.step, self.centre))).both
        row = int(np.argmax(np.abs(self.gradient[:, j] - numeric)))
        return dataclasses.replace(
            report,
            index=_index(j, self.x.shape),
            output=self.outputs.index(row),
            analytic=float(self.gradient[row, j]),
            numeric=float(numeric[row]),
        )


def _settled(ladder: list[Slopes]) -> Slopes:
    """The step at which the numeric derivative changes least: truncation is gone and rounding not yet come."""
    best, change = ladder[-1], math.inf
    for coarse, fine in itertools.pairwise(ladder):
        if coarse.finite and fine.finite and abs(coarse.both[0] - fine.both[0]) < change:
            best, change = fine, abs(coarse.both[0] - fine.both[0])
    return best


def _unit(j: int, n: int) -> Array:
    """The j-th unit vector."""
    unit = np.zeros(n)
    unit[j] = 1.0
    return unit


def _index(flat: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(flat, shape)) if shape else ()


def _common_ratio(analytic: Array, numeric: Array, rtol: float) -> float | None:
    """analytic / numeric if it is one number for all entries and not 1."""
    size = np.abs(numeric).max(initial=0.0)
    clear = np.abs(numeric) > 1e-3 * size
    if not size or clear.sum() < 2:
        return None
    ratio = float(np.median(analytic[clear] / numeric[clear]))
    same = np.abs(analytic - ratio * numeric).max() <= 100 * rtol * size * max(1.0, abs(ratio))
    return ratio if same and abs(ratio - 1) > 10 * rtol else None
