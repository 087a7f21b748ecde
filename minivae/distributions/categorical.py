"""One of K classes, given by logits along the last axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from minivae import ops
from minivae.autodiff import Tensor, no_grad
from minivae.backend import Array, to_backend, to_numpy
from minivae.distributions.distribution import Distribution, plain
from minivae.errors import ConfigError, DataError, DtypeError, ShapeError
from minivae.random import Rng, default_rng, uniform


class Categorical(Distribution):
    """One of the classes 0 ... K−1 for each entry: p(k) = softmax(logits)_k.

    Args:
        probs: not taken; it is here so that PyTorch's `Categorical(p)` is answered with a reason.
        logits: unnormalised log-probabilities of shape (..., K); adding a number to all K changes nothing.

    Attributes:
        shape: the logits' shape without its last axis; one label for each entry.

    Raises:
        ConfigError: probabilities were given, or nothing.
        ShapeError: the logits have no axis to hold the classes.
    """

    def __init__(self, probs: Any = None, logits: Any = None) -> None:
        if probs is not None or logits is None:
            raise ConfigError(
                "Categorical is given by logits: Categorical(logits=l), where p = softmax(l) over the last axis. "
                "Leave the last softmax out of the network (or take the logarithm of the probabilities)."
            )
        self.logits = logits if isinstance(logits, Tensor) else Tensor(logits)
        if self.logits.ndim == 0 or self.logits.shape[-1] == 0:
            raise ShapeError(f"Categorical: logits need a last axis of K classes; got shape {self.logits.shape}")
        self.shape = self.logits.shape[:-1]
        self.num_classes = self.logits.shape[-1]

    @property
    def probs(self) -> Tensor:
        """softmax(logits) over the last axis, shape (..., K)."""
        return ops.softmax(self.logits, -1)

    def log_prob(self, x: Any) -> Tensor:
        """log p(x) = logits_x − logsumexp(logits) of each label, in nats.

        Args:
            x: integer labels in 0 ... K−1, of this distribution's shape.

        Raises:
            DtypeError: the labels are not integers.
            ShapeError: they do not have this distribution's shape.
            DataError: in debug mode, a label is out of range.
        """
        labels = _labels(x)
        if labels.shape != self.shape:
            raise ShapeError(f"Categorical: labels have shape {labels.shape}; expected {self.shape}, one an entry")
        self._check_x(labels)
        rows = ops.reshape(self.logits, (-1, self.num_classes))
        return ops.reshape(-ops.cross_entropy(rows, labels.reshape(-1)), self.shape)

    def entropy(self) -> Tensor:
        """−Σ_k p_k log p_k of each entry, in nats, between 0 and log K."""
        log_probs = ops.log_softmax(self.logits, -1)
        return -(ops.exp(log_probs) * log_probs).sum(-1)

    def sample(self, rng: Rng | None = None, sample_shape: tuple[int, ...] = ()) -> Array:
        """Integer labels of shape `sample_shape + shape`, drawn on the host by inverting the distribution function.

        The label is the number of classes whose cumulated probability a uniform number reaches.
        """
        with no_grad():
            probs = to_numpy(self.probs.data).astype(np.float64)
        cumulated = probs.cumsum(axis=-1)
        cumulated /= cumulated[..., -1:]  # so that rounding leaves no gap below 1
        noise = uniform(rng or default_rng(), (*sample_shape, *self.shape), np.float64)
        labels = (cumulated <= noise[..., None]).sum(axis=-1)
        return to_backend(labels, self.logits.device)

    def rsample(self, eps: Any = None, rng: Rng | None = None, sample_shape: tuple[int, ...] = ()) -> Tensor:
        """There is none, and the error says why."""
        raise NotImplementedError(
            "a Categorical has no reparameterised sample: a label jumps as the logits move, and has derivative zero "
            "in between. Use sample() where no gradient is needed; for a gradient of E[f(x)], use the score function, "
            "f(x)·log_prob(x) with f(x) detached, or sum over the K classes."
        )

    def check_support(self, x: Any) -> None:
        """Each label must be one of 0 ... K−1.

        Raises:
            DtypeError: the labels are not integers.
            DataError: naming the range found.
        """
        labels = _labels(x)
        if not bool(((labels >= 0) & (labels < self.num_classes)).all()):
            raise DataError(
                f"Categorical: labels must lie in 0 ... {self.num_classes - 1}, but they are in "
                f"{int(labels.min())} ... {int(labels.max())}. Count classes from 0, or give the logits a longer "
                "last axis."
            )


def _labels(x: Any) -> Array:
    labels = plain(x)
    if labels.dtype.kind not in "iu":
        raise DtypeError(f"Categorical: labels must be integers, got {labels.dtype}; convert them with .astype(int)")
    return labels


__all__ = ["Categorical"]
