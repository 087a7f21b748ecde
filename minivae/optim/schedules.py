"""Learning rates that change with time. Each is a formula in the number of steps made, and stores nothing else.

    optimizer = Adam(model.parameters(), lr=1e-3)
    warm_up = LinearLR(optimizer, start_factor=0.1, total_iters=100)
    cosine = CosineAnnealingLR(optimizer, T_max=900)
    schedule = SequentialLR(optimizer, [warm_up, cosine], milestones=[100])

    loss.backward(); optimizer.step(); schedule.step()      in this order, each step (or each epoch)

Names and arguments are PyTorch's, whose "epoch" is a step of the schedule. A resumed run restores `last_epoch` and is
exactly where it was.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from minivae.errors import CheckpointError, ConfigError
from minivae.optim.optimizer import Optimizer


class LRScheduler:
    """Sets `optimizer.lr` to `lr_at(last_epoch)`: at once, and after each `step()`.

    Attributes:
        base_lr: the learning rate that the optimiser was made with; the formulas scale it.
        last_epoch: how many steps of the schedule have been made.
    """

    optimizer: Optimizer
    base_lr: float
    last_epoch: int

    def __init__(self, optimizer: Optimizer) -> None:
        if optimizer.initial_lr is None:
            optimizer.initial_lr = optimizer.lr
        self.optimizer = optimizer
        self.base_lr = optimizer.initial_lr
        self.last_epoch = 0
        optimizer.lr = self.lr_at(0)

    def lr_at(self, epoch: int) -> float:
        """The learning rate after `epoch` steps of the schedule; every schedule defines its own."""
        raise NotImplementedError

    def step(self) -> None:
        """Go on by one, after `optimizer.step()`."""
        self.last_epoch += 1
        self.optimizer.lr = self.lr_at(self.last_epoch)

    def state_dict(self) -> dict[str, Any]:
        """All there is to store: `last_epoch` and `base_lr`."""
        return {"last_epoch": self.last_epoch, "base_lr": self.base_lr}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict`.

        Raises:
            CheckpointError: it is not the state of a schedule.
        """
        if set(state) != {"last_epoch", "base_lr"}:
            raise CheckpointError(f"a schedule's state has last_epoch and base_lr; got {sorted(state)}")
        self.last_epoch, self.base_lr = state["last_epoch"], state["base_lr"]
        self.optimizer.lr = self.lr_at(self.last_epoch)


class LambdaLR(LRScheduler):
    """base_lr · lr_lambda(t): any function of the number of steps."""

    lr_lambda: Callable[[int], float]

    def __init__(self, optimizer: Optimizer, lr_lambda: Callable[[int], float]) -> None:
        self.lr_lambda = lr_lambda
        super().__init__(optimizer)

    def lr_at(self, epoch: int) -> float:
        """base_lr · lr_lambda(epoch)."""
        return self.base_lr * self.lr_lambda(epoch)


class ConstantLR(LRScheduler):
    """base_lr · factor for the first total_iters steps, base_lr from then on. With factor = 1: constant."""

    factor: float
    total_iters: int

    def __init__(self, optimizer: Optimizer, factor: float = 1 / 3, total_iters: int = 5) -> None:
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer)

    def lr_at(self, epoch: int) -> float:
        """base_lr · (factor if epoch < total_iters else 1)."""
        return self.base_lr * (self.factor if epoch < self.total_iters else 1.0)


class LinearLR(LRScheduler):
    """From base_lr · start_factor straight to base_lr · end_factor in total_iters steps, then constant: a warm-up.

    Raises:
        ConfigError: start_factor is not in (0, 1], end_factor not in [0, 1], or total_iters is below 1.
    """

    start_factor: float
    end_factor: float
    total_iters: int

    def __init__(
        self, optimizer: Optimizer, start_factor: float = 1 / 3, end_factor: float = 1.0, total_iters: int = 5
    ) -> None:
        if not 0 < start_factor <= 1 or not 0 <= end_factor <= 1 or total_iters < 1:
            raise ConfigError(
                f"LinearLR: start_factor = {start_factor}, end_factor = {end_factor}, total_iters = {total_iters}; "
                "expected (0, 1], [0, 1] and 1 or more"
            )
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer)

    def lr_at(self, epoch: int) -> float:
        """base_lr · (start_factor + (end_factor − start_factor) · min(1, epoch / total_iters))."""
        done = min(1.0, epoch / self.total_iters)
        return self.base_lr * (self.start_factor + (self.end_factor - self.start_factor) * done)


class CosineAnnealingLR(LRScheduler):
    """Half a cosine from base_lr down to eta_min in T_max steps (Loshchilov & Hutter 2017, without restarts).

    After T_max steps it would rise again, as PyTorch's does: make T_max the number of steps there are.

    Raises:
        ConfigError: T_max is below 1.
    """

    T_max: int
    eta_min: float

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:
        if T_max < 1:
            raise ConfigError(f"CosineAnnealingLR: T_max is {T_max}; expected the number of steps, 1 or more")
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer)

    def lr_at(self, epoch: int) -> float:
        """eta_min + (base_lr − eta_min) · (1 + cos(π · epoch / T_max)) / 2."""
        return self.eta_min + (self.base_lr - self.eta_min) * (1 + math.cos(math.pi * epoch / self.T_max)) / 2


class SequentialLR(LRScheduler):
    """One schedule after another: schedulers[i] takes over at milestones[i − 1] and counts from 0 there.

    Raises:
        ConfigError: not one milestone fewer than schedules, milestones that do not rise, or another optimiser.
    """

    schedulers: list[LRScheduler]
    milestones: list[int]

    def __init__(self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], milestones: Sequence[int]) -> None:
        rising = all(a < b for a, b in zip([0, *milestones], milestones, strict=False))
        if len(schedulers) != len(milestones) + 1 or not rising:
            raise ConfigError(
                f"SequentialLR: {len(schedulers)} schedulers and milestones {list(milestones)}; expected rising "
                "milestones above 0, one fewer than schedulers"
            )
        if any(scheduler.optimizer is not optimizer for scheduler in schedulers):
            raise ConfigError("SequentialLR: all schedulers must belong to the optimiser that is given here")
        self.schedulers, self.milestones = list(schedulers), list(milestones)
        super().__init__(optimizer)

    def lr_at(self, epoch: int) -> float:
        """The formula of the schedule whose turn it is."""
        turn = bisect.bisect_right(self.milestones, epoch)
        return self.schedulers[turn].lr_at(epoch - ([0, *self.milestones][turn]))

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict`; its base_lr is that of all the schedules."""
        for scheduler in self.schedulers:
            scheduler.load_state_dict({**state, "last_epoch": scheduler.last_epoch})
        super().load_state_dict(state)
