"""A step of PyTorch, eager, with its Adam as one fused kernel."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.libraries import torch_step
from benchmarks.work import Work


def step(work: Work) -> Callable[[], float]:
    """As `torch_step`, but for the optimiser."""
    return torch_step.train(work, "cpu", fused=True)
