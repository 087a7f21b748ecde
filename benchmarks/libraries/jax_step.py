"""A step of JAX, compiled as a whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.work import Work


def step(work: Work) -> Callable[[], float]:
    """value_and_grad and Adam inside one jit, parameters and moments donated."""
    weights = [jnp.asarray(p.data) for p in work.model().parameters()]
    state = (weights, [jnp.zeros_like(w) for w in weights], [jnp.zeros_like(w) for w in weights], 0)
    x, eps = (jnp.asarray(array) for array in work.batch_and_noise())

    def one(state: Any, x: Any, eps: Any) -> Any:
        weights, m, v, t = state
        loss, gradients = jax.value_and_grad(lambda w: negative_elbo(w, x, eps, work))(weights)
        t = t + 1
        m = [0.9 * a + 0.1 * g for a, g in zip(m, gradients, strict=True)]
        v = [0.999 * a + 0.001 * g * g for a, g in zip(v, gradients, strict=True)]
        c1, c2 = 1 - 0.9**t, 1 - 0.999**t
        weights = [w - 1e-3 * (a / c1) / (jnp.sqrt(b / c2) + 1e-8) for w, a, b in zip(weights, m, v, strict=True)]
        return (weights, m, v, t), loss

    compiled = jax.jit(one, donate_argnums=0)

    def run() -> float:
        nonlocal state
        state, loss = compiled(state, x, eps)
        return float(loss)

    return run


def negative_elbo(weights: list, x: Any, eps: Any, work: Work) -> Any:
    """In nats per example."""
    pairs = iter(zip(weights[::2], weights[1::2], strict=True))  # (weight, bias) of each layer
    if work.channels:
        h = x
        for _ in work.channels:
            h = jax.nn.relu(convolution(h, *next(pairs), stride=2))
        smallest, h = h.shape, h.reshape(len(x), -1)
    else:
        h = x.reshape(len(x), -1)
        for _ in work.hidden:
            h = jax.nn.relu(dense(h, *next(pairs)))
    mu, logvar = dense(h, *next(pairs)), dense(h, *next(pairs))
    h = mu + jnp.exp(0.5 * logvar) * eps
    if work.channels:
        h = jax.nn.relu(dense(h, *next(pairs))).reshape(smallest)
        for _ in work.channels[1:]:
            h = jax.nn.relu(transposed_convolution(h, *next(pairs)))
        logits = transposed_convolution(h, *next(pairs))
    else:
        for _ in work.hidden:
            h = jax.nn.relu(dense(h, *next(pairs)))
        logits = dense(h, *next(pairs)).reshape(x.shape)
    reconstruction = (jnp.logaddexp(logits, 0) - logits * x).sum()
    return (reconstruction + 0.5 * (mu**2 + jnp.exp(logvar) - 1 - logvar).sum()) / len(x)


def dense(x: Any, w: Any, b: Any) -> Any:
    """x @ w + b."""
    return x @ w + b


def convolution(x: Any, w: Any, b: Any, stride: int, **options: Any) -> Any:
    """Images (N, C, H, W), kernel (O, I, 4, 4)."""
    options = {"padding": [(1, 1), (1, 1)], "dimension_numbers": ("NCHW", "OIHW", "NCHW")} | options
    return jax.lax.conv_general_dilated(x, w, (stride, stride), **options) + b[:, None, None]


def transposed_convolution(x: Any, w: Any, b: Any) -> Any:
    """Stride 2, kernel (I, O, 4, 4): zeros between the pixels, then a convolution with the kernel turned."""
    turned = w[:, :, ::-1, ::-1].swapaxes(0, 1)
    return convolution(x, turned, b, 1, padding=[(2, 2), (2, 2)], lhs_dilation=(2, 2))
