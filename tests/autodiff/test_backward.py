"""backward(): the chain rule, accumulation, topological order, freeing."""

from __future__ import annotations

import gc
import threading
import weakref

import numpy as np
import pytest

from minivae import ops
from minivae.autodiff import Tensor, no_grad, primitive
from minivae.autodiff.graph import Node, ancestors, unbroadcast
from minivae.errors import DtypeError, GraphError, ShapeError


def leaf(*values: float) -> Tensor:
    data = np.array(values if len(values) > 1 else values[0], dtype=np.float64)
    return Tensor(data, requires_grad=True)


def test_the_diamond_adds_both_paths():
    x = leaf(3.0)
    a, b = x * x, 3 * x
    (a * b).backward()  # y = 3x³, dy/dx = 9x²
    assert x.grad == 81


def test_a_chain_of_diamonds_visits_each_node_once():
    """y = x·2^40 by forty doublings x + x: a walk along paths would take 2^40 steps."""
    x = leaf(1.0)
    y = x
    for _ in range(40):
        y = y + y
    y.backward()
    assert x.grad == 2.0**40


def test_parents_come_after_all_their_users():
    x = leaf(1.0)
    a = x * x
    b = a * x
    c = a + b
    order = ancestors(c.graph_node())[::-1]
    position = {node: i for i, node in enumerate(order)}
    for node in order:
        for parent, _ in node.edges:
            assert position[parent] > position[node]


def test_x_times_x_accumulates():
    x = leaf(5.0)
    (x * x).backward()
    assert x.grad == 10


def test_gradients_of_two_backwards_add_up():
    x = leaf(2.0)
    (x * 3).backward()
    (x * 4).backward()
    assert x.grad == 7
    x.zero_grad()
    assert x.grad is None


def test_x_plus_y_gives_two_gradients_that_do_not_share_memory():
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    (x + y).backward(np.ones(2))
    assert not np.shares_memory(x.grad, y.grad)


def test_the_given_cotangent_is_neither_changed_nor_kept():
    x = leaf(1.0, 2.0)
    cotangent = np.array([3.0, 4.0])
    (x + 0).backward(cotangent)
    assert cotangent.flags.writeable
    assert not np.shares_memory(x.grad, cotangent)


@pytest.mark.parametrize("depth", [100_000])
def test_depth_meets_no_recursion_limit(depth):
    x = leaf(1.0)
    y = x
    for _ in range(depth):
        y = y + x
    y.backward()
    assert x.grad == depth + 1


def test_a_deep_graph_that_is_never_used_can_be_forgotten():
    x = leaf(1.0)
    y = x
    for _ in range(200_000):
        y = y + x
    del y  # a recursive destructor would overflow the stack here
    assert x.grad is None


def test_a_wide_graph():
    x = leaf(1.0)
    total = ops.stack([x * i for i in range(2_000)]).sum()
    total.backward()
    assert x.grad == sum(range(2_000))


def test_the_graph_is_freed_by_backward():
    x = leaf(1.0, 2.0)
    hidden = x * x
    watch = weakref.ref(hidden.data)
    y = (hidden * hidden).sum()
    del hidden
    assert watch() is not None, "the multiplication saves its input"
    y.backward()
    gc.collect()
    assert watch() is None, "after backward nobody needs it"


def test_nothing_is_saved_for_an_argument_that_needs_no_gradient():
    """The pullback of the weight keeps x, that of x keeps the weight; only the first is recorded."""
    x = Tensor(np.ones((2, 3)))
    weight = leaf(1.0, 2.0, 3.0)
    edges = (x * weight).graph_node().edges
    assert [parent.op for parent, _ in edges] == ["leaf"]


def test_a_second_backward_says_what_to_do():
    y = leaf(1.0) * 2
    y.backward()
    with pytest.raises(GraphError, match="retain_graph=True"):
        y.backward()


def test_retain_graph_allows_a_second_backward():
    x = leaf(1.0)
    y = x * 2
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad == 4


def test_retain_grad_keeps_the_gradient_of_an_intermediate():
    x = leaf(2.0)
    z = (x * x).retain_grad()
    (z * 5).backward()
    assert z.grad == 5
    assert x.grad == 20


def test_a_detached_tensor_stops_the_gradient():
    x = leaf(2.0)
    (x * x.detach()).backward()
    assert x.grad == 2


def test_no_grad_records_nothing():
    x = leaf(2.0)
    with no_grad():
        y = x * x
    assert not y.requires_grad
    with pytest.raises(GraphError, match="requires_grad=True"):
        y.backward()


def test_no_grad_is_a_decorator_and_ends_with_an_exception():
    x = leaf(2.0)

    @no_grad()
    def fails():
        assert not (x * x).requires_grad
        raise KeyError

    with pytest.raises(KeyError):
        fails()
    assert (x * x).requires_grad


def test_threads_do_not_switch_each_other():
    x = leaf(2.0)
    seen = []
    with no_grad():
        thread = threading.Thread(target=lambda: seen.append((x * x).requires_grad))
        thread.start()
        thread.join()
    assert seen == [True]


def test_backward_of_a_vector_asks_for_a_cotangent():
    with pytest.raises(GraphError, match=r"shape \(2,\)"):
        (leaf(1.0, 2.0) * 2).backward()


def test_a_cotangent_of_the_wrong_shape_or_dtype_is_refused():
    y = leaf(1.0, 2.0) * 2
    with pytest.raises(ShapeError, match=r"\(3,\).*\(2,\)"):
        y.backward(np.ones(3))
    with pytest.raises(DtypeError, match="float32"):
        y.backward(np.ones(2, np.float32))


def test_unbroadcast_is_the_transpose_of_broadcasting():
    """⟨broadcast(x), g⟩ = ⟨x, unbroadcast(g)⟩ for every way a shape broadcasts."""
    rng = np.random.default_rng(0)
    for small, large in [
        ((), (2, 3)),
        ((3,), (2, 3)),
        ((2, 1), (2, 3)),
        ((1, 1), (4, 2, 3)),
        ((1, 3), (1, 3)),
    ]:
        x, g = rng.normal(size=small), rng.normal(size=large)
        left = (np.broadcast_to(x, large) * g).sum()
        back = unbroadcast(g, small)
        assert back.shape == small
        assert np.isclose(left, (x * back).sum(), rtol=1e-12)


def test_a_pullback_that_returns_a_foreign_shape_is_named():
    @primitive
    def odd(x: np.ndarray) -> tuple:
        return x * 2, lambda g: np.ones(7)

    x = leaf(1.0, 2.0)
    with pytest.raises(ShapeError, match=r"odd.*\(7,\).*\(2,\)"):
        odd(x).backward(np.ones(2))


def test_a_node_prints_its_op():
    assert "mul" in repr((leaf(1.0) * 2).graph_node())
    assert isinstance((leaf(1.0) * 2).graph_node(), Node)
