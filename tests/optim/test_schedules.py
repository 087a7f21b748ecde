from __future__ import annotations

import math

import numpy as np
import pytest

from minivae.autodiff import Tensor
from minivae.errors import CheckpointError, ConfigError
from minivae.optim import (
    SGD,
    ConstantLR,
    CosineAnnealingLR,
    LambdaLR,
    LinearLR,
    SequentialLR,
)


def optimiser(lr=0.5):
    return SGD([Tensor(np.zeros(2), requires_grad=True)], lr)


def rates(schedule, steps):
    """The learning rate before each step, and after the last."""
    seen = [schedule.optimizer.lr]
    for _ in range(steps):
        schedule.step()
        seen.append(schedule.optimizer.lr)
    return seen


def warm_up_then_cosine(o):
    return SequentialLR(o, [LinearLR(o, 0.1, total_iters=4), CosineAnnealingLR(o, 10, eta_min=0.02)], milestones=[4])


def test_constant_stays():
    assert rates(ConstantLR(optimiser(), factor=1), 9) == [0.5] * 10


def test_constant_factor_ends_after_total_iters():
    np.testing.assert_allclose(rates(ConstantLR(optimiser(0.6), 1 / 3, 2), 3), [0.2, 0.2, 0.6, 0.6])


def test_lambda_is_any_function_of_the_step():
    np.testing.assert_allclose(rates(LambdaLR(optimiser(), lambda t: 0.9**t), 5), 0.5 * 0.9 ** np.arange(6))


def test_cosine_starts_at_lr_is_halfway_at_half_time_and_ends_at_eta_min():
    seen = rates(CosineAnnealingLR(optimiser(), 10, eta_min=0.1), 10)
    np.testing.assert_allclose([seen[0], seen[5], seen[10]], [0.5, 0.3, 0.1], rtol=1e-12)
    assert (np.diff(seen) < 0).all()
    np.testing.assert_allclose(np.add(seen, seen[::-1]), 0.6)  # point symmetric
    np.testing.assert_allclose(seen[3], 0.1 + 0.2 * (1 + math.cos(0.3 * math.pi)))


def test_cosine_satisfies_pytorchs_recursion():
    """PyTorch steps by lr ← η + (lr − η)·(1 + cos(πt/T))/(1 + cos(π(t−1)/T))."""
    seen = rates(CosineAnnealingLR(optimiser(), 10, eta_min=0.1), 9)
    for t in range(1, 10):
        ratio = (1 + math.cos(math.pi * t / 10)) / (1 + math.cos(math.pi * (t - 1) / 10))
        assert seen[t] == pytest.approx(0.1 + (seen[t - 1] - 0.1) * ratio, rel=1e-12)


def test_linear_rises_in_equal_steps_and_then_stays():
    seen = rates(LinearLR(optimiser(), start_factor=0.2, total_iters=4), 6)
    np.testing.assert_allclose(seen, [0.1, 0.2, 0.3, 0.4, 0.5, 0.5, 0.5])


def test_warm_up_then_cosine():
    o = optimiser()
    seen = rates(warm_up_then_cosine(o), 14)
    np.testing.assert_allclose(seen[:5], [0.05, 0.1625, 0.275, 0.3875, 0.5])
    np.testing.assert_allclose(seen[4:], rates(CosineAnnealingLR(optimiser(), 10, eta_min=0.02), 10))


def test_the_next_schedule_takes_over_at_its_milestone_and_counts_from_zero():
    o = optimiser(1.0)
    parts = [LambdaLR(o, lambda t: 1 + t), LambdaLR(o, lambda t: 10 + t), LambdaLR(o, lambda t: 20 + t)]
    assert rates(SequentialLR(o, parts, [2, 5]), 6) == [1, 2, 10, 11, 12, 20, 21]


@pytest.mark.parametrize("resume_at", range(15))
def test_a_resumed_schedule_is_exactly_where_it_was(resume_at):
    o = optimiser()
    whole = rates(warm_up_then_cosine(o), 14)
    first, second = optimiser(), optimiser()
    schedule = warm_up_then_cosine(first)
    rates(schedule, resume_at)
    # in both orders: the optimiser may be restored before or after its schedule is made
    second.load_state_dict(first.state_dict())
    later = warm_up_then_cosine(second)
    later.load_state_dict(schedule.state_dict())
    assert rates(later, 14 - resume_at) == whole[resume_at:]
    third = optimiser()
    last = warm_up_then_cosine(third)
    third.load_state_dict(first.state_dict())
    last.load_state_dict(schedule.state_dict())
    assert rates(last, 14 - resume_at) == whole[resume_at:]


def test_the_schedule_scales_the_steps():
    p = Tensor(np.zeros(1), requires_grad=True)
    o = SGD([p], 1.0)
    schedule = LambdaLR(o, lambda t: 1 / (t + 1))
    for _ in range(4):
        p.grad = np.ones(1)
        o.step()
        schedule.step()
    np.testing.assert_allclose(p.data, -(1 + 1 / 2 + 1 / 3 + 1 / 4))


def test_impossible_schedules_are_refused():
    o = optimiser()
    for make, message in [
        (lambda: CosineAnnealingLR(o, 0), "T_max is 0"),
        (lambda: LinearLR(o, 0.0), "start_factor = 0.0"),
        (lambda: LinearLR(o, 0.1, total_iters=0), "total_iters = 0"),
        (lambda: SequentialLR(o, [ConstantLR(o)], [3]), "1 schedulers and milestones"),
        (lambda: SequentialLR(o, [ConstantLR(o)] * 3, [3, 3]), "rising milestones"),
        (lambda: SequentialLR(o, [ConstantLR(optimiser()), ConstantLR(o)], [3]), "must belong to the optimiser"),
    ]:
        with pytest.raises(ConfigError, match=message):
            make()
    with pytest.raises(CheckpointError, match="last_epoch and base_lr"):
        ConstantLR(o).load_state_dict({"lr": 1.0})


def test_a_state_brings_its_base_lr_to_all_schedules_in_a_row():
    def nested(o):
        return SequentialLR(o, [ConstantLR(o, 0.5, 1), warm_up_then_cosine(o)], [2])

    first = nested(optimiser(0.1))
    whole = rates(first, 4)
    second = optimiser(0.5)
    schedule = nested(second)
    schedule.load_state_dict(nested(optimiser(0.1)).state_dict())
    assert rates(schedule, 4) == whole
