"""What the codes of a trained model look like: posterior means, and how many latent dimensions are used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from minivae.autodiff import Tensor
from minivae.backend import Array, to_backend, to_numpy
from minivae.metrics.evaluation import at_least_one, batches
from minivae.models import evaluation


@dataclass(frozen=True)
class ActiveUnits:
    """How many latent dimensions carry something about x.

    Attributes:
        count: dimensions whose posterior mean varies by more than the threshold.
        variances: Var_x(E[z_j|x]) of each dimension j, in the order of the model.
        threshold: the one used.
    """

    count: int
    variances: Array
    threshold: float

    def __str__(self) -> str:
        return f"{self.count} of {len(self.variances)}"


def active_units(
    model: Any,
    dataset: Any,
    *,
    threshold: float = 0.01,
    batch_size: int = 256,
    binarise: str | None = None,
    seed: int = 0,
) -> ActiveUnits:
    """Count the latent dimensions j with Var_x(E_q(z|x)[z_j]) > threshold (Burda et al. 2016, section 5).

    A dimension that the decoder ignores costs nothing only if q(z_j|x) is the prior for every x; then its mean is the
    same for all x. Usually the variances are either far above or far below 0.01.
    """
    means = posterior_means(model, dataset, batch_size=batch_size, binarise=binarise, seed=seed)
    variances = means.astype(np.float64).reshape(len(means), -1).var(axis=0)
    return ActiveUnits(int((variances > threshold).sum()), variances, threshold)


def posterior_means(
    model: Any, data: Any, *, batch_size: int = 256, binarise: str | None = None, seed: int = 0
) -> Array:
    """E[z|x] for each example, a NumPy array (N, latent_dim).

    Args:
        model: has `encode(x)`, which returns a distribution with a mean.
        data: a `minivae.data.Dataset`, or an array (N, ...) that the model takes (bytes are divided by 255).
        batch_size: examples at a time.
        binarise: as in `DataLoader`; for a data set only.
        seed: of the binarisation.
    """
    at_least_one(batch_size, "batch_size")
    if hasattr(data, "images"):
        source = batches(data, batch_size, binarise, seed)
    else:
        source = (to_model(data[start : start + batch_size]) for start in range(0, len(data), batch_size))
    with evaluation(model):
        return np.concatenate([to_numpy(model.encode(x).mean.data) for x in source])


def decoded_means(model: Any, z: Any, *, batch_size: int = 256) -> Array:
    """E[x|z] for each latent point z: (N, latent_dim) -> a NumPy array (N, C, H, W)."""
    at_least_one(batch_size, "batch_size")
    z = z.data if isinstance(z, Tensor) else np.asarray(z, np.float32)
    with evaluation(model):
        parts = [
            to_numpy(model.decode(to_backend(z[start : start + batch_size])).mean.data)
            for start in range(0, len(z), batch_size)
        ]
    return np.concatenate(parts)


def to_model(images: Any) -> Array:
    """Images as a model takes them: float32 on the current backend, bytes divided by 255."""
    images = to_numpy(images.data if isinstance(images, Tensor) else images)
    scaled = images / np.float32(255) if images.dtype == np.uint8 else images.astype(np.float32, copy=False)
    return to_backend(scaled)
