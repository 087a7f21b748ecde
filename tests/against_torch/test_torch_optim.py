"""Optimisers, clipping and schedules against PyTorch's, step by step, with the same gradients."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch_compare import DTYPES, agree, examples, torch

from minivae import optim
from minivae.autodiff import Tensor

both_dtypes = pytest.mark.parametrize("dtype", DTYPES, ids=["float64", "float32"])

seeds = st.integers(0, 2**32 - 1)
SHAPES = ((3, 4), (5,), (2, 1, 3), ())

rates = st.floats(1e-3, 0.3)
decays = st.sampled_from([0.0, 0.01, 0.3])
# With an eps of 1e-8 alone, the tolerance would hide whether it is inside the root or outside. With betas[1] below the
# square of betas[0] a step may be a large average divided by one tiny gradient, in which float32 keeps few digits.
adam = st.fixed_dictionaries(
    {
        "lr": rates,
        "betas": st.sampled_from([(0.9, 0.999), (0.9, 0.9), (0.5, 0.9), (0.0, 0.5)]),
        "eps": st.sampled_from([1e-8, 1e-3, 0.5]),
        "weight_decay": decays,
    }
)
plain = st.fixed_dictionaries({"lr": rates, "weight_decay": decays})
momentum = st.fixed_dictionaries(
    {
        "lr": rates,
        "momentum": st.floats(0.1, 0.95),
        "dampening": st.sampled_from([0.0, 0.3, 1.0]),
        "weight_decay": decays,
    }
)
nesterov = st.fixed_dictionaries(
    {"lr": rates, "momentum": st.floats(0.1, 0.95), "weight_decay": decays, "nesterov": st.just(True)}
)

OPTIMISERS = {
    "SGD": plain,
    "SGD, momentum": momentum,
    "SGD, nesterov": nesterov,
    "Adam": adam,
    "AdamW": adam,
}


def parameters(rng, dtype):
    """The same numbers as tensors of ours and of PyTorch's."""
    arrays = [np.asarray(rng.normal(size=shape)).astype(dtype) for shape in SHAPES]
    return [Tensor(a.copy(), requires_grad=True) for a in arrays], [torch.tensor(a, requires_grad=True) for a in arrays]


def give_gradients(rng, ours, theirs, dtype, missing=0.0):
    """The same gradients to both, of sizes from 0.1 to 10; some parameters get none, and must be left alone."""
    for p, q in zip(ours, theirs, strict=True):
        gradient = np.asarray(10.0 ** rng.uniform(-1, 1) * rng.normal(size=p.shape)).astype(dtype)
        absent = rng.uniform() < missing and p is not ours[0]
        p.grad = None if absent else gradient
        q.grad = None if absent else torch.tensor(gradient)


def averages(optimiser, i):
    """What ours keeps for parameter i, under PyTorch's names: where ours is a sum, theirs is (1 - beta) times it."""
    kept = {name: arrays[i] for name, arrays in optimiser.state.items() if arrays[i] is not None}
    if isinstance(optimiser, optim.Adam) and kept:
        kept["exp_avg"] = (1 - optimiser.beta1) * kept.pop("decayed_sum")
        kept["exp_avg_sq"] = (1 - optimiser.beta2) * kept.pop("decayed_sum_sq")
    return kept


def test_every_optimiser_is_compared():
    ours = {name for name in optim.__all__ if issubclass(type(getattr(optim, name)), type)}
    optimisers = {name for name in ours if issubclass(getattr(optim, name), optim.Optimizer)} - {"Optimizer"}
    assert optimisers == {name.partition(",")[0] for name in OPTIMISERS}
    assert ours - optimisers - {"Optimizer", "LRScheduler"} == set(SCHEDULES) | {"SequentialLR"}


@both_dtypes
@pytest.mark.parametrize("name", OPTIMISERS)
@examples
@given(data=st.data())
def test_twenty_steps_agree(name, dtype, data):
    """Parameters and averages after each step; the learning rate changes on the way."""
    options, rng = data.draw(OPTIMISERS[name]), np.random.default_rng(data.draw(seeds))
    ours, theirs = parameters(rng, dtype)
    kind = name.partition(",")[0]
    mine = getattr(optim, kind)(ours, **options)
    other = getattr(torch.optim, kind)(theirs, **options)
    for step in range(20):
        give_gradients(rng, ours, theirs, dtype, missing=0.3)
        if step == 10:
            mine.lr = other.param_groups[0]["lr"] = 0.5 * mine.lr
        mine.step()
        other.step()
        for i, (p, q) in enumerate(zip(ours, theirs, strict=True)):
            agree(f"{name}: parameters", p.data, q, dtype, f"step {step}")
            for average, array in averages(mine, i).items():
                agree(f"{name}: {average}", array, other.state[q][average], dtype, f"step {step}")


@both_dtypes
@examples
@given(seed=seeds, max_norm=st.floats(0.1, 100))
def test_clipping_agrees(dtype, seed, max_norm):
    rng = np.random.default_rng(seed)
    ours, theirs = parameters(rng, dtype)
    give_gradients(rng, ours, theirs, dtype, missing=0.2)
    norm = optim.clip_grad_norm_(ours, max_norm)
    agree("clip_grad_norm_: norm", norm, torch.nn.utils.clip_grad_norm_(theirs, max_norm), dtype)
    for p, q in zip(ours, theirs, strict=True):
        assert (p.grad is None) == (q.grad is None)
        if p.grad is not None:
            agree("clip_grad_norm_: gradient", p.grad, q.grad, dtype)


# --- schedules ------------------------------------------------------------------------------------------------

counts = st.integers(1, 40)
SCHEDULES = {
    "LambdaLR": st.fixed_dictionaries({"lr_lambda": st.sampled_from([lambda t: 0.97**t, lambda t: 1 / (1 + t)])}),
    "ConstantLR": st.fixed_dictionaries({}, optional={"factor": st.floats(0.1, 1), "total_iters": counts}),
    "LinearLR": st.fixed_dictionaries(
        {}, optional={"start_factor": st.floats(0.1, 1), "end_factor": st.floats(0, 1), "total_iters": counts}
    ),
    "CosineAnnealingLR": st.fixed_dictionaries({"T_max": counts}, optional={"eta_min": st.floats(0, 0.5)}),
}
any_schedule = st.sampled_from(sorted(SCHEDULES)).flatmap(lambda name: st.tuples(st.just(name), SCHEDULES[name]))


def learning_rates(make, optimiser, lr_of, steps=100):
    """The learning rate before each step."""
    schedule = make(optimiser)
    rates = []
    for _ in range(steps):
        rates.append(lr_of(optimiser))
        optimiser.step()
        schedule.step()
    return np.array(rates)


def compare_learning_rates(name, ours, theirs, lr):
    """Both make a schedule for an optimiser; the learning rates of a hundred steps are equal.

    They are of order 1, and PyTorch computes each from the one before, so rounding adds up.
    """
    (p, *_), (q, *_) = parameters(np.random.default_rng(0), np.float64)
    p.grad, q.grad = np.zeros(p.shape), torch.zeros(q.shape, dtype=q.dtype)
    expected = learning_rates(theirs, torch.optim.SGD([q], lr=lr), lambda o: o.param_groups[0]["lr"])
    agree(f"{name}: learning rates", learning_rates(ours, optim.SGD([p], lr=lr), lambda o: o.lr), expected, np.float64)


@pytest.mark.parametrize("name", SCHEDULES)
@examples
@given(data=st.data(), lr=st.floats(0.5, 2))
def test_schedule_agrees_for_a_hundred_steps(name, data, lr):
    options = data.draw(SCHEDULES[name])
    compare_learning_rates(
        name,
        lambda optimiser: getattr(optim, name)(optimiser, **options),
        lambda optimiser: getattr(torch.optim.lr_scheduler, name)(optimiser, **options),
        lr,
    )


@examples
@given(
    drawn=st.lists(any_schedule, min_size=2, max_size=3),
    gaps=st.tuples(st.integers(1, 30), st.integers(1, 30)),
    lr=st.floats(0.5, 2),
)
def test_schedules_in_sequence_agree(drawn, gaps, lr):
    milestones = [gaps[0], gaps[0] + gaps[1]][: len(drawn) - 1]

    def sequence(of):
        return lambda optimiser: of.SequentialLR(
            optimiser, [getattr(of, name)(optimiser, **options) for name, options in drawn], milestones
        )

    compare_learning_rates("SequentialLR", sequence(optim), sequence(torch.optim.lr_scheduler), lr)
