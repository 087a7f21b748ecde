"""Wrong versions of what backward leaves in `.grad`, of detaching, and of the rules on dtypes."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from minivae import ops
from minivae.autodiff import Tensor, debug, graph
from minivae.backend import Array
from minivae.selfcheck.zoo.sabotage import put
from minivae.selfcheck.zoo.subject import Subject, Trial, Verdict
from minivae.selfcheck.zoo.trials import all_of, compare

_MACHINERY = importlib.import_module("minivae.autodiff.primitive")  # the module, not the decorator

# --- .grad --------------------------------------------------------------------------------------------------


def _what_is_left(target: Any, seed: int) -> Verdict:
    """backward() starts from its cotangent and adds to `.grad`, which is each leaf's own and which nobody changes."""
    rng = np.random.default_rng(seed)
    u, x, y, z = rng.standard_normal((4, 3, 5))
    given = u.copy()
    leaves = [Tensor(a, requires_grad=True) for a in (x, y, z)]
    with put(Tensor, "backward", target), debug(False):
        (leaves[0] + leaves[1]).backward(given)
        held = [leaf.grad for leaf in leaves[:2]]
        (leaves[0] * leaves[0] * leaves[2]).backward(given)
        verdicts = [
            compare(held[1], u, what=".grad"),
            compare(leaves[0].grad, u + 2 * x * z * u, what=".grad after another backward()"),
            compare(held[0], u, what="the first .grad, held by somebody, after another backward()"),
        ]
        np.asarray(leaves[1].grad)[...] = 0
        verdicts.append(compare(held[0], u, what="one leaf's .grad after writing to another's"))
        verdicts.append(compare(given, u, what="the cotangent after writing to .grad"))
    return all_of(verdicts)


def _walk(self: Tensor, gradient: Any) -> Iterator[tuple[Tensor, Array]]:
    """The leaves and their gradients, each an array of its own."""
    start = self._cotangent(gradient)
    for node, g, _ in graph.pull_back(self.graph_node(), start):
        leaf = node.tensor() if node.tensor is not None else None
        if leaf is not None:
            yield leaf, g


def _overwriting(self: Tensor, gradient: Any = None, retain_graph: bool = False) -> None:
    for leaf, g in _walk(self, gradient):
        leaf.grad = g.copy()


def _sharing(self: Tensor, gradient: Any = None, retain_graph: bool = False) -> None:
    for leaf, g in _walk(self, gradient):
        leaf.grad = g if leaf.grad is None else leaf.grad + g


def _adding_in_place(self: Tensor, gradient: Any = None, retain_graph: bool = False) -> None:
    for leaf, g in _walk(self, gradient):
        if leaf.grad is None:
            leaf.grad = g.copy()
        else:
            leaf.grad += g


def _from_ones(self: Tensor, gradient: Any = None, retain_graph: bool = False) -> None:
    for leaf, g in _walk(self, np.ones(self.shape, self.dtype)):
        leaf.grad = g.copy() if leaf.grad is None else leaf.grad + g


# --- cutting and dtypes -------------------------------------------------------------------------------------


def _half_of_a_square(target: Any, seed: int) -> Verdict:
    """x · detach(x) has the gradient x, not 2x."""
    x = Tensor(np.random.default_rng(seed).standard_normal((3, 5)), requires_grad=True)
    with put(Tensor, "detach", target):
        (x * x.detach()).sum().backward()
    return compare(x.grad, x.data, what="gradient of x · detach(x)")


def _stays_float32(target: Any, seed: int) -> Verdict:
    """Plain numbers, whole numbers and 0-d arrays take the dtype of the Tensor beside them."""
    x = Tensor(np.random.default_rng(seed).standard_normal((3, 5)).astype(np.float32))
    with put(_MACHINERY, "_reconcile", target):
        for other in (2, 0.5, np.float64(0.5), np.array(0.5), np.arange(5)):
            found = ops.mul(x, other)
            if found.dtype != np.float32:
                return Verdict(False, f"float32 times {type(other).__name__} is {found.dtype}")
    return Verdict(True, "stays float32")


def _as_numpy_does(operands: tuple, arguments: list, name: str) -> list:
    """np.asarray of each, and NumPy's rules for dtypes."""
    return [operand.data if isinstance(operand, Tensor) else np.asarray(operand) for operand in operands]


def subjects() -> list[Subject]:
    """What a leaf sees of it."""
    return [
        Subject(
            "autodiff",
            "backward",
            Tensor.backward,
            (Trial(".grad", _what_is_left),),
            {
                "= for +=: .grad is overwritten": _overwriting,
                "two leaves share one array": _sharing,
                "+= into a .grad that somebody holds": _adding_in_place,
                "starts from ones, whatever is given": _from_ones,
            },
        ),
        Subject(
            "autodiff",
            "detach",
            Tensor.detach,
            (Trial("identity", _half_of_a_square),),
            {"nothing is cut": lambda self: self},
        ),
        Subject(
            "autodiff",
            "dtypes",
            vars(_MACHINERY)["_reconcile"],
            (Trial("float32", _stays_float32),),
            {"NumPy's own promotion": _as_numpy_does},
        ),
    ]
