"""Lesson 02: the sweep back through a graph, broadcasting undone, and the backward pass of a layer."""

from __future__ import annotations

import math

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, register
from minivae.ops.activations import logistic as sigmoid

Rng = np.random.Generator
Edges = list[list[tuple[int, float]]]  # for each node, its parents and the slopes along the edges

PARENTS = ((), (0,), (1,), (1, 0), (2, 3), (4, 1), (0,), (5, 4, 2), (7, 5))  # diamonds in diamonds; nobody uses node 6
BROADCASTS = (((7, 5), ()), ((7, 5), (5,)), ((7, 5), (7, 1)), ((3, 7, 5, 2), (7, 1, 1)))  # a shape, and what was copied


def _graph(rng: Rng) -> Arguments:
    """These nine nodes, with other slopes each time."""
    return ([[(parent, float(rng.uniform(0.5, 2) * rng.choice([-1, 1]))) for parent in own] for own in PARENTS],)


def reverse_sweep(edges: Edges) -> Array:
    """The cotangent of every node, the newest first."""
    cotangents = np.zeros(len(edges))
    cotangents[-1] = 1
    for k in reversed(range(len(edges))):
        for parent, slope in edges[k]:
            cotangents[parent] += cotangents[k] * slope
    return cotangents


def _no_start(edges: Edges) -> Array:
    return np.zeros(len(edges))


def _overwriting(edges: Edges) -> Array:
    cotangents = np.zeros(len(edges))
    cotangents[-1] = 1
    for k in reversed(range(len(edges))):
        for parent, slope in edges[k]:
            cotangents[parent] = cotangents[k] * slope
    return cotangents


def _oldest_first(edges: Edges) -> Array:
    cotangents = np.zeros(len(edges))
    cotangents[-1] = 1
    for k in range(len(edges)):
        for parent, slope in edges[k]:
            cotangents[parent] += cotangents[k] * slope
    return cotangents


def _slopes_alone(edges: Edges) -> Array:
    cotangents = np.zeros(len(edges))
    cotangents[-1] = 1
    for k in reversed(range(len(edges))):
        for parent, slope in edges[k]:
            cotangents[parent] += slope
    return cotangents


def _depth_first(edges: Edges) -> Array:
    """Each node is visited once, as soon as something arrives; what comes later is added but not handed on."""
    cotangents = np.zeros(len(edges))
    cotangents[-1] = 1
    visited = set()

    def visit(k: int) -> None:
        visited.add(k)
        for parent, slope in edges[k]:
            cotangents[parent] += cotangents[k] * slope
            if parent not in visited:
                visit(parent)

    visit(len(edges) - 1)
    return cotangents


def _stretched(g: Array, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The axes of g along which an array of this shape was copied."""
    extra = g.ndim - len(shape)
    return tuple(i for i in range(g.ndim) if i < extra or (shape[i - extra] == 1 and g.shape[i] != 1))


def unbroadcast(g: Array, shape: tuple[int, ...]) -> Array:
    """Sum g over the axes along which an array of this shape was copied."""
    return g.sum(axis=_stretched(g, shape), keepdims=True).reshape(shape)


def _first_copy(g: Array, shape: tuple[int, ...]) -> Array:
    return g[tuple(slice(1) if i in _stretched(g, shape) else slice(None) for i in range(g.ndim))].reshape(shape)


def _broadcast_case(rng: Rng) -> Arguments:
    shape, copied = BROADCASTS[int(rng.integers(4))]  # a case each for the last three
    return rng.standard_normal(shape), copied


def _mean_for_sum(g: Array, shape: tuple[int, ...]) -> Array:
    return unbroadcast(g, shape) * (math.prod(shape) / g.size)


def layer_backward(x: Array, w: Array, b: Array, g: Array) -> tuple[Array, Array, Array, Array]:
    """Of softplus(x·w + b): the gradients at a = x·w + b, x, w and b."""
    return _layer_from(g * sigmoid(x @ w + b), x, w)


def _layer_from(d_a: Array, x: Array, w: Array) -> tuple[Array, Array, Array, Array]:
    """What follows from the gradient at a = x·w + b."""
    return d_a, d_a @ w.T, x.T @ d_a, d_a.sum(axis=0)


register(
    Exercise(
        name="reverse_sweep",
        reference=reverse_sweep,
        cases=_graph,
        mistakes=(
            Mistake(
                code="A1",
                name="overwritten in place of added",
                yours="d[parent] = d[k] · slope",
                right="d[parent] += d[k] · slope",
                question="If a node is used twice, through how many paths does it change the output?",
                more="Each use adds its own contribution: +=.",
                wrong=_overwriting,
            ),
            Mistake(
                code="A2",
                name="from the oldest node to the newest",
                yours="for k in 0, 1, ..., n − 1",
                right="for k in n − 1, ..., 1, 0",
                question="When node k hands on its cotangent, must it not have arrived there first?",
                more="The output is the last node, and its cotangent is the only one known at the start.",
                wrong=_oldest_first,
            ),
            Mistake(
                code="A3",
                name="the slopes alone, without the cotangent of the node they start from",
                yours="d[parent] += slope",
                right="d[parent] += d[k] · slope",
                question="What does the chain rule do with the slopes along a path?",
                more="It multiplies them: what arrives at k, times the slope from k to its parent.",
                wrong=_slopes_alone,
            ),
            Mistake(
                code="A4",
                name="depth first: a node hands on as soon as the first part arrives",
                yours="visit each parent as soon as something arrives there",
                right="visit a node after all nodes that use it",
                question="When node k is visited, has every node that uses it had its turn?",
                more="Parents have smaller numbers. So the order n − 1, ..., 0 is safe.",
                wrong=_depth_first,
            ),
            Mistake(
                code="A23",
                name="nothing to start from: the output's own cotangent is missing",
                yours="d = 0 everywhere",
                right="d[n − 1] = 1, then backwards",
                question="If the output grows by 1, by how much does the output grow?",
                more="By 1. Put that in before the loop; all else is multiplied with it.",
                wrong=_no_start,
            ),
        ),
    )
)

register(
    Exercise(
        name="unbroadcast",
        reference=unbroadcast,
        cases=_broadcast_case,
        mistakes=(
            Mistake(
                code="A17",
                name="the mean over the copies, not the sum",
                yours="mean of g over the stretched axes",
                right="sum of g over the stretched axes",
                question="If one number is copied five times and grows by 1, how many of the copies grow by 1?",
                more="All of them, each with its own effect: the effects add up.",
                wrong=_mean_for_sum,
            ),
            Mistake(
                code="A18",
                name="one of the copies, not their sum",
                yours="the first entry of g along the stretched axes",
                right="sum of g over the stretched axes",
                question="Which of the copies changes the loss?",
                more="Every one; their contributions add up.",
                wrong=_first_copy,
            ),
        ),
    )
)

register(
    Exercise(
        name="layer_backward",
        reference=layer_backward,
        cases=lambda rng: tuple(rng.standard_normal(shape) for shape in ((7, 5), (5, 3), 3, (7, 3))),
        returns=("d_a", "d_x", "d_w", "d_b"),
        sizes={7: "B", 5: "I", 3: "O"},
        mistakes=(
            Mistake(
                code="A19",
                name="the slope of softplus at its output, not at its input",
                yours="d_a = g·σ(y), y = softplus(a)",
                right="d_a = g·σ(a)",
                question="At which number is the slope of softplus taken: at what goes in, or at what comes out?",
                more="σ(a). (The same slope written with the output is 1 − e^−y.)",
                wrong=lambda x, w, b, g: _layer_from(g * sigmoid(np.logaddexp(0, x @ w + b)), x, w),
            ),
            Mistake(
                code="A20",
                name="the softplus is missing on the way back",
                yours="d_a = g",
                right="d_a = g·σ(a)",
                question="Through which operation does g pass first?",
                more="The last operation forward is the first one backward: the softplus.",
                wrong=lambda x, w, b, g: _layer_from(g, x, w),
            ),
            Mistake(
                code="A21",
                name="the bias's gradient averaged over the batch",
                yours="d_b = mean over the batch of d_a",
                right="d_b = sum over the batch of d_a",
                question="The bias is copied to every example. What happens to a cotangent when a copy is undone?",
                more="It is summed.",
                wrong=lambda x, w, b, g: (*layer_backward(x, w, b, g)[:3], layer_backward(x, w, b, g)[3] / len(x)),
            ),
            Mistake(
                code="A22",
                name="the bias's gradient from g, before the softplus",
                yours="d_b = Σ g",
                right="d_b = Σ d_a",
                question="Is the bias added before the softplus or after it?",
                more="Before: so its gradient passes through the softplus too.",
                wrong=lambda x, w, b, g: (*layer_backward(x, w, b, g)[:3], g.sum(axis=0)),
            ),
        ),
    )
)
