"""Probabilistic PCA in closed form: the best that a linear VAE can do, and a baseline for every other one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from minivae.backend import Array, to_numpy
from minivae.errors import ConfigError, DataError, ShapeError
from minivae.metrics.gaussian import normal_log_density


@dataclass(frozen=True, eq=False)
class ProbabilisticPCA:
    """x = W z + μ + σ ε with z ~ N(0, I) of k dimensions and ε ~ N(0, I), fitted by maximum likelihood.

    Attributes:
        mean: μ, (D,).
        weight: W, (D, k); its columns are orthogonal.
        sigma: σ, the standard deviation of the noise.
        eigenvalues: of the sample covariance, (D,), largest first.
        log_likelihood: log p(x) in nats per example, averaged over the data fitted.
    """

    mean: Array
    weight: Array
    sigma: float
    eigenvalues: Array
    log_likelihood: float

    @property
    def covariance(self) -> Array:
        """WWᵀ + σ²I, (D, D): that of p(x)."""
        return self.weight @ self.weight.T + self.sigma**2 * np.eye(len(self.mean))

    @property
    def m(self) -> Array:
        """M = WᵀW + σ²I, (k, k)."""
        return self.weight.T @ self.weight + self.sigma**2 * np.eye(self.weight.shape[1])

    def log_prob(self, x: Any) -> Array:
        """log p(x) of each row, in nats.  x: (N, D) -> (N,)."""
        return normal_log_density(x, self.mean, self.covariance)

    def posterior(self, x: Any) -> tuple[Array, Array]:
        """p(z|x) = N(M⁻¹Wᵀ(x − μ), σ²M⁻¹): the means, (N, k), and the covariance that all x share, (k, k)."""
        means = np.linalg.solve(self.m, self.weight.T @ (np.asarray(x, np.float64) - self.mean).T).T
        return means, self.sigma**2 * np.linalg.inv(self.m)


def probabilistic_pca(x: Any, k: int) -> ProbabilisticPCA:
    """Fit probabilistic PCA with k latent dimensions (Tipping & Bishop 1999, section 3.2).

        W = U_k (Λ_k − σ²I)^½,   σ² = the mean of the D − k smallest eigenvalues of the sample covariance
        log p(x) = −½ (D log 2π + Σ_{i≤k} log λᵢ + (D − k) log σ² + D)   nats per example

    Any rotation of the columns of W gives the same likelihood; this one is the only one (but for signs) whose
    posterior is diagonal, as that of a VAE is.

    Args:
        x: (N, D), or (N, ...) to be flattened.
        k: how many latent dimensions, 1 ... D − 1.

    Raises:
        ShapeError: x has no rows and columns.
        ConfigError: k is not in 1 ... D − 1.
        DataError: the data lie in k dimensions, without any noise: the likelihood has no maximum.
    """
    x = to_numpy(getattr(x, "data", x)).astype(np.float64)
    if x.ndim < 2 or x.size == 0:
        raise ShapeError(f"probabilistic_pca: x has shape {x.shape}; expected (N, D)")
    x = x.reshape(len(x), -1)
    d = x.shape[1]
    if not 1 <= k < d:
        raise ConfigError(f"probabilistic_pca: k is {k!r}; expected 1 ... {d - 1}, as the data have {d} dimensions")
    mean = x.mean(axis=0)
    values, vectors = np.linalg.eigh((x - mean).T @ (x - mean) / len(x))
    values, vectors = values[::-1], vectors[:, ::-1]
    variance = float(values[k:].mean())
    if not variance > 1e-12 * values[0]:
        raise DataError(f"probabilistic_pca: nothing is left beside {k} dimensions, so that σ = 0; take a smaller k")
    weight = vectors[:, :k] * np.sqrt(values[:k] - variance)
    log_det = np.log(values[:k]).sum() + (d - k) * np.log(variance)
    log_likelihood = -0.5 * (d * np.log(2 * np.pi) + log_det + d)
    return ProbabilisticPCA(mean, weight, float(np.sqrt(variance)), values, float(log_likelihood))


__all__ = ["ProbabilisticPCA", "probabilistic_pca"]
