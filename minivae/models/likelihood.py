"""p(x|z): what the decoder's output means. The last module of a model, a few lines each."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minivae.autodiff import Tensor
from minivae.distributions import Bernoulli, Distribution, GreyBCE, Normal
from minivae.errors import ConfigError
from minivae.layers import Module, Parameter

DEFAULT_SIGMA = 0.1


class Likelihood(Module):
    """Turns the decoder's output, of x's shape, into a distribution over x.

    Attributes:
        distribution: the type it makes; its `label` says what −log_prob is to be called, its `check_support` which
            data it takes.
    """

    distribution: type[Bernoulli] | type[GreyBCE] | type[Normal]

    def forward(self, output: Tensor) -> Distribution:
        """output: (B, ...) -> p(x|z), of the same shape."""
        raise NotImplementedError

    @property
    def label(self) -> str:
        """ "NLL" for a likelihood, "grey BCE" for what is none."""
        return self.distribution.label

    def check_support(self, x: Any) -> None:
        """One pass over data x: raises DataError if some value cannot be an outcome."""
        self.distribution.check_support(x)


class BernoulliLikelihood(Likelihood):
    """Binary pixels; the output holds their logits."""

    distribution = Bernoulli

    def forward(self, output: Tensor) -> Bernoulli:
        """Logits -> Bernoulli."""
        return Bernoulli(logits=output)


class GreyBCELikelihood(Likelihood):
    """The Bernoulli formula on grey pixels in [0, 1]. Not a likelihood, and labelled so (see `GreyBCE`)."""

    distribution = GreyBCE

    def forward(self, output: Tensor) -> GreyBCE:
        """Logits -> GreyBCE."""
        return GreyBCE(logits=output)


class GaussianLikelihood(Likelihood):
    """Real values with noise of one fixed σ: −log p is squared error / 2σ², plus a constant.

    σ decides how much the reconstruction weighs against the KL term: a smaller σ does what a smaller β does. With
    σ = √½ the loss is the plain squared error (plus the constant). The default of 0.1 suits pixels in [0, 1].
    """

    distribution = Normal

    def __init__(self, sigma: float = DEFAULT_SIGMA) -> None:
        self.sigma = _positive(sigma)

    def forward(self, output: Tensor) -> Normal:
        """Means -> Normal(means, σ)."""
        return Normal(output, self.sigma)


class LearnedGaussianLikelihood(Likelihood):
    """Real values with noise of one σ, learned, that all entries share.

    At the optimum σ² is the mean squared error of the reconstruction, so the weight between the two terms of the
    ELBO needs no tuning (Rybkin et al. 2021). The parameter is log σ, which may be any real number; every one
    of the D entries of x contributes to its gradient, and −D·log σ to log p(x).
    """

    distribution = Normal

    def __init__(self, sigma: float = DEFAULT_SIGMA) -> None:
        self.log_sigma = Parameter(np.full(1, math.log(_positive(sigma)), np.float32))

    def forward(self, output: Tensor) -> Normal:
        """Means -> Normal(means, σ)."""
        return Normal.from_logvar(output, 2.0 * self.log_sigma)


def _positive(sigma: float) -> float:
    if not (isinstance(sigma, (int, float)) and 0 < sigma < math.inf):
        raise ConfigError(f"likelihood: sigma is {sigma!r}; expected a positive number, a standard deviation of x")
    return float(sigma)


LIKELIHOODS: dict[str, type[Likelihood]] = {
    "bernoulli": BernoulliLikelihood,
    "grey-bce": GreyBCELikelihood,
    "gaussian": GaussianLikelihood,
    "gaussian-learned": LearnedGaussianLikelihood,
}


def make_likelihood(name: str, sigma: float | None = None) -> Likelihood:
    """The likelihood of this name.

    Args:
        name: "bernoulli", "grey-bce", "gaussian" or "gaussian-learned".
        sigma: the σ of "gaussian", or the one from which "gaussian-learned" starts; 0.1 if left out.

    Raises:
        ConfigError: the name is unknown, or sigma is not positive or given to a likelihood that has none.
    """
    if name not in LIKELIHOODS:
        raise ConfigError(f"unknown likelihood {name!r}; expected one of {', '.join(LIKELIHOODS)}")
    if sigma is None:
        return LIKELIHOODS[name]()
    if not name.startswith("gaussian"):
        raise ConfigError(f"likelihood {name!r} has no sigma, got {sigma!r}; leave it out, or choose 'gaussian'")
    return LIKELIHOODS[name](sigma)  # type: ignore[call-arg]


__all__ = [
    "DEFAULT_SIGMA",
    "LIKELIHOODS",
    "BernoulliLikelihood",
    "GaussianLikelihood",
    "GreyBCELikelihood",
    "LearnedGaussianLikelihood",
    "Likelihood",
    "make_likelihood",
]
