"""Defaults are PyTorch's, options are refused at their very limits, and one number is a parameter like any other."""

from __future__ import annotations

import numpy as np
import pytest

from minivae.autodiff import Tensor
from minivae.errors import CheckpointError, ConfigError
from minivae.optim import (
    SGD,
    Adam,
    AdamW,
    ConstantLR,
    CosineAnnealingLR,
    LinearLR,
    Optimizer,
    SequentialLR,
    clip_grad_norm_,
)


def parameter(*numbers):
    return Tensor(np.array(numbers), requires_grad=True)


@pytest.mark.parametrize(
    ("make", "options"),
    [
        (SGD, {"lr": 1e-3, "momentum": 0, "dampening": 0, "weight_decay": 0, "nesterov": False}),
        (Adam, {"lr": 1e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0}),
        (AdamW, {"lr": 1e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 1e-2}),
    ],
)
def test_defaults(make, options):
    optimizer = make([parameter(1.0)])
    assert {name: getattr(optimizer, name) for name in make.options} == options


@pytest.mark.parametrize("betas", [(1.0, 0.9), (0.9, 1.0), (0.9, 1.5), (-1e-9, 0.9), (0.9, -1e-9)])
def test_an_average_needs_a_weight_below_1(betas):
    """At β = 1 the average would stay 0 and its correction 1 − βᵗ divide by 0."""
    for make in (Adam, AdamW):
        with pytest.raises(ConfigError, match=r"betas\[[01]\] is .*below 1"):
            make([parameter(1.0)], betas=betas)


def test_adding_to_the_norm_never_lengthens_a_gradient():
    """max_norm/(norm + 10⁻⁶) < max_norm/norm: clipping to a tiny norm leaves less than that, never more."""
    p = parameter(0.0)
    p.grad = np.array([1e-6])
    clip_grad_norm_(p, 1e-6)
    assert p.grad[0] == pytest.approx(0.5e-6, rel=1e-12)


def test_a_number_without_an_upper_limit_is_refused_without_naming_one():
    with pytest.raises(ConfigError, match=r"lr is -1; expected a number, 0 or more$"):
        SGD([parameter(1.0)], lr=-1)


def test_a_state_with_one_entry_too_few_or_too_many_is_refused_and_the_entry_named():
    optimizer = Adam([parameter(1.0)])
    optimizer.params[0].grad = np.ones(1)
    optimizer.step()
    state = optimizer.state_dict()
    without = {name: value for name, value in state.items() if name != "beta2"}
    with pytest.raises(CheckpointError, match=r"missing: \['beta2'\], unexpected: nothing"):
        optimizer.load_state_dict(without)
    with pytest.raises(CheckpointError, match=r"missing: nothing, unexpected: \['momentum'\]"):
        optimizer.load_state_dict(state | {"momentum": 0.9})
    assert optimizer.state_dict().keys() == state.keys()


def test_an_optimiser_of_ones_own_needs_only_its_formula():
    """The sign of the gradient, say, by way of the one scratch array that there is unless more are asked for."""

    class Signs(Optimizer):
        def update(self, t, p, g, *scratch):
            (s,) = scratch
            np.sign(g, out=s)
            p -= self.lr * s

    p = parameter(3.0, -2.0)
    p.grad = np.array([0.1, -7.0])
    Signs([p], lr=0.5).step()
    np.testing.assert_array_equal(p.data, [2.5, -1.5])


# --- schedules ----------------------------------------------------------------------------------------------


def rates(make, steps=7):
    """The learning rates of a schedule on a base of 3."""
    optimizer = SGD([parameter(1.0)], lr=3.0)
    schedule = make(optimizer)
    return [schedule.lr_at(t) for t in range(steps)]


def test_schedules_without_options_are_pytorchs():
    """A third of the rate for five steps; from a third up to the rate in five steps; down to 0."""
    assert rates(ConstantLR) == pytest.approx([1] * 5 + [3] * 2)
    assert rates(LinearLR) == pytest.approx([1, 1.4, 1.8, 2.2, 2.6, 3, 3])
    assert rates(lambda o: CosineAnnealingLR(o, 2), 3) == pytest.approx([3, 1.5, 0])


def test_the_shortest_and_flattest_schedules_are_schedules_too():
    assert rates(lambda o: LinearLR(o, 1.0, 0.0, 1), 3) == [3, 0, 0]
    assert rates(lambda o: LinearLR(o, 0.5, 1.0, 1), 3) == [1.5, 3, 3]
    assert rates(lambda o: CosineAnnealingLR(o, 1), 2) == pytest.approx([3, 0])
    assert rates(lambda o: SequentialLR(o, [ConstantLR(o, 0.5), ConstantLR(o, 1.0)], [1]), 3) == [1.5, 3, 3]


@pytest.mark.parametrize(
    "make",
    [
        lambda o: LinearLR(o, start_factor=0.0),
        lambda o: LinearLR(o, start_factor=1.01),
        lambda o: LinearLR(o, end_factor=-0.01),
        lambda o: LinearLR(o, end_factor=1.01),
        lambda o: LinearLR(o, total_iters=0),
        lambda o: CosineAnnealingLR(o, 0),
        lambda o: SequentialLR(o, [ConstantLR(o), ConstantLR(o)], [0]),
        lambda o: SequentialLR(o, [ConstantLR(o), ConstantLR(o), ConstantLR(o)], [2, 2]),
    ],
)
def test_a_step_beyond_the_limits_is_refused(make):
    with pytest.raises(ConfigError):
        rates(make)
