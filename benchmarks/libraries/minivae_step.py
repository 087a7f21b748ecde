"""A step of minivae."""

from __future__ import annotations

from collections.abc import Callable

import minivae as mv
from benchmarks.work import Work


def step(work: Work) -> Callable[[], float]:
    """As the training loop does it."""
    model = work.model()
    optimizer = mv.optim.Adam(model.parameters())
    x, eps = work.batch_and_noise()

    def run() -> float:
        terms = model.elbo(x, eps=eps)
        optimizer.zero_grad()
        terms.loss.backward()
        optimizer.step()
        return float(terms.loss)

    return run
