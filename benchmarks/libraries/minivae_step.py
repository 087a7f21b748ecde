"""A step of minivae."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import minivae as mv
from benchmarks.work import Work


def step(work: Work) -> Callable[[], float]:
    """With the work's own model and data."""
    return train(work.model(), *work.batch_and_noise())


def train(model: Any, x: Any, eps: Any) -> Callable[[], float]:
    """As the training loop does it."""
    optimizer = mv.optim.Adam(model.parameters())

    def run() -> float:
        terms = model.elbo(x, eps=eps)
        optimizer.zero_grad()
        terms.loss.backward()
        optimizer.step()
        return float(terms.loss)

    return run
