"""A step of DeZero, the framework of "Deep Learning from Scratch 3", on NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.work import Work

np.int = int  # DeZero 0.0.13 was written for NumPy 1, which had these names
import dezero.functions as F  # noqa: E402, N812  (F, as its own examples do)
from dezero import Parameter, optimizers  # noqa: E402


def step(work: Work) -> Callable[[], float]:
    """DeZero's functions and its Adam."""
    weights = [Parameter(p.data.copy()) for p in work.model().parameters()]
    optimizer = optimizers.Adam(alpha=1e-3).setup(Parameters(weights))
    x, eps = work.batch_and_noise()

    def run() -> float:
        loss = negative_elbo(weights, x, eps, work)
        for weight in weights:
            weight.cleargrad()
        loss.backward()
        optimizer.update()
        return float(loss.data)

    return run


class Parameters:
    """What DeZero's optimiser asks of a model."""

    def __init__(self, weights: list) -> None:
        self.weights = weights

    def params(self) -> list:
        """All of them."""
        return self.weights


def negative_elbo(weights: list, x: Any, eps: Any, work: Work) -> Any:
    """In nats per example."""
    pairs = iter(zip(weights[::2], weights[1::2], strict=True))
    n = len(x)
    if work.channels:
        h = x
        for _ in work.channels:
            h = F.relu(F.conv2d(h, *next(pairs), stride=2, pad=1))
        smallest, h = h.shape, F.reshape(h, (n, -1))
    else:
        h = x.reshape(n, -1)
        for _ in work.hidden:
            h = F.relu(F.linear(h, *next(pairs)))
    mu, logvar = F.linear(h, *next(pairs)), F.linear(h, *next(pairs))
    h = mu + F.exp(0.5 * logvar) * eps
    if work.channels:
        h = F.reshape(F.relu(F.linear(h, *next(pairs))), smallest)
        for _ in work.channels[1:]:
            h = F.relu(F.deconv2d(h, *next(pairs), stride=2, pad=1))
        logits, target = F.deconv2d(h, *next(pairs), stride=2, pad=1), x
    else:
        for _ in work.hidden:
            h = F.relu(F.linear(h, *next(pairs)))
        logits, target = F.linear(h, *next(pairs)), x.reshape(n, -1)
    reconstruction = F.sum(F.log(1 + F.exp(logits)) - logits * target)  # DeZero has no softplus
    return (reconstruction + 0.5 * F.sum(mu**2 + F.exp(logvar) - 1 - logvar)) / n
