"""What a gradient check found: numbers to compute with, and a table to read."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from minivae.backend import Array


@dataclass(frozen=True)
class Failure:
    """A rule of the contract that was broken: its name, and what was seen."""

    check: str
    message: str

    def __str__(self) -> str:
        return f"{self.check}: {self.message}"


@dataclass(frozen=True)
class InputReport:
    """The comparison for one input.

    Attributes:
        name, shape: which input, and its shape.
        mode: 'full' (every entry was moved), 'directions' (all entries at once, along random directions),
            'empty' (no entries), or 'not compared' (no usable gradient came).
        checked: how many entries or directions.
        error: the worst relative error (its definition: minivae/verify/compare.py).
        index: the entry of the input where it is worst; None if that is not known.
        output: the entry of f's value it belongs to; None for the random cotangent, that is, for all of them together.
        analytic: the derivative that backward (or the hand-written gradient) gives there.
        numeric: the derivative that differences of f give there.
        step: the step of these differences.
        slope: the slope of |analytic − numeric| against the step, on logarithmic axes (see `explain_slope`).
        wrong: how many of the checked derivatives are beyond the tolerance.
        ratio: analytic / numeric, if it is the same for all entries; otherwise None.
        largest: the largest entry of the gradient under test.
        unseen: an error up to this is put down to the rounding of f.
        arrived: False if no gradient arrived at all (`.grad` is None).
    """

    name: str
    shape: tuple[int, ...]
    mode: str
    checked: int = 0
    error: float = 0.0
    index: tuple[int, ...] | None = None
    output: tuple[int, ...] | None = None
    analytic: float = 0.0
    numeric: float = 0.0
    step: float = 0.0
    slope: float = math.nan
    wrong: int = 0
    ratio: float | None = None
    largest: float = 0.0
    unseen: float = 0.0
    arrived: bool = True

    @property
    def entry(self) -> str:
        """The worst entry by name, such as 'weight[2, 0]'."""
        if self.index is None:
            return f"{self.name} (along a random direction)"
        return f"{self.name}[{', '.join(map(str, self.index))}]" if self.index else self.name


@dataclass(frozen=True, repr=False)
class GradcheckReport:
    """The result of `gradcheck` or `check_gradient`: true when everything passed; print it to read it.

    Attributes:
        passed: whether the contract holds and every error is within `rtol`.
        name: what was checked.
        inputs: one `InputReport` for each input.
        failures: the rules of the contract that were broken.
        contract: the rules that were checked.
        notes: what a reader should know although it is no failure.
        cotangent: the random weights of f's outputs, drawn from `seed`.
        point: where the comparison was made; differs from the inputs given if it had to be redrawn.
        redraws: how often the point was moved because f has a kink there.
        seed, rtol, step: as given.
    """

    passed: bool
    name: str
    inputs: tuple[InputReport, ...]
    failures: tuple[Failure, ...]
    contract: tuple[str, ...]
    seed: int
    rtol: float
    step: float
    cotangent: Array
    point: tuple[Array, ...] = field(default=())
    redraws: int = 0
    notes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.passed

    @property
    def worst(self) -> InputReport | None:
        """The input with the largest error."""
        return max(self.inputs, key=lambda i: math.inf if math.isnan(i.error) else i.error, default=None)

    @property
    def error(self) -> float:
        """The largest relative error over all inputs."""
        return self.worst.error if self.worst else 0.0

    def require(self) -> GradcheckReport:
        """The report itself if it passed; otherwise an AssertionError that shows it."""
        if not self.passed:
            raise AssertionError(str(self))
        return self

    def __str__(self) -> str:
        lines = [self._headline(), *_table(self.inputs)]
        if self.contract:
            broken = {failure.check for failure in self.failures}
            lines.append("contract: " + ", ".join(f"{c}{' BROKEN' if c in broken else ''}" for c in self.contract))
        advice = [str(failure) for failure in self.failures]
        advice += [_explain(i, self.rtol) for i in self.inputs if not i.error <= self.rtol]
        if advice:
            lines += ["what to look at:", *(f"  * {text}" for text in advice)]
        lines += [f"note: {note}" for note in self.notes]
        lines.append(f"seed {self.seed}, step {self.step:.0e}{self._cotangent()}")
        return "\n".join(lines)

    def _cotangent(self) -> str:
        """The first random weights of f's outputs, if there are any."""
        if self.cotangent.size == 0 or (self.cotangent == 1).all():
            return ""
        first = ", ".join(f"{u:.3f}" for u in self.cotangent.ravel()[:4])
        more = ", ..." if self.cotangent.size > 4 else ""
        return f", random cotangent of shape {self.cotangent.shape}: {first}{more}"

    __repr__ = __str__

    def _headline(self) -> str:
        if self.passed:
            return f"{self.name}: PASS, worst relative error {self.error:.1e} (tolerance {self.rtol:.0e})"
        worst = self.worst
        if worst is not None and not worst.error <= self.rtol:
            what = f"{worst.entry}: analytic {worst.analytic:.9g}, numeric {worst.numeric:.9g}, "
            return f"{self.name}: FAIL, {what}relative error {worst.error:.1e} (tolerance {self.rtol:.0e})"
        return f"{self.name}: FAIL, {self.failures[0]}" if self.failures else f"{self.name}: FAIL"


def explain_slope(slope: float) -> str:
    """What the slope of the error against the step says."""
    if math.isnan(slope):
        return "the error is zero or too small to have a slope"
    if slope > 3:
        return "truncation: the error falls with the fourth power of the step, so the gradient is right"
    if slope < -0.5:
        return "rounding: the agreement is as good as float64 allows"
    if slope < 0.5:
        return "no step removes the error, so the gradient is wrong"
    return "part truncation, part something else: try a smaller step"


def _table(inputs: tuple[InputReport, ...]) -> list[str]:
    """The inputs as an aligned table."""
    rows = [("input", "shape", "checked", "worst error", "at", "analytic", "numeric", "slope")]
    for i in inputs:
        checked = {"full": f"{i.checked} entries", "directions": f"{i.checked} directions"}.get(i.mode, i.mode)
        at = "" if i.index is None else str(list(i.index))
        if i.mode in ("full", "directions"):
            slope = "" if math.isnan(i.slope) else f"{i.slope:+.1f}"
            numbers = (f"{i.error:.1e}", at, f"{i.analytic:.9g}", f"{i.numeric:.9g}", slope)
        else:
            numbers = ("", at, "", "", "")
        rows.append((i.name, str(i.shape), checked, *numbers))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  " + "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]


def _explain(i: InputReport, rtol: float) -> str:
    """What the numbers say about an input whose gradient does not agree."""
    if not i.arrived:
        return (
            f"{i.name}: no gradient arrives (it is None), although f changes with it (numeric slope {i.numeric:.6g}). "
            "The path is cut: look for .data, .numpy(), .detach(), no_grad() or a new Tensor(...); or, in a gradient "
            "written by hand, for a part that is not returned."
        )
    text = f"{i.entry}: your gradient says {i.analytic:.9g}, differences of f say {i.numeric:.9g}"
    if i.output is not None:
        text += f", for output {list(i.output)}"
    what = "entries" if i.mode == "full" else "directions"
    text += f"; {i.wrong} of {i.checked} {what} wrong."
    if math.isnan(i.analytic):
        return f"{text} NaN comes from log or sqrt of a negative number, 0/0, or inf - inf."
    if i.slope > 3:
        return f"{text} {explain_slope(i.slope).capitalize()}. Give a smaller step=."
    if i.analytic == 0:
        text += " The gradient is zero where f does change: a term is missing, or the path is cut."
    elif i.ratio is not None and abs(i.ratio + 1) < 10 * rtol:
        text += " All have the wrong sign."
    elif i.ratio is not None:
        text += f" All are {i.ratio:.6g} times what they should be: look for a wrong or missing factor."
    return f"{text} Slope of the error against the step {i.slope:+.1f}: {explain_slope(i.slope)}."
