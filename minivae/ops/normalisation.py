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
from minivae.ops.channels import sum_each_image, sum_over_pixels

Mean = Callable[[Array], Array]
"""The mean of the entries that are normalised together, of a shape that broadcasts with theirs."""


def standardise(x: Array, mean: Mean, eps: float) -> tuple[Array, Callable[[Array], Array]]:
    """x̂ = (x − mean(x)) / √(var + eps) and its pullback, var = mean((x − mean(x))²): over n entries, not n − 1.

    Equal entries have variance 0; as eps > 0, their x̂ is 0 and the gradient is finite. The mean is taken twice, since
    rounding leaves a millionth of |x| of it behind: where all entries are 30 000, that would be a hundred times √eps.
    """
    x_hat = x - mean(x)
    x_hat -= mean(x_hat)
    inverse_std = 1 / array_module(x).sqrt(mean(x_hat * x_hat) + eps)
    x_hat *= inverse_std

    def pull(g: Array) -> Array:
        dx = g - mean(g)
        dx -= x_hat * mean(g * x_hat)
        dx *= inverse_std
        return dx

    return x_hat, pull


@primitive
def batch_norm(x: Array, weight: Array | None = None, bias: Array | None = None, eps: float = 1e-5) -> Forward:
    """weight · x̂ + bias, channels standardised over the batch: x (N, C) or (N, C, ...), weight and bias (C,) or None.

    The training form (Ioffe & Szegedy 2015, algorithm 1): mean and variance are those of this batch, over all axes but
    axis 1, and the gradient takes into account that they depend on x. With statistics that are fixed, in evaluation,
    batch normalisation is a scale and a shift, and needs no op of its own.

    Raises:
        ShapeError: x has no axis 1, or weight or bias has not one entry for each channel.
        ConfigError: eps is not positive.

    d/dx as in this file's docstring, d/dweight = Σ g·x̂, d/dbias = Σ g, both over all but the channels.
    """
    _check_input("batch_norm", x, eps)
    one_a_channel = (x.shape[1], *(1,) * (x.ndim - 2))
    entries = max(1, len(x) * math.prod(x.shape[2:]))
    x_hat, pull = standardise(x, lambda a: (sum_over_pixels(a) / entries).reshape(one_a_channel), eps)
    scale = _one_a_channel("batch_norm", x, "weight", weight)
    shift = _one_a_channel("batch_norm", x, "bias", bias)
    return _scale_and_shift(x_hat, scale, shift), (
        lambda g: pull(g if scale is None else g * scale),
        lambda g: sum_over_pixels(g * x_hat),
        sum_over_pixels,
    )


@primitive
def group_norm(
    x: Array, weight: Array | None = None, bias: Array | None = None, num_groups: int = 1, eps: float = 1e-5
) -> Forward:
    """weight · x̂ + bias, groups of channels standardised in each example: x (N, C, ...), weight and bias (C,) or None.

    The C channels fall into num_groups groups of neighbours; means run over the channels and pixels of a group, in
    each example by itself, while weight and bias belong to single channels (Wu & He 2018, eq. 7).

    Raises:
        ShapeError: num_groups does not divide C, or weight or bias has not one entry for each channel.
        ConfigError: eps is not positive.

    d/dx as in this file's docstring, d/dweight = Σ g·x̂, d/dbias = Σ g, both over all but the channels.
    """
    _check_input("group_norm", x, eps)
    if num_groups < 1 or x.shape[1] % num_groups:
        raise ShapeError(
            f"group_norm: num_groups = {num_groups} must divide the number of channels; x has shape {x.shape}, so "
            f"{x.shape[1]} channels"
        )
    n, channels = x.shape[:2]
    entries = max(1, math.prod(x.shape[1:]) // num_groups)

    def mean(a: Array) -> Array:
        sums = sum_each_image(a).reshape(n, num_groups, channels // num_groups).sum(axis=2)
        each_channel = array_module(a).repeat(sums / entries, channels // num_groups, axis=1)
        return each_channel.reshape(n, channels, *(1,) * (x.ndim - 2))

    x_hat, pull = standardise(x, mean, eps)
    scale = _one_a_channel("group_norm", x, "weight", weight)
    shift = _one_a_channel("group_norm", x, "bias", bias)
    return _scale_and_shift(x_hat, scale, shift), (
        lambda g: pull(g if scale is None else g * scale),
        lambda g: sum_over_pixels(g * x_hat),
        sum_over_pixels,
    )


@primitive
def layer_norm(x: Array, weight: Array | None = None, bias: Array | None = None, eps: float = 1e-5) -> Forward:
    """weight · x̂ + bias, each example standardised by itself: x (..., *S), weight and bias of shape S or None.

    Means run over the last axes of x, as many as the weight (else the bias) has; without either, over all but the
    first. There is a weight for each position (Ba, Kiros & Hinton 2016, eq. 4).

    Raises:
        ShapeError: the shape of weight or bias is not that of the last axes of x.
        ConfigError: eps is not positive.

    d/dx as in this file's docstring, d/dweight = Σ g·x̂, d/dbias = Σ g, both over the axes in front.
    """
    given = [array for array in (weight, bias) if array is not None]
    _check_eps("layer_norm", eps)
    last = given[0].shape if given else x.shape[1:]
    axes = tuple(range(x.ndim - len(last), x.ndim))
    if any(array.shape != x.shape[x.ndim - len(last) :] for array in given) or not last:
        raise ShapeError(
            f"layer_norm: x has shape {x.shape}, weight {getattr(weight, 'shape', None)}, bias "
            f"{getattr(bias, 'shape', None)}; expected weight and bias of the shape of the last axes of x"
        )
    entries = max(1, math.prod(last))
    x_hat, pull = standardise(x, lambda a: a.sum(axis=axes, keepdims=True) / entries, eps)
    return _scale_and_shift(x_hat, weight, bias), (
        lambda g: pull(g if weight is None else g * weight),
        lambda g: g * x_hat,
        lambda g: g,
    )


def _scale_and_shift(x_hat: Array, scale: Array | None, shift: Array | None) -> Array:
    """scale · x̂ + shift, where None changes nothing."""
    y = x_hat if scale is None else x_hat * scale
    return y if shift is None else y + shift


def _one_a_channel(op: str, x: Array, name: str, array: Array | None) -> Array | None:
    """Weight or bias in a shape that broadcasts along the channels of x."""
    if array is None:
        return None
    if array.shape != x.shape[1:2]:
        raise ShapeError(
            f"{op}: {name} has shape {array.shape}, x {x.shape}; expected one entry a channel, ({x.shape[1]},)"
        )
    return array.reshape(-1, *(1,) * (x.ndim - 2))


def _check_input(op: str, x: Array, eps: float) -> None:
    if x.ndim < 2:
        raise ShapeError(f"{op}: x has shape {x.shape}; expected a batch, (N, C) or (N, C, H, W)")
    _check_eps(op, eps)


def _check_eps(op: str, eps: float) -> None:
    if not eps > 0:
        raise ConfigError(f"{op}: eps is {eps}; expected a positive number, which keeps a variance of 0 from dividing")
