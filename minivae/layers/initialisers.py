"""Initialisers: how large the weights of a layer should be before it has learned anything.

A layer feeds `fan_in` inputs into each unit, and each input into `fan_out` units. A sum of fan_in independent
terms has fan_in times the variance of one, so weights of variance 1/fan_in keep the variance of the signal on the
way forward, and of variance 1/fan_out that of the gradient on the way back. Every initialiser here is one answer
to that; each draws on the host in float32 and is called `init(shape, fan_in, fan_out, rng)`.

    Dense(784, 400, init=he_normal)
    Conv2d(1, 32, 4, init=constant(0.0))
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minivae.backend import Array, to_backend
from minivae.layers.checks import generator
from minivae.layers.module import Parameter
from minivae.random import Rng, default_rng, normal, uniform

Initialiser = Callable[[tuple[int, ...], int, int, Rng], Array]


def torch_default(shape: tuple[int, ...], fan_in: int, fan_out: int, rng: Rng) -> Array:
    """Uniform on ±1/√fan_in, variance 1/(3·fan_in): what PyTorch's Linear and Conv2d do."""
    return _uniform(shape, 1 / math.sqrt(fan_in), rng)


def glorot_uniform(shape: tuple[int, ...], fan_in: int, fan_out: int, rng: Rng) -> Array:
    """Uniform on ±√(6/(fan_in + fan_out)), variance 2/(fan_in + fan_out): Glorot & Bengio 2010, eq. 16."""
    return _uniform(shape, math.sqrt(6 / (fan_in + fan_out)), rng)


def glorot_normal(shape: tuple[int, ...], fan_in: int, fan_out: int, rng: Rng) -> Array:
    """Normal of variance 2/(fan_in + fan_out), a compromise of forward and backward: Glorot & Bengio 2010, eq. 12."""
    return _normal(shape, math.sqrt(2 / (fan_in + fan_out)), rng)


def he_uniform(shape: tuple[int, ...], fan_in: int, fan_out: int, rng: Rng) -> Array:
    """Uniform on ±√(6/fan_in), variance 2/fan_in: He et al. 2015, eq. 10."""
    return _uniform(shape, math.sqrt(6 / fan_in), rng)


def he_normal(shape: tuple[int, ...], fan_in: int, fan_out: int, rng: Rng) -> Array:
    """Normal of variance 2/fan_in: a relu lets half of the second moment through (He et al. 2015, eq. 10)."""
    return _normal(shape, math.sqrt(2 / fan_in), rng)


def lecun_normal(shape: tuple[int, ...], fan_in: int, fan_out: int, rng: Rng) -> Array:
    """Normal of variance 1/fan_in: keeps the variance through a linear layer (LeCun et al. 1998, eq. 16)."""
    return _normal(shape, math.sqrt(1 / fan_in), rng)


def orthogonal(shape: tuple[int, ...], fan_in: int, fan_out: int, rng: Rng) -> Array:
    """A random matrix with orthonormal rows or columns (the shorter ones): Saxe et al. 2014.

    The matrix is the weight with all axes but the first flattened into one. It is uniform over such matrices: the
    sign of R's diagonal is put into Q, since QR alone is unique only up to it (Mezzadri 2007).
    """
    rows, columns = shape[0], math.prod(shape[1:])
    gaussian = normal(rng, (max(rows, columns), min(rows, columns)), np.float64)
    q, r = np.linalg.qr(gaussian)
    q = q * np.sign(np.diagonal(r))
    return (q if rows >= columns else q.T).reshape(shape).astype(np.float32)


def zeros(shape: tuple[int, ...], fan_in: int, fan_out: int, rng: Rng) -> Array:
    """Zeros. Right for a bias; a hidden layer of zero weights never learns, all its units stay equal."""
    return np.zeros(shape, np.float32)


def constant(value: float) -> Initialiser:
    """The initialiser that fills with `value`."""

    def fill(shape: tuple[int, ...], fan_in: int, fan_out: int, rng: Rng) -> Array:
        return np.full(shape, value, np.float32)

    return fill


def weight_and_bias(
    init: Initialiser,
    shape: tuple[int, ...],
    bias_size: int | None,
    fan_in: int,
    fan_out: int,
    rng: Rng | None,
    dtype: Any,
) -> tuple[Parameter, Parameter | None]:
    """A layer's parameters, drawn on the host and moved to the current backend; no bias if `bias_size` is None.

    The bias is drawn like the weight by PyTorch's default, and starts at zero with every other initialiser, as in
    the papers that they are named after.
    """
    rng = default_rng() if rng is None else generator(rng)
    weight = Parameter(to_backend(init(shape, fan_in, fan_out, rng)), dtype)
    if bias_size is None:
        return weight, None
    bias_init = torch_default if init is torch_default else zeros
    return weight, Parameter(to_backend(bias_init((bias_size,), fan_in, fan_out, rng)), dtype)


def _normal(shape: tuple[int, ...], std: float, rng: Rng) -> Array:
    return normal(rng, shape) * np.float32(std)


def _uniform(shape: tuple[int, ...], bound: float, rng: Rng) -> Array:
    return (uniform(rng, shape) * 2 - 1) * np.float32(bound)
