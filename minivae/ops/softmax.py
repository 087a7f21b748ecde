"""Softmax and its logarithm: from logits to probabilities along one axis."""

from __future__ import annotations

from minivae.autodiff import Forward, primitive
from minivae.backend import Array, array_module
from minivae.ops.dims import one_dim


@primitive
def softmax(x: Array, dim: int) -> Forward:
    """pᵢ = exp xᵢ / Σⱼ exp xⱼ along `dim`.  The pullback is p·(g − Σⱼ pⱼgⱼ).

    The largest logit is subtracted first, which changes nothing in the ratio and overflows nowhere.
    """
    xp, axis = array_module(x), one_dim("softmax", dim, x.ndim)
    p = xp.exp(x - x.max(axis=axis, keepdims=True))
    p /= p.sum(axis=axis, keepdims=True)
    return p, lambda g: p * (g - (p * g).sum(axis=axis, keepdims=True))


@primitive
def log_softmax(x: Array, dim: int) -> Forward:
    """log pᵢ = xᵢ − log Σⱼ exp xⱼ along `dim`, in nats.  The pullback is g − p·Σⱼ gⱼ."""
    xp, axis = array_module(x), one_dim("log_softmax", dim, x.ndim)
    y = x - x.max(axis=axis, keepdims=True)
    y -= xp.log(xp.exp(y).sum(axis=axis, keepdims=True))
    return y, lambda g: g - xp.exp(y) * g.sum(axis=axis, keepdims=True)
