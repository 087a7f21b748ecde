"""The linear VAE is probabilistic PCA: likelihood, posterior, gap and rate are known in closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest
from linear_vae import exact_elbo, linear_vae, put, rotation

from minivae.autodiff import Tensor
from minivae.distributions import Normal, kl_divergence
from minivae.errors import ConfigError, DataError, ShapeError
from minivae.metrics import normal_kl, normal_log_density, probabilistic_pca
from minivae.objectives import log_weight
from minivae.verify import check_sampler

D, K = 7, 3


@pytest.fixture
def x(rng):
    """Data of no particular distribution: only mean and covariance count."""
    return rng.exponential(size=(60, D)) @ rng.normal(size=(D, D)) + rng.normal(size=D)


def at_the_optimum(x, turned=None):
    """Probabilistic PCA of x, and minivae's VAE with its parameters; W turned by an orthogonal matrix."""
    ppca = probabilistic_pca(x, K)
    weight = ppca.weight if turned is None else ppca.weight @ turned
    return ppca, put(linear_vae(D, K, ppca.sigma), weight, ppca.mean, ppca.sigma**2)


# --- the likelihood (Tipping & Bishop 1999) -----------------------------------------------------------------


def test_the_maximum_likelihood_has_the_closed_form_in_the_eigenvalues(x):
    """−½ (D log 2π + Σ_{i≤k} log λᵢ + (D − k) log σ² + D), against the mean of log N(x; μ, WWᵀ + σ²I)."""
    ppca = probabilistic_pca(x, K)
    eigenvalues = np.sort(np.linalg.eigvalsh(np.cov(x.T, bias=True)))[::-1]
    variance = eigenvalues[K:].mean()
    exact = -0.5 * (D * math.log(2 * math.pi) + np.log(eigenvalues[:K]).sum() + (D - K) * math.log(variance) + D)
    assert ppca.log_likelihood == pytest.approx(exact, rel=1e-12)
    assert ppca.log_prob(x).mean() == pytest.approx(exact, rel=1e-12)
    assert ppca.sigma**2 == pytest.approx(variance, rel=1e-12)


def test_at_the_optimum_every_importance_weight_of_the_vae_is_the_likelihood(x, rng):
    """log p(x|z) + log p(z) − log q(z|x) does not depend on z, as q is the posterior."""
    ppca, model = at_the_optimum(x)
    q = model.encode(x)
    for _ in range(3):
        z = q.rsample(rng=rng)
        np.testing.assert_allclose(log_weight(x, model.decode(z), q, z).data, ppca.log_prob(x), rtol=1e-11)


def test_no_direction_leads_up_from_the_optimum(x, rng):
    """All gradients of the ELBO vanish, and a step in any direction lowers it."""
    ppca, model = at_the_optimum(x)
    terms = exact_elbo(model, x)
    terms.loss.backward()
    for name, parameter in model.named_parameters():
        assert np.abs(parameter.grad).max() < 1e-9, name
    for parameter in model.parameters():
        before = parameter.data.copy()
        parameter.data += 0.01 * rng.standard_normal(parameter.shape)
        assert -exact_elbo(model, x).loss.item() < ppca.log_likelihood - 1e-7
        parameter.data[...] = before


@pytest.mark.parametrize("factor", [0.9, 1.1])
def test_no_other_noise_has_a_higher_likelihood(x, factor):
    ppca = probabilistic_pca(x, K)
    other = ppca.covariance + (factor - 1) * ppca.sigma**2 * np.eye(D)
    assert normal_log_density(x, ppca.mean, other).mean() < ppca.log_likelihood - 1e-4


# --- the gap (Lucas et al. 2019) ----------------------------------------------------------------------------


def test_the_elbo_is_the_likelihood_for_every_example_if_the_columns_of_w_are_orthogonal(x):
    ppca, model = at_the_optimum(x)
    assert -exact_elbo(model, x).loss.item() == pytest.approx(ppca.log_likelihood, rel=1e-12)
    for one in x[:5]:
        assert -exact_elbo(model, one[None]).loss.item() == pytest.approx(ppca.log_prob(one[None])[0], rel=1e-11)


def test_a_rotated_decoder_with_a_diagonal_posterior_has_a_gap_of_half_log_m_jj_over_det_m(x, rng):
    turned = rotation(K, rng)
    ppca, model = at_the_optimum(x, turned)
    m = turned.T @ ppca.m @ turned
    gap = 0.5 * (np.log(np.diag(m)).sum() - np.linalg.slogdet(m)[1])
    assert gap > 0.05
    for one in (x, x[:1], x[1:2]):
        found = ppca.log_prob(one).mean() + exact_elbo(model, one).loss.item()
        assert found == pytest.approx(gap, rel=1e-10)
    covariance = np.diag(model.encode(x).variance.data[0])
    assert normal_kl(np.zeros(K), covariance, np.zeros(K), ppca.sigma**2 * np.linalg.inv(m)) == pytest.approx(gap)


def test_no_other_diagonal_posterior_has_a_smaller_gap(x, rng):
    _, model = at_the_optimum(x, rotation(K, rng))
    terms = exact_elbo(model, x)
    terms.loss.backward()
    assert np.abs(model.encoder.logvar.bias.grad).max() < 1e-10
    assert np.abs(model.encoder.mu.weight.grad).max() < 1e-10


# --- aggregate posterior and rate -----------------------------------------------------------------------------


def test_the_aggregate_posterior_has_the_moments_of_the_prior(x):
    _, model = at_the_optimum(x)
    q = model.encode(x)
    np.testing.assert_allclose(q.mean.data.mean(axis=0), np.zeros(K), atol=1e-12)
    covariance = np.cov(q.mean.data.T, bias=True) + np.diag(q.variance.data.mean(axis=0))
    np.testing.assert_allclose(covariance, np.eye(K), atol=1e-12)


def test_the_aggregate_posterior_of_gaussian_data_is_the_prior(x):
    """In distribution: draws of z ~ q(z|x), x ~ N(μ, C) pass as draws from N(0, I)."""
    ppca, model = at_the_optimum(x)
    factor = np.linalg.cholesky(ppca.covariance)

    def aggregate(n, rng):
        data = ppca.mean + rng.standard_normal((n, D)) @ factor.T
        return model.encode(data).rsample(rng=rng)

    standard = Normal(np.zeros(K), 1.0)
    check_sampler(aggregate, standard, name="aggregate posterior").require()
    model.encoder.logvar.bias.data += 0.2
    assert not check_sampler(aggregate, standard)


def test_the_rate_is_the_mutual_information_of_x_and_z(x):
    """E KL(q(z|x) ‖ p(z)) = h(z) − h(z|x) = KL(p(x, z) ‖ p(x)p(z)) = Σ ½ log(λᵢ/σ²)."""
    ppca, model = at_the_optimum(x)
    rate = exact_elbo(model, x).kl.item()
    assert rate == pytest.approx(0.5 * np.log(ppca.eigenvalues[:K] / ppca.sigma**2).sum(), rel=1e-11)

    prior = Normal(np.zeros(K), 1.0)
    conditional = model.encode(x).entropy().sum(1).mean().item()
    assert rate == pytest.approx(prior.entropy().sum().item() - conditional, rel=1e-11)

    joint = np.block([[ppca.covariance, ppca.weight], [ppca.weight.T, np.eye(K)]])
    apart = joint.copy()
    apart[:D, D:], apart[D:, :D] = 0, 0
    assert rate == pytest.approx(normal_kl(np.zeros(D + K), joint, np.zeros(D + K), apart), rel=1e-10)


def test_a_rate_is_mutual_information_plus_the_distance_of_the_aggregate_from_the_prior(x):
    """With another encoder, on Gaussian data: E KL(q(z|x) ‖ p) = I(x; z) + KL(q(z) ‖ p), exactly.

    (Hoffman & Johnson 2016.)
    """
    _, model = at_the_optimum(x)
    model.encoder.mu.weight.data *= 1.3
    model.encoder.mu.bias.data += 0.4
    model.encoder.logvar.bias.data -= 0.3
    q = model.encode(x)
    mean, between = q.mean.data.mean(axis=0), np.cov(q.mean.data.T, bias=True)
    within = np.diag(q.variance.data[0])
    aggregate = Normal(mean, np.sqrt(np.diag(between + within)))  # diagonal, as the columns of W are eigenvectors
    information = (aggregate.entropy().sum() - q.entropy().sum(1).mean()).item()
    from_prior = kl_divergence(aggregate, Normal(0, 1)).sum().item()
    assert from_prior > 0.1
    assert exact_elbo(model, x).kl.item() == pytest.approx(information + from_prior, rel=1e-11)


# --- probabilistic PCA itself -------------------------------------------------------------------------------


def test_joint_density_is_prior_times_likelihood_is_marginal_times_posterior(x, rng):
    ppca = probabilistic_pca(x, K)
    z = rng.standard_normal((len(x), K))
    likelihood = Normal(z @ ppca.weight.T + ppca.mean, ppca.sigma).log_prob(x).data.sum(axis=1)
    joint = likelihood + Normal(0.0, 1.0).log_prob(z).data.sum(axis=1)
    means, covariance = ppca.posterior(x)
    np.testing.assert_allclose(ppca.log_prob(x) + normal_log_density(z, means, covariance), joint, rtol=1e-11)
    np.testing.assert_allclose(ppca.m, np.diag(np.diag(ppca.m)), atol=1e-10)


def test_images_and_tensors_are_taken(x):
    images = Tensor(x.reshape(-1, 1, 7, 1).astype(np.float32))
    assert probabilistic_pca(images, K).log_likelihood == pytest.approx(probabilistic_pca(x, K).log_likelihood, 1e-5)


def test_what_has_no_maximum_is_refused(x):
    with pytest.raises(ConfigError, match=r"expected 1 \.\.\. 6"):
        probabilistic_pca(x, D)
    with pytest.raises(ConfigError, match="k is 0"):
        probabilistic_pca(x, 0)
    with pytest.raises(ShapeError, match=r"\(60,\)"):
        probabilistic_pca(x[:, 0], 1)
    flat = x.copy()
    flat[:, 2:] = x[:, :2] @ np.ones((2, D - 2))
    with pytest.raises(DataError, match="σ = 0"):
        probabilistic_pca(flat, 2)
