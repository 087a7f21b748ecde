"""What the decoder's output means."""

from __future__ import annotations

import math

import numpy as np
import pytest

from minivae.autodiff import Tensor
from minivae.distributions import Bernoulli, GreyBCE, Normal
from minivae.errors import ConfigError, DataError
from minivae.models import LIKELIHOODS, make_likelihood


@pytest.mark.parametrize(
    ("name", "kind"),
    [("bernoulli", Bernoulli), ("grey-bce", GreyBCE), ("gaussian", Normal), ("gaussian-learned", Normal)],
)
def test_each_name_makes_its_distribution(name, kind, rng):
    likelihood = make_likelihood(name)
    p = likelihood(Tensor(rng.normal(size=(3, 1, 2, 2)).astype(np.float32)))
    assert isinstance(p, kind)
    assert p.shape == (3, 1, 2, 2)
    assert likelihood.label == p.label == ("grey BCE" if name == "grey-bce" else "NLL")
    likelihood.check_support(np.zeros((3, 1, 2, 2)))
    with pytest.raises(DataError):
        likelihood.check_support(np.full((3, 1, 2, 2), np.nan))


def test_fixed_sigma_is_squared_error_over_two_variances_and_a_constant(rng):
    x, output = rng.normal(size=(2, 4, 3))
    for sigma in (0.1, math.sqrt(0.5), 2.0):
        nll = -make_likelihood("gaussian", sigma)(Tensor(output)).log_prob(x).numpy()
        constant = math.log(sigma * math.sqrt(2 * math.pi))
        np.testing.assert_allclose(nll, (x - output) ** 2 / (2 * sigma**2) + constant, rtol=1e-12)


def test_every_entry_pulls_at_the_learned_sigma(rng):
    """d(−log p)/d log σ = D − Σ d²/σ²: log σ counts once for each of the D entries, not once for all."""
    x, output = rng.normal(size=(2, 4, 3))
    likelihood = make_likelihood("gaussian-learned", 0.7).to(np.float64)
    (-likelihood(Tensor(output)).log_prob(x).sum()).backward()
    sigma = math.exp(likelihood.log_sigma.data[0])
    np.testing.assert_allclose(likelihood.log_sigma.grad, [12 - ((x - output) ** 2).sum() / sigma**2], rtol=1e-12)


def test_best_learned_sigma_is_the_root_mean_squared_error(rng):
    x, output = rng.normal(size=(2, 4, 3))
    best = math.sqrt(((x - output) ** 2).mean())
    likelihood = make_likelihood("gaussian-learned").to(np.float64)
    likelihood.log_sigma.data[0] = math.log(best)
    likelihood(Tensor(output)).log_prob(x).sum().backward()
    np.testing.assert_allclose(likelihood.log_sigma.grad, 0, atol=1e-12)


def test_learned_sigma_starts_where_it_is_told_and_is_learned():
    likelihood = make_likelihood("gaussian-learned", 0.25)
    np.testing.assert_allclose(np.exp(likelihood.log_sigma.data), 0.25, rtol=1e-6)
    assert likelihood.num_parameters() == 1
    assert sum(make_likelihood(name).num_parameters() for name in LIKELIHOODS) == 1


@pytest.mark.parametrize("sigma", [0, -1, float("nan"), float("inf"), "0.1"])
@pytest.mark.parametrize("name", ["gaussian", "gaussian-learned"])
def test_sigma_must_be_positive(name, sigma):
    with pytest.raises(ConfigError, match="sigma"):
        make_likelihood(name, sigma)


@pytest.mark.parametrize("name", ["bernoulli", "grey-bce"])
def test_sigma_is_refused_where_there_is_none(name):
    with pytest.raises(ConfigError, match="has no sigma"):
        make_likelihood(name, 0.5)
