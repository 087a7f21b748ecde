"""The rules that a function and its pullback must keep before a comparison of numbers means anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minivae.autodiff import Tensor
from minivae.backend import Array, backend_of
from minivae.random import Rng
from minivae.verify.problem import Arrays, Broken, GivenPullback, Problem, random_cotangent
from minivae.verify.report import Failure

GENERAL = (
    "deterministic",
    "gradient shape",
    "gradient dtype",
    "inputs untouched",
    "cotangent untouched",
    "same result twice",
    "zero on zero",
    "linear",
)


def usable(gradients: Sequence[Any], problem: Problem) -> tuple[list[Array | None], list[Failure]]:
    """Gradients as given to float64 arrays of the inputs' shapes; None where there is none that can be used."""
    good: list[Array | None] = []
    failures: list[Failure] = []
    for name, x, g in zip(problem.names, problem.point, gradients, strict=True):
        good.append(None)
        if g is None:
            continue
        if not isinstance(g, (np.ndarray, np.generic)) and not (x.ndim == 0 and isinstance(g, float)):
            what = f"a {backend_of(g)} array" if hasattr(g, "dtype") and hasattr(g, "get") else f"a {type(g).__name__}"
            message = f"the gradient of {name} is {what}; expected a NumPy array{how(g)}"
            failures.append(Failure("gradient shape", message))
            continue
        g = np.asarray(g)
        if g.shape != x.shape:
            hint = _shape_hint(g.shape, x.shape)
            failures.append(
                Failure("gradient shape", f"the gradient of {name} has shape {g.shape}, {name} has {x.shape}{hint}")
            )
        elif g.dtype.kind == "c":
            failures.append(Failure("gradient dtype", f"the gradient of {name} is complex; expected real numbers"))
        elif g.dtype != x.dtype:
            failures.append(
                Failure(
                    "gradient dtype",
                    f"the gradient of {name} is {g.dtype}, {name} is {x.dtype}. Something on the way back converts: a "
                    "constant made without dtype=, or astype.",
                )
            )
        else:
            good[-1] = g
    return good, failures


def how(value: Any) -> str:
    """How to make a NumPy array of it, if that is known: the end of a sentence."""
    if isinstance(value, Tensor):
        return ", as .numpy() gives it (functions of Tensors are checked by `gradcheck`)"
    if hasattr(value, "detach"):
        return ", as .detach().numpy() gives it"
    return ", as np.array(...) makes it" if isinstance(value, (list, tuple)) else ""


def _shape_hint(given: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    if given == wanted[::-1]:
        return ": it is transposed"
    if len(given) > len(wanted) or any(w == 1 and g != 1 for g, w in zip(given[::-1], wanted[::-1], strict=False)):
        return ": it was broadcast, and must be summed over the axes that were stretched"
    return ""


def check_contract(
    problem: Problem,
    cotangent: Array,
    pullback: GivenPullback,
    given: list[Array | None],
    copies: Arrays,
    rng: Rng,
    floor: float,
) -> list[Failure]:
    """Check the rules about the pullback.

    Args:
        problem: what is checked.
        cotangent: of f's value.
        pullback: the pullback at problem.point.
        given: what it gave for `cotangent`, the first time.
        copies: the arrays it was made from.
        rng: draws another cotangent.
        floor: rounding's share in a gradient.

    Returns:
        What was broken.
    """
    failures: list[Failure] = []

    def pull(u: Array) -> list[Array | None]:
        mine = u.copy()
        gradients = usable(pullback(mine), problem)[0]
        if not _same(mine, u) and not any(f.check == "cotangent untouched" for f in failures):
            failures.append(Failure("cotangent untouched", "the pullback writes into the cotangent it is given"))
        return [None if g is None else g.copy() for g in gradients]

    again = pull(cotangent)
    if "linear" in problem.contract:
        failures += _linearity(problem, cotangent, pull, rng, floor)
        again = pull(cotangent)
    for name, x, copy, g, h in zip(problem.names, problem.point, copies, given, again, strict=True):
        if not _same(copy, x):
            failures.append(Failure("inputs untouched", f"{name} is not what it was: f or its gradient writes into it"))
        if g is not None and h is not None and not _same(g, h):
            failures.append(
                Failure(
                    "same result twice",
                    f"the gradient of {name}, asked for again, differs by up to {np.abs(g - h).max():.3g}: computing "
                    "it changes something that it keeps, or draws random numbers",
                )
            )
    return failures


def _linearity(
    problem: Problem, u: Array, pull: Callable[[Array], list[Array | None]], rng: Rng, floor: float
) -> list[Failure]:
    """A pullback is a linear map: pb(a·u + b·v) = a·pb(u) + b·pb(v), and zero on zero exactly."""
    failures = []
    v = random_cotangent(rng, u.shape)
    a, b = 0.7, -1.3
    results = (pull(u), pull(v), pull(a * u + b * v), pull(np.zeros_like(u)))
    for name, of_u, of_v, of_both, of_zero in zip(problem.names, *results, strict=True):
        if of_u is None or of_v is None or of_both is None or of_zero is None:
            continue
        if of_zero.any():
            largest = np.abs(of_zero).max()
            failures.append(Failure("zero on zero", f"a cotangent of zeros gives {name} a gradient of {largest:.3g}"))
        gap = np.abs(of_both - (a * of_u + b * of_v)).max(initial=0.0)
        if not gap <= 1e-10 * (np.abs(of_u) + np.abs(of_v)).max(initial=0.0) + floor:
            failures.append(
                Failure(
                    "linear",
                    f"for {name}, pullback({a}·u {b:+}·v) is {gap:.3g} away from {a}·pullback(u) {b:+}·pullback(v); "
                    "a derivative is a linear map of the cotangent",
                )
            )
    return failures


def agree(
    check: str, what: str, names: Sequence[str], found: Arrays | list, wanted: Arrays | list, floor: float
) -> list[Failure]:
    """Failures of the rule `check` where two gradients differ by more than rounding."""
    failures = []
    for name, g, w in zip(names, found, wanted, strict=True):
        if g is None and w is None:
            continue
        if g is None or w is None or g.shape != w.shape:
            failures.append(Failure(check, f"{what}; for {name} one of the two is missing or has another shape"))
            continue
        gap = np.abs(g - w).max(initial=0.0)
        if not gap <= 1e-10 * np.abs(w).max(initial=0.0) + floor:
            failures.append(Failure(check, f"{what}; for {name} it differs by up to {gap:.3g}"))
    return failures


def require_equal(first: Array, second: Array) -> None:
    """f gives the same bits when it is called again at the same point.

    Raises:
        Broken: it does not.
    """
    if second.shape != first.shape:
        raise Broken("deterministic", f"two calls at the same point gave shapes {first.shape} and {second.shape}")
    if not _same(first, second):
        raise Broken(
            "deterministic",
            f"two calls at the same point differ by {np.abs(first - second).max():.3g}. f draws random numbers or "
            "keeps a state: give it the noise as an argument (eps=, mask=), or seed a new generator in each call.",
        )


def _same(a: Array, b: Array) -> bool:
    return a.shape == b.shape and a.tobytes() == b.tobytes()
