"""Bernoulli variables given by logits, and the same formula on grey pixels, where it is no likelihood."""

from __future__ import annotations

from typing import Any

import numpy as np

from minivae import ops
from minivae.autodiff import Tensor, no_grad
from minivae.backend import array_module, to_backend
from minivae.distributions.distribution import Distribution, plain
from minivae.errors import ConfigError, DataError
from minivae.random import Rng, default_rng, uniform


class _FromLogits(Distribution):
    """What the two share: a logit per entry, and −(binary cross-entropy) as `log_prob`."""

    def __init__(self, probs: Any = None, logits: Any = None) -> None:
        if probs is not None or logits is None:
            raise ConfigError(
                f"{self._name} is given by logits: {self._name}(logits=l), where the probability of a 1 is sigmoid(l). "
                "Leave the last sigmoid out of the decoder: log(p) and log(1 − p) of a rounded probability lose all "
                "digits near 0 and 1, the logit does not."
            )
        self.logits = logits if isinstance(logits, Tensor) else Tensor(logits)
        self.shape = self.logits.shape

    @property
    def probs(self) -> Tensor:
        """sigmoid(logits), the probability of a 1."""
        return ops.sigmoid(self.logits)

    @property
    def mean(self) -> Tensor:
        """sigmoid(logits)."""
        return self.probs

    def log_prob(self, x: Any) -> Tensor:
        """x log p + (1 − x) log(1 − p) = x·l − softplus(l) of each entry, in nats; p = sigmoid(l).

        Raises:
            DataError: in debug mode, x holds a value that it cannot (see `check_support`).
        """
        self._check_x(x)
        return -ops.binary_cross_entropy_with_logits(self.logits, x)

    def rsample(self, eps: Any = None, rng: Rng | None = None, sample_shape: tuple[int, ...] = ()) -> Tensor:
        """There is none, and the error says why."""
        raise NotImplementedError(
            f"a {self._name} has no reparameterised sample: an outcome is 0 or 1, and as a function of the logit it is "
            "a step, whose derivative is zero wherever it exists. Use sample() where no gradient is needed; for a "
            "gradient of E[f(x)], use the score function, f(x)·log_prob(x) with f(x) detached, or a continuous "
            "relaxation."
        )


class Bernoulli(_FromLogits):
    """A coin for each entry: p(x = 1) = sigmoid(logits), p(x = 0) = sigmoid(−logits).

    Args:
        probs: not taken; it is here so that PyTorch's `Bernoulli(p)` is answered with a reason.
        logits: log(p / (1 − p)), any real number; a Tensor, an array or a number.

    Raises:
        ConfigError: probabilities were given, or nothing.
    """

    @property
    def variance(self) -> Tensor:
        """p (1 − p)."""
        return self.probs * ops.sigmoid(-self.logits)

    def entropy(self) -> Tensor:
        """−p log p − (1 − p) log(1 − p) of each entry, in nats, between 0 and log 2.

        Computed as softplus(−|l|) + |l|·sigmoid(−|l|): an even function of the logit, of two terms that are never
        negative, so nothing cancels and the small entropy of a sure coin keeps its digits.
        """
        size = ops.abs(self.logits)
        return ops.softplus(-size) + size * ops.sigmoid(-size)

    def sample(self, rng: Rng | None = None, sample_shape: tuple[int, ...] = ()) -> Tensor:
        """Zeros and ones of shape `sample_shape + shape`: 1 where uniform noise falls below p."""
        noise = uniform(rng or default_rng(), (*sample_shape, *self.shape), self.logits.dtype)
        with no_grad():
            probs = self.probs.data
        return Tensor((to_backend(noise, self.logits.device) < probs).astype(self.logits.dtype))

    @staticmethod
    def check_support(x: Any) -> None:
        """Each entry of x must be 0 or 1.

        Raises:
            DataError: naming the range found and the ways out.
        """
        array = plain(x)
        if not bool(((array == 0) | (array == 1)).all()):
            raise DataError(
                f"Bernoulli: x must hold zeros and ones only, {_describe(array)}. A grey pixel is no outcome of a "
                'coin. Either draw one from it, binarise="dynamic" in DataLoader, fit or evaluate (after scaling to '
                '[0, 1]), or keep the grey values and choose likelihood="grey-bce" (which is labelled as not being a '
                'likelihood) or "gaussian-learned".'
            )


class GreyBCE(_FromLogits):
    """Binary cross-entropy of grey pixels x in [0, 1]: what much published code calls a Bernoulli likelihood.

    The number is x·l − softplus(l), as for `Bernoulli`. But no distribution over grey values has it as its
    log-density: integrated over x in [0, 1], exp(log_prob) gives less than one, and how much less depends on l. So it
    must not be compared with a likelihood, nor be called one. Its best value is not zero either: at p = x it is the
    entropy of a coin of that grey, which on Fashion-MNIST's test set sums to 189.9 nats an image. (The density that
    has this shape is the continuous Bernoulli, Loaiza-Ganem & Cunningham 2019.)

    `label` is "grey BCE" and `is_likelihood` is False; an objective hands the label on.
    """

    label = "grey BCE"
    is_likelihood = False

    def sample(self, rng: Rng | None = None, sample_shape: tuple[int, ...] = ()) -> Tensor:
        """There is nothing to draw from, and the error says so."""
        raise NotImplementedError(
            "GreyBCE is no distribution over grey values, so it cannot be sampled; show its mean instead"
        )

    def entropy(self) -> Tensor:
        """Not defined, as there is no distribution."""
        raise NotImplementedError("GreyBCE is no distribution over grey values, so it has no entropy")

    @staticmethod
    def check_support(x: Any) -> None:
        """Each entry of x must lie in [0, 1].

        Raises:
            DataError: naming the range found and the way out.
        """
        array = plain(x)
        if not bool(((array >= 0) & (array <= 1)).all()):
            raise DataError(
                f"GreyBCE: x must lie in [0, 1], {_describe(array)}. Scale the pixels (bytes: divide by 255), or "
                'choose likelihood="gaussian", which takes any real value.'
            )


def _describe(array: Any) -> str:
    """What was found: a range, or NaN."""
    array = array.astype(np.float64)
    if bool(array_module(array).isnan(array).any()):
        return "but it holds NaN"
    return f"but it has values in [{float(array.min()):.4g}, {float(array.max()):.4g}]"


__all__ = ["Bernoulli", "GreyBCE"]
