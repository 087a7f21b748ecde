"""A step of autograd (HIPS): NumPy differentiated by tracing. It has no fast convolution, so the dense VAE only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd
import autograd.numpy as np

from benchmarks.work import Work


def step(work: Work) -> Callable[[], float] | None:
    """value_and_grad, and Adam as in autograd.misc.optimizers, written out for a list of arrays."""
    if work.channels:
        return None
    weights = [p.data.copy() for p in work.model().parameters()]
    m, v = ([np.zeros_like(w) for w in weights] for _ in range(2))
    x, eps = work.batch_and_noise()
    value_and_grad = autograd.value_and_grad(lambda w: negative_elbo(w, x, eps, len(work.hidden)))
    t = 0

    def run() -> float:
        nonlocal t
        loss, gradients = value_and_grad(weights)
        t += 1
        for i, g in enumerate(gradients):
            m[i] = 0.1 * g + 0.9 * m[i]
            v[i] = 0.001 * g**2 + 0.999 * v[i]
            weights[i] = weights[i] - 1e-3 * (m[i] / (1 - 0.9**t)) / (np.sqrt(v[i] / (1 - 0.999**t)) + 1e-8)
        return float(loss)

    return run


def negative_elbo(weights: list, x: Any, eps: Any, layers: int) -> Any:
    """In nats per example."""
    pairs = iter(zip(weights[::2], weights[1::2], strict=True))
    h = x.reshape(len(x), -1)
    for _ in range(layers):
        h = np.maximum(dense(h, *next(pairs)), 0)
    mu, logvar = dense(h, *next(pairs)), dense(h, *next(pairs))
    h = mu + np.exp(0.5 * logvar) * eps
    for _ in range(layers):
        h = np.maximum(dense(h, *next(pairs)), 0)
    logits = dense(h, *next(pairs))
    reconstruction = np.sum(np.logaddexp(logits, 0) - logits * x.reshape(len(x), -1))
    return (reconstruction + 0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar)) / len(x)


def dense(x: Any, w: Any, b: Any) -> Any:
    """x @ w + b."""
    return np.dot(x, w) + b
