"""The trials that most subjects share. Each sees another kind of mistake.

value         the value is not that of the definition; its gradient may well be the right one of the wrong value
gradcheck     the gradient is not the derivative of the value
edges         right for ordinary numbers; overflows, loses all digits or divides by zero for large or small ones,
              or shares a gradient wrongly at a tie
float32       computes in float64 on the way, which is four times as slow, or hands a float64 gradient on
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minivae.autodiff import Tensor, debug, no_grad
from minivae.backend import Array
from minivae.errors import DtypeError
from minivae.random import stream
from minivae.selfcheck.case import Case
from minivae.selfcheck.zoo.subject import Trial, Verdict
from minivae.verify import GradcheckReport
from minivae.verify.problem import random_cotangent

TOLERANCE = 1e-9


def gradients(cases: Sequence[Case]) -> Trial:
    """`gradcheck` of all cases of the catalogue."""

    def run(target: Any, seed: int) -> Verdict:
        worst = 0.0
        for case in cases:
            report = case.run(seed, target)
            if not report:
                return Verdict(False, _what_failed(report) + (f" ({case.variant})" if case.variant else ""))
            worst = max(worst, report.error)
        return Verdict(True, f"relative error {worst:.0e}")

    return Trial("gradcheck", run)


def _what_failed(report: GradcheckReport) -> str:
    worst = report.worst
    if worst is None or worst.error <= report.rtol:
        return f"broken rule: {report.failures[0].check}"
    if not worst.arrived:
        return f"no gradient arrives at {worst.name}"
    return f"relative error {worst.error:.1g} for {worst.name}"


def value(cases: Sequence[Case], definition: Any) -> Trial:
    """In all cases the value is that of the definition, which stands in the place of the target."""

    @functools.cache
    def expected_of(i: int, seed: int) -> tuple[list[str], Array]:
        return _outcome(cases[i], definition, seed)

    def run(target: Any, seed: int) -> Verdict:
        worst = 0.0
        for i, case in enumerate(cases):
            where = f" ({case.variant})" if case.variant else ""
            found, expected = _outcome(case, target, seed), expected_of(i, seed)
            if found[0] != expected[0]:
                return Verdict(False, f"its inputs are {', '.join(found[0])}; expected {', '.join(expected[0])}{where}")
            verdict = compare(found[1], expected[1])
            if not verdict.passed:
                return Verdict(False, verdict.evidence + where)
            worst = max(worst, relative_error(found[1], expected[1]))
        return Verdict(True, f"relative error {worst:.0e}")

    return Trial("value", run)


def _outcome(case: Case, target: Any, seed: int) -> tuple[list[str], Array]:
    """The names and shapes of the inputs, and the value at the inputs of the case."""
    check = case.build(target, stream(seed, "selfcheck", case.group, case.name))
    with no_grad():
        value = check.f(*(Tensor(x) for x in check.inputs.values())).data
    return [f"{name} {x.shape}" for name, x in check.inputs.items()], value


def relative_error(found: Array, expected: Array) -> float:
    """The largest difference, relative to the largest value (or to 1 where all are 0)."""
    size = float(np.abs(expected).max(initial=0.0))
    return float(np.abs(found - expected).max(initial=0.0)) / (size or 1.0)


def compare(found: Any, expected: Any, tolerance: float = TOLERANCE, what: str = "") -> Verdict:
    """Whether two arrays are equal up to rounding."""
    found, expected = np.asarray(found), np.asarray(expected)
    what = f"{what}: " if what else ""
    if found.shape != expected.shape:
        return Verdict(False, f"{what}shape {found.shape}, expected {expected.shape}")
    error = relative_error(found, expected)
    if error <= tolerance:
        return Verdict(True, f"{what}relative error {error:.0e}")
    if found.size == 1:
        return Verdict(False, f"{what}{found.item():.6g}, expected {expected.item():.6g}")
    return Verdict(False, f"{what}relative error {error:.1g}")


def all_of(verdicts: Sequence[Verdict]) -> Verdict:
    """The first that did not pass; the last, if all did."""
    return next((verdict for verdict in verdicts if not verdict.passed), verdicts[-1])


@dataclass(frozen=True)
class Edge:
    """Inputs at which many ways to write a formula break down, and what is right there.

    Attributes:
        what: in a few words.
        inputs: plain lists; they become arrays of `dtype`.
        value: exact, or to six digits.
        gradient: of the sum of the values, for each input (None: it must only be finite).
        options: of the op.
        dtype: of the inputs.
        tolerance: the largest relative error that passes.
    """

    what: str
    inputs: tuple[Any, ...]
    value: Any
    gradient: tuple[Any, ...] | None = None
    options: dict[str, Any] = field(default_factory=dict)
    dtype: Any = np.float64
    tolerance: float = 1e-6


def edges(given: Sequence[Edge]) -> Trial:
    """At the edges of the range the value is right, and nothing overflows on the way."""

    def run(target: Any, seed: int) -> Verdict:
        return all_of([_at_edge(target, edge) for edge in given])

    return Trial("edges", run)


def _at_edge(op: Callable[..., Tensor], edge: Edge) -> Verdict:
    inputs = [Tensor(np.array(x, edge.dtype), requires_grad=True) for x in edge.inputs]
    try:
        with debug(False), np.errstate(over="raise", divide="raise", invalid="raise"):
            out = op(*inputs, **edge.options)
            out.backward(np.ones(out.shape, edge.dtype))
    except FloatingPointError as error:
        return Verdict(False, f"{edge.what}: {str(error).partition(' encountered')[0]}")
    found = [np.zeros(x.shape) if x.grad is None else x.grad for x in inputs]
    if not all(np.isfinite(a).all() for a in (out.data, *found)):
        return Verdict(False, f"{edge.what}: NaN or infinite")
    verdicts = [compare(out.data, edge.value, edge.tolerance, edge.what)]
    for g, expected in zip(found, edge.gradient or (), strict=False):
        verdicts.append(compare(g, expected, edge.tolerance, f"{edge.what}, gradient"))
    return all_of(verdicts)


def float32(cases: Sequence[Case]) -> Trial:
    """In float32 all stays float32: value and gradients, and both are those of float64 to four digits."""

    def run(target: Any, seed: int) -> Verdict:
        for case in cases:
            verdict = _in_float32(case, target, seed)
            if not verdict.passed:
                return Verdict(False, verdict.evidence + (f" ({case.variant})" if case.variant else ""))
        return Verdict(True, "values and gradients are float32")

    return Trial("float32", run)


def _in_float32(case: Case, target: Any, seed: int) -> Verdict:
    check = case.build(target, stream(seed, "selfcheck", case.group, case.name))
    leaves = [Tensor(x.astype(np.float32), requires_grad=True) for x in check.inputs.values()]
    out = check.f(*leaves)
    if out.dtype != np.float32:
        return Verdict(False, f"the value is {out.dtype}")
    with no_grad():
        exact = check.f(*(Tensor(x) for x in check.inputs.values())).data
    if out.requires_grad:
        try:
            with debug():  # every pullback's dtype is looked at
                out.backward(random_cotangent(stream(seed, "float32"), out.shape).astype(np.float32))
        except DtypeError:
            return Verdict(False, "a gradient is float64")
    return compare(out.data, exact, 1e-4)


__all__ = ["Edge", "all_of", "compare", "edges", "float32", "gradients", "relative_error", "value"]
