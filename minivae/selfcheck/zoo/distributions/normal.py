"""Wrong versions of the normal distribution."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minivae import ops
from minivae.autodiff import Tensor
from minivae.backend import Array
from minivae.distributions import Normal
from minivae.selfcheck.zoo.distributions.trials import Example
from minivae.selfcheck.zoo.sabotage import methods

LOC = np.array([[0.3, -1.2, 2.0], [0.0, 4.0, -0.5]])
LOGVAR = np.array([[0.7, -1.5, 0.2], [-0.4, 1.1, -3.0]])
SCALE = np.exp(LOGVAR / 2)


def grid(loc: Array, scale: Array) -> tuple[Array, Array]:
    """Points from −36 to 36 standard deviations, and the distance between them."""
    steps = np.linspace(-36, 36, 481)
    return loc + scale * steps.reshape(-1, *(1,) * loc.ndim), scale * (steps[1] - steps[0])


EXAMPLES = [
    Example("by scale", lambda d: d(Tensor(LOC), Tensor(SCALE)), *grid(LOC, SCALE), LOC, SCALE**2),
    Example("by logvar", lambda d: d.from_logvar(Tensor(LOC), Tensor(LOGVAR)), *grid(LOC, SCALE), LOC, SCALE**2),
]


def _log_prob(f: Any) -> Any:
    """Normal whose log-density is f(x, μ, log σ²)."""
    return methods(Normal, log_prob=lambda self, x: f(x, self.loc, self.logvar))


def _rsample(f: Any) -> Any:
    """Normal whose draws are f(μ, σ, ε)."""

    def rsample(self: Any, eps: Any = None, rng: Any = None, sample_shape: tuple[int, ...] = ()) -> Tensor:
        noise = self._draw(rng, sample_shape) if eps is None else self._given(eps, sample_shape)
        return f(self.loc, self.scale, noise)

    return methods(Normal, rsample=rsample)


def _detached(value: Any) -> Any:
    return value.detach() if isinstance(value, Tensor) else value


def _first_of_row(eps: Tensor) -> Tensor:
    return ops.broadcast_to(eps[..., :1], eps.shape)


right = ops.gaussian_log_likelihood

MUTANTS: dict[str, Any] = {
    "from_logvar takes logvar for log σ": methods(
        Normal, from_logvar=classmethod(lambda cls, loc, logvar: Normal.from_logvar(loc, logvar * 2.0))
    ),
    "from_logvar takes logvar for σ²": methods(
        Normal, from_logvar=classmethod(lambda cls, loc, logvar: Normal(loc, ops.abs(logvar)))
    ),
    "scale taken for σ²": methods(
        Normal, __init__=lambda self, loc, scale: Normal.__init__(self, loc, ops.sqrt(scale))
    ),
    "density: log 2π forgotten": _log_prob(lambda x, mu, lv: right(x, mu, lv) + 0.5 * math.log(2 * math.pi)),
    "density: log 2π without its ½": _log_prob(lambda x, mu, lv: right(x, mu, lv) - 0.5 * math.log(2 * math.pi)),
    "density: log σ² forgotten, not normalised": _log_prob(lambda x, mu, lv: right(x, mu, lv) + 0.5 * lv),
    "density: log σ² without its ½": _log_prob(lambda x, mu, lv: right(x, mu, lv) - 0.5 * lv),
    "density: + log σ": _log_prob(lambda x, mu, lv: right(x, mu, lv) + lv),
    "density: divided by σ, not σ²": _log_prob(
        lambda x, mu, lv: -0.5 * (math.log(2 * math.pi) + lv + (x - mu) * (x - mu) * ops.exp(-0.5 * lv))
    ),
    "density: the ½ of the square forgotten": _log_prob(
        lambda x, mu, lv: right(x, mu, lv) - 0.5 * (x - mu) * (x - mu) * ops.exp(-lv)
    ),
    "density: |x − μ|, as of a Laplace": _log_prob(
        lambda x, mu, lv: -ops.abs((x - mu) * ops.exp(-0.5 * lv)) - 0.5 * lv - math.log(2)
    ),
    "density: summed over the last axis": _log_prob(lambda x, mu, lv: right(x, mu, lv).sum(-1)),
    "density: positive, −log p": _log_prob(lambda x, mu, lv: -right(x, mu, lv)),
    "density: detached from μ": _log_prob(lambda x, mu, lv: right(x, _detached(mu), lv)),
    "entropy: the 1 forgotten": methods(Normal, entropy=lambda self: Normal.entropy(self) - 0.5),
    "entropy: log σ² for log σ": methods(Normal, entropy=lambda self: Normal.entropy(self) + 0.5 * self.logvar),
    "entropy: in bits": methods(Normal, entropy=lambda self: Normal.entropy(self) / math.log(2)),
    "variance: σ": methods(Normal, variance=property(lambda self: self.stddev)),
    "stddev: σ²": methods(Normal, stddev=property(lambda self: ops.square(self._expand(self.scale)))),
    "mean: zero": methods(Normal, mean=property(lambda self: 0.0 * self._expand(self.loc))),
    "draws: μ + σ²·ε, as in mean + exp(log_var) * eps": _rsample(lambda mu, s, eps: mu + s * s * eps),
    "draws: μ + √σ·ε": _rsample(lambda mu, s, eps: mu + ops.sqrt(s) * eps),
    "draws: σ·(μ + ε)": _rsample(lambda mu, s, eps: s * (mu + eps)),
    "draws: σ + μ·ε, swapped": _rsample(lambda mu, s, eps: s + mu * eps),
    "draws: |ε|": _rsample(lambda mu, s, eps: mu + s * ops.abs(eps)),
    "draws: ε from a uniform distribution of variance 1": _rsample(
        lambda mu, s, eps: mu + s * 3**0.5 * (2.0 * ops.gelu(eps) / eps - 1.0)
    ),
    "draws: ε cut off at ±2": _rsample(lambda mu, s, eps: mu + s * ops.clip(eps, -2.0, 2.0)),
    "draws: one ε for the whole row": _rsample(lambda mu, s, eps: mu + s * _first_of_row(eps)),
    "draws: σ detached": _rsample(lambda mu, s, eps: mu + _detached(s) * eps),
    "draws: μ detached": _rsample(lambda mu, s, eps: _detached(mu) + s * eps),
    "draws: no noise": _rsample(lambda mu, s, eps: mu + 0.0 * s * eps),
}
