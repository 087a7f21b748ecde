"""Wrong versions of what undoes broadcasts, walks back and records."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minivae import ops
from minivae.autodiff import Node, Tensor, graph, tensor
from minivae.backend import Array
from minivae.random import Rng
from minivae.selfcheck.case import Case, Check, nonzero, normal, op
from minivae.selfcheck.zoo.sabotage import put
from minivae.selfcheck.zoo.subject import Subject, Trial, Verdict
from minivae.selfcheck.zoo.trials import gradients

_MACHINERY = importlib.import_module("minivae.autodiff.primitive")  # the module, not the decorator

BROADCASTS = [
    op("mul", "the same shape", x=normal(3, 5), y=normal(3, 5)),
    op("mul", "broadcast both ways", x=normal(3, 1, 5), y=normal(4, 1)),
    op("add", "0-d with 2-d", x=normal(), y=normal(3, 5)),
]


def _graph(variant: str, f: Callable[[Tensor], Tensor]) -> Case:
    def build(target: Any, rng: Rng) -> Check:
        return Check(f, {"x": rng.standard_normal((3, 5))})

    return Case("autodiff", "graph", variant, None, build)


def _diamond(x: Tensor) -> Tensor:
    """The one in `minivae/autodiff/graph.py`, behind another op."""
    u = ops.tanh(x)
    return (u * u) * (3.0 * u)


def _long_way_round(x: Tensor) -> Tensor:
    """u is used at once, and again much later: the walk back meets it early."""
    u = ops.exp(x)
    v = ops.tanh(ops.sigmoid(ops.tanh(u)))
    return u * v


def _constant_weight(dense: Any, x: Tensor, bias: Tensor) -> Tensor:
    return dense(x, np.arange(20.0).reshape(5, 4) - 7, bias)


def _shared_cotangent(x: Tensor) -> Tensor:
    """The sum hands one and the same array to u and v, and v's cotangent is then added to."""
    u, v = ops.tanh(x), ops.exp(x)
    product = u * v
    return (u + v) + product


GRAPHS = [
    _graph("a chain", lambda x: ops.tanh(ops.exp(x))),
    _graph("a diamond", _diamond),
    _graph("a long way round", _long_way_round),
    _graph("a cotangent that two share", _shared_cotangent),
]

CONSTANTS = [
    op("sub", "the first a constant", call=lambda sub, x: sub(2.0, x), x=normal(3, 5)),
    op("div", "the first a constant", call=lambda div, x: div(2.0, x), x=nonzero(3, 5)),
    op("dense", "the second a constant", call=_constant_weight, x=normal(3, 5), bias=normal(4)),
]


def _gradcheck_with(holder: Any, name: str, cases: list[Case]) -> Trial:
    """gradcheck of these cases while the target is in the place of `holder.name`."""
    trial = gradients(cases)

    def run(target: Any, seed: int) -> Verdict:
        with put(holder, name, target):
            return trial.run(None, seed)  # None: each case keeps its own target

    return Trial("gradcheck", run)


# --- undoing broadcasts -------------------------------------------------------------------------------------


def _stretched(g: Array, shape: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The axes that broadcasting put in front, and those of length 1 that it stretched."""
    extra = g.ndim - len(shape)
    return tuple(range(extra)), tuple(extra + i for i, n in enumerate(shape) if n == 1)


def _not_undone(g: Array, shape: tuple[int, ...], node: Node | None = None) -> Array:
    return g


def _averaged(g: Array, shape: tuple[int, ...], node: Node | None = None) -> Array:
    new, ones = _stretched(g, shape)
    return g.mean(axis=new + ones, keepdims=True).reshape(shape)


def _new_axes_only(g: Array, shape: tuple[int, ...], node: Node | None = None) -> Array:
    return g.sum(axis=_stretched(g, shape)[0])


def _ones_only(g: Array, shape: tuple[int, ...], node: Node | None = None) -> Array:
    return g.sum(axis=_stretched(g, shape)[1], keepdims=True)


def _first_copy(g: Array, shape: tuple[int, ...], node: Node | None = None) -> Array:
    return g[(0,) * len(_stretched(g, shape)[0])][tuple(slice(0, n) for n in shape)]


# --- the walk back ------------------------------------------------------------------------------------------

Walk = Iterator[tuple[Node, Array, bool]]


def _last_user_wins(root: Node, cotangent: Array, retain_graph: bool = False) -> Walk:
    """A node's cotangent is what its last user gave: = for +=."""
    cotangents = {root: cotangent}
    for node in reversed(graph.ancestors(root)):
        g = cotangents[node]
        yield node, g, False
        for parent, pullback in node.edges or ():
            cotangents[parent] = graph.unbroadcast(pullback(g), parent.shape)


def _first_user_wins(root: Node, cotangent: Array, retain_graph: bool = False) -> Walk:
    """A node is done when it is first reached: what comes back later is dropped."""
    cotangents = {root: cotangent}
    to_visit = [root]
    while to_visit:
        node = to_visit.pop()
        g = cotangents[node]
        yield node, g, False
        for parent, pullback in node.edges or ():
            if parent not in cotangents:
                cotangents[parent] = graph.unbroadcast(pullback(g), parent.shape)
                to_visit.append(parent)


def _breadth_first(root: Node, cotangent: Array, retain_graph: bool = False) -> Walk:
    """By distance from the root: a node may be visited before all its users have been."""
    cotangents = {root: cotangent}
    seen, to_visit = {root}, [root]
    while to_visit:
        node = to_visit.pop(0)
        g = cotangents[node]
        for parent, pullback in node.edges or ():
            contribution = graph.unbroadcast(pullback(g), parent.shape)
            cotangents[parent] = cotangents[parent] + contribution if parent in cotangents else contribution
            if parent not in seen:
                seen.add(parent)
                to_visit.append(parent)
    yield from ((node, g, False) for node, g in cotangents.items())


def _in_place(root: Node, cotangent: Array, retain_graph: bool = False) -> Walk:
    """+= into whatever array is there, though another node may hold it too."""
    cotangents = {root: cotangent}
    for node in reversed(graph.ancestors(root)):
        g = cotangents[node]
        yield node, g, False
        for parent, pullback in node.edges or ():
            contribution = graph.unbroadcast(pullback(g), parent.shape)
            if parent in cotangents:
                cotangents[parent].flags.writeable = True
                cotangents[parent] += contribution
            else:
                cotangents[parent] = contribution


# --- recording ----------------------------------------------------------------------------------------------

Edges = tuple[tuple[Node, Callable[[Array], Array]], ...]


def _needing(operands: tuple) -> list[Node]:
    return [x.graph_node() for x in operands if isinstance(x, Tensor) and x.requires_grad]


def _tupled(pullbacks: Any) -> tuple:
    return pullbacks if isinstance(pullbacks, tuple) else (pullbacks,)


def _constants_not_counted(operands: tuple, pullbacks: Any, name: str) -> Edges:
    """The first pullback to the first Tensor that needs one, whatever stands before it."""
    return tuple(zip(_needing(operands), _tupled(pullbacks), strict=False))


def _one_for_all(operands: tuple, pullbacks: Any, name: str) -> Edges:
    """The first pullback to everybody."""
    return tuple((node, _tupled(pullbacks)[0]) for node in _needing(operands))


def _first_alone(operands: tuple, pullbacks: Any, name: str) -> Edges:
    """Nothing for any argument but the first."""
    return _one_for_all(operands[:1], pullbacks, name)


def subjects() -> list[Subject]:
    """The parts of the machinery."""
    return [
        Subject(
            "autodiff",
            "unbroadcast",
            graph.unbroadcast,
            (_gradcheck_with(graph, "unbroadcast", BROADCASTS),),
            {
                "nothing summed": _not_undone,
                "the mean over the copies, not the sum": _averaged,
                "new axes only, not those of length 1": _new_axes_only,
                "axes of length 1 only, not the new ones": _ones_only,
                "the gradient of the first copy": _first_copy,
            },
        ),
        Subject(
            "autodiff",
            "pull_back",
            graph.pull_back,
            (_gradcheck_with(tensor, "pull_back", GRAPHS),),
            {
                "= for +=: the last user's gradient wins": _last_user_wins,
                "a node is done when it is first reached": _first_user_wins,
                "breadth first, not in topological order": _breadth_first,
                "+= into an array that another node holds": _in_place,
            },
        ),
        Subject(
            "autodiff",
            "edges",
            vars(_MACHINERY)["_edges"],
            (_gradcheck_with(_MACHINERY, "_edges", CONSTANTS + BROADCASTS),),
            {
                "constants not counted: each Tensor gets the pullback of the one before": _constants_not_counted,
                "the first pullback for all arguments": _one_for_all,
                "no edge but the first": _first_alone,
            },
        ),
    ]
