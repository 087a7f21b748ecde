"""`gradcheck`: is the gradient that backward gives the derivative of what forward computes?"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minivae.autodiff import Tensor, debug, no_grad
from minivae.backend import Array, backend_of, to_backend, to_numpy
from minivae.errors import DtypeError, NonFiniteError, ShapeError
from minivae.ops.arithmetic import add
from minivae.verify.check import Settings, check
from minivae.verify.contract import GENERAL, agree
from minivae.verify.finite_difference import require_float64
from minivae.verify.problem import Arrays, Broken, GivenPullback, Problem
from minivae.verify.report import Failure, GradcheckReport

TENSOR_RULES = ("adds up when used twice", "any memory layout")


def gradcheck(
    f: Callable[..., Tensor],
    *inputs: Any,
    seed: int = 0,
    step: float = 1e-3,
    rtol: float = 1e-6,
    atol: float | None = None,
    directions: int = 5,
    full_below: int = 300,
    name: str | None = None,
    names: Sequence[str] | None = None,
) -> GradcheckReport:
    """Check the gradients of f against four-point differences of its values, and the rules a gradient must keep.

        print(gradcheck(ops.softmax, x, name="softmax"))
        assert gradcheck(lambda x, w: ops.matmul(x, w).tanh(), x, w)

    Args:
        f: takes Tensors, returns a Tensor of any shape. It must not depend on anything random.
        inputs: float64 arrays or Tensors, on either backend; one for each argument of f.
        seed: from which the cotangent and the directions are drawn.
        step: the h of the stencil, in units of max(1, |xⱼ|). Where f bends too much for it, it is made smaller.
        rtol: the largest relative error that passes; `minivae.verify.compare` defines it.
        atol: an absolute error that passes; by default the rounding error of the differences.
        directions: how many random directions large inputs are checked along; at least 5.
        full_below: up to so many entries, in all inputs together, every entry is moved on its own.
        name: what to call f in the report.
        names: what to call its inputs there; by default the names of f's arguments.

    Returns:
        A report: true if everything passed, and a table when printed.

    Raises:
        DtypeError: an input is not float64.
    """
    if not inputs:
        raise TypeError("gradcheck: give at least one input:  gradcheck(f, x)")
    data = [x.data if isinstance(x, Tensor) else x for x in inputs]
    labels = tuple(names) if names is not None else _argument_names(f, len(inputs))
    if len(labels) != len(inputs):
        raise TypeError(f"gradcheck: {len(inputs)} inputs, but {len(labels)} names")
    places = [backend_of(x) for x in data]
    point = tuple(require_float64(to_numpy(x), n).copy() for x, n in zip(data, labels, strict=True))
    function = _TensorFunction(f, places)
    problem = Problem(
        name=name or getattr(f, "__name__", type(f).__name__).replace("<lambda>", "f"),
        names=labels,
        point=point,
        value=function.value,
        differentiate=function.differentiate,
        contract=GENERAL + TENSOR_RULES,
        check_contract=lambda given, cotangent, floor: function.rules(point, labels, given, cotangent, floor),
    )
    return check(problem, Settings(seed, step, rtol, atol, directions, full_below))


def _argument_names(f: Callable[..., Any], n: int) -> tuple[str, ...]:
    """What f calls its arguments; x0, x1, ... where that cannot be known."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    names: list[str] = []
    for p in parameters:
        if p.kind is p.VAR_POSITIONAL:
            names += [f"{p.name}[{i}]" for i in range(n - len(names))]
        elif p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD):
            names.append(p.name)
    return tuple(names[:n]) if len(names) >= n else tuple(f"x{i}" for i in range(n))


class _TensorFunction:
    """f of Tensors as a function of host arrays, with its pullback."""

    def __init__(self, f: Callable[..., Tensor], places: list[str]) -> None:
        self.f = f
        self.places = places

    def leaves(self, point: Arrays, requires_grad: bool) -> list[Tensor]:
        """The point as Tensors on the backends that the inputs came from."""
        return [Tensor(to_backend(x, p), requires_grad) for x, p in zip(point, self.places, strict=True)]

    def value(self, point: Arrays) -> Array:
        """f, recording nothing; NaN and infinity come back as values, for the caller to judge."""
        with no_grad(), debug(False), np.errstate(all="ignore"):
            return to_numpy(self.apply(self.leaves(point, False)).data)

    def differentiate(self, point: Arrays) -> tuple[Array, GivenPullback]:
        """f's value, and what backward does. Debug mode is on: whoever writes into a saved array is caught."""
        leaves = self.leaves(point, True)
        try:
            with debug():
                out = self.apply(leaves)
        except NonFiniteError as error:
            raise Broken("finite", f"{error}. Choose a point inside the domain of f.") from error
        return to_numpy(out.data), lambda u: backward(out, u, leaves)

    def apply(self, tensors: list[Tensor]) -> Tensor:
        """f(*tensors), which must be a float64 Tensor."""
        out = self.f(*tensors)
        if not isinstance(out, Tensor):
            raise Broken(
                "returns a Tensor", f"f returned a {type(out).__name__}: the computation left the graph on its way"
            )
        if out.dtype != np.float64:
            raise Broken(
                "float64 inside",
                f"f returned {out.dtype} for float64 inputs: something inside it converts, or brings its own dtype",
            )
        return out

    def rules(
        self, point: Arrays, names: tuple[str, ...], given: list[Array | None], cotangent: Array, floor: float
    ) -> list[Failure]:
        """The rules that only a function of Tensors can break."""
        doubled = [None if g is None else 2 * g for g in given]
        found = self.gradients(point, cotangent, lambda leaves: add(self.apply(leaves), self.apply(leaves)))
        failures = agree(
            "adds up when used twice",
            "f(x) + f(x) should have twice the gradient of f(x)",
            names,
            found,
            doubled,
            floor,
        )
        for i, j in self.twins(point):
            failures += self.shared(point, i, j, names, cotangent, floor)
        found = self.gradients([_strided(x) for x in point], cotangent, self.apply)
        return failures + agree(
            "any memory layout", "an input that is not contiguous should change nothing", names, found, given, floor
        )

    def gradients(self, point: Arrays, cotangent: Array, f: Callable[[list[Tensor]], Tensor]) -> list[Array | None]:
        """The gradients of f on fresh leaves."""
        leaves = self.leaves(point, True)
        return backward(f(leaves), cotangent, leaves)

    def twins(self, point: Arrays) -> list[tuple[int, int]]:
        """Pairs of neighbouring inputs that one and the same Tensor could stand for."""
        return [
            (i, i + 1)
            for i in range(len(point) - 1)
            if point[i].shape == point[i + 1].shape and self.places[i] == self.places[i + 1]
        ]

    def shared(
        self, point: Arrays, i: int, j: int, names: tuple[str, ...], cotangent: Array, floor: float
    ) -> list[Failure]:
        """The gradient of f(x, x) is the sum of those for its two arguments."""
        equal = list(point)
        equal[j] = equal[i].copy()
        try:
            value = self.value(equal)
            if value.shape != cotangent.shape or not np.isfinite(value).all():
                return []
            apart = self.gradients(equal, cotangent, self.apply)
            found = self.gradients(
                equal, cotangent, lambda leaves: self.apply([leaves[i] if k == j else x for k, x in enumerate(leaves)])
            )
        except (ValueError, ArithmeticError, Broken):
            return []  # f is not made for two equal arguments
        together = _total(apart[i], apart[j])
        what = f"f({names[i]}, {names[i]}) should have the sum of the gradients for {names[i]} and {names[j]}"
        return agree("adds up when used twice", what, names[i : i + 1], [found[i]], [together], floor)


def backward(out: Tensor, cotangent: Array, leaves: list[Tensor]) -> list[Array | None]:
    """What backward leaves in each leaf's `.grad`, as host arrays. The graph is kept."""
    if not out.requires_grad:
        return [None] * len(leaves)
    for leaf in leaves:
        leaf.grad = None
    try:
        with debug():
            out.backward(to_backend(cotangent, backend_of(out.data)), retain_graph=True)
    except ShapeError as error:
        raise Broken("gradient shape", str(error)) from error
    except DtypeError as error:
        raise Broken("gradient dtype", str(error)) from error
    except NonFiniteError as error:
        raise Broken("finite", str(error)) from error
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        raise Broken(
            "cotangent untouched", f"a pullback writes into its cotangent or a saved array ({error})"
        ) from error
    return [leaf.grad if leaf.grad is None else to_numpy(leaf.grad) for leaf in leaves]


def _total(a: Array | None, b: Array | None) -> Array | None:
    if a is None or b is None:
        return b if a is None else a
    return a + b


def _strided(x: Array) -> Array:
    """The same values, every other entry of a larger array."""
    if x.ndim == 0:
        return x.copy()
    room = np.full((*x.shape[:-1], 2 * x.shape[-1]), np.nan)
    view = room[..., ::2]
    view[...] = x
    return view
