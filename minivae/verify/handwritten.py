"""`check_gradient`: is a hand-written gradient the derivative of a hand-written function? No Tensor in sight."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from minivae.backend import Array
from minivae.verify.check import Settings, check
from minivae.verify.contract import GENERAL, how
from minivae.verify.finite_difference import require_float64
from minivae.verify.problem import Arrays, Broken, GivenPullback, Problem
from minivae.verify.report import GradcheckReport

SCALAR_RULES = ("deterministic", "gradient shape", "gradient dtype", "inputs untouched", "same result twice")


def check_gradient(
    f: Callable[[Any], Any],
    grad_f: Callable[..., Any],
    x: Any,
    *,
    seed: int = 0,
    step: float = 1e-3,
    rtol: float = 1e-6,
    atol: float | None = None,
    directions: int = 5,
    full_below: int = 300,
    name: str | None = None,
) -> GradcheckReport:
    """Check a gradient that you worked out and typed in: plain NumPy, no Tensor.

        def loss(x): return np.sum(np.sin(x))
        def loss_gradient(x): return np.cos(x)
        print(check_gradient(loss, loss_gradient, np.array([0.3, -1.2, 2.0])))

    Args:
        f: takes x, returns a number; or an array, and then `grad_f` takes a cotangent too.
        grad_f: `grad_f(x)` returns the gradient of f: the same structure as x, each part with the shape and dtype of
            its counterpart. If f returns an array: `grad_f(x, cotangent)`, the gradient of Σ cotangent · f(x).
        x: a float64 array, or a dict, tuple or list of float64 arrays: f and grad_f get it as it is given here.
        seed, step, rtol, atol, directions, full_below, name: as for `gradcheck`.

    Returns:
        A report: true if everything passed, and a table when printed.

    Raises:
        DtypeError: a part of x is not float64.
        TypeError: f or grad_f takes another number of arguments: f returns many numbers, say, and grad_f takes no
            cotangent.
    """
    keys, parts, rebuild = take_apart(x)
    point = tuple(require_float64(part, key).copy() for key, part in zip(keys, parts, strict=True))
    if not _takes(f, 1):
        raise TypeError(
            f"check_gradient: f takes {inspect.signature(f)}, but it is called with x alone. Several arrays go into "
            "one x, a dict or a tuple, which f and grad_f take apart."
        )
    shape = np.shape(f(rebuild([p.copy() for p in point])))
    scalar = math.prod(shape) == 1
    if scalar and not _takes(grad_f, 1):
        raise TypeError(
            f"check_gradient: grad_f takes {inspect.signature(grad_f)}, but f returns a single number: then grad_f is "
            "called with x alone."
        )
    if not scalar and not _takes(grad_f, 2):
        raise TypeError(
            f"check_gradient: f returns shape {shape}, and only a single number has a gradient. Sum or average it, "
            "or let the gradient function take a cotangent too: grad_f(x, cotangent)."
        )

    def value(arrays: Arrays) -> Array:
        with np.errstate(all="ignore"):
            return _as_values(f(rebuild(list(arrays))))

    def differentiate(arrays: Arrays) -> tuple[Array, GivenPullback]:
        given = rebuild(list(arrays))

        def pullback(cotangent: Array) -> list[Any]:
            return _gradients(grad_f(given) if scalar else grad_f(given, cotangent), x, keys)

        return _as_values(f(given)), pullback

    problem = Problem(
        name=name or getattr(grad_f, "__name__", "gradient").replace("<lambda>", "gradient"),
        names=tuple(keys),
        point=point,
        value=value,
        differentiate=differentiate,
        contract=SCALAR_RULES if scalar else GENERAL,
        cotangent=np.ones(shape) if scalar else None,
    )
    return check(problem, Settings(seed, step, rtol, atol, directions, full_below))


def _takes(function: Callable[..., Any], count: int) -> bool:
    """Whether it can be called with so many arguments."""
    try:
        inspect.signature(function).bind(*[None] * count)
    except TypeError:
        return False
    except ValueError:
        pass  # a built-in function that does not tell
    return True


def take_apart(x: Any) -> tuple[list[str], list[Any], Callable[[list[Array]], Any]]:
    """The names and arrays in x, and how to put arrays together again the way x was."""
    if isinstance(x, Mapping):
        keys = list(x)
        return [str(k) for k in keys], list(x.values()), lambda arrays: dict(zip(keys, arrays, strict=True))
    if isinstance(x, (tuple, list)) and any(isinstance(part, np.ndarray) for part in x):
        kind = type(x)
        return [f"x[{i}]" for i in range(len(x))], list(x), lambda arrays: kind(arrays)
    return ["x"], [x], lambda arrays: arrays[0]


def _gradients(given: Any, x: Any, keys: list[str]) -> list[Any]:
    """One gradient for each part of x, as it was given; None where it is missing."""
    if given is None:
        raise Broken("gradient shape", "the gradient function returned None: is its `return` line missing?")
    if isinstance(x, Mapping):
        if not isinstance(given, Mapping):
            raise Broken(
                "gradient shape", f"the gradient is a {type(given).__name__}; expected a dict with keys {keys}"
            )
        extra = [k for k in given if k not in x]
        if extra:
            raise Broken("gradient shape", f"the gradient has the keys {extra}, x has {keys}")
        return [given.get(k) for k in x]
    if len(keys) > 1 or keys == ["x[0]"]:
        if not isinstance(given, (tuple, list)) or len(given) != len(keys):
            what = f"{len(given)} parts" if isinstance(given, (tuple, list)) else f"a {type(given).__name__}"
            raise Broken(
                "gradient shape", f"the gradient is {what}; expected {len(keys)} arrays, one for each part of x"
            )
        return list(given)
    return [given]


def _as_values(result: Any) -> Array:
    """What f returned, as a float64 array."""
    if isinstance(result, np.ndarray) or np.isscalar(result):
        array = np.asarray(result)
        if array.dtype == np.float32:
            raise Broken("float64 inside", "f returned float32 for float64 inputs: something inside it converts")
        if array.dtype.kind == "c":
            raise Broken("returns numbers", "f returned complex numbers; expected real ones. Take the .real part?")
        if array.dtype.kind in "fiu":
            return array.astype(np.float64)
    if result is None:
        raise Broken("returns numbers", "f returned None: is its `return` line missing?")
    raise Broken(
        "returns numbers", f"f returned a {type(result).__name__}; expected a number or a NumPy array{how(result)}"
    )
