"""Two-dimensional densities to draw points from, each with its exact log density.

A density in the plane can be looked at, and a model of it can be held against the truth: log p(x) in nats, computed
in float64 from a formula, not estimated.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from minivae.backend import Array
from minivae.random import Rng


class Density(ABC):
    """A probability density in the plane."""

    @abstractmethod
    def draw(self, n: int, rng: Rng) -> tuple[Array, Array]:
        """n points (n, 2) in float32, and the number (n,) of the component that each came from."""

    @abstractmethod
    def log_prob(self, x: Array) -> Array:
        """log p(x) of points (n, 2), in nats, (n,) in float64; −∞ where the density is zero."""


@dataclass(frozen=True, eq=False)
class GaussianMixture(Density):
    """p(x) = 1/K Σ_k N(x; mean_k, covariance_k).  means: (K, 2), covariances: (K, 2, 2)."""

    means: Array
    covariances: Array

    def draw(self, n: int, rng: Rng) -> tuple[Array, Array]:
        """n points, and which of the K Gaussians each came from."""
        k = rng.integers(len(self.means), size=n)
        factor = np.linalg.cholesky(self.covariances)[k]
        x = self.means[k] + (factor @ rng.standard_normal((n, 2, 1)))[..., 0]
        return x.astype(np.float32), k

    def log_prob(self, x: Array) -> Array:
        """log p(x) = logsumexp_k(−½ d_kᵀ C_k⁻¹ d_k − ½ ln det C_k) − ln 2π − ln K, where d_k = x − mean_k."""
        d = np.asarray(x, np.float64)[:, None, :] - self.means
        distance = ((d[..., None, :] @ np.linalg.inv(self.covariances))[..., 0, :] * d).sum(axis=-1)
        terms = -0.5 * (distance + np.log(np.linalg.det(self.covariances)))
        return _log_mean_exp(terms) - math.log(math.tau)


@dataclass(frozen=True, eq=False)
class Twisted(Density):
    """Another density, twisted around the origin: a point at radius r is turned by the angle rate · r.

    The twist moves points along circles, each circle as a whole, so it keeps areas: the determinant of its Jacobian
    is 1, and log p(x) is the log density of the point before it was turned.
    """

    base: Density
    rate: float

    def draw(self, n: int, rng: Rng) -> tuple[Array, Array]:
        """n points of the base density, turned."""
        x, k = self.base.draw(n, rng)
        return self._turn(x, self.rate).astype(np.float32), k

    def log_prob(self, x: Array) -> Array:
        """log p(x) = log p_base(x turned back by rate · |x|)."""
        return self.base.log_prob(self._turn(x, -self.rate))

    @staticmethod
    def _turn(x: Array, rate: float) -> Array:
        x = np.asarray(x, np.float64)
        angle = rate * np.hypot(x[:, 0], x[:, 1])
        cos, sin = np.cos(angle), np.sin(angle)
        return np.stack([cos * x[:, 0] - sin * x[:, 1], sin * x[:, 0] + cos * x[:, 1]], axis=1)


@dataclass(frozen=True, eq=False)
class Moons(Density):
    """Two half circles that reach into each other; the radius is N(1, noise²), the angle uniform over half a turn.

    In polar coordinates around a moon's own centre p(x) = N(r; 1, noise²) / (π r): the angle's density is 1/π, and
    1/r is the Jacobian. (A negative radius has probability Φ(−1/noise), below 1e-23 for noise = 0.1.)
    """

    noise: float = 0.1

    def draw(self, n: int, rng: Rng) -> tuple[Array, Array]:
        """n points, and which moon (0 the upper, 1 the lower) each is on."""
        moon = rng.integers(2, size=n)
        angle = rng.uniform(0, math.pi, n)
        r = rng.normal(1, self.noise, n)
        x, y = r * np.cos(angle), r * np.sin(angle)
        points = np.where(moon[:, None] == 0, np.stack([x, y], axis=1), np.stack([1 - x, 0.5 - y], axis=1))
        return points.astype(np.float32), moon

    def log_prob(self, x: Array) -> Array:
        """log of the mean of the two moons' densities."""
        x = np.asarray(x, np.float64)
        upper = self._half_circle(x[:, 0], x[:, 1])
        lower = self._half_circle(1 - x[:, 0], 0.5 - x[:, 1])
        return _log_mean_exp(np.stack([upper, lower], axis=1))

    def _half_circle(self, x: Array, y: Array) -> Array:
        r = np.maximum(np.hypot(x, y), 1e-300)
        log_radius = -0.5 * ((r - 1) / self.noise) ** 2 - math.log(self.noise * math.sqrt(math.tau))
        return np.where(y >= 0, log_radius - np.log(math.pi * r), -np.inf)


class Checkerboard(Density):
    """Uniform on the eight dark squares of a 4 × 4 board over [−2, 2)²: p(x) = 1/8 on them, 0 elsewhere."""

    def draw(self, n: int, rng: Rng) -> tuple[Array, Array]:
        """n points, and the number of the square that each lies in."""
        square = rng.integers(8, size=n)
        row = square // 2
        corner = np.stack([2 * (square % 2) + row % 2, row], axis=1) - 2
        # in the middle of steps of 2^-20: exact in float32, so rounding moves no point into another square
        inside = (rng.integers(1 << 20, size=(n, 2)) + 0.5) / (1 << 20)
        return (corner + inside).astype(np.float32), square

    def log_prob(self, x: Array) -> Array:
        """−ln 8 on a dark square, −∞ elsewhere."""
        cell = np.floor(np.asarray(x, np.float64)).astype(np.int64)
        on_board = ((cell >= -2) & (cell < 2)).all(axis=1)
        return np.where(on_board & (cell.sum(axis=1) % 2 == 0), -math.log(8), -np.inf)


def ring(k: int = 8, radius: float = 2.0, scale: float = 0.2) -> GaussianMixture:
    """k round Gaussians of standard deviation `scale`, evenly on a circle."""
    angle = np.arange(k) * (math.tau / k)
    return GaussianMixture(
        radius * np.stack([np.cos(angle), np.sin(angle)], axis=1), np.tile(scale**2 * np.eye(2), (k, 1, 1))
    )


def grid(side: int = 5, spacing: float = 1.0, scale: float = 0.1) -> GaussianMixture:
    """side × side round Gaussians of standard deviation `scale` on a square grid around the origin."""
    line = (np.arange(side) - (side - 1) / 2) * spacing
    means = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    return GaussianMixture(means, np.tile(scale**2 * np.eye(2), (side**2, 1, 1)))


def arms(k: int, radius: float, along: float, across: float, rate: float) -> Twisted:
    """k long Gaussians pointing away from the origin like the spokes of a wheel, twisted."""
    angle = np.arange(k) * (math.tau / k)
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.stack([np.stack([cos, -sin], axis=1), np.stack([sin, cos], axis=1)], axis=1)  # (k, 2, 2)
    covariances = turn @ np.diag([along**2, across**2]) @ turn.transpose(0, 2, 1)
    return Twisted(GaussianMixture(radius * turn[:, :, 0], covariances), rate)


DENSITIES: dict[str, Density] = {
    "ring": ring(),
    "grid": grid(),
    "moons": Moons(),
    "pinwheel": arms(k=5, radius=1.5, along=0.4, across=0.12, rate=0.8),
    "spiral": arms(k=2, radius=2.0, along=0.7, across=0.15, rate=2.0),
    "checkerboard": Checkerboard(),
}


def _log_mean_exp(terms: Array) -> Array:
    """log of the mean over the last axis of exp(terms), without overflow; −∞ where every term is −∞."""
    top = np.maximum(terms.max(axis=-1, keepdims=True), -1e300)
    with np.errstate(divide="ignore"):
        return np.log(np.exp(terms - top).mean(axis=-1)) + top[..., 0]
