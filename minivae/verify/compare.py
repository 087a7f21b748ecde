"""The comparison of a gradient with differences of the function's values.

**What is compared.** For small inputs the whole Jacobian: every entry of the input is moved on its own, and the
change of every output is held against the pullback, for a random cotangent and, if there are not too many outputs,
for each output alone. For large inputs: the derivative along random directions that move all entries at once.

**The relative error** of an entry of an input's gradient is

    error = |analytic − numeric| / (scale + floor/rtol)

    scale   the largest entry, analytic or numeric, of this input's gradient. (The entry's own size will not do: an
            entry that is zero, or nearly, has rounding errors as large as its neighbours' and would always fail.)
    floor   the rounding error of the differences, 15·ε_f/h, where ε_f is the rounding error of f: the largest of
            ε·|f|, what is measured (`Moved.noise`), and ε·|x| times the slope of f around the point, since x + h is
            rounded too. The stencil turns it into at most 1.5·ε_f/h; ten times that is allowed. floor/rtol is thus the
            smallest gradient that differences of f can check to rtol. (The last of the three matters only where f
            and its slope are zero: elsewhere it is 15·ε/h = 3e-12 of the slope.)

It passes at error ≤ rtol, which is to say |analytic − numeric| ≤ rtol·scale + floor. Where f is about 1 in size, an
error of 1e-6 of the largest entry is found as long as the largest entry exceeds 3e-6.

For a direction d with n entries the scale is the derivative's typical size, ‖gradient∘d‖. One wrong entry among n then
shows as 1/√n of its error: among a million entries of equal size, one that is 0.1 % wrong still shows as 1e-6.

**Too large a step, and kinks.** Wherever the error is too large, or the slopes on the two sides differ, the step is
divided by 4, up to five times (ten, as long as that still helps), and the step is kept at which the numeric value
changes least (the gradient under test has no say in it). If the slopes differ at every one of these steps, f has a kink
there, and no gradient can be checked.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from dataclasses import dataclass

import numpy as np

from minivae.backend import Array
from minivae.random import Rng
from minivae.verify.finite_difference import EPS, Line, Slopes, slopes
from minivae.verify.moves import Moved, index
from minivae.verify.problem import Broken, random_cotangent, scales
from minivae.verify.report import InputReport

REFINEMENTS = 5
MOST_REFINEMENTS = 10  # as long as each smaller step is still better than the one before
GIVE_UP = 5  # so many derivatives wrong even with a refined step are enough to know
TINY = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True)
class Kink:
    """A place where the slopes on the two sides differ."""

    where: str
    left: float
    right: float


@dataclass
class Comparison:
    """One input's gradient against differences of f.

    Attributes:
        f: the function of this input.
        gradient: for each of f's rows (see `Outputs`) the flat gradient under test: (rows, n).
        noise: the rounding error of f in each row.
        step: the h of the stencil.
        rtol, atol: as for `gradcheck`.
        kink: a kink that was found.
    """

    f: Moved
    gradient: Array
    noise: Array
    step: float
    rtol: float
    atol: float | None
    kink: Kink | None = None
    mode: str = "full"

    def full(self) -> InputReport:
        """Every entry on its own."""
        x, size = self.f.x, scales(self.f.x).ravel()
        return self.compare(self.gradient, [self.f.entry(j) for j in range(x.size)], self.step * size, EPS * size)

    def along_directions(self, rng: Rng, count: int) -> InputReport:
        """All entries at once, along random directions; if that fails, the worst entry is searched for."""
        self.mode = "directions"
        x = self.f.x
        directions = np.stack(
            [(random_cotangent(rng, x.shape) * scales(x)).ravel() / math.sqrt(x.size) for _ in range(count)]
        )
        lines = [self.f.line(d) for d in directions]
        rounding = np.full(count, EPS * math.sqrt(x.size))
        report = self.compare(self.gradient @ directions.T, lines, np.full(count, self.step), rounding)
        if report.error <= self.rtol or self.kink is not None:
            return report
        return self.located(report, directions)

    def compare(self, analytic: Array, lines: list[Line], steps: Array, rounding: Array) -> InputReport:
        """Hold `analytic` (rows, k) against differences along k lines; `rounding` (k,) is that of the point on them."""
        found = [slopes(line, h, self.f.centre) for line, h in zip(lines, steps.tolist(), strict=True)]
        numeric = np.stack([s.both for s in found], axis=1)
        of_point = rounding * np.stack([s.steepest for s in found], axis=1)
        jumps = np.abs(np.stack([s.jump for s in found], axis=1))
        steps = steps.copy()
        refined: list[int] = []
        hopeless = 0
        while True:
            scale = self.scale(analytic, numeric)
            measurable = self.measurable(scale, of_point, steps)
            errors = np.nan_to_num(np.abs(analytic - numeric) / measurable, nan=np.inf, posinf=np.inf)
            bends = np.nan_to_num(jumps / measurable, nan=np.inf, posinf=np.inf) / (10 * self.rtol)
            suspicion = np.fmax(errors / self.rtol, bends).max(axis=0)
            suspicion[refined] = 0.0
            j = int(suspicion.argmax())
            if suspicion[j] <= 1 or hopeless >= GIVE_UP:
                break
            ladder = self.ladder(lines[j], found[j])
            best = _settled(ladder)
            if not best.finite:
                raise self.not_finite(j)
            bounds = [self.measurable(scale[:, j], rounding[j] * s.steepest, s.step) for s in ladder]
            least = np.min([np.abs(s.jump) / bound for s, bound in zip(ladder, bounds, strict=True)], axis=0)
            if (least > 10 * self.rtol).any():
                row = int(least.argmax())
                self.kink = Kink(self.where(j), float(best.left[row]), float(best.right[row]))
                break
            numeric[:, j], jumps[:, j], steps[j] = best.both, 0.0, best.step
            of_point[:, j] = rounding[j] * best.steepest
            tolerated = self.rtol * self.measurable(scale[:, j], of_point[:, j], best.step)
            hopeless += bool((np.abs(analytic[:, j] - best.both) > tolerated).any())
            refined.append(j)
        row, j = (int(i) for i in np.unravel_index(int(np.argmax(errors)), errors.shape))
        return InputReport(
            name=self.f.name,
            shape=self.f.x.shape,
            mode=self.mode,
            checked=len(lines),
            error=float(errors[row, j]),
            index=index(j, self.f.x.shape) if self.mode == "full" else None,
            output=self.f.outputs.index(row),
            analytic=float(analytic[row, j]),
            numeric=float(numeric[row, j]),
            step=float(steps[j]),
            slope=self.slope_of_error(lines[j], float(analytic[row, j]), row, float(steps[j])),
            wrong=int((errors > self.rtol).any(axis=0).sum()),
            ratio=_common_ratio(analytic[0], numeric[0], self.rtol),
            largest=float(np.abs(self.gradient[0]).max()),
            unseen=float(self.rtol * (measurable - scale)[0].max()),
        )

    def scale(self, analytic: Array, numeric: Array) -> Array:
        """What errors are relative to (see this file's docstring): (rows, k)."""
        sizes = np.fmax(np.abs(analytic), np.nan_to_num(np.abs(numeric), posinf=0.0))
        if self.mode == "full":
            largest = sizes.max(axis=1, keepdims=True)
            largest[1:] = largest[1:].max(initial=0.0)
            return np.broadcast_to(largest, sizes.shape)
        norms = np.sqrt(np.sum((self.gradient * scales(self.f.x).ravel()) ** 2, axis=1, keepdims=True))
        return np.fmax(norms / math.sqrt(self.f.x.size), sizes)

    def measurable(self, scale: Array, of_point: Array, step: Array | float) -> Array:
        """The denominator of the relative error: scale + floor/rtol. `of_point`: what the rounding of x does to f."""
        noise = np.fmax(self.noise.reshape(-1, *(1,) * (scale.ndim - 1)), of_point)
        floor = 15 * noise / step if self.atol is None else self.atol
        return np.fmax(scale + floor / self.rtol, TINY)

    def ladder(self, line: Line, first: Slopes) -> list[Slopes]:
        """The slopes for the steps h, h/4, h/16, ..."""
        found = [first]
        for _ in range(REFINEMENTS):
            found.append(slopes(line, found[-1].step / 4, self.f.centre))
        while _settled(found) is found[-1] and len(found) <= MOST_REFINEMENTS:
            found.append(slopes(line, found[-1].step / 4, self.f.centre))
        return found

    def slope_of_error(self, line: Line, analytic: float, row: int, step: float) -> float:
        """The slope of log |analytic − numeric| against log h over five steps around `step`; NaN if it has none."""
        ladder = [slopes(line, step * 2.0**k, self.f.centre) for k in (-2, -1, 0, 1, 2)]
        points = [
            (math.log(s.step), math.log(error))
            for s in ladder
            if s.finite and (error := abs(analytic - float(s.both[row]))) > 0
        ]
        if len(points) < 3:
            return math.nan
        h, e = np.array(points).T
        return float(np.sum((h - h.mean()) * (e - e.mean())) / np.sum((h - h.mean()) ** 2))

    def located(self, report: InputReport, directions: Array) -> InputReport:
        """The report of a failure along directions, with the worst entry.

        The set of entries is halved again and again, and the half with the larger error kept.
        """

        def error(entries: Array) -> float:
            worst = 0.0
            for d in directions:
                part = np.zeros_like(d)
                part[entries] = d[entries]
                numeric = slopes(self.f.line(part), report.step, self.f.centre).both
                worst = max(worst, float(np.abs(self.gradient @ part - numeric).max()))
            return worst

        entries = np.arange(self.f.x.size)
        while entries.size > 1:
            entries = max(np.array_split(entries, 2), key=error)
        j = int(entries[0])
        line = self.f.entry(j)
        numeric = _settled(self.ladder(line, slopes(line, report.step, self.f.centre))).both
        row = int(np.argmax(np.abs(self.gradient[:, j] - numeric)))
        return dataclasses.replace(
            report,
            index=index(j, self.f.x.shape),
            output=self.f.outputs.index(row),
            analytic=float(self.gradient[row, j]),
            numeric=float(numeric[row]),
        )

    def where(self, j: int) -> str:
        """The place of the j-th derivative in words."""
        return self.f.where(j) if self.mode == "full" else self.f.name

    def not_finite(self, j: int) -> Broken:
        """f cannot be evaluated beside the point."""
        return Broken(
            "finite",
            f"f cannot be evaluated a small step to both sides of {self.where(j)}: {self.f.complaint}. "
            "Choose a point inside the domain, away from its edge.",
        )


def _settled(ladder: list[Slopes]) -> Slopes:
    """The step at which the numeric derivative changes least: truncation is gone and rounding not yet come."""
    best, change = ladder[-1], math.inf
    for coarse, fine in itertools.pairwise(ladder):
        if coarse.finite and fine.finite and abs(coarse.both[0] - fine.both[0]) < change:
            best, change = fine, abs(coarse.both[0] - fine.both[0])
    return best


def _common_ratio(analytic: Array, numeric: Array, rtol: float) -> float | None:
    """analytic / numeric if it is one number for all entries and not 1."""
    size = np.abs(numeric).max(initial=0.0)
    clear = np.abs(numeric) > 1e-3 * size
    if not size or clear.sum() < 2:
        return None
    ratio = float(np.median(analytic[clear] / numeric[clear]))
    same = np.abs(analytic - ratio * numeric).max() <= 100 * rtol * size * max(1.0, abs(ratio))
    return ratio if same and abs(ratio - 1) > 10 * rtol else None
