"""What all optimisers share: which parameters they take, what a step leaves alone, state and memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from minivae.autodiff import Tensor
from minivae.errors import CheckpointError, ConfigError, DtypeError, GraphError, ShapeError
from minivae.layers import Dense, ReLU, Sequential
from minivae.optim import SGD, Adam, AdamW
from minivae.optim.chunks import CHUNK_BYTES, chunks
from minivae.random import stream

KINDS = [
    lambda p: SGD(p, 0.1),
    lambda p: SGD(p, 0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
    lambda p: Adam(p, 0.1, weight_decay=0.1),
    lambda p: AdamW(p, 0.1),
]


def leaf(*shape, dtype=np.float64, seed=0):
    return Tensor(np.random.default_rng(seed).standard_normal(shape).astype(dtype), requires_grad=True)


# --- chunks -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("extra", [-1, 0, 1])
def test_chunks_cover_every_entry_once(extra):
    size = 3 * CHUNK_BYTES // 8 + extra
    x, y = np.zeros(size), np.arange(float(size))
    for a, b, scratch in chunks(1, x, y):
        assert a.size == b.size == scratch.size <= CHUNK_BYTES // 8
        a += b
    np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (1,), (2, 3)])
def test_chunks_of_small_arrays(shape):
    x = np.zeros(shape)
    pieces = list(chunks(2, x))
    assert sum(piece[0].size for piece in pieces) == x.size
    for piece in pieces:
        piece[0][...] = 1
    assert (x == 1).all()


@pytest.mark.parametrize("make", KINDS)
def test_an_update_in_chunks_is_an_update_of_each_entry_alone(make):
    """Entries do not see each other: the bits of an entry's path do not depend on where a chunk ends."""
    big = leaf(2 * CHUNK_BYTES // 4 + 17, dtype=np.float32)
    small = Tensor(big.data[-40:].copy(), requires_grad=True)
    for tensor in (big, small):
        optimiser = make([tensor])
        for step in range(3):
            tensor.grad = (np.cos(np.arange(big.size, dtype=np.float32) + step) * 0.1)[-tensor.size :]
            optimiser.step()
    np.testing.assert_array_equal(big.data[-40:], small.data)


# --- a step -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", KINDS)
def test_a_step_writes_in_place_and_never_into_the_gradient(make):
    p = leaf(4, 3)
    array, g = p.data, np.ones((4, 3))
    g.flags.writeable = False
    p.grad = g
    before = p.data.copy()
    make([p]).step()
    assert p.data is array
    assert p.grad is g
    assert (p.data < before).any()
    np.testing.assert_array_equal(g, 1)


@pytest.mark.parametrize("make", KINDS)
def test_parameters_without_a_gradient_are_left_alone(make):
    p, frozen = leaf(3), leaf(3)
    before = frozen.data.copy()
    optimiser = make([p, frozen])
    p.grad = np.ones(3)
    optimiser.step()
    np.testing.assert_array_equal(frozen.data, before)
    optimiser.zero_grad()
    assert p.grad is None


@pytest.mark.parametrize("make", KINDS)
def test_non_contiguous_parameters_and_gradients_step_like_contiguous_ones(make):
    base = np.random.default_rng(1).standard_normal((6, 8))
    results = []
    for array, g in [(base.copy(), np.ones((6, 8)).cumsum(1)), (base.T.copy().T, np.ones((6, 16)).cumsum(1)[:, :8])]:
        p = Tensor(array, requires_grad=True)
        optimiser = make([p])
        for _ in range(2):
            p.grad = g
            optimiser.step()
        results.append(p.data)
    assert not np.array_equal(results[0], base)
    np.testing.assert_array_equal(*results)


@pytest.mark.parametrize("shape", [(), (1,), (0, 3)])
@pytest.mark.parametrize("make", KINDS)
def test_parameters_of_any_shape_can_be_stepped(make, shape):
    p = leaf(*shape)
    before = p.data.copy()
    p.grad = np.ones(shape)
    make([p]).step()
    assert (p.data < before).all()


@pytest.mark.no_debug
@pytest.mark.parametrize("make", KINDS)
def test_a_step_allocates_no_more_than_a_few_chunks(make):
    p = leaf(1_000_000, dtype=np.float32)
    optimiser = make([p])
    p.grad = np.ones(p.shape, np.float32)
    optimiser.step()  # makes the averages
    tracemalloc.start()
    optimiser.step()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * CHUNK_BYTES  # the parameter has 30 times that


# --- what is refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", KINDS)
def test_no_gradient_anywhere_is_an_error_that_says_what_to_do(make):
    with pytest.raises(GraphError, match=r"none of the 2 parameters has a gradient.*backward"):
        make([leaf(2), leaf(3)]).step()


def test_parameters_that_cannot_be_optimised_are_refused():
    p = leaf(3)
    for params, message in [
        ([], "empty"),
        (iter([]), "generator"),
        ([p, p], "twice"),
        (p, "is a Tensor; expected a list"),
        (7, "is a int; expected a list"),
        ({"weight": p}, "is a dict; expected a list"),
        ([np.zeros(3)], r"params\[0\] is a ndarray"),
        ([("weight", p)], "named_parameters"),
        ([p * 2.0], "result of 'mul'"),
    ]:
        with pytest.raises(ConfigError, match=message):
            Adam(params)


def test_a_generator_of_parameters_is_read_once_and_kept():
    p = leaf(3)
    optimiser = Adam(q for q in [p])
    assert optimiser.params == [p]


def test_a_read_only_array_is_named():
    p = leaf(3)
    p.data.flags.writeable = False
    p.grad = np.ones(3)
    with pytest.raises(ConfigError, match=r"params\[0\].*read-only"):
        Adam([p]).step()


def test_a_parameter_of_another_shape_after_its_first_step_is_named():
    p = Tensor(np.ones(2), requires_grad=True)
    optimiser = Adam([p])
    p.grad = np.ones(2)
    optimiser.step()
    p.data, p.grad = np.ones(3), np.ones(3)
    with pytest.raises(ShapeError, match=r"params\[0\] has shape \(3,\), its running average \(2,\).*new optimiser"):
        optimiser.step()


def test_a_parameter_moved_after_its_first_step_is_named():
    layer = Dense(3, 2)
    optimiser = Adam(layer.parameters())
    layer(np.ones((4, 3), np.float32)).sum().backward()
    optimiser.step()
    layer.to(np.float64)
    layer(np.ones((4, 3))).sum().backward()
    with pytest.raises(DtypeError, match=r"params\[0\] is float64, its running average float32.*new optimiser"):
        optimiser.step()


def test_a_gradient_of_wrong_shape_or_dtype_is_named():
    p = leaf(3)
    p.grad = np.ones(2)
    with pytest.raises(ShapeError, match=r"\(3,\), its gradient \(2,\)"):
        SGD([p]).step()
    p.grad = np.ones(3, np.float32)
    with pytest.raises(DtypeError, match="float64, its gradient float32"):
        SGD([p]).step()


# --- state ------------------------------------------------------------------------------------------------


def train(model, optimiser, steps, start=0):
    for step in range(start, start + steps):
        x = stream(1, step).standard_normal((8, 5), dtype=np.float32)
        optimiser.zero_grad()
        (model(x) ** 2).mean().backward()
        optimiser.step()


@pytest.mark.parametrize("make", KINDS)
def test_a_resumed_run_is_bit_identical(make):
    def build():
        model = Sequential(Dense(5, 7, rng=stream(0)), ReLU(), Dense(7, 3, rng=stream(1)))
        return model, make(model.parameters())

    model, optimiser = build()
    train(model, optimiser, 5)
    weights, state = model.state_dict(), optimiser.state_dict()
    train(model, optimiser, 5, start=5)

    resumed, other = build()
    other.lr = 123.0  # is restored, too
    resumed.load_state_dict(weights)
    other.load_state_dict(state)
    train(resumed, other, 5, start=5)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, resumed.state_dict()[name])
    for name, value in optimiser.state_dict().items():
        np.testing.assert_array_equal(value, other.state_dict()[name])


@pytest.mark.parametrize("make", KINDS)
def test_state_is_flat_numbers_and_host_copies_and_round_trips(make):
    p, never = leaf(3), leaf(4)
    optimiser = make([p, never])
    p.grad = np.ones(3)
    optimiser.step()
    state = optimiser.state_dict()
    assert all(isinstance(value, (int, float, np.ndarray)) for value in state.values())
    copy = {name: np.array(value) for name, value in state.items()}
    optimiser.step()
    for name, value in copy.items():
        np.testing.assert_array_equal(state[name], value)
    fresh = make([p, never])
    fresh.load_state_dict(state)
    assert fresh.state_dict().keys() == state.keys()
    assert fresh.steps == [1, 0]


def test_a_state_that_does_not_fit_is_refused():
    p = leaf(3)
    p.grad = np.ones(3)
    adam, sgd = Adam([p]), SGD([p], momentum=0.9)
    adam.step()
    sgd.step()
    with pytest.raises(CheckpointError, match=r"another optimiser.*momentum_buffer"):
        adam.load_state_dict(sgd.state_dict())
    with pytest.raises(CheckpointError, match="of 1 parameters, this optimiser has 2"):
        Adam([leaf(3), leaf(2)]).load_state_dict(adam.state_dict())
    with pytest.raises(CheckpointError, match=r"decayed_sum.0 is float64 \(3,\), its parameter float64 \(4,\)"):
        Adam([leaf(4)]).load_state_dict(adam.state_dict())


def test_repr_names_the_settings():
    assert repr(SGD([leaf(3), leaf(2, 2)], 0.1)).startswith("SGD(lr=0.1, momentum=0.0")
    assert repr(SGD([leaf(3), leaf(2, 2)], 0.1)).endswith("for 7 parameters")


@pytest.mark.parametrize("make", KINDS)
def test_a_step_that_was_refused_does_not_count(make):
    p = Tensor(np.ones(2), requires_grad=True)
    optimizer = make([p])
    p.grad = np.ones(2, np.float32)
    with pytest.raises(DtypeError):
        optimizer.step()
    assert optimizer.steps == [0]
    make([p]).load_state_dict(optimizer.state_dict())


def test_options_may_be_numpy_numbers():
    p = Tensor(np.ones(2, np.float32), requires_grad=True)
    assert Adam([p], lr=np.float32(0.5)).lr == 0.5
