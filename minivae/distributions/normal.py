"""The normal distribution, given by its scale or by its log-variance."""

from __future__ import annotations

import math
from typing import Any

from minivae import ops
from minivae.autodiff import Tensor, mode, no_grad
from minivae.backend import array_module, to_backend
from minivae.distributions.distribution import (
    Distribution,
    Value,
    as_value,
    dtype_and_backend,
    expand,
    plain,
    shape_of,
)
from minivae.errors import ConfigError, DataError, ShapeError
from minivae.random import Rng, default_rng, normal


class Normal(Distribution):
    """N(μ, σ²), independent in every entry.

        p(x) = exp(−½ (x − μ)²/σ²) / (σ √(2π))

    `Normal(loc, scale)` is given by σ, `Normal.from_logvar(loc, logvar)` by log σ². A network had better produce the
    log-variance: any real number is one, and so no σ can come out zero or negative. The parameter that was given is
    kept as it is and the other is made from it when asked for; no variance is computed on the way, since e^logvar
    overflows float32 above 88 where σ = e^(logvar/2) does not.

    Args:
        loc: the mean μ; a Tensor, an array or a number.
        scale: the standard deviation σ > 0; its shape and that of `loc` broadcast.

    Raises:
        ConfigError: a scale is not positive (numbers always; arrays in debug mode, as it costs a pass).
        ShapeError: the shapes do not broadcast.
    """

    def __init__(self, loc: Any, scale: Any) -> None:
        self.loc: Value = as_value(loc)
        self._scale: Value | None = as_value(scale)
        self._logvar: Value | None = None
        self.shape = shape_of("Normal", loc=self.loc, scale=self._scale)
        if not isinstance(self._scale, Tensor) or mode.debug:
            _check_positive(self._scale)

    @classmethod
    def from_logvar(cls, loc: Any, logvar: Any) -> Normal:
        """N(loc, e^logvar): by the logarithm of the variance, log σ² = 2 log σ (not log σ)."""
        self = cls.__new__(cls)
        self.loc = as_value(loc)
        self._scale = None
        self._logvar = as_value(logvar)
        self.shape = shape_of("Normal", loc=self.loc, logvar=self._logvar)
        return self

    @property
    def scale(self) -> Value:
        """σ = e^(logvar/2), as a Tensor or a number."""
        if self._scale is not None:
            return self._scale
        logvar = self.logvar
        return ops.exp(0.5 * logvar) if isinstance(logvar, Tensor) else math.exp(0.5 * logvar)

    @property
    def logvar(self) -> Value:
        """log σ² = 2 log σ, as a Tensor or a number."""
        if self._logvar is not None:
            return self._logvar
        scale = self.scale
        return 2.0 * ops.log(scale) if isinstance(scale, Tensor) else 2.0 * math.log(scale)

    @property
    def mean(self) -> Tensor:
        """μ, of this distribution's shape."""
        return self._expand(self.loc)

    @property
    def stddev(self) -> Tensor:
        """σ, of this distribution's shape."""
        return self._expand(self.scale)

    @property
    def variance(self) -> Tensor:
        """σ², of this distribution's shape."""
        if self._logvar is None:
            return ops.square(self.stddev)
        return ops.exp(self._expand(self._logvar))

    def rsample(self, eps: Any = None, rng: Rng | None = None, sample_shape: tuple[int, ...] = ()) -> Tensor:
        """z = μ + σ·ε, with ε from N(0, 1): a draw through which gradients reach μ and σ.

        The randomness is all in ε, which depends on no parameter. So for a fixed ε the draw is an ordinary function
        of μ and σ, with dz/dμ = 1 and dz/dσ = ε, dz/dlogvar = ½εσ (Kingma & Welling 2014, section 2.4).

        Args:
            eps: the noise, exactly of shape `sample_shape + shape`; by default drawn from `rng`.
            rng: a NumPy Generator; by default this thread's. The noise is drawn on the host in float32 and then
                moved, so that a seed gives the same numbers on both backends.
            sample_shape: axes to put in front, one draw for each of their entries.

        Raises:
            ShapeError: eps has another shape. It is not broadcast: noise that two entries share is a mistake that
                no gradient check sees.
        """
        noise = self._draw(rng, sample_shape) if eps is None else self._given(eps, sample_shape)
        return self.loc + self.scale * noise

    def sample(self, rng: Rng | None = None, sample_shape: tuple[int, ...] = ()) -> Tensor:
        """A draw through which no gradient passes, of shape `sample_shape + shape`."""
        with no_grad():
            return self.rsample(rng=rng, sample_shape=sample_shape)

    def log_prob(self, x: Any) -> Tensor:
        """log N(x; μ, σ²) = −½ (log 2π + log σ² + (x − μ)²/σ²) of each entry, in nats.

        A density's logarithm: above zero where σ is small, and it changes with the unit in which x is measured.
        """
        self._check_x(x)
        return ops.gaussian_log_likelihood(x, self.loc, self.logvar)

    def entropy(self) -> Tensor:
        """½ (1 + log 2π + log σ²) of each entry, in nats."""
        half_log_var = self._expand(0.5 * self.logvar)
        return half_log_var + 0.5 * (1.0 + math.log(2.0 * math.pi))

    @staticmethod
    def check_support(x: Any) -> None:
        """Every real number can be an outcome; NaN and infinity cannot.

        Raises:
            DataError: some entry is not finite.
        """
        array = plain(x)
        finite = array_module(array).isfinite(array)
        if not bool(finite.all()):
            raise DataError(
                f"Normal: x holds {array.size - int(finite.sum())} of {array.size} values that are NaN or infinite. "
                "Look for a division by zero, or for missing values read as NaN, where the data are made."
            )

    def _expand(self, value: Value) -> Tensor:
        return expand(value, self.shape, self.loc, value)

    def _draw(self, rng: Rng | None, sample_shape: tuple[int, ...]) -> Tensor:
        dtype, backend = dtype_and_backend(self.loc, self._scale_or_logvar)
        noise = normal(rng or default_rng(), (*sample_shape, *self.shape), dtype)
        return Tensor(to_backend(noise, backend))

    def _given(self, eps: Any, sample_shape: tuple[int, ...]) -> Tensor:
        noise = eps if isinstance(eps, Tensor) else Tensor(eps)
        expected = (*sample_shape, *self.shape)
        if noise.shape != expected:
            raise ShapeError(
                f"rsample: eps has shape {noise.shape}; expected {expected}, one noise value for each entry of the "
                "distribution (sample_shape + shape). Draw it with that shape, or leave eps out."
            )
        return noise

    @property
    def _scale_or_logvar(self) -> Value:
        value = self._logvar if self._scale is None else self._scale
        assert value is not None
        return value


def _check_positive(scale: Value) -> None:
    smallest = float(scale.data.min()) if isinstance(scale, Tensor) and scale.size else scale
    if isinstance(smallest, float) and not smallest > 0:
        raise ConfigError(
            f"Normal: the scale (a standard deviation) must be positive; the smallest given is {smallest:g}. "
            "If a network makes it, let it make the log-variance and use Normal.from_logvar."
        )


__all__ = ["Normal"]
