"""The course of a gradient check, the same for Tensors and for hand-written gradients."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minivae.backend import Array
from minivae.random import Rng, stream
from minivae.verify.compare import Comparison, Outputs
from minivae.verify.contract import check_contract, require_equal, usable
from minivae.verify.finite_difference import EPS
from minivae.verify.problem import Arrays, Broken, Problem, random_cotangent, scales
from minivae.verify.report import Failure, GradcheckReport, InputReport

MAX_REDRAWS = 5
MAX_ROWS = 64  # so many outputs are looked at one by one
MAX_JACOBIAN = 20_000  # so many entries of a Jacobian are compared


@dataclass(frozen=True)
class Settings:
    """The options of a check; `gradcheck` says what they mean."""

    seed: int = 0
    step: float = 1e-3
    rtol: float = 1e-6
    atol: float | None = None
    directions: int = 5
    full_below: int = 300


def check(problem: Problem, settings: Settings) -> GradcheckReport:
    """Contract first, then the comparison; where f has a kink, the comparison at another point."""
    report = GradcheckReport(
        passed=False,
        name=problem.name,
        inputs=(),
        failures=(),
        contract=problem.contract,
        seed=settings.seed,
        rtol=settings.rtol,
        step=settings.step,
        cotangent=np.zeros(0),
        point=problem.point,
    )
    try:
        return _check(problem, settings, report)
    except Broken as broken:
        return replace(report, failures=(broken.failure,))


def _check(problem: Problem, settings: Settings, report: GradcheckReport) -> GradcheckReport:
    rng = stream(settings.seed, "gradcheck")
    copies = [x.copy() for x in problem.point]
    first = problem.value([x.copy() for x in problem.point])
    if not np.isfinite(first).all():
        raise Broken("finite", "f gives NaN or infinity at the point itself; choose another one")
    value, pullback = problem.differentiate(copies)
    require_equal(first, value)
    cotangent = problem.cotangent if problem.cotangent is not None else random_cotangent(rng, value.shape)
    received, failures = usable(pullback(cotangent.copy()), problem)
    given = [None if g is None else g.copy() for g in received]
    floor = 15 * EPS / settings.step * float(np.sqrt(np.sum((cotangent * value) ** 2)))
    failures += check_contract(problem, cotangent, pullback, given, copies, rng, floor)
    if problem.check_contract is not None:
        failures += problem.check_contract(given, cotangent, floor)

    point: Arrays = problem.point
    notes: list[str] = []
    redraws = 0
    while True:
        try:
            comparisons = compare_at(problem, point, cotangent, settings, rng)
        except Broken as broken:
            failures.append(broken.failure)
            comparisons = []
        kinks = [c.kink for c, _ in comparisons if c.kink is not None]
        if not kinks:
            break
        kink = kinks[0]
        what = f"f has a kink at {kink.where}: slope {kink.left:.6g} to the left, {kink.right:.6g} to the right"
        if redraws == MAX_REDRAWS:
            failures.append(
                Failure("smooth", f"{what}. The point was moved {redraws} times, and there is a kink each time.")
            )
            break
        if not redraws:
            notes.append(f"{what}. No gradient can be checked there, so the point was moved at random.")
        redraws += 1
        point = _redrawn(problem, point, {c.number for c, _ in comparisons if c.kink is not None}, settings, rng)
    if redraws:
        notes.append(f"the comparison was made at redraw {redraws} of at most {MAX_REDRAWS} (report.point).")
    notes += [
        f"{i.name} gets no gradient (.grad is None), and f does not depend on it."
        for _, i in comparisons
        if not i.arrived and i.error <= settings.rtol and i.mode in ("full", "directions")
    ]
    inputs = tuple(i for _, i in comparisons)
    return replace(
        report,
        passed=not failures and all(i.error <= settings.rtol for i in inputs),
        inputs=inputs,
        failures=tuple(failures),
        cotangent=cotangent,
        point=tuple(point),
        redraws=redraws,
        notes=tuple(notes),
    )


def compare_at(
    problem: Problem, point: Arrays, cotangent: Array, settings: Settings, rng: Rng
) -> list[tuple[Comparison, InputReport]]:
    """Compare every input's gradient at one point."""
    value, pullback = problem.differentiate([x.copy() for x in point])
    full = _small_enough(point, settings.full_below)
    entries = value.size * sum(point[i].size for i in full)
    separately = 1 < value.size <= MAX_ROWS and entries <= MAX_JACOBIAN
    outputs = Outputs(cotangent, separately, value)
    cotangents = [cotangent]
    if separately:
        cotangents += list(np.eye(value.size).reshape(value.size, *value.shape))
    raw: list[list[Any]] = []
    rows: list[list[Array | None]] = []
    for u in cotangents:
        raw.append(list(pullback(u.copy())))
        rows.append([None if g is None else g.copy() for g in usable(raw[-1], problem)[0]])
    largest = max(
        (float((np.abs(g) * scales(x)).max(initial=0.0)) for g, x in zip(rows[0], point, strict=True) if g is not None),
        default=0.0,
    )
    found = []
    for i, (name, x) in enumerate(zip(problem.names, point, strict=True)):
        given = [row[i] for row in rows]
        gradient = np.stack([np.zeros(x.size) if g is None else g.ravel() for g in given])
        comparison = Comparison(
            number=i,
            name=name,
            point=point,
            value=problem.value,
            outputs=outputs,
            gradient=gradient,
            arrived=raw[0][i] is not None,
            step=settings.step,
            rtol=settings.rtol,
            atol=settings.atol,
            largest=largest,
        )
        if x.size == 0:
            result = InputReport(name, x.shape, "empty")
        elif given[0] is None and raw[0][i] is not None:  # a gradient of wrong shape or dtype: the contract says it
            result = InputReport(name, x.shape, "not compared")
        else:
            comparison.measure_noise(rng)
            count = max(5, settings.directions)
            result = comparison.full() if i in full else comparison.along_directions(rng, count)
        found.append((comparison, result))
    return found


def _small_enough(point: Arrays, limit: int) -> set[int]:
    """The inputs compared entry by entry: the smallest ones, as many as have `limit` entries together."""
    chosen: set[int] = set()
    total = 0
    for i in sorted(range(len(point)), key=lambda i: point[i].size):
        total += point[i].size
        if total <= limit:
            chosen.add(i)
    return chosen


def _redrawn(problem: Problem, point: Arrays, which: set[int], settings: Settings, rng: Rng) -> Arrays:
    """The point with some inputs moved a little, by 10 to 30 steps, to where f can be evaluated."""
    for _ in range(10):
        moved = list(point)
        for i in which:
            moved[i] = point[i] + 20 * settings.step * scales(point[i]) * random_cotangent(rng, point[i].shape)
        try:
            if np.isfinite(problem.differentiate([x.copy() for x in moved])[0]).all():
                return moved
        except (Broken, ValueError, ArithmeticError):
            pass  # out of the domain
    return point
