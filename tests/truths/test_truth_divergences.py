"""KL(q ‖ p) in closed form is E_q[log q − log p]: to rounding where the average can be taken exactly, and by drawing.

The average is exact over outcomes that can be listed (coins, classes), and for normal densities, whose logarithms are
polynomials of second degree, over points with the mean and the covariance of q.
"""

from __future__ import annotations

import numpy as np
import pytest
from linear_vae import second_order_points

from minivae.distributions import Bernoulli, Categorical, Normal, kl_divergence
from minivae.errors import ConfigError, ShapeError
from minivae.metrics import normal_kl, normal_log_density
from minivae.verify import check_kl

B, L, CLASSES = 3, 5, 4


def gaussians(rng):
    """Means and log-variances of q and p, with log-variances on both sides of zero."""
    return rng.normal(size=(4, B, L))


def full(rng, d=L):
    """Two means and two covariances, the first the wider."""
    factors = 0.5 * np.tril(rng.normal(size=(2, d, d))) + np.array([2.0, 1.0]).reshape(2, 1, 1) * np.eye(d)
    return (*rng.normal(size=(2, d)), *(f @ f.T for f in factors))


@pytest.mark.parametrize("standard", [True, False], ids=["to N(0, I)", "to another"])
def test_diagonal_normals(rng, standard):
    mu, logvar, mu_p, logvar_p = gaussians(rng)
    q, p = Normal.from_logvar(mu, logvar), Normal(0, 1) if standard else Normal.from_logvar(mu_p, logvar_p)
    z = q.rsample(np.stack([np.ones((B, L)), -np.ones((B, L))]), sample_shape=(2,))  # each entry at μ ± σ
    average = (q.log_prob(z) - p.log_prob(z)).data.mean(axis=0)
    np.testing.assert_allclose(kl_divergence(q, p).data, average, rtol=1e-11, atol=1e-12)
    check_kl(kl_divergence(q, p), q, q, p, at_prior=kl_divergence(q, q)).require()


def test_full_normals(rng):
    mean_q, mean_p, covariance_q, covariance_p = full(rng)
    log_q = lambda z: normal_log_density(z, mean_q, covariance_q)
    log_p = lambda z: normal_log_density(z, mean_p, covariance_p)
    factor = np.linalg.cholesky(covariance_q)
    z = mean_q + second_order_points(L) @ factor.T
    value = normal_kl(mean_q, covariance_q, mean_p, covariance_p)
    assert value == pytest.approx((log_q(z) - log_p(z)).mean(), rel=1e-11)
    sample = lambda n, rng: mean_q + rng.standard_normal((n, L)) @ factor.T
    at_prior = normal_kl(mean_p, covariance_p, mean_p, covariance_p)
    check_kl(value, sample, log_q, log_p, at_prior=at_prior).require()
    assert not check_kl(normal_kl(mean_p, covariance_p, mean_q, covariance_q), sample, log_q, log_p)


def test_full_normals_with_diagonal_covariances_are_the_diagonal_ones(rng):
    mu, logvar, mu_p, logvar_p = (part[0] for part in gaussians(rng))
    q, p = Normal.from_logvar(mu, logvar), Normal.from_logvar(mu_p, logvar_p)
    diagonal = kl_divergence(q, p).sum().item()
    assert normal_kl(mu, np.diag(np.exp(logvar)), mu_p, np.diag(np.exp(logvar_p))) == pytest.approx(diagonal, rel=1e-12)
    x = rng.normal(size=(B, L))
    np.testing.assert_allclose(normal_log_density(x, mu, np.diag(np.exp(logvar))), q.log_prob(x).data.sum(1))


def test_a_divergence_does_not_change_under_a_linear_map_of_both(rng):
    mean_q, mean_p, covariance_q, covariance_p = full(rng)
    a = rng.normal(size=(L, L))
    mapped = normal_kl(a @ mean_q, a @ covariance_q @ a.T, a @ mean_p, a @ covariance_p @ a.T)
    assert mapped == pytest.approx(normal_kl(mean_q, covariance_q, mean_p, covariance_p), rel=1e-8)


def test_bernoulli(rng):
    a, b = 3 * rng.normal(size=(2, B, L))
    q, p = Bernoulli(logits=a), Bernoulli(logits=b)
    outcomes = [np.full((B, L), value) for value in (0.0, 1.0)]
    average = sum(np.exp(q.log_prob(x).data) * (q.log_prob(x) - p.log_prob(x)).data for x in outcomes)
    np.testing.assert_allclose(kl_divergence(q, p).data, average, rtol=1e-11, atol=1e-13)
    check_kl(kl_divergence(q, p), q, q, p, at_prior=kl_divergence(q, q)).require()


def test_categorical(rng):
    a, b = 2 * rng.normal(size=(2, B, CLASSES))
    q, p = Categorical(logits=a), Categorical(logits=b)
    outcomes = [np.full(B, k) for k in range(CLASSES)]
    average = sum(np.exp(q.log_prob(x).data) * (q.log_prob(x) - p.log_prob(x)).data for x in outcomes)
    np.testing.assert_allclose(kl_divergence(q, p).data, average, rtol=1e-11, atol=1e-13)
    check_kl(kl_divergence(q, p), q, q, p, at_prior=kl_divergence(q, q)).require()


def test_what_is_no_covariance_is_refused():
    with pytest.raises(ConfigError, match="covariance_p is not symmetric and positive definite"):
        normal_kl(np.zeros(2), -np.eye(2), np.zeros(2), np.eye(2))
    with pytest.raises(ConfigError, match="covariance is not symmetric"):
        normal_log_density(np.zeros((1, 2)), np.zeros(2), [[1.0, 0.5], [0.0, 1.0]])
    with pytest.raises(ShapeError, match=r"x has shape \(4, 3\); expected \(..., 2\)"):
        normal_log_density(np.zeros((4, 3)), np.zeros(2), np.eye(2))
    with pytest.raises(ShapeError, match=r"covariance_q \(3, 3\)"):
        normal_kl(np.zeros(2), np.eye(2), np.zeros(2), np.eye(3))
    with pytest.raises(ShapeError, match=r"expected \(D, D\)"):
        normal_kl(np.zeros(2), np.ones(2), np.zeros(2), np.eye(2))
