"""How the meaning checks call code that is not theirs: plain functions or minivae's distributions, on any backend."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from minivae.autodiff import Tensor, debug, no_grad
from minivae.backend import Array, array_module, backend_of, to_backend, to_numpy
from minivae.distributions import Bernoulli, Categorical, Distribution
from minivae.errors import DtypeError, ShapeError
from minivae.random import Rng

Sampler = Callable[..., Any]
Density = Callable[..., Any]


@dataclass(frozen=True)
class Place:
    """The dtype and the backend of the draws, in which densities are then asked too."""

    dtype: np.dtype
    backend: str

    def arrange(self, x: Array) -> Any:
        """x, a float64 host array, as the guest's own arrays are."""
        return to_backend(x.astype(self.dtype), self.backend)

    @property
    def rounding(self) -> float:
        """The relative error of one operation, and a margin for several."""
        return 16 * float(np.finfo(self.dtype).eps) if self.dtype.kind == "f" else 0.0


def ask(f: Callable[..., Any], *arguments: Any) -> Array:
    """f(*arguments) as a float64 host array. Nothing is recorded; NaN and infinity come back as values."""
    with no_grad(), debug(False), np.errstate(all="ignore"):
        return plain(f(*arguments)).astype(np.float64)


def plain(value: Any) -> Array:
    """The host array of real numbers in a Tensor (also PyTorch's), an array, a list or a number.

    Raises:
        DtypeError: there are no numbers in it, or complex ones.
    """
    value = value.data if isinstance(value, Tensor) else value
    array = to_numpy(value.detach().cpu() if hasattr(value, "detach") else value)
    if array.dtype.kind in "fiub":
        return array
    given = "complex numbers" if array.dtype.kind == "c" else "None" if value is None else f"a {type(value).__name__}"
    raise DtypeError(f"expected an array of real numbers, got {given}")


def draw(sample: Sampler, n: int, rng: Rng, *arguments: Any) -> tuple[Array, Place]:
    """n draws as a float64 host array (n, ...), and where they came from.

    Raises:
        ShapeError: their first axis does not have length n.
    """
    with no_grad(), debug(False), np.errstate(all="ignore"):
        given = sample(n, rng, *arguments)
    array = plain(given)
    if array.ndim == 0 or array.shape[0] != n:
        raise ShapeError(
            f"sample(n, rng) was asked for n = {n} draws and returned shape {array.shape}; expected ({n}, ...): one "
            "draw after the other along the first axis."
        )
    return array.astype(np.float64), Place(array.dtype, backend_of(given.data if isinstance(given, Tensor) else given))


def sampler_of(sample: Any) -> Sampler:
    """`sample(n, rng)`, of a function or of a minivae distribution."""
    if isinstance(sample, Distribution):
        distribution = sample
        return lambda n, rng, *_: distribution.sample(rng, (n,))
    return sample


def density_of(log_prob: Any) -> Density:
    """`log_prob(x)` for x of shape (n, ...), of a function or of a minivae distribution."""
    if isinstance(log_prob, Categorical):
        return lambda x, *_: _repeated(log_prob, len(x)).log_prob(x.astype(np.int64))
    if isinstance(log_prob, Distribution):
        distribution = log_prob
        return lambda x, *_: distribution.log_prob(x)
    return log_prob


def _repeated(distribution: Categorical, n: int) -> Categorical:
    """The same distribution n times: its log_prob takes one label for each entry and does not broadcast."""
    logits = distribution.logits.data
    return type(distribution)(logits=array_module(logits).broadcast_to(logits, (n, *logits.shape)))


def support_of(distribution: Any) -> Array | None:
    """The outcomes of a discrete minivae distribution; None for all else."""
    if isinstance(distribution, Bernoulli):
        return np.arange(2.0)
    if isinstance(distribution, Categorical):
        return np.arange(float(distribution.num_classes))
    return None


def declared(distribution: Any, what: str) -> Array | None:
    """The mean or variance that a minivae distribution declares; None where it declares none."""
    if not isinstance(distribution, Distribution):
        return None
    try:
        return ask(lambda: getattr(distribution, what))
    except NotImplementedError:
        return None


__all__ = ["Density", "Place", "Sampler", "ask", "declared", "density_of", "draw", "plain", "sampler_of", "support_of"]
