"""What training must arrive at: Adam brings the linear VAE to probabilistic PCA, and with β up and down a staircase.

With fixed σ² a β-VAE's loss is β times that of a VAE whose noise has the variance v = βσ², but for a constant. So at
the optimum, with eigenvalues λᵢ of the data's covariance (reverse water-filling):

    active units  #{λᵢ > v}        rate  Σ ½ log(λᵢ/v) over them        distortion  Σ min(λᵢ, v) over all
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from linear_vae import data_with, distortion, exact_elbo, linear_vae, put

from minivae.data import Dataset
from minivae.metrics import active_units, probabilistic_pca
from minivae.optim import Adam, CosineAnnealingLR
from minivae.training import fit

EIGENVALUES = np.array([6.0, 4.0, 2.5, 1.5, 0.9, 0.5, 0.3, 0.2])
D = len(EIGENVALUES)
VARIANCE = 0.5  # σ² of the β-VAE
STAIRS = {0.5: 7, 1.4: 5, 2.4: 4, 4.0: 3, 6.0: 2, 10.0: 1, 16.0: 0}  # β: active units


@pytest.fixture
def x(rng):
    return data_with(EIGENVALUES, rng, mean=rng.normal(size=D))


def train(model, x, beta=1.0, steps=2500, lr=0.1):
    """Adam with a cosine, on all of the data and with the average over ε taken exactly."""
    optimizer = Adam(model.parameters(), lr=lr)
    schedule = CosineAnnealingLR(optimizer, T_max=steps)
    for _ in range(steps):
        optimizer.zero_grad()
        exact_elbo(model, x, beta).loss.backward()
        optimizer.step()
        schedule.step()
    return exact_elbo(model, x, beta)


def predicted(v):
    """Active units, rate in nats, distortion."""
    active = v < EIGENVALUES
    return active.sum(), 0.5 * np.log(EIGENVALUES[active] / v).sum(), np.minimum(EIGENVALUES, v).sum()


def count_active(model, x):
    return active_units(model.to(np.float32), Dataset(x.astype(np.float32))).count


# --- the VAE ------------------------------------------------------------------------------------------------


@pytest.mark.no_debug
@pytest.mark.parametrize("k", [1, 3, 6])
def test_adam_brings_a_linear_vae_to_the_likelihood_of_probabilistic_pca(x, k):
    """With the noise learned as well, and from random weights: no local maximum stops it (Lucas et al. 2019)."""
    ppca = probabilistic_pca(x, k)
    model = linear_vae(D, k, 1.0, "gaussian-learned", seed=k)
    start = -exact_elbo(model, x).loss.item()
    end = -train(model, x).loss.item()
    assert start < ppca.log_likelihood - 1
    assert end == pytest.approx(ppca.log_likelihood, abs=1e-9)
    assert end <= ppca.log_likelihood + 1e-12, "no bound is above the maximum"
    assert math.exp(model.likelihood.log_sigma.data.item()) == pytest.approx(ppca.sigma, rel=1e-6)
    weight = model.decoder.output.weight.data  # at a maximum, an error of δ here costs about δ²: 1e-9 above allows 1e-4
    np.testing.assert_allclose(weight.T @ weight, ppca.weight @ ppca.weight.T, atol=1e-4)
    columns = weight @ weight.T
    np.testing.assert_allclose(columns, np.diag(np.diag(columns)), atol=1e-4)  # a diagonal posterior fixes the rotation


def test_batches_of_gaussian_data_and_drawn_noise_lead_there_as_well(rng):
    """`fit` as it is used: float32, shuffled batches, one ε for each example."""
    k, factor = 3, np.linalg.cholesky(np.cov(data_with(EIGENVALUES, rng).T, bias=True))
    x = rng.standard_normal((2000, D)) @ factor.T
    ppca = probabilistic_pca(x, k)
    model = linear_vae(D, k, 1.0, "gaussian-learned").to(np.float32)
    fit(model, Dataset(x.astype(np.float32)), epochs=60, batch_size=100, lr=0.02, schedule="cosine", progress=False)
    found = -exact_elbo(model.to(np.float64), x).loss.item()
    assert ppca.log_likelihood - 0.01 < found < ppca.log_likelihood


# --- the β staircase ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("beta", STAIRS)
def test_rate_and_distortion_at_the_optimum_are_those_of_reverse_water_filling(x, beta):
    v = beta * VARIANCE
    values, vectors = np.linalg.eigh(np.cov(x.T, bias=True))
    weight = vectors * np.sqrt(np.maximum(values - v, 0))
    model = put(linear_vae(D, D, VARIANCE**0.5), weight, x.mean(axis=0), v)
    terms = exact_elbo(model, x, beta)
    count, rate, d = predicted(v)
    assert count == STAIRS[beta]
    assert terms.kl.item() == pytest.approx(rate, rel=1e-10, abs=1e-12)
    assert distortion(model, terms) == pytest.approx(d, rel=1e-10)
    terms.loss.backward()
    assert all(np.abs(parameter.grad).max() < 1e-9 for parameter in model.parameters())
    assert count_active(model, x) == count


@pytest.mark.parametrize("beta", STAIRS)
def test_a_beta_vae_has_the_loss_of_a_vae_with_noise_beta_sigma_squared(x, beta, rng):
    """β · (loss at variance βσ² and β = 1), plus D/2 · (log 2πσ² − β log 2πβσ²), whatever the parameters."""
    model, other = linear_vae(D, 3, VARIANCE**0.5, seed=1), linear_vae(D, 3, (beta * VARIANCE) ** 0.5, seed=1)
    constant = 0.5 * D * (math.log(2 * math.pi * VARIANCE) - beta * math.log(2 * math.pi * beta * VARIANCE))
    eps = rng.standard_normal((len(x), 3))
    loss = model.elbo(x, eps=eps, beta=beta).loss.item()
    assert loss == pytest.approx(beta * other.elbo(x, eps=eps).loss.item() + constant, rel=1e-11)


@pytest.mark.no_debug
@pytest.mark.parametrize("beta", STAIRS)
def test_adam_trains_a_beta_vae_to_the_predicted_step_of_the_staircase(x, beta):
    model = linear_vae(D, D, VARIANCE**0.5, seed=3)
    terms = train(model, x, beta)
    count, rate, d = predicted(beta * VARIANCE)
    assert terms.kl.item() == pytest.approx(rate, abs=1e-6)
    assert distortion(model, terms) == pytest.approx(d, abs=1e-6)
    assert count_active(model, x) == count == STAIRS[beta]
