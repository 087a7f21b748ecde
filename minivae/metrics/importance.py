"""The importance-weighted bound: −log p(x) from above, as tightly as one has patience for."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from minivae.autodiff import Tensor
from minivae.backend import Array, array_module
from minivae.data import as_dataset
from minivae.errors import ConfigError
from minivae.metrics.evaluation import (
    Estimate,
    at_least_one,
    batches,
    describe_protocol,
    format_rows,
    host_nats,
    prior_of,
)
from minivae.models import evaluation
from minivae.random import stream


@dataclass(frozen=True)
class ImportanceBound:
    """The bound in nats per example, with its standard error over examples; `print(result)` gives the protocol too."""

    bound: Estimate
    bits_per_dim: Estimate
    k: int
    examples: int
    protocol: str

    def __float__(self) -> float:
        return self.bound.mean

    def rows(self) -> list[tuple[str, str, str]]:
        """(name, value ± standard error, unit) for a table."""
        bits = f"{self.bits_per_dim.mean:.4f} ± {self.bits_per_dim.error:.4f}"
        name = f"−log p(x), IWAE-{self.k} bound"
        return [(name, str(self.bound), "nats per example"), (name, bits, "bits per dimension")]

    def __str__(self) -> str:
        return "\n".join([*format_rows(self.rows()), f"protocol: {self.protocol}"])


def importance_weighted_bound(
    model: Any,
    dataset: Any,
    k: int = 1000,
    *,
    batch_size: int = 64,
    chunk: int = 2048,
    binarise: str | None = None,
    seed: int = 0,
    on_batch: Callable[[int], object] | None = None,
) -> ImportanceBound:
    """An upper bound on −log p(x) from k weighted draws for each example (Burda et al. 2016, equation 8):

        −log (1/k) Σ_i w_i,   w_i = p(x|z_i) p(z_i) / q(z_i|x),   z_i from q(z|x)

    k = 1 is the −ELBO. More draws never loosen it on average, and it tends to −log p(x). The draws are made in
    chunks and summed as they come (log-sum-exp with a running maximum), so memory does not grow with k.

    Args:
        model: has `encode(x)` and `decode(z)`, which return distributions.
        dataset: a `minivae.data.Dataset`, or an array of examples.
        k: draws for each example.
        batch_size: examples encoded at a time.
        chunk: at most about so many images are decoded at once.
        binarise: as in `DataLoader`.
        seed: of the noise and of the binarisation.
        on_batch: called after each batch with its number of examples, to move a progress bar.

    Raises:
        ConfigError: k is below 1, or the model's reconstruction term is not a likelihood (grey BCE).
        DataError: as for `evaluate`.
    """
    at_least_one(k, "k")
    at_least_one(chunk, "chunk")
    dataset = as_dataset(dataset)
    values = []
    with evaluation(model):
        for number, x in enumerate(batches(dataset, batch_size, binarise, seed)):
            rng = stream(seed, "importance", number)
            values.append(-_log_mean_weight(model, x, k, max(1, chunk // len(x)), rng))
            if on_batch is not None:
                on_batch(len(x))
    nats = np.concatenate(values)
    dims = int(np.prod(dataset.images.shape[1:]))
    return ImportanceBound(
        bound=Estimate.of(nats),
        bits_per_dim=Estimate.of(nats / (dims * math.log(2))),
        k=k,
        examples=len(nats),
        protocol=describe_protocol(dataset, len(nats), binarise, seed, f"{k} weighted draws of z each"),
    )


def _log_mean_weight(model: Any, x: Any, k: int, chunk: int, rng: np.random.Generator) -> Array:
    """log (1/k) Σ w_i for each example of a batch: (B,), float64."""
    q, prior = model.encode(x), prior_of(model)
    highest = np.full(len(x), -np.inf)  # the largest log-weight so far
    total = np.zeros(len(x))  # Σ exp(log w − highest)
    for start in range(0, k, chunk):
        n = min(chunk, k - start)
        log_weights = _log_weights(model, q, prior, x, n, rng)
        new = np.maximum(highest, log_weights.max(axis=0))
        total = total * np.exp(highest - new) + np.exp(log_weights - new).sum(axis=0)
        highest = new
    return highest + np.log(total) - math.log(k)


def _log_weights(model: Any, q: Any, prior: Any, x: Any, n: int, rng: np.random.Generator) -> Array:
    """log p(x|z) + log p(z) − log q(z|x) for n draws of z for each example: (n, B), float64."""
    z = q.rsample(rng=rng, sample_shape=(n,))
    flat = z.reshape(-1, *z.shape[2:])
    p = model.decode(flat)
    if not p.is_likelihood:
        raise ConfigError(
            f"the importance-weighted bound needs a likelihood, and {p.label!r} is none. Train with the likelihood "
            '"bernoulli" on binarised data, or a Gaussian one; or be content with evaluate().'
        )
    p.check_support(x)
    data = x.data if isinstance(x, Tensor) else x
    repeated = array_module(data).broadcast_to(data, (n, *data.shape)).reshape(-1, *data.shape[1:])
    log_weights = host_nats(p.log_prob(repeated)).reshape(n, -1)
    for sign, density in ((1, prior), (-1, q)):
        log_weights += sign * host_nats(density.log_prob(z).reshape(-1, *z.shape[2:])).reshape(n, -1)
    return log_weights
