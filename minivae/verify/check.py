"""The course of a gradient check, the same for Tensors and for hand-written gradients."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from minivae.backend import Array
from minivae.random import Rng, stream
from minivae.verify.compare import Comparison, Kink
from minivae.verify.contract import check_contract, require_equal, usable
from minivae.verify.finite_difference import EPS
from minivae.verify.moves import Moved, Outputs
from minivae.verify.problem import Arrays, Broken, GivenPullback, Problem, random_cotangent, scales
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
    failures: list[Failure] = []
    try:
        return _check(problem, settings, report, failures)
    except Broken as broken:
        return replace(report, failures=(*failures, broken.failure))


def _check(problem: Problem, settings: Settings, report: GradcheckReport, failures: list[Failure]) -> GradcheckReport:
    rng = stream(settings.seed, "gradcheck")
    first = problem.value([x.copy() for x in problem.point])
    if not np.isfinite(first).all():
        raise Broken("finite", "f gives NaN or infinity at the point itself; choose another one")
    copies = [x.copy() for x in problem.point]
    value, pullback = problem.differentiate(copies)
    require_equal(first, value)
    cotangent = problem.cotangent if problem.cotangent is not None else random_cotangent(rng, value.shape)
    received, found = usable(pullback(cotangent.copy()), problem)
    given = [None if g is None else g.copy() for g in received]
    failures += found
    floor = 15 * EPS / settings.step * float(np.sqrt(np.sum((cotangent * value) ** 2)))
    failures += check_contract(problem, cotangent, pullback, given, copies, rng, floor)
    if problem.check_contract is not None:
        failures += problem.check_contract(given, cotangent, floor)

    point: Arrays = problem.point
    notes: list[str] = []
    redraws = 0
    while True:
        inputs, kinks, broken = compare_at(problem, point, cotangent, settings, rng)
        if not kinks:
            break
        kink = next(iter(kinks.values()))
        what = f"f has a kink at {kink.where}: slope {kink.left:.6g} to the left, {kink.right:.6g} to the right"
        if redraws == MAX_REDRAWS:
            failures.append(
                Failure("smooth", f"{what}. The point was moved {redraws} times, and there is a kink each time.")
            )
            break
        if not redraws:
            notes.append(f"{what}. No gradient can be checked there, so the point was moved at random.")
        redraws += 1
        point = _redrawn(problem, point, kinks, settings, rng)
    if redraws:
        notes.append(f"the comparison was made at redraw {redraws} of at most {MAX_REDRAWS} (report.point).")
    notes += _notes(inputs, settings.rtol)
    failures += broken
    return replace(
        report,
        passed=not failures and all(i.error <= settings.rtol for i in inputs),
        inputs=tuple(inputs),
        failures=tuple(failures),
        cotangent=cotangent,
        point=tuple(point),
        redraws=redraws,
        notes=tuple(notes),
    )


def _notes(inputs: list[InputReport], rtol: float) -> list[str]:
    """What a gradient that passed was not held to."""
    passed = [i for i in inputs if i.error <= rtol and i.mode in ("full", "directions")]
    notes = [
        f"{i.name} gets no gradient (None), and f does not change with it around this point."
        for i in passed
        if not i.arrived
    ]
    notes += [
        f"rounding hides any error below {i.unseen:.1e} in the gradient of {i.name}, whose largest entry is "
        f"{i.largest:.1e}. Leave large constants out of f, or choose another point."
        for i in passed
        if i.unseen > (1e-4 * i.largest or rtol)
    ]
    if passed and len(passed) == len(inputs) and all(i.largest == 0 for i in passed):
        notes.append(
            "f does not change around this point, so any formula that gives zero here passes. Choose a point where it "
            "changes: with more than one example, say."
        )
    return notes


def compare_at(
    problem: Problem, point: Arrays, cotangent: Array, settings: Settings, rng: Rng
) -> tuple[list[InputReport], dict[int, Kink], list[Failure]]:
    """Compare every input's gradient at one point: the reports, the kinks by input, and what could not be compared."""
    value, pullback = problem.differentiate([x.copy() for x in point])
    full = _small_enough(point, settings.full_below)
    separately = 1 < value.size <= MAX_ROWS and value.size * sum(point[i].size for i in full) <= MAX_JACOBIAN
    received = list(pullback(cotangent.copy()))
    gradients = [None if g is None else g.ravel().copy() for g in usable(received, problem)[0]]
    jacobian = _jacobian(problem, pullback, value, full) if separately else {}
    sizes = [np.abs(g) * scales(x).ravel() for g, x in zip(gradients, point, strict=True) if g is not None]
    largest = max((float(size.max(initial=0.0)) for size in sizes), default=0.0)

    reports: list[InputReport] = []
    kinks: dict[int, Kink] = {}
    failures: list[Failure] = []
    for i, (name, x, gradient) in enumerate(zip(problem.names, point, gradients, strict=True)):
        arrived = received[i] is not None
        if x.size == 0:
            reports.append(InputReport(name, x.shape, "empty"))
            continue
        if gradient is None and arrived:  # of wrong shape or dtype, as the contract has said already
            reports.append(InputReport(name, x.shape, "not compared"))
            continue
        row = np.zeros((1, x.size)) if gradient is None else gradient[None]
        rows = np.concatenate([row, jacobian[i]]) if i in jacobian else row
        f = Moved(i, name, point, problem.value, Outputs(cotangent, i in jacobian, value))
        try:
            noise = f.noise(rng, settings.step, largest)
            comparison = Comparison(f, rows, noise, settings.step, settings.rtol, settings.atol)
            count = max(5, settings.directions)
            report = comparison.full() if i in full else comparison.along_directions(rng, count)
            reports.append(replace(report, arrived=arrived))
            if comparison.kink is not None:
                kinks[i] = comparison.kink
        except Broken as broken:
            reports.append(InputReport(name, x.shape, "not compared", arrived=arrived))
            failures.append(broken.failure)
    return reports, kinks, failures


def _jacobian(problem: Problem, pullback: GivenPullback, value: Array, inputs: set[int]) -> dict[int, Array]:
    """The Jacobian under test with respect to some inputs, one row an output, by pulling back one output at a time."""
    rows: dict[int, list[Array]] = {i: [] for i in inputs}
    for unit in np.eye(value.size).reshape(value.size, *value.shape):
        gradients = usable(pullback(unit.copy()), problem)[0]
        for i in inputs:
            g = gradients[i]
            rows[i].append(np.zeros(problem.point[i].size) if g is None else g.ravel().copy())
    return {i: np.stack(row) for i, row in rows.items()}


def _small_enough(point: Arrays, limit: int) -> set[int]:
    """The inputs compared entry by entry: the smallest ones, as many as have `limit` entries together."""
    chosen: set[int] = set()
    total = 0
    for i in sorted(range(len(point)), key=lambda i: point[i].size):
        total += point[i].size
        if total <= limit:
            chosen.add(i)
    return chosen


def _redrawn(problem: Problem, point: Arrays, which: Iterable[int], settings: Settings, rng: Rng) -> Arrays:
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
