"""The graph that a computation leaves behind, and the walk back through it.

Every recorded op leaves a `Node`. An edge goes from a node to each input that needs a gradient and carries that
input's *pullback*: the function that takes the cotangent of the output (the derivative of the loss with respect
to it) to the cotangent of the input. A node knows nothing else of the past: the arrays that backward needs live in
the pullbacks' closures, so `pullback.__closure__` shows what is kept in memory, and no more than that is kept.

**Why the order must be topological.** Take the diamond

        x ──> a = x² ──┐
        │              ├──> y = a·b
        └──> b = 3x ───┘

The cotangent of x is the sum of what comes back through a and what comes back through b. If x were visited as
soon as the first of the two arrived (depth first, say), it would hand half of its gradient on to whatever x was
made from, and the other half again later or never. So a node may only be visited when *every* node that used it
has been. Nodes are numbered as they are made, and an op is always made after its inputs. From the newest
number to the oldest is therefore such an order: when a node's turn comes, all its users have had theirs.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minivae.autodiff.mode import mode
from minivae.backend import Array, array_module
from minivae.errors import DtypeError, GraphError, NonFiniteError, ShapeError

Pullback = Callable[[Array], Array]

_serial = itertools.count()


class Node:
    """One recorded op, or a leaf: where a value came from, and how a cotangent goes back from it."""

    __slots__ = ("dtype", "edges", "line", "op", "serial", "shape", "tensor")

    def __init__(self, op: str, edges: tuple[tuple[Node, Pullback], ...] | None, value: Array) -> None:
        self.op = op
        self.edges = edges  # None once backward has used them up, or once a leaf's array was written to
        self.shape = value.shape
        self.dtype = value.dtype
        self.serial = next(_serial)
        self.tensor: Callable[[], Any] | None = None  # a weak reference to the Tensor that wants `.grad`
        self.line: str | None = None  # the user's line that made it, in debug mode

    def __repr__(self) -> str:
        return f"<{self.op} #{self.serial}, shape {self.shape}>"


def ancestors(root: Node) -> list[Node]:
    """`root` and all it was made from, oldest first. Iterative: depth never meets a recursion limit."""
    found = {root}
    to_visit = [root]
    while to_visit:
        node = to_visit.pop()
        if node.edges is None and node.op == "leaf":
            raise GraphError(
                f"backward: a leaf of shape {node.shape} was written to (by an optimiser's step, by loading a state) "
                "since the loss was computed from it, so its old numbers are gone. Call backward() before step(), and "
                "compute the loss again after it."
            )
        if node.edges is None:
            raise GraphError(
                f"the graph behind {node.op!r} was already used by a backward() and freed. "
                "Compute the loss again, or keep the graph with backward(retain_graph=True)."
            )
        for parent, _ in node.edges:
            if parent not in found:
                found.add(parent)
                to_visit.append(parent)
    return sorted(found, key=lambda node: node.serial)


def pull_back(root: Node, cotangent: Array, retain_graph: bool = False) -> Iterator[tuple[Node, Array, bool]]:
    """Walk back from `root`; yield each node once, with its complete cotangent.

    The third value says whether the cotangent is an array of its own (True), or may share memory with another
    one (False): x + y hands the same array to both. Each node is freed after its turn unless `retain_graph`.
    """
    to_visit = ancestors(root)
    cotangents = {root: cotangent}
    owned: set[Node] = set()
    while to_visit:
        node = to_visit.pop()
        g = cotangents.pop(node)
        if mode.debug:
            freeze(g)
        yield node, g, node in owned
        edges = node.edges
        if not retain_graph and node.op != "leaf":
            node.edges = None
        for parent, pullback in edges or ():
            contribution = pullback(g)
            if mode.debug:
                _check(contribution, node, parent)
            if contribution.shape != parent.shape:
                contribution = unbroadcast(contribution, parent.shape, node)
            if parent not in cotangents:
                cotangents[parent] = contribution
                if contribution is not g and contribution.base is None:
                    owned.add(parent)
            elif parent in owned and contribution.dtype == parent.dtype:
                cotangents[parent] += contribution
            else:
                cotangents[parent] = cotangents[parent] + contribution
                owned.add(parent)
        del edges, g  # so that residuals go as soon as they have been used


def unbroadcast(g: Array, shape: tuple[int, ...], node: Node | None = None) -> Array:
    """Sum a cotangent over the axes along which its argument was broadcast.

    Broadcasting copies a value along an axis; each copy's gradient belongs to the one value, so they add up.
    """
    extra = g.ndim - len(shape)
    if extra < 0 or any(want not in (1, have) for want, have in zip(shape, g.shape[extra:], strict=True)):
        raise ShapeError(
            f"{node.op if node else 'unbroadcast'}: a pullback returned shape {g.shape} for an argument of shape "
            f"{shape}. It must have the argument's shape, or one that the argument broadcasts to."
        )
    stretched = tuple(i for i in range(g.ndim) if i < extra or (shape[i - extra] == 1 and g.shape[i] != 1))
    return g.sum(axis=stretched, keepdims=True).reshape(shape) if stretched else g.reshape(shape)


def freeze(array: Any) -> None:
    """Make a NumPy array read-only (CuPy has no such flag)."""
    if isinstance(array, np.ndarray):
        array.flags.writeable = False


def _check(g: Any, node: Node, parent: Node) -> None:
    """Debug mode: what a pullback returned must be a finite array of its argument's dtype."""
    where = f"{node.op}: the gradient for its argument of shape {parent.shape}"
    made = f"\n  the op was called here: {node.line}" if node.line else ""
    if not hasattr(g, "dtype"):
        raise ShapeError(f"{where} is {g!r}, not an array{made}")
    if g.dtype != parent.dtype:
        raise DtypeError(f"{where} has dtype {g.dtype}; expected {parent.dtype}{made}")
    if not bool(array_module(g).isfinite(g).all()):
        raise NonFiniteError(f"{where} is not finite, though all that came before it were{made}")
