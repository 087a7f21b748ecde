"""Arrays that are written to: what backward() notices, what it refuses, and what it cannot know."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minivae import ops
from minivae.autodiff import Tensor
from minivae.errors import GraphError
from minivae.layers import Dense, Parameter, Sequential, Tanh
from minivae.models import VAE
from minivae.optim import SGD, Adam, AdamW, clip_grad_norm_
from minivae.random import stream

few = settings(max_examples=25, deadline=None, derandomize=True)
every_optimizer = pytest.mark.parametrize("make", [SGD, Adam, AdamW, lambda p: SGD(p, momentum=0.9)])


def network():
    return Sequential(Dense(3, 4, rng=stream(0)), Tanh(), Dense(4, 2, rng=stream(1)))


def batch(seed=2):
    return stream(seed).normal(size=(5, 3)).astype(np.float32)


# --- a step between forward and backward --------------------------------------------------------------------


@every_optimizer
def test_a_step_between_forward_and_backward_is_refused(make):
    """The pullbacks keep the parameters' own arrays; after the step these hold other numbers."""
    model = network()
    optimizer = make(model.parameters())
    model(batch()).sum().backward()
    late = model(batch(3)).sum()
    optimizer.step()
    optimizer.zero_grad()
    with pytest.raises(GraphError, match=r"leaf of shape \(\d.*written to .*backward\(\) before step\(\)"):
        late.backward()
    assert all(p.grad is None for p in model.parameters()), "refused before anything was added to a gradient"


def test_without_the_refusal_the_gradient_would_be_that_of_other_numbers():
    """What is prevented: d(w²)/dw at w = 2 is 4; had the array been changed to 1 behind the graph's back, 2."""
    w = Parameter(np.array([2.0]))
    loss = (w * w).sum()
    w.data[...] = 1.0  # a write that nobody reports: no library can see it without looking at every number
    loss.backward()
    assert w.grad[0] == 2.0
    w.zero_grad()
    loss = (w * w).sum()
    w.data[...] = 5.0
    w.written_to()  # reported, it is refused
    with pytest.raises(GraphError, match="written to"):
        loss.backward()


def test_a_kept_graph_ends_with_the_step_too():
    model = network()
    optimizer = SGD(model.parameters())
    loss = model(batch()).sum()
    loss.backward(retain_graph=True)
    loss.backward(retain_graph=True)
    optimizer.step()
    with pytest.raises(GraphError, match="compute the loss again"):
        loss.backward()


def test_a_graph_without_the_stepped_parameters_goes_on():
    """A parameter that got no gradient was not changed; nor were those of another optimiser."""
    first, second = network(), network()
    optimizer = Adam([*first.parameters(), *second.parameters()])
    late = second(batch()).sum()
    first(batch()).sum().backward()
    optimizer.step()
    late.backward()
    assert all(p.grad is not None for p in second.parameters())


def test_loading_a_state_or_moving_the_model_ends_older_graphs():
    for change in (lambda m: m.load_state_dict(network().state_dict()), lambda m: m.to(np.float64)):
        model = network()
        late = model(batch()).sum()
        change(model)
        with pytest.raises(GraphError, match="written to"):
            late.backward()


def test_a_loss_computed_after_the_step_is_right():
    """Steps leave nothing behind: gradients at the new numbers are those of a fresh model with these numbers."""
    model = network()
    optimizer = Adam(model.parameters(), lr=0.1)
    for seed in range(5):
        optimizer.zero_grad()
        model(batch(seed)).tanh().sum().backward()
        optimizer.step()
    optimizer.zero_grad()
    model(batch(9)).sum().backward()
    fresh = network()
    fresh.load_state_dict(model.state_dict())
    fresh(batch(9)).sum().backward()
    for p, q in zip(model.parameters(), fresh.parameters(), strict=True):
        np.testing.assert_array_equal(p.grad, q.grad)


# --- values and gradients -----------------------------------------------------------------------------------


def test_a_write_into_the_result_of_an_op_is_an_error_in_debug_mode():
    x = Tensor(np.ones(3), requires_grad=True)
    y = ops.exp(x)
    with pytest.raises(ValueError, match="read-only"):
        y.data *= 2
    with pytest.raises(ValueError, match="read-only"):
        ops.reshape(y, (3, 1)).data[0] = 0


def test_detached_values_share_memory_and_their_graph_is_cut():
    x = Tensor(np.ones(3), requires_grad=True)
    assert np.shares_memory(x.detach().data, x.data)
    assert not (x.detach() * 2).requires_grad


@few
@given(st.integers(1, 4), st.integers(0, 3), st.booleans())
def test_gradients_accumulate_over_any_number_of_losses(losses, offset, kept):
    """k losses one after the other leave the gradient of their sum; retain_graph and .grad's age do not matter."""
    x = Tensor(np.array([1.0, -2.0, 0.5]), requires_grad=True)
    terms = [lambda k=k: (ops.square(x) * (k + offset)).sum() for k in range(losses)]
    for term in terms:
        term().backward(retain_graph=kept)
    total = sum(k + offset for k in range(losses))
    np.testing.assert_array_equal(x.grad, 2 * x.data * total)
    before = x.grad
    (x * 0).sum().backward()
    assert x.grad is not before, "a gradient that somebody holds is replaced, not changed"


@pytest.mark.parametrize("shape", [(), (1,), (3,), (0, 2)])
@pytest.mark.parametrize("f", [lambda x: x + 0, lambda x: x * 2, lambda x: x * x, lambda x: x + x, ops.exp])
def test_a_gradient_is_an_array_that_may_be_written_to(f, shape):
    """For a single number too, and in debug mode too, whichever way the gradient came about."""
    x = Tensor(np.full(shape, 0.5), requires_grad=True)
    f(x).backward(np.ones(shape))
    assert isinstance(x.grad, np.ndarray)
    assert (x.grad.shape, x.grad.dtype) == (shape, np.float64)
    x.grad /= 2


def test_the_gradient_of_an_intermediate_is_its_own():
    x = Tensor(np.array([1.0, 2.0]), requires_grad=True)
    z = (x + 0).retain_grad()
    (z + 0).sum().backward()
    z.grad *= 7
    np.testing.assert_array_equal(x.grad, 1)


def test_clipping_replaces_gradients_so_that_a_kept_one_stays():
    model = VAE(image_shape=(6,), hidden=(5,), latent_dim=2)
    model.elbo((stream(0).random((4, 6)) < 0.5).astype(np.float32)).loss.backward()
    kept = [p.grad for p in model.parameters()]
    copies = [g.copy() for g in kept]
    clip_grad_norm_(model.parameters(), 1e-3)
    for p, g, copy in zip(model.parameters(), kept, copies, strict=True):
        assert p.grad is not g
        np.testing.assert_array_equal(g, copy)
