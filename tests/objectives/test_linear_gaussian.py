"""The linear VAE is probabilistic PCA: the one model whose every number is known exactly.

Tipping & Bishop 1999 give its maximum likelihood, Lucas et al. 2019 the ELBO there. The expectation over the noise is
exact too: the loss is quadratic in ε, and the 2L points ±√L·e_j have the mean and covariance of N(0, I).
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from minivae.autodiff import no_grad
from minivae.models import VAE

N, D, L = 200, 7, 3


@pytest.fixture
def data(rng):
    """Correlated data with a mean, and the eigenvalues (falling) and eigenvectors of their covariance."""
    x = rng.normal(size=(N, D)) @ rng.normal(size=(D, D)) + rng.normal(size=D)
    values, vectors = np.linalg.eigh(np.cov(x.T, bias=True))
    return x, values[::-1], vectors[:, ::-1]


def optimum(values, vectors, rotation):
    """W = U_k (Λ_k − σ²I)^½ R and σ², the mean of the eigenvalues that are left out."""
    variance = values[L:].mean()
    return vectors[:, :L] * np.sqrt(values[:L] - variance) @ rotation, variance


def linear_vae(W, variance, mean):
    """The VAE with decoder W z + mean, and the best encoder of diagonal covariance."""
    model = VAE((D,), hidden=(), latent_dim=L, likelihood="gaussian", sigma=math.sqrt(variance)).to(np.float64)
    M = W.T @ W + variance * np.eye(L)
    to_latent = W @ np.linalg.inv(M)
    model.load_state_dict(
        {
            "encoder.mu.weight": to_latent,
            "encoder.mu.bias": -mean @ to_latent,
            "encoder.logvar.weight": np.zeros((D, L)),
            "encoder.logvar.bias": np.log(variance / np.diag(M)),
            "decoder.output.weight": W.T,
            "decoder.output.bias": mean,
        }
    )
    return model, M


def expected_elbo(model, x):
    points = math.sqrt(L) * np.concatenate([np.eye(L), -np.eye(L)])
    with no_grad():
        return -np.mean([model.elbo(x, eps=np.tile(e, (len(x), 1))).loss.item() for e in points])


def maximum_log_likelihood(values):
    variance = values[L:].mean()
    return -0.5 * (D * math.log(2 * math.pi) + np.log(values[:L]).sum() + (D - L) * math.log(variance) + D)


def test_closed_form_of_the_maximum_is_the_gaussian_density(data):
    x, values, vectors = data
    W, variance = optimum(values, vectors, np.eye(L))
    covariance = W @ W.T + variance * np.eye(D)
    centred = x - x.mean(axis=0)
    mahalanobis = (centred * np.linalg.solve(covariance, centred.T).T).sum() / N
    direct = -0.5 * (D * math.log(2 * math.pi) + np.linalg.slogdet(covariance)[1] + mahalanobis)
    np.testing.assert_allclose(direct, maximum_log_likelihood(values), rtol=1e-12)


def test_elbo_of_the_linear_vae_at_the_pca_optimum_has_no_gap(data):
    x, values, vectors = data
    model, _ = linear_vae(*optimum(values, vectors, np.eye(L)), x.mean(axis=0))
    np.testing.assert_allclose(expected_elbo(model, x), maximum_log_likelihood(values), rtol=1e-12)


def test_a_rotated_decoder_has_the_gap_of_a_diagonal_posterior(data, rng):
    """Gap = ½ (Σ ln M_jj − ln det M), which is zero only for a diagonal M (Hadamard)."""
    x, values, vectors = data
    rotation = np.linalg.qr(rng.normal(size=(L, L)))[0]
    model, M = linear_vae(*optimum(values, vectors, rotation), x.mean(axis=0))
    gap = 0.5 * (np.log(np.diag(M)).sum() - np.linalg.slogdet(M)[1])
    assert gap > 0.01
    np.testing.assert_allclose(maximum_log_likelihood(values) - expected_elbo(model, x), gap, rtol=1e-10)


def test_the_optimum_is_stationary(data):
    """With the noise averaged out, every gradient of the ELBO is zero there."""
    x, values, vectors = data
    model, _ = linear_vae(*optimum(values, vectors, np.eye(L)), x.mean(axis=0))
    for e in math.sqrt(L) * np.concatenate([np.eye(L), -np.eye(L)]):
        model.elbo(x, eps=np.tile(e, (N, 1))).loss.backward()
    for name, parameter in model.named_parameters():
        np.testing.assert_allclose(parameter.grad, 0, atol=1e-10, err_msg=name)


def test_every_other_encoder_is_worse(data, rng):
    x, values, vectors = data
    model, _ = linear_vae(*optimum(values, vectors, np.eye(L)), x.mean(axis=0))
    best = expected_elbo(model, x)
    for name, parameter in model.named_parameters():
        before = parameter.data.copy()
        parameter.data[...] += 0.05 * rng.normal(size=parameter.shape)
        assert expected_elbo(model, x) < best, name
        parameter.data[...] = before


def test_rate_at_the_optimum_is_the_mutual_information(data):
    """KL averaged over the data = Σ ½ ln(λᵢ/σ²): the aggregate posterior of Gaussian data is the prior."""
    x, values, vectors = data
    W, variance = optimum(values, vectors, np.eye(L))
    model, _ = linear_vae(W, variance, x.mean(axis=0))
    rate = model.elbo(x).kl.item()
    np.testing.assert_allclose(rate, 0.5 * np.log(values[:L] / variance).sum(), rtol=1e-12)
    q = model.encode(x)
    aggregate = np.cov(q.mean.numpy().T, bias=True) + np.diag(q.variance.numpy().mean(axis=0))
    np.testing.assert_allclose(aggregate, np.eye(L), atol=1e-12)
