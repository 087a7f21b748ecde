"""Integrals of densities that are given as functions only: on a line for many entries at once, and in the plane.

The trapezoidal rule in t after the substitution x = centre + scale · sinh(t). For an analytic integrand that dies out
at both ends the trapezoidal rule converges faster than any power of the step (Trefethen & Weideman 2014), and sinh
makes heavy tails die out: equal steps in t are small steps near the centre, and far out steps in proportion to x. The
error is estimated by leaving out every other node (and interpolating there, as distribution functions will be).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from minivae.backend import Array
from minivae.errors import ConfigError

LogDensity = Callable[[Array], Array]


def nodes(count: int, reach: float) -> tuple[Array, Array]:
    """Nodes sinh(t) and weights cosh(t)·Δt for `count` (odd) equally spaced t in [−reach, reach]."""
    t = np.linspace(-reach, reach, count)
    return np.sinh(t), np.cosh(t) * (t[1] - t[0])


# --- on a line ----------------------------------------------------------------------------------------------

LINE = nodes(1601, 12.0)  # from 1/70 of the scale to 80,000 times the scale


@dataclass(frozen=True)
class Line:
    """A density on the line, for each entry: of shape (...) or, at the nodes, (M, ...).

    Attributes:
        x: the nodes.
        cdf: the distribution function there, from 0 to 1.
        mass: the integral of the density; 1 if it is normalised.
        log_mass: its logarithm.
        mean, variance: of the normalised density. The variance is NaN where it does not settle within the reach of
            the nodes, as for a density without one.
        error: how far mass and distribution function may be off, as a share of the mass; NaN where nothing was found.
    """

    x: Array
    cdf: Array
    mass: Array
    log_mass: Array
    mean: Array
    variance: Array
    error: Array

    def cdf_at(self, x: Array) -> Array:
        """The distribution function at points (n, ...), by linear interpolation."""
        columns = (a.reshape(len(a), -1).T for a in (x, self.x, self.cdf))
        flat = [np.interp(point, at, value, left=0.0, right=1.0) for point, at, value in zip(*columns, strict=True)]
        return np.stack(flat, axis=1).reshape(x.shape)


def integrate_line(log_density: LogDensity, starts: list[tuple[Array, Array]]) -> Line:
    """Integrate exp(log_density) for every entry.

    Args:
        log_density: (M, ...) -> (M, ...), each entry a function of its own number alone; up to a constant.
        starts: guesses (centre, scale) of where the densities are, each of shape (...). The one that finds the most
            mass is taken, and then corrected by the median and the quartiles found.
    """
    lines = [_on_nodes(log_density, *starts[0])]
    if len(starts) > 1:
        lines += [_on_nodes(log_density, *start) for start in starts[1:]]
    best = np.argmax([np.nan_to_num(line.log_mass, nan=-np.inf) for line in lines], axis=0)
    centre, scale = (np.choose(best, [_quantiles(line)[k] for line in lines]) for k in (0, 1))
    for _ in range(4):
        line = _on_nodes(log_density, centre, scale)
        found = _quantiles(line)
        settled = np.abs(found[0] - centre) < 0.1 * scale
        settled &= (found[1] < 1.5 * scale) & (scale < 1.5 * found[1])
        if settled.all():
            break
        centre, scale = found
    return line


def _on_nodes(log_density: LogDensity, centre: Array, scale: Array) -> Line:
    u, w = (part.reshape(-1, *[1] * centre.ndim) for part in LINE)
    x = centre + scale * u
    log_f = log_density(x)
    with np.errstate(all="ignore"):
        log_f = np.where(np.isfinite(log_f), log_f, -np.inf)
        top = log_f.max(axis=0)
        top = np.where(np.isfinite(top), top, 0.0)
        f = np.exp(log_f - top) * scale
        share = f * w
        mass = share.sum(axis=0)
        cdf = _cumulate(f, w) / mass
        coarse = _cumulate(f[::2], 2 * w[::2]) / mass
        between = coarse[:-1] + (coarse[1:] - coarse[:-1]) * ((u[1::2] - u[:-1:2]) / (u[2::2] - u[:-1:2]))
        error = np.maximum(np.abs(coarse - cdf[::2]).max(axis=0), np.abs(between - cdf[1::2]).max(axis=0))
        mean, variance = _moments(x, share, centre)
        inner = slice(len(w) // 6, -(len(w) // 6))  # a reach of 8 in place of 12
        _, settled = _moments(x[inner], share[inner], centre)
        variance = np.where(np.abs(settled - variance) <= 1e-3 * variance, variance, np.nan)
        return Line(x, cdf, mass * np.exp(top), np.log(mass) + top, mean, variance, error)


def _cumulate(f: Array, w: Array) -> Array:
    """The integral up to each node: the nodes before it, and half of its own share."""
    share = f * w
    return np.cumsum(share, axis=0) - 0.5 * share


def _moments(x: Array, share: Array, centre: Array) -> tuple[Array, Array]:
    """Mean and variance, taken about the centre so that no digits are lost."""
    mass = share.sum(axis=0)
    first = ((x - centre) * share).sum(axis=0) / mass
    second = ((x - centre) ** 2 * share).sum(axis=0) / mass
    return centre + first, second - first**2


def _quantiles(line: Line) -> tuple[Array, Array]:
    """The median, and the scale of the normal distribution with the same quartiles."""
    flat_x, flat_cdf = line.x.reshape(len(line.x), -1), np.nan_to_num(line.cdf.reshape(len(line.x), -1))
    out = np.empty((2, flat_x.shape[1]))
    for i in range(flat_x.shape[1]):
        low, middle, high = np.interp([0.25, 0.5, 0.75], flat_cdf[:, i], flat_x[:, i])
        out[:, i] = middle, (high - low) / 1.349
    fallback = (line.x[-1] - line.x[0]) / (2 * LINE[0][-1])
    scale = out[1].reshape(line.mass.shape)
    return out[0].reshape(line.mass.shape), np.where((scale > 0) & np.isfinite(scale), scale, fallback)


# --- in one or two dimensions, jointly ----------------------------------------------------------------------

NODES = {1: (2401, 5.5), 2: (161, 4.0)}  # for each axis, and their reach: sinh(5.5) = 122, sinh(4) = 27


@dataclass(frozen=True)
class Cloud:
    """Nodes and weights around the bulk of a density.  z: (M, d), weight: (M,).

    Attributes:
        log_mass: the logarithm of the density's integral.
        mean, covariance: of the normalised density, (d,) and (d, d), as well as the nodes resolve it.
        error: how far the integral may be off, relatively.
    """

    z: Array
    weight: Array
    log_mass: float
    mean: Array
    covariance: Array
    error: float


def integrate_cloud(log_density: LogDensity, centre: Array, covariance: Array) -> Cloud:
    """Integrate exp(log_density) over the plane (or the line), for a density whose place is known roughly.

    A product of two rules, turned and stretched to the density's own covariance, which is found in a few rounds.

    Args:
        log_density: (M, d) -> (M,), up to a constant.
        centre, covariance: a guess, (d,) and (d, d).

    Raises:
        ConfigError: d is not 1 or 2, or the density has no mass near the guess.
    """
    d = len(centre)
    if d not in NODES:
        raise ConfigError(f"quadrature works for 1 or 2 latent dimensions, not for {d}: its cost is a power of d")
    for _ in range(12):
        cloud = _around(log_density, centre, covariance)
        change = np.abs(np.linalg.solve(np.linalg.cholesky(covariance), cloud.mean - centre)).max()
        ratio = np.linalg.eigvals(np.linalg.solve(covariance, cloud.covariance)).real
        centre, covariance = cloud.mean, cloud.covariance
        if change < 0.1 and ratio.min() > 0.8 and ratio.max() < 1.25:
            break
    return cloud


def _around(log_density: LogDensity, centre: Array, covariance: Array) -> Cloud:
    d = len(centre)
    count, reach = NODES[d]
    u, w = nodes(count, reach)
    factor = np.linalg.cholesky(covariance)
    grid = np.stack(np.meshgrid(*[u] * d, indexing="ij"), axis=-1).reshape(-1, d)
    weight = np.prod(np.stack(np.meshgrid(*[w] * d, indexing="ij"), axis=-1).reshape(-1, d), axis=1)
    weight *= np.prod(np.diag(factor))
    z = centre + grid @ factor.T
    log_f = log_density(z)
    log_f = np.where(np.isfinite(log_f), log_f, -np.inf)
    top = log_f.max()
    if not np.isfinite(top):
        raise ConfigError("the density is zero or NaN wherever it was looked at; is a logarithm of it returned?")
    share = np.exp(log_f - top) * weight
    mass = share.sum()
    every_other = share.reshape([count] * d)[(slice(None, None, 2),) * d].sum() * 2**d
    mean = share @ z / mass
    spread = (z - mean).T @ ((z - mean) * share[:, None]) / mass
    at = np.linalg.solve(factor, mean - centre)
    between_nodes = (2 * reach / (count - 1)) ** 2 * (1 + at @ at) / 4
    spread = spread + between_nodes * factor @ factor.T  # a bulk narrower than that was not resolved yet
    return Cloud(
        z=z,
        weight=weight,
        log_mass=float(np.log(mass) + top),
        mean=mean,
        covariance=spread,
        error=float(abs(every_other - mass) / mass),
    )


__all__ = ["Cloud", "Line", "LogDensity", "integrate_cloud", "integrate_line", "nodes"]
