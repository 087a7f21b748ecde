"""Batch, layer and group normalisation: one function, `standardise`, over three choices of axes.

    x̂ = (x − μ) / σ,   μ = mean(x),   σ² = mean((x − μ)²) + eps;        y = weight · x̂ + bias

The means run over all entries that are normalised together: a channel of the whole batch, an example, or a group of
an example's channels.

**The gradient for x.** Let g be the cotangent of x̂, and m(·) the mean over entries that are normalised together. Moving
x by dx moves μ by m(dx), and σ by m((x − μ)·dx)/σ = m(x̂·dx), because m(x − μ) = 0. So, by the quotient rule,

    dx̂ = (dx − m(dx) − x̂·m(x̂·dx)) / σ

The map dx -> dx̂ removes from dx its mean and (but for eps) its component along x̂, and divides by σ. As a matrix it is
symmetric, so the same map takes cotangents back:

    gradient for x = (g − m(g) − x̂·m(x̂·g)) / σ

A constant added to all of x, or (eps aside) a factor, changes nothing; so the gradient has no component along either.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from minivae.autodiff import Forward, primitive
from minivae.backend import Array, array_module
from minivae.errors import ConfigError, ShapeError

Axes = tuple[int, ...]


def standardise(x: Array, axes: Axes, eps: float) -> tuple[Array, Callable[[Array], Array]]:
    """x̂ = (x − mean) / √(var + eps), mean and variance (over n, not n − 1) over these axes; and its pullback.

    Constant entries have variance 0; with eps > 0 their x̂ is 0, and the gradient is finite.
    """
    xp = array_module(x)
    x_hat = x - x.mean(axis=axes, keepdims=True)
    inverse_std = 1 / xp.sqrt((x_hat * x_hat).mean(axis=axes, keepdims=True) + eps)
    x_hat *= inverse_std

    def pull(g: Array) -> Array:
        dx = g - g.mean(axis=axes, keepdims=True)
        dx -= x_hat * (g * x_hat).mean(axis=axes, keepdims=True)
        dx *= inverse_std
        return dx

    return x_hat, pull


@primitive
def batch_norm(x: Array, weight: Array | None, bias: Array | None, eps: float = 1e-5) -> Forward:
    """weight · x̂ + bias, each channel standardised over the batch: x (N, C) or (N, C, ...), weight and bias (C,) or None.

    The training form (Ioffe & Szegedy 2015): mean and variance are the batch's own, over all axes but axis 1, and the
    gradient takes account of their dependence on x.

    Raises:
        ShapeError: weight or bias does not have one entry a channel.
        ConfigError: eps is not positive.
    """
    axes = (0, *range(2, x.ndim))
    return _normalise("batch_norm", x, weight, bias, eps, axes, x.shape[1:2], (x.shape[1], *(1,) * (x.ndim - 2)))


@primitive
def layer_norm(x: Array, weight: Array | None, bias: Array | None, eps: float = 1e-5) -> Forward:
    """weight · x̂ + bias, each example standardised by itself: x (..., *weight.shape), weight and bias of one shape or None.

    Means run over the last axes of x, as many as the weight has (or the bias; without either, all but the first), and
    there is a weight for each position (Ba, Kiros & Hinton 2016).

    Raises:
        ShapeError: the shape of weight or bias is not that of the last axes of x.
        ConfigError: eps is not positive.
    """
    scale = weight if weight is not None else bias
    last = x.shape[1:] if scale is None else x.shape[max(0, x.ndim - scale.ndim) :]
    axes = tuple(range(x.ndim - len(last), x.ndim))
    return _normalise("layer_norm", x, weight, bias, eps, axes, last, last)


@primitive
def group_norm(
    x: Array, weight: Array | None, bias: Array | None, num_groups: int, eps: float = 1e-5
) -> Forward:
    """weight · x̂ + bias, each example's groups of channels standardised: x (N, C, ...), weight and bias (C,) or None.

    The C channels fall into num_groups groups of neighbours; means run over a group and all its pixels, in each example
    by itself, while weight and bias belong to channels (Wu & He 2018).

    Raises:
        ShapeError: num_groups does not divide C, or weight or bias does not have one entry a channel.
        ConfigError: eps is not positive.
    """
    if num_groups < 1 or x.shape[1] % num_groups:
        raise ShapeError(
            f"group_norm: num_groups = {num_groups} must divide the number of channels; x has shape {x.shape}, so "
            f"{x.shape[1]} channels"
        )
    grouped = (len(x), num_groups, x.shape[1] // num_groups, *x.shape[2:])
"""Where the channels' axis becomes two."""
