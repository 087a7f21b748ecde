"""Importance weights and the bound of Burda et al."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minivae import ops
from minivae.distributions import Bernoulli, Normal
from minivae.errors import ShapeError
from minivae.objectives import elbo, iwae, log_weight
from minivae.random import normal, stream
from minivae.verify import gradcheck

log_weights = arrays(np.float64, st.tuples(st.integers(2, 7), st.integers(1, 3)), elements=st.floats(-50, 50))


@settings(deadline=None, max_examples=60)
@given(log_weights)
def test_bound_rises_with_the_number_of_draws(weights):
    """For any weights: the bound from K draws is at least the average of the bounds that leave one out."""
    K = len(weights)
    without_one = np.mean([iwae(np.delete(weights, k, axis=0)).numpy() for k in range(K)], axis=0)
    assert (iwae(weights).numpy() >= without_one - 1e-12).all()
    assert (iwae(weights).numpy() >= weights.mean(axis=0) - 1e-12).all()
    assert (iwae(weights).numpy() <= weights.max(axis=0) + 1e-12).all()


@settings(deadline=None, max_examples=30)
@given(log_weights, st.floats(-5000, 5000))
def test_a_common_factor_comes_out_without_underflow(weights, shift):
    np.testing.assert_allclose(iwae(weights + shift).numpy(), iwae(weights).numpy() + shift, rtol=1e-10, atol=1e-9)


def test_equal_weights_give_that_weight():
    np.testing.assert_allclose(iwae(np.full((10, 2), -87.3)).numpy(), -87.3, rtol=1e-15)


def test_draws_may_lie_along_any_axis(rng):
    weights = rng.normal(size=(4, 6))
    np.testing.assert_allclose(iwae(weights.T, dim=1).numpy(), iwae(weights).numpy(), rtol=1e-14)
    np.testing.assert_allclose(iwae(weights, dim=-1).numpy(), np.log(np.exp(weights).mean(axis=1)), rtol=1e-13)


def test_gradient_of_the_bound_is_the_normalised_weights(rng):
    assert gradcheck(lambda w: iwae(w), rng.normal(size=(5, 3)))


def one_latent_model(rng):
    w, b = rng.normal(size=(1, 7)), rng.normal(size=7)
    return lambda z: Bernoulli(logits=ops.matmul(z, w) + b)


def test_mean_log_weight_is_the_elbo(rng):
    """Σ log p(x|z) + log p(z) − log q(z|x) averages to −(reconstruction + KL), within four standard errors."""
    n, likelihood = 20_000, one_latent_model(rng)
    x = np.repeat((rng.random((1, 7)) < 0.5).astype(np.float64), n, axis=0)
    q = Normal.from_logvar(np.full((n, 1), 0.6), np.full((n, 1), -0.9))
    z = q.rsample(normal(stream(1), (n, 1), np.float64))
    p = likelihood(z)
    terms, weights = elbo(x, p, q), log_weight(x, p, q, z).numpy()
    assert weights.shape == (n,)
    # The reconstruction term is the same draws; what is left is the closed-form KL against its estimate.
    kl_estimates = p.log_prob(x).numpy().sum(axis=1) - weights
    z_score = (kl_estimates.mean() - terms.kl.item()) / (kl_estimates.std(ddof=1) / math.sqrt(n))
    assert abs(z_score) < 4
    np.testing.assert_allclose(terms.loss.item(), -weights.mean() + terms.kl.item() - kl_estimates.mean(), rtol=1e-10)


def test_bound_reaches_log_p_of_x(rng):
    """Log p(x) by quadrature; E[IWAE_K] rises towards it, and the mean weight estimates p(x) without bias."""
    likelihood = one_latent_model(rng)
    x = (rng.random((1, 7)) < 0.5).astype(np.float64)
    grid = np.linspace(-10, 10, 4001)[:, None]
    log_joint = likelihood(grid).log_prob(x).numpy().sum(axis=1) + Normal(0, 1).log_prob(grid).numpy()[:, 0]
    log_px = math.log(np.exp(log_joint).sum() * (grid[1, 0] - grid[0, 0]))

    n = 20_000
    q = Normal.from_logvar(np.full((n, 1), -0.5), np.full((n, 1), 0.5))
    z = q.rsample(normal(stream(2), (n, 1), np.float64))
    weights = log_weight(np.repeat(x, n, axis=0), likelihood(z), q, z).numpy()
    bounds = [iwae(weights.reshape(K, n // K)).numpy() for K in (1, 5, 50, 500)]
    errors = [b.std(ddof=1) / math.sqrt(b.size) for b in bounds]
    means = [b.mean() for b in bounds]
    assert means == sorted(means)
    assert all(mean < log_px + 4 * error for mean, error in zip(means, errors, strict=True))
    assert log_px - means[0] > 0.05
    assert abs(log_px - means[-1]) < 0.005 + 4 * errors[-1]
    ratio = np.exp(weights - log_px)
    assert abs(ratio.mean() - 1) < 4 * ratio.std(ddof=1) / math.sqrt(n)


def test_exact_posterior_makes_every_weight_equal_to_p_of_x(rng):
    """x = w z + noise: with q(z|x) = p(z|x) no draw says anything new."""
    w, sigma = rng.normal(size=(1, 7)), 0.6
    x = rng.normal(size=(4, 7))
    M = (w @ w.T).item() + sigma**2
    q = Normal(x @ w.T / M, math.sqrt(sigma**2 / M))
    covariance = w.T @ w + sigma**2 * np.eye(7)
    log_px = -0.5 * (
        7 * math.log(2 * math.pi)
        + np.linalg.slogdet(covariance)[1]
        + (x * np.linalg.solve(covariance, x.T).T).sum(axis=1)
    )
    for seed in range(3):
        z = q.rsample(rng=stream(seed))
        weights = log_weight(x, Normal(ops.matmul(z, w), sigma), q, z)
        np.testing.assert_allclose(weights.numpy(), log_px, rtol=1e-12)


def test_prior_is_an_argument(rng):
    z = rng.normal(size=(4, 2))
    q, p, x = Normal(z, 1.0), Bernoulli(logits=np.zeros((4, 3))), np.ones((4, 3))
    with_q_as_prior = log_weight(x, p, q, z + 1, prior=q).numpy()
    np.testing.assert_allclose(with_q_as_prior, -3 * math.log(2), rtol=1e-13)


def test_shapes_that_do_not_belong_together_are_refused():
    q, p, x = Normal(np.zeros((4, 2)), 1.0), Bernoulli(logits=np.zeros((4, 3))), np.ones((4, 3))
    with pytest.raises(ShapeError, match=r"z has shape \(2,\)"):
        log_weight(x, p, q, np.zeros(2))
    with pytest.raises(ShapeError, match=r"x has shape \(4, 2\)"):
        log_weight(np.ones((4, 2)), p, q, np.zeros((4, 2)))
    for weights in (np.zeros((0, 3)), 1.0):
        with pytest.raises(ShapeError, match="K ≥ 1"):
            iwae(weights)
