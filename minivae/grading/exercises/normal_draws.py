"""Lesson 08: what its exercises are tried with: a normal, draws from it, and a function of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minivae.backend import Array

Rng = np.random.Generator
Function = Callable[[Array], Array]
N, L = 13, 5
SIZES = {N: "N", L: "L"}


def bumpy(z: Array) -> Array:
    """A function of each row: smooth, of no particular symmetry."""
    return (np.exp(0.3 * z) + np.sin(z)).sum(axis=1) + 0.5 * z[:, 0] * z[:, -1]


def bumpy_slope(z: Array) -> Array:
    """Some function of the shape of a slope."""
    return 0.3 * np.exp(0.3 * z) + np.cos(z)


def normal_and_noise(rng: Rng) -> tuple[Array, Array, Array]:
    """(mu, logvar, eps), with log-variances on both sides of 0."""
    return rng.standard_normal(L), rng.permutation(np.linspace(-1.7, 1.3, L)), rng.standard_normal((N, L))


def draws_of_normal(rng: Rng) -> tuple[Array, Array, Array]:
    """(z, mu, logvar)."""
    mu, logvar, eps = normal_and_noise(rng)
    return mu + np.exp(logvar / 2) * eps, mu, logvar
