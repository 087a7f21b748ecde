"""Graphs of any form: drawn at random, 100,000 ops deep, thousands of tensors wide; and what they cost in memory."""

from __future__ import annotations

import gc
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minivae import ops
from minivae.autodiff import Forward, Tensor, no_grad, primitive, pull_back
from minivae.backend import Array

# --- drawn at random ----------------------------------------------------------------------------------------

# An op on Tensors beside its rule for a small change: from (x, dx), (y, dy) to (z, dz). Forwards, where backward() goes
# backwards, and written down independently of it.
RULES = [
    (ops.add, lambda x, dx, y, dy: (x + y, dx + dy)),
    (ops.sub, lambda x, dx, y, dy: (x - y, dx - dy)),
    (ops.mul, lambda x, dx, y, dy: (x * y, dx * y + x * dy)),
    (
        lambda x, y: x / (y * y + 1),
        lambda x, dx, y, dy: (x / (y * y + 1), (dx - x * 2 * y * dy / (y * y + 1)) / (y * y + 1)),
    ),
    (lambda x, y: x.tanh(), lambda x, dx, y, dy: (np.tanh(x), dx * (1 - np.tanh(x) ** 2))),
    (lambda x, y: -y.sigmoid(), lambda x, dx, y, dy: (-1 / (1 + np.exp(-y)), -dy / (2 + np.exp(y) + np.exp(-y)))),
    (lambda x, y: x.sum() * 0.1 + y, lambda x, dx, y, dy: (x.sum() * 0.1 + y, dx.sum() * 0.1 + dy)),
    (lambda x, y: ops.flip(x, 0), lambda x, dx, y, dy: (x[::-1], dx[::-1])),
    (lambda x, y: x[1:2] * y, lambda x, dx, y, dy: (x[1:2] * y, dx[1:2] * y + x[1:2] * dy)),
]
programs = st.lists(st.tuples(st.sampled_from(range(len(RULES))), st.integers(0, 99), st.integers(0, 99)), max_size=25)
few = settings(max_examples=60, deadline=None, derandomize=True)


def run(program, leaves):
    """Each step takes two of the values made so far; the last two values, and so most of the others, are used."""
    values = list(leaves)
    for rule, i, j in program:
        values.append(RULES[rule][0](values[i % len(values)], values[j % len(values)]))
    return values


@few
@given(programs, st.integers(0, 1000))
def test_backward_agrees_with_the_derivative_carried_forwards(program, seed):
    """⟨c, J v⟩, v pushed forwards by its own rules, equals ⟨Jᵀ c, v⟩, c pulled back."""
    rng = np.random.default_rng(seed)
    points, directions, c = rng.normal(size=(3, 4, 3))
    dual = [(x, v) for x, v in zip(points, directions, strict=True)]
    for rule, i, j in program:
        dual.append(RULES[rule][1](*dual[i % len(dual)], *dual[j % len(dual)]))
    leaves = [Tensor(x, requires_grad=True) for x in points]
    values = run(program, leaves)
    last, others = values[-1], values[len(values) // 2]
    (last + others).backward(c[0])
    forwards = float((c[0] * (dual[-1][1] + dual[len(values) // 2][1])).sum())
    arrived = [(leaf.grad, v) for leaf, v in zip(leaves, directions, strict=True) if leaf.grad is not None]
    size = sum(float(np.abs(g * v).sum()) for g, v in arrived)
    assert sum(float((g * v).sum()) for g, v in arrived) == pytest.approx(forwards, rel=1e-10, abs=1e-12 + 1e-11 * size)


@few
@given(programs, st.integers(0, 1000), st.integers(0, 99))
def test_gradients_of_two_outputs_add_up_to_that_of_their_sum(program, seed, k):
    """One graph, walked twice from two ends (kept in between), or once from their sum."""
    points = np.random.default_rng(seed).normal(size=(3, 3))

    def gradients(walk):
        leaves = [Tensor(x, requires_grad=True) for x in points]
        values = run(program, leaves)
        walk(values[k % len(values)].sum(), values[-1].sum())
        return [np.zeros(3) if leaf.grad is None else leaf.grad for leaf in leaves]

    def one_by_one(a, b):
        a.backward(retain_graph=True)
        b.backward()

    for g, h in zip(gradients(one_by_one), gradients(lambda a, b: (a + b).backward()), strict=True):
        np.testing.assert_allclose(g, h, rtol=1e-11, atol=1e-12 * (1 + float(np.abs(h).max())))


@few
@given(programs)
def test_every_node_is_visited_once_and_after_all_its_users(program):
    leaves = [Tensor(np.full(3, 0.1 * i), requires_grad=True) for i in range(4)]
    end = run(program, leaves)[-1].sum()
    visited = [node for node, _, _ in pull_back(end.graph_node(), np.ones(()), retain_graph=True)]
    assert len(visited) == len(set(visited))
    place = {node: i for i, node in enumerate(visited)}
    assert all(place[parent] > place[node] for node in visited for parent, _ in node.edges)


# --- deep ---------------------------------------------------------------------------------------------------

DEPTH = 100_000


def mixed(depth, x, y, slope):
    """`depth` ops of many kinds on one number: the Tensor, and dy/dx by the chain rule in plain floats."""
    value = float(y.data.item())
    for i in range(depth):
        kind = i % 10
        if kind == 0:
            y, value, slope = y + x, value + float(x.data.item()), slope + 1
        elif kind == 1:
            y, value, slope = y * 0.25, value * 0.25, slope * 0.25
        elif kind == 2:
            y, value, slope = ops.reshape(y, (1, 1, 1)), value, slope
        elif kind == 3:
            y, value, slope = -y, -value, -slope
        elif kind == 4:
            y, value, slope = ops.softplus(y), np.logaddexp(0, value), slope / (1 + np.exp(-value))
        elif kind == 5:
            y, value, slope = y[0], value, slope
        elif kind == 6:
            y, value, slope = ops.maximum(y, -1.0), value, slope
        elif kind == 7:
            y, value, slope = y.sum(0, keepdim=True), value, slope
        elif kind == 8:
            y, value, slope = ops.concat([y, y], 0).mean((0,)), value, slope
        else:
            y, value, slope = y.tanh(), np.tanh(value), slope * (1 - np.tanh(value) ** 2)
    return y, value, slope


@pytest.mark.no_debug
def test_a_hundred_thousand_mixed_ops_in_a_row():
    x = Tensor(np.full(1, 0.3), requires_grad=True)
    y, value, slope = mixed(DEPTH, x, x, 1.0)
    assert y.item() == pytest.approx(value, rel=1e-12)
    y.sum().backward()
    assert x.grad.item() == pytest.approx(slope, rel=1e-9)


@pytest.mark.no_debug
def test_a_deep_mixed_graph_can_be_forgotten_before_and_in_the_middle_of_backward():
    """No destructor recurses: neither of a graph never used, nor of what is left when a walk is given up."""
    x = Tensor(np.full(1, 0.3), requires_grad=True)
    y, _, _ = mixed(DEPTH, x, x, 1.0)
    walk = pull_back(y.sum().graph_node(), np.ones(()))
    for _ in range(DEPTH // 2):
        next(walk)
    walk.close()
    del y, walk
    assert x.grad is None


def chain(depth, x):
    for i in range(depth // 4):
        x = ops.tanh(x * 1.01)
        x = ops.sigmoid(x) + 0.01 * (i % 3)
    return x


@pytest.mark.no_debug
def test_backward_gives_memory_back_as_it_goes_and_needs_next_to_none_of_its_own():
    """2,000 ops on 8 KB each: what forward saved shrinks steadily, the peak is forward's plus a few arrays."""
    array, depth = 8 * 1024, 2000
    x = Tensor(np.full(1024, 0.3), requires_grad=True)
    chain(depth, x).sum().backward()
    x.zero_grad()
    gc.collect()
    tracemalloc.start()
    y = chain(depth, x).sum()
    saved, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    y.backward()
    after, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert saved > 0.4 * depth * array, "the ops save something, or this test measures nothing"
    assert peak - saved < 30 * array
    assert after < 0.05 * saved, "the gradient of x; and Python keeps freed tuples for reuse"


@pytest.mark.no_debug
def test_what_is_kept_is_given_back_with_the_last_walk():
    x = Tensor(np.full(1024, 0.3), requires_grad=True)
    chain(200, x).sum().backward()
    gc.collect()
    tracemalloc.start()
    y = chain(200, x).sum()
    saved, _ = tracemalloc.get_traced_memory()
    y.backward(retain_graph=True)
    kept, _ = tracemalloc.get_traced_memory()
    y.backward()
    left, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept > 0.9 * saved
    assert left < 0.1 * saved


@pytest.mark.no_debug
def test_evaluation_saves_nothing():
    x = Tensor(np.full(1024, 0.3), requires_grad=True)
    chain(100, x)
    tracemalloc.start()
    with no_grad():
        y = chain(2000, x)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert y.node is None
    assert peak < 10 * 8 * 1024


# --- wide ---------------------------------------------------------------------------------------------------


@pytest.mark.no_debug
def test_one_tensor_used_twenty_thousand_times():
    x = Tensor(np.array([1.0, -2.0]), requires_grad=True)
    total = ops.concat([(x * float(i)).reshape(1, 2) for i in range(20_000)]).sum()
    total.backward()
    np.testing.assert_array_equal(x.grad, sum(range(20_000)))


@pytest.mark.no_debug
def test_twenty_thousand_leaves_in_one_op():
    leaves = [Tensor(np.array([float(i)]), requires_grad=True) for i in range(20_000)]
    joined = ops.concat(leaves)
    assert len(joined.graph_node().edges) == 20_000
    (joined * joined).sum().backward()
    assert all(leaf.grad[0] == 2 * i for i, leaf in enumerate(leaves))


@pytest.mark.no_debug
def test_layers_in_which_everything_depends_on_everything():
    """40 layers of 40 nodes, each the mean of the whole layer before: 40^40 paths; every pullback is called once."""
    calls = []

    @primitive
    def counted(x: Array) -> Forward:
        """x itself, counting the walks back."""
        return x + 0, lambda g: calls.append(1) or g + 0

    x = Tensor(np.array(1.0), requires_grad=True)
    layer = [x * 1.0 for _ in range(40)]
    for _ in range(40):
        mean = ops.stack(layer).mean()
        layer = [counted(mean) for _ in range(40)]
    ops.stack(layer).mean().backward()
    assert x.grad == pytest.approx(1.0, rel=1e-12)
    assert len(calls) == 40 * 40
