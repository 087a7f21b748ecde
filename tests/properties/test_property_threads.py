"""Threads: each has its own modes and its own random stream, and two that train at once do not notice each other."""

from __future__ import annotations

import sys
import threading

import numpy as np
import pytest

import minivae as mv
from minivae.autodiff import Tensor, debug, mode, no_grad, set_debug
from minivae.data import Dataset
from minivae.layers import Dropout
from minivae.models import VAE, ConvVAE
from minivae.random import default_rng, manual_seed, stream
from minivae.training import fit

PATIENCE = 60  # seconds after which a thread that waits for another one gives up, and the test fails


@pytest.fixture
def restless():
    """The interpreter switches threads every microsecond, not every five milliseconds."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def at_once(*functions):
    """The results of these functions, each run in a thread of its own, all started together."""
    barrier, results, errors = threading.Barrier(len(functions), timeout=PATIENCE), [None] * len(functions), []

    def run(i):
        try:
            barrier.wait()
            results[i] = functions[i]()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(functions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results


# --- training -----------------------------------------------------------------------------------------------

IMAGES = (stream(1, "images").random((40, 1, 8, 8)) < 0.4).astype(np.float32)


def training(kind, seed):
    """Losses and parameters of 12 Adam steps with drawn noise and drawn dropout masks."""
    manual_seed(seed)
    if kind == "VAE":
        model = VAE(image_shape=(1, 8, 8), hidden=(16,), latent_dim=3, seed=seed)
    else:
        model = ConvVAE(image_shape=(1, 8, 8), channels=(3, 4), latent_dim=3, seed=seed)
    dropout = Dropout(0.3)
    optimizer = mv.optim.Adam(model.parameters(), lr=1e-2)
    losses = []
    for step in range(12):
        x = IMAGES[step * 3 : step * 3 + 7]
        q = model.encode(dropout(x))
        terms = mv.objectives.elbo(x, model.decode(q.rsample()), q)
        optimizer.zero_grad()
        terms.loss.backward()
        optimizer.step()
        losses.append(terms.loss.item())
        with no_grad():
            model.elbo(x)  # draws noise too, and records nothing
    return losses, [p.data.tobytes() for p in model.parameters()]


@pytest.mark.parametrize("checked", [False, True])
def test_threads_that_train_at_once_get_the_numbers_that_each_gets_alone(restless, checked):
    jobs = [("VAE", 1), ("ConvVAE", 2), ("VAE", 3)]

    def job(kind, seed):
        with debug(checked):
            return training(kind, seed)

    alone = [job(*arguments) for arguments in jobs]
    together = at_once(*[lambda arguments=arguments: job(*arguments) for arguments in jobs])
    assert together == alone
    assert alone[0] != alone[2]


def test_two_fits_at_once_give_the_histories_that_each_gives_alone(restless, tmp_path):
    """The whole loop, with evaluation and checkpoints, outside the main thread, where signals cannot be caught."""
    data = Dataset(IMAGES)

    def job(seed, folder):
        model = VAE(image_shape=(1, 8, 8), hidden=(9,), latent_dim=2, seed=seed)
        history = fit(model, data, data, epochs=2, batch_size=8, seed=seed, run_dir=tmp_path / folder, progress=False)
        return [{k: v for k, v in row.items() if k != "seconds"} for row in history], model.state_dict()

    alone = [job(seed, f"alone-{seed}") for seed in (1, 2)]
    together = at_once(*[lambda seed=seed: job(seed, f"together-{seed}") for seed in (1, 2)])
    for (rows, state), (rows_alone, state_alone) in zip(together, alone, strict=True):
        assert rows == rows_alone
        assert all(state[name].tobytes() == state_alone[name].tobytes() for name in state_alone)


def test_two_threads_read_one_model_at_once(restless):
    """Evaluation writes nothing: many threads may share the weights."""
    model = ConvVAE(image_shape=(1, 8, 8), channels=(3,), latent_dim=2)
    expected = model.sample(4, seed=0), model.reconstruct(IMAGES)

    def read():
        return [(model.sample(4, seed=0), model.reconstruct(IMAGES)) for _ in range(5)]

    for results in at_once(read, read, read):
        for samples, reconstructions in results:
            np.testing.assert_array_equal(samples, expected[0])
            np.testing.assert_array_equal(reconstructions, expected[1])


def test_two_threads_build_on_one_leaf_at_once(restless):
    """Graphs on the same leaf, each with its own backward; only `.grad` is common to them."""
    weight = Tensor(np.linspace(-1, 1, 50), requires_grad=True)

    def gradient(k):
        own = Tensor(np.zeros(50), requires_grad=True)
        for _ in range(30):
            own.zero_grad()
            (own * weight * float(k)).sum().backward()
        return own.grad

    for k, g in zip((1, 2, 3), at_once(*[lambda k=k: gradient(k) for k in (1, 2, 3)]), strict=True):
        np.testing.assert_array_equal(g, k * weight.data)


# --- what belongs to a thread -------------------------------------------------------------------------------


def test_a_new_thread_records_and_takes_debug_mode_from_the_environment_not_from_its_maker():
    with no_grad(), debug():
        ((record, checks),) = at_once(lambda: (mode.record, mode.debug))
    assert record
    assert checks == type(mode).debug


def test_set_debug_is_of_this_thread_alone():
    step = threading.Barrier(2, timeout=PATIENCE)

    def switches():
        set_debug(True)
        step.wait()
        step.wait()
        return mode.debug

    def looks():
        set_debug(False)
        step.wait()
        seen = mode.debug
        step.wait()
        return seen

    assert at_once(switches, looks) == [True, False]


def test_seeds_are_of_this_thread_alone():
    """Interleaved draws give each thread the stream it would have drawn alone."""
    step = threading.Barrier(2, timeout=PATIENCE)

    def draws(seed):
        manual_seed(seed)
        numbers = []
        for _ in range(10):
            step.wait()
            numbers.append(default_rng().random())
        return numbers

    found = at_once(lambda: draws(1), lambda: draws(2))
    assert found == [list(stream(seed).random(10)) for seed in (1, 2)]
    manual_seed(7)
    at_once(lambda: manual_seed(8))
    assert default_rng().random() == stream(7).random()


def test_a_thread_that_was_given_no_seed_draws_from_seed_0():
    manual_seed(5)
    (drawn,) = at_once(lambda: default_rng().random())
    assert drawn == stream(0).random()


@pytest.mark.parametrize("switch", [no_grad(), debug(False)], ids=["no_grad", "debug"])
def test_one_decorated_function_in_two_threads_at_once(switch):
    """The switch is one object for both calls. The first to begin ends first, and must get its own old value back."""
    first_is_in, second_is_in, first_is_out = threading.Event(), threading.Event(), threading.Event()

    @switch
    def inside(say, wait):
        say.set()
        assert wait.wait(PATIENCE)

    def first():
        with debug():
            inside(say=first_is_in, wait=second_is_in)
            first_is_out.set()
            return mode.record, mode.debug

    def second():
        with no_grad(), debug(False):
            assert first_is_in.wait(PATIENCE)
            inside(say=second_is_in, wait=first_is_out)
            return mode.record, mode.debug

    assert at_once(first, second) == [(True, True), (False, False)]


def test_a_switch_may_be_nested_in_itself():
    switch = no_grad()
    with switch:
        with switch:
            assert not mode.record
        assert not mode.record
    assert mode.record
