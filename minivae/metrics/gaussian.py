"""Normal distributions with a full covariance, in closed form: what a model of Gaussian data is held against.

Plain float64 arrays on the host, without gradients. For the diagonal normals that a network makes, see
`minivae.distributions.Normal`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minivae.backend import Array
from minivae.errors import ConfigError, ShapeError


def normal_log_density(x: Any, mean: Any, covariance: Any) -> Array:
    """log N(x; μ, Σ) = −½ (D log 2π + log det Σ + (x − μ)ᵀ Σ⁻¹ (x − μ)) of each row of x, in nats.

    Args:
        x: (N, D).
        mean: (D,), or (N, D), one for each row.
        covariance: (D, D), symmetric and positive definite.

    Raises:
        ShapeError: the covariance is not (D, D), or x or mean does not end in D.
        ConfigError: the covariance is not positive definite.
    """
    factor = _cholesky("covariance", covariance)
    difference = _ending_in(len(factor), "x", x) - _ending_in(len(factor), "mean", mean)
    whitened = np.linalg.solve(factor, difference.T)  # Σ = LLᵀ, so the quadratic form is |L⁻¹(x − μ)|²
    return -0.5 * ((whitened**2).sum(axis=0) + len(factor) * math.log(2 * math.pi)) - np.log(np.diag(factor)).sum()


def normal_kl(mean_p: Any, covariance_p: Any, mean_q: Any, covariance_q: Any) -> float:
    """KL(N(μ_p, Σ_p) ‖ N(μ_q, Σ_q)), in nats:

        ½ (tr Σ_q⁻¹Σ_p − D + (μ_q − μ_p)ᵀ Σ_q⁻¹ (μ_q − μ_p) + log det Σ_q − log det Σ_p)

    Args:
        mean_p, mean_q: (D,).
        covariance_p, covariance_q: (D, D), symmetric and positive definite.

    Raises:
        ShapeError: the shapes do not belong together.
        ConfigError: a covariance is not positive definite.
    """
    p, q = _cholesky("covariance_p", covariance_p), _cholesky("covariance_q", covariance_q)
    if p.shape != q.shape:
        raise ShapeError(f"normal_kl: covariance_p has shape {p.shape}, covariance_q {q.shape}; expected the same")
    distance = _ending_in(len(p), "mean_q", mean_q) - _ending_in(len(p), "mean_p", mean_p)
    ratio = np.linalg.solve(q, p)  # tr Σ_q⁻¹Σ_p = Σ ratio²
    log_det = 2 * (np.log(np.diag(q)) - np.log(np.diag(p))).sum()
    return 0.5 * float((ratio**2).sum() - len(p) + (np.linalg.solve(q, distance) ** 2).sum() + log_det)


def _cholesky(name: str, covariance: Any) -> Array:
    """L with LLᵀ = Σ."""
    matrix = np.asarray(covariance, np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ShapeError(f"{name} has shape {matrix.shape}; expected (D, D)")
    try:
        if not np.allclose(matrix, matrix.T, rtol=1e-8, atol=1e-10 * np.abs(matrix).max(initial=0)):
            raise np.linalg.LinAlgError
        return np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        raise ConfigError(f"{name} is not symmetric and positive definite") from None


def _ending_in(d: int, name: str, values: Any) -> Array:
    array = np.asarray(values, np.float64)
    if array.shape[-1:] != (d,):
        raise ShapeError(f"{name} has shape {array.shape}; expected (..., {d}), as the covariance is ({d}, {d})")
    return array


__all__ = ["normal_kl", "normal_log_density"]
