"""Metrics against a model whose likelihood is known exactly: probabilistic PCA with its exact posterior.

x = W z + μ + σε with z ~ N(0, I) gives p(x) = N(μ, WWᵀ + σ²I), and p(z|x) = N(M⁻¹Wᵀ(x − μ), σ²M⁻¹) with M = WᵀW + σ²I
(Tipping & Bishop 1999). With orthogonal columns in W, M is diagonal and so the posterior fits into a VAE's encoder.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from minivae.data import Dataset
from minivae.distributions import Bernoulli, Normal
from minivae.errors import ConfigError, DataError
from minivae.layers import Module
from minivae.metrics import active_units, decoded_means, evaluate, importance_weighted_bound, posterior_means
from minivae.models import VAE
from minivae.random import stream

SIGMA = 0.5


class ExactPPCA(Module):
    """A VAE that is probabilistic PCA; `widen` makes its posterior wrong on purpose."""

    def __init__(self, dims=5, widen=1.0):
        rng = np.random.Generator(np.random.Philox(11))
        q, _ = np.linalg.qr(rng.standard_normal((dims, 2)))
        self.w = (q * [1.5, 0.8]).astype(np.float32)
        self.mean = rng.standard_normal(dims).astype(np.float32)
        self.m = np.diag(self.w.T @ self.w) + SIGMA**2
        self.widen = widen

    def encode(self, x):
        x = np.asarray(getattr(x, "data", x))
        variance = np.broadcast_to(self.widen * SIGMA**2 / self.m, (len(x), 2)).astype(np.float32)
        return Normal.from_logvar(((x - self.mean) @ self.w / self.m).astype(np.float32), np.log(variance))

    def decode(self, z):
        z = np.asarray(getattr(z, "data", z))
        return Normal(z @ self.w.T + self.mean, SIGMA)

    def log_likelihood(self, x):
        covariance = self.w.astype(float) @ self.w.T + SIGMA**2 * np.eye(len(self.mean))
        centred = x.astype(float) - self.mean
        quadratic = np.einsum("ni,ij,nj->n", centred, np.linalg.inv(covariance), centred)
        return -0.5 * (quadratic + np.linalg.slogdet(2 * math.pi * covariance)[1])

    def draw(self, n):
        rng = np.random.Generator(np.random.Philox(12))
        noise = SIGMA * rng.standard_normal((n, len(self.mean)))
        return Dataset((rng.standard_normal((n, 2)) @ self.w.T + self.mean + noise).astype(np.float32), name="ppca")


@pytest.mark.parametrize("k", [1, 7])
def test_with_the_exact_posterior_every_importance_weight_is_the_likelihood(k):
    model = ExactPPCA()
    data = model.draw(40)
    result = importance_weighted_bound(model, data, k)
    exact = -model.log_likelihood(data.images)
    assert result.bound.mean == pytest.approx(exact.mean(), rel=1e-5)
    assert result.bound.error == pytest.approx(exact.std(ddof=1) / math.sqrt(40), rel=1e-4)


def test_the_elbo_of_the_exact_posterior_is_the_likelihood_within_its_monte_carlo_error():
    model = ExactPPCA()
    data = model.draw(400)
    exact = -model.log_likelihood(data.images).mean()
    runs = np.array([evaluate(model, data, samples=5, seed=seed).loss.mean for seed in range(20)])
    assert abs(runs.mean() - exact) < 4 * runs.std(ddof=1) / math.sqrt(len(runs))
    assert runs.std(ddof=1) < 0.05


def test_kl_is_the_closed_form():
    model = ExactPPCA()
    data = model.draw(30)
    q = model.encode(data.images)
    mean, variance = np.asarray(q.loc.data, float), np.exp(np.asarray(q.logvar.data, float))
    kl = 0.5 * (mean**2 + variance - 1 - np.log(variance)).sum(axis=1)
    assert evaluate(model, data).kl.mean == pytest.approx(kl.mean(), rel=1e-5)
    assert evaluate(model, data).kl.error == pytest.approx(kl.std(ddof=1) / math.sqrt(30), rel=1e-4)


def test_the_importance_weighted_bound_falls_with_k_towards_the_likelihood():
    model = ExactPPCA(widen=3.0)
    data = model.draw(300)
    exact = -model.log_likelihood(data.images).mean()
    bounds = [float(importance_weighted_bound(model, data, k)) for k in (1, 5, 50, 1000)]
    gaps = np.array(bounds) - exact
    assert (np.diff(gaps) < 0).all()
    assert gaps[0] > 0.3
    assert abs(gaps[-1]) < 0.01


def test_the_bound_with_one_draw_is_the_elbo_on_average():
    model = ExactPPCA(widen=3.0)
    data = model.draw(200)
    ones = np.array([float(importance_weighted_bound(model, data, 1, seed=seed)) for seed in range(20)])
    elbos = np.array([evaluate(model, data, samples=4, seed=seed).loss.mean for seed in range(20)])
    error = math.hypot(ones.std(ddof=1), elbos.std(ddof=1)) / math.sqrt(20)
    assert abs(ones.mean() - elbos.mean()) < 4 * error


@pytest.mark.parametrize("chunk", [1, 64, 10**6])
def test_the_bound_does_not_depend_on_how_the_draws_are_cut_into_chunks(chunk):
    model = ExactPPCA(widen=3.0)
    data = model.draw(20)
    expected = importance_weighted_bound(model, data, 33).bound.mean
    assert importance_weighted_bound(model, data, 33, chunk=chunk).bound.mean == pytest.approx(expected, rel=1e-6)


def test_bits_per_dimension_are_nats_over_d_ln_2():
    model = ExactPPCA(dims=7)
    data = model.draw(25)
    for result, nats in ((evaluate(model, data), "loss"), (importance_weighted_bound(model, data, 3), "bound")):
        assert result.bits_per_dim.mean * 7 * math.log(2) == pytest.approx(getattr(result, nats).mean, rel=1e-12)
        assert result.bits_per_dim.error * 7 * math.log(2) == pytest.approx(getattr(result, nats).error, rel=1e-12)


def test_more_samples_leave_the_mean_and_reduce_the_noise():
    model = ExactPPCA()
    data = model.draw(50)
    spread = {s: np.std([evaluate(model, data, samples=s, seed=seed).loss.mean for seed in range(30)]) for s in (1, 16)}
    assert 2 < spread[1] / spread[16] < 8, "the noise falls like one over the square root of the number of draws"


# --- with the library's own models ------------------------------------------------------------------------


def grey(n=30):
    images = stream(0, "grey").random((n, 1, 4, 4), dtype=np.float32)
    return Dataset(images, name="grey")


def make(likelihood="bernoulli"):
    return VAE((1, 4, 4), hidden=(6,), latent_dim=3, likelihood=likelihood, seed=2)


def test_evaluation_is_repeatable_and_leaves_model_and_random_stream_alone():
    model = make()
    before = model.state_dict()
    first, second = (evaluate(model, grey(), binarise="dynamic", seed=1) for _ in range(2))
    assert first == second
    assert evaluate(model, grey(), binarise="dynamic", seed=2) != first
    assert model.training
    assert all((before[name] == value).all() for name, value in model.state_dict().items())


def test_loss_is_reconstruction_plus_kl():
    result = evaluate(make("gaussian"), grey())
    assert result.loss.mean == pytest.approx(result.reconstruction.mean + result.kl.mean, rel=1e-12)


def test_the_standard_error_is_over_examples():
    small, large = evaluate(make("gaussian"), grey(100)), evaluate(make("gaussian"), grey(1600))
    assert 2.5 < small.loss.error / large.loss.error < 6, "four times smaller with sixteen times the examples"


def test_one_example_has_no_standard_error():
    assert math.isnan(evaluate(make(), grey(1), binarise="dynamic").loss.error)


def test_evaluation_leaves_a_model_in_evaluation_mode_there():
    model = make().eval()
    evaluate(model, grey(), binarise="dynamic")
    assert not model.training


def test_grey_bce_is_reported_as_what_it_is():
    result = evaluate(make("grey-bce"), grey())
    assert result.label == "grey BCE"
    assert not result.is_likelihood
    assert result.bits_per_dim is None
    assert "ELBO" not in str(result)
    assert "NLL" not in str(result)
    with pytest.raises(ConfigError, match=r"needs a likelihood, and 'grey BCE' is none.*bernoulli"):
        importance_weighted_bound(make("grey-bce"), grey(), 2)


@pytest.mark.no_debug
@pytest.mark.parametrize("metric", [evaluate, lambda model, data: importance_weighted_bound(model, data, 2)])
def test_grey_pixels_are_not_scored_as_if_they_were_coins(metric):
    with pytest.raises(DataError, match=r"Bernoulli: x must hold zeros and ones only.*binarise=\"dynamic\""):
        metric(make(), grey())


def test_the_protocol_stands_beside_the_numbers():
    text = str(evaluate(make(), grey(), binarise="dynamic", samples=3, seed=9))
    assert "protocol: 30 examples of grey; pixels drawn as Bernoulli(grey value); 3 draws of z each; seed 9" in text
    assert "nats per example" in text
    assert "bits per dimension" in text
    assert "100 weighted draws" in str(importance_weighted_bound(make("gaussian"), grey(2), 100))


@pytest.mark.parametrize("name", ["samples", "batch_size"])
@pytest.mark.parametrize("value", [0, -1, 1.5, True])
def test_counts_must_be_whole_numbers_above_zero(name, value):
    with pytest.raises(ConfigError, match=f"{name} is {value}; expected a whole number, 1 or more"):
        evaluate(make(), grey(), **{"binarise": "dynamic", name: value})


class Spread(Module):
    """Encodes x to means whose variances over the data are known: 1, 0.02, 0.005 and 0."""

    def encode(self, x):
        x = np.asarray(getattr(x, "data", x))
        scales = np.sqrt(np.array([1.0, 0.02, 0.005, 0.0], np.float32))
        return Normal(x * scales, 1.0)

    def decode(self, z):
        return Bernoulli(logits=z)


def test_active_units_are_those_whose_mean_varies_by_more_than_a_hundredth():
    signs = np.tile(np.array([[1.0], [-1.0]], np.float32), (10, 4))  # variance exactly 1 in each column
    result = active_units(Spread(), Dataset(signs))
    assert result.variances == pytest.approx([1.0, 0.02, 0.005, 0.0], rel=1e-5)
    assert result.count == 2
    assert str(result) == "2 of 4"
    assert active_units(Spread(), Dataset(signs), threshold=0.001).count == 3


def test_posterior_means_do_not_depend_on_the_batch_size_and_bytes_are_scaled():
    model = make()
    images = stream(0, "bytes").integers(0, 256, (9, 1, 4, 4), dtype=np.uint8)
    whole = posterior_means(model, Dataset(images))
    np.testing.assert_allclose(posterior_means(model, images, batch_size=2), whole, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(posterior_means(model, images / np.float32(255)), whole, rtol=1e-5, atol=1e-6)


def test_decoded_means_are_those_of_the_decoder():
    model = make()
    z = stream(0, "z").standard_normal((7, 3), dtype=np.float32)
    decoded = decoded_means(model, z, batch_size=3)
    assert decoded.shape == (7, 1, 4, 4)
    np.testing.assert_allclose(decoded, model.decode(z).mean.numpy(), rtol=1e-5)
