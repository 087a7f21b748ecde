"""`evaluate`: the loss of a trained model on a data set, in nats per example, with standard errors."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from minivae.backend import Array, to_numpy
from minivae.data import DataLoader, as_dataset
from minivae.distributions import Normal, kl_divergence
from minivae.errors import ConfigError
from minivae.models import evaluation
from minivae.random import stream


@dataclass(frozen=True)
class Estimate:
    """A mean over examples and its standard error, s/√n.

    The standard error says how much the mean would change with another test set of n examples from the same source.
    """

    mean: float
    error: float

    @classmethod
    def of(cls, values: Array) -> Estimate:
        """From one value an example (float64); the error of a single example is NaN."""
        error = float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else math.nan
        return cls(float(values.mean()), error)

    def __float__(self) -> float:
        return self.mean

    def __str__(self) -> str:
        return f"{self.mean:.2f} ± {self.error:.2f}"


@dataclass(frozen=True)
class Evaluation:
    """What a model loses on a data set, in nats per example; `print(result)` gives a table with the protocol.

    Attributes:
        loss: reconstruction + kl, so −ELBO where `is_likelihood`; an upper bound on −log p(x). Without β.
        reconstruction: −log p(x|z), averaged over draws of z from q(z|x), summed over pixels.
        kl: KL(q(z|x) ‖ p(z)), summed over latent dimensions.
        bits_per_dim: the loss in bits per pixel and channel: loss / (D ln 2). None where there is no likelihood.
        label: what the reconstruction is called: "NLL", or "grey BCE".
        is_likelihood: whether the loss bounds a likelihood at all.
        examples: how many examples were used.
        protocol: in words: data, binarisation, draws, seed.
    """

    loss: Estimate
    reconstruction: Estimate
    kl: Estimate
    bits_per_dim: Estimate | None
    label: str
    is_likelihood: bool
    examples: int
    protocol: str

    def rows(self) -> list[tuple[str, str, str]]:
        """(name, value ± standard error, unit) for a table."""
        name = "−ELBO" if self.is_likelihood else "loss (no bound on a likelihood)"
        rows = [
            (name, str(self.loss), "nats per example"),
            (f"  reconstruction ({self.label})", str(self.reconstruction), "nats per example"),
            ("  KL(q(z|x) ‖ p(z))", str(self.kl), "nats per example"),
        ]
        if self.bits_per_dim is not None:
            value = f"{self.bits_per_dim.mean:.4f} ± {self.bits_per_dim.error:.4f}"
            rows.append(("−ELBO", value, "bits per dimension"))
        return rows

    def __str__(self) -> str:
        return "\n".join([*format_rows(self.rows()), f"protocol: {self.protocol}"])


def evaluate(
    model: Any,
    dataset: Any,
    *,
    batch_size: int = 256,
    samples: int = 1,
    binarise: str | None = None,
    seed: int = 0,
) -> Evaluation:
    """−ELBO, reconstruction and KL of `model` on `dataset`, without training and without changing the model.

        −ELBO(x) = −E_q(z|x)[log p(x|z)] + KL(q(z|x) ‖ p(z))

    The expectation is an average over `samples` draws of z. The same arguments give the same numbers.

    Args:
        model: has `encode(x)` and `decode(z)`, which return distributions.
        dataset: a `minivae.data.Dataset`, or an array of examples.
        batch_size: examples at a time; changes memory and speed, and which noise falls on which example.
        samples: draws of z for each example.
        binarise: as in `DataLoader`: None, "dynamic", "fixed" or "threshold".
        seed: of the noise and of the binarisation.

    Raises:
        ConfigError: `samples` is below 1.
        DataError: the data are empty, not finite, or not what the likelihood is over (grey pixels under Bernoulli).
    """
    at_least_one(samples, "samples")
    dataset = as_dataset(dataset)
    parts: list[tuple[Array, Array]] = []
    label, is_likelihood = "NLL", True
    with evaluation(model):
        for number, x in enumerate(batches(dataset, batch_size, binarise, seed)):
            rng = stream(seed, "evaluate", number)
            q = model.encode(x)
            kl = host_nats(kl_divergence(q, prior_of(model)))
            reconstruction = np.zeros_like(kl)
            for _ in range(samples):
                p = model.decode(q.rsample(rng=rng))
                p.check_support(x)
                reconstruction -= host_nats(p.log_prob(x)) / samples
            label, is_likelihood = p.label, p.is_likelihood
            parts.append((reconstruction, kl))
    reconstruction, kl = (np.concatenate(column) for column in zip(*parts, strict=True))
    loss = reconstruction + kl
    dims = int(np.prod(dataset.images.shape[1:]))
    return Evaluation(
        loss=Estimate.of(loss),
        reconstruction=Estimate.of(reconstruction),
        kl=Estimate.of(kl),
        bits_per_dim=Estimate.of(loss / (dims * math.log(2))) if is_likelihood else None,
        label=label,
        is_likelihood=is_likelihood,
        examples=len(loss),
        protocol=describe_protocol(
            dataset, len(loss), binarise, seed, f"{samples} draw{'s' * (samples > 1)} of z each"
        ),
    )


# --- what the metrics share -------------------------------------------------------------------------------


def batches(dataset: Any, batch_size: int, binarise: str | None, seed: int) -> Iterator[Any]:
    """The data set once, in its own order, as the model takes it."""
    at_least_one(batch_size, "batch_size")
    size = min(batch_size, len(dataset))
    for batch in DataLoader(dataset, size, shuffle=False, seed=seed, binarise=binarise).epoch(0):
        yield batch.x


def prior_of(model: Any) -> Any:
    """The model's prior over z; N(0, 1) in every dimension unless it says otherwise."""
    prior = getattr(model, "prior", None)
    return Normal(0.0, 1.0) if prior is None else prior


def host_nats(terms: Any) -> Array:
    """(B, ...) in nats -> (B,), summed over all other axes, on the host in float64."""
    data = terms.data
    return to_numpy(data.reshape(len(data), -1).sum(axis=1)).astype(np.float64)


def at_least_one(value: int, name: str) -> None:
    """Raise ConfigError unless `value` is a whole number of 1 or more."""
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < 1:
        raise ConfigError(f"{name} is {value!r}; expected a whole number, 1 or more")


def describe_protocol(dataset: Any, n: int, binarise: str | None, seed: int, how: str) -> str:
    """One line on how a number came about."""
    binarised = {
        None: "pixels as they are",
        "dynamic": "pixels drawn as Bernoulli(grey value)",
        "fixed": "pixels binarised once and for all",
        "threshold": "pixels above ½ are 1",
    }.get(binarise, f"binarise={binarise}")
    return f"{n:,} examples of {dataset.name}; {binarised}; {how}; seed {seed}; ± is one standard error over examples"


def format_rows(rows: list[tuple[str, str, str]]) -> list[str]:
    """Rows as lines with aligned columns."""
    names, values, _ = zip(*rows, strict=True)
    left, right = max(map(len, names)), max(map(len, values))
    return [f"{name:<{left}}  {value:>{right}}  {unit}".rstrip() for name, value, unit in rows]
