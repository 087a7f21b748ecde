"""IWAE_k: log of the mean of k weights. It does not fall with k, it tends to log p(x), and its gap is known.

Over all k-subsets of the same draws the logarithm of a mean is at least the mean of logarithms (Jensen), so the first
statement holds for every set of draws, not only on average.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from linear_vae import exact_elbo, linear_vae, put

from minivae.distributions import Bernoulli
from minivae.metrics import probabilistic_pca
from minivae.models import VAE
from minivae.objectives import iwae, log_weight
from minivae.verify.quadrature import integrate_cloud

D = 6


def bent(latent_dim, likelihood):
    """A VAE whose decoder is not linear, and one x."""
    sigma = None if likelihood == "bernoulli" else 1.0
    model = VAE((D,), (8,), latent_dim, "tanh", likelihood, seed=4, sigma=sigma).to(np.float64)
    for parameter in model.parameters():
        parameter.data[...] *= 2.0
    x = np.random.default_rng(1).random((1, D))
    return model, (x < 0.5).astype(np.float64) if likelihood == "bernoulli" else x


def weights(model, x, k, rng):
    """log w of k draws z for the one example x: (k,)."""
    q = model.encode(np.repeat(x, k, axis=0))
    z = q.rsample(rng=rng)
    return log_weight(np.repeat(x, k, axis=0), model.decode(z), q, z).data


def log_evidence(model, x):
    """log p(x) = log ∫ p(x|z) p(z) dz by quadrature."""

    def log_joint(z):
        rows = np.repeat(x, len(z), axis=0)
        prior = -0.5 * (z**2 + math.log(2 * math.pi)).sum(axis=1)
        return model.decode(z).log_prob(rows).data.sum(axis=1) + prior

    cloud = integrate_cloud(log_joint, np.zeros(model.latent_dim), np.eye(model.latent_dim))
    assert cloud.error < 1e-6
    return cloud.log_mass


MODELS = [(1, "bernoulli"), (2, "bernoulli"), (1, "gaussian-learned"), (2, "gaussian-learned")]


@pytest.mark.parametrize(("latent_dim", "likelihood"), MODELS)
def test_the_bound_does_not_fall_with_k_for_any_set_of_draws(latent_dim, likelihood, rng):
    model, x = bent(latent_dim, likelihood)
    log_w = weights(model, x, 64, rng)
    previous = log_w.mean()  # k = 1
    for k in (2, 4, 8, 16, 32, 64):
        bound = iwae(log_w.reshape(k, -1)).data.mean()
        assert bound >= previous - 1e-12
        previous = bound
    for k in range(2, 12):  # leaving one out at a time: from k − 1 to k
        without_one = np.stack([np.delete(log_w[:k], i) for i in range(k)], axis=1)
        assert iwae(log_w[:k]).item() >= iwae(without_one).data.mean() - 1e-12


@pytest.mark.parametrize(("latent_dim", "likelihood"), MODELS)
def test_the_bound_tends_to_the_likelihood_that_quadrature_gives(latent_dim, likelihood, rng):
    """p(x) is the mean of the weights, within the standard error; so the bound reaches log p(x)."""
    model, x = bent(latent_dim, likelihood)
    exact = log_evidence(model, x)
    ratio = np.exp(weights(model, x, 100_000, rng) - exact)
    error = ratio.std(ddof=1) / math.sqrt(len(ratio))
    assert abs(ratio.mean() - 1) < 4.5 * error
    assert error < 0.02
    bounds = [float(iwae(np.log(ratio[: 100_000 // k * k]).reshape(-1, k), dim=1).data.mean()) for k in (1, 10, 1000)]
    assert bounds[0] < bounds[1] < bounds[2] < 4.5 * error
    assert abs(bounds[2]) < 0.2 * abs(bounds[0])


def test_with_the_posterior_for_q_the_bound_is_the_likelihood_for_every_k(rng):
    x = rng.normal(size=(40, D)) @ rng.normal(size=(D, D))
    ppca = probabilistic_pca(x, 2)
    model = put(linear_vae(D, 2, ppca.sigma), ppca.weight, ppca.mean, ppca.sigma**2)
    for k in (1, 3, 50):
        assert iwae(weights(model, x[:1], k, rng)).item() == pytest.approx(ppca.log_prob(x[:1])[0], rel=1e-11)


def test_the_gap_of_many_draws_is_half_the_variance_of_the_weights_over_k(rng):
    """k · (log p(x) − IWAE_k) → ½ Var(w/p(x)) (Domke & Sheldon 2018).

    The variance is known where q is the posterior but for its width: with one latent dimension and the ratio s of their
    variances, E (w/p)² = s / √(2s − 1).
    """
    x = rng.normal(size=(40, D)) @ rng.normal(size=(D, D))
    ppca = probabilistic_pca(x, 1)
    model = put(linear_vae(D, 1, ppca.sigma), ppca.weight, ppca.mean, ppca.sigma**2)
    s, k, one = 1.5, 50, x[:1]
    model.encoder.logvar.bias.data += math.log(s)
    gap = ppca.log_prob(one)[0] + exact_elbo(model, one).loss.item()
    assert gap == pytest.approx(0.5 * (s - 1 - math.log(s)), rel=1e-10)  # k = 1: KL(q ‖ posterior)
    log_ratio = weights(model, one, 400_000, rng) - ppca.log_prob(one)[0]
    square = np.exp(2 * log_ratio)
    moment = s / math.sqrt(2 * s - 1)
    assert abs(square.mean() - moment) < 4.5 * square.std() / math.sqrt(len(square))
    bound = iwae(log_ratio.reshape(-1, k), dim=1).data
    gaps = np.exp(bound) - 1 - bound  # the mean of exp(bound), that is of w/p, is 1: subtracted, the noise goes with it
    error = gaps.std(ddof=1) / math.sqrt(len(gaps))
    leading = 0.5 * (moment - 1) / k
    assert abs(gaps.mean() - leading) < 4.5 * error + leading / k
    assert error < 0.1 * leading


def test_for_a_decoder_that_ignores_z_every_bound_with_q_the_prior_is_the_likelihood(rng):
    model, x = bent(2, "bernoulli")
    model.decoder.output.weight.data[...] = 0
    for head in (model.encoder.mu, model.encoder.logvar):
        head.weight.data[...] = 0
        head.bias.data[...] = 0
    exact = Bernoulli(logits=model.decoder.output.bias.data).log_prob(x[0]).sum().item()
    np.testing.assert_allclose(weights(model, x, 9, rng), exact, rtol=1e-12)
    assert log_evidence(model, x) == pytest.approx(exact, abs=1e-9)
