"""The learning-rate schedules that `fit` knows by name."""

from __future__ import annotations

from minivae.errors import ConfigError
from minivae.optim import ConstantLR, CosineAnnealingLR, LinearLR, LRScheduler, Optimizer, SequentialLR

SCHEDULES = ("constant", "cosine", "warmup", "warmup-cosine")
WARM_UP = 0.05  # the share of all steps in which the rate rises to its full value


def make_schedule(name: str, optimizer: Optimizer, total_steps: int) -> LRScheduler:
    """A schedule over `total_steps` steps; its `lr_at(step)` depends on nothing else.

    Args:
        name: "constant"; "cosine" (half a cosine down to 0); "warmup" (5 % of the steps rising, then constant);
            "warmup-cosine" (rising, then down to 0).
        optimizer: whose `lr` is the full value.
        total_steps: of the whole run.

    Raises:
        ConfigError: the name is unknown.
    """
    rise = max(1, round(WARM_UP * total_steps))
    fall = max(1, total_steps - rise)
    if name == "constant":
        return ConstantLR(optimizer, factor=1.0)
    if name == "cosine":
        return CosineAnnealingLR(optimizer, T_max=max(1, total_steps))
    if name == "warmup":
        return LinearLR(optimizer, start_factor=0.01, total_iters=rise)
    if name == "warmup-cosine":
        parts = [LinearLR(optimizer, 0.01, total_iters=rise), CosineAnnealingLR(optimizer, T_max=fall)]
        return SequentialLR(optimizer, parts, milestones=[rise])
    raise ConfigError(f"unknown schedule {name!r}; expected one of {', '.join(SCHEDULES)}")
