"""The ELBO: its value, its units, its bound, and its gradient."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minivae import ops
from minivae.autodiff import Tensor
from minivae.distributions import Bernoulli, GreyBCE, Normal, kl_divergence
from minivae.errors import ConfigError, ShapeError
from minivae.objectives import elbo
from minivae.verify import gradcheck

B, D, L = 13, 7, 5  # pairwise coprime, so that no mean or sum over a wrong axis can hide
BETA = 0.37


@pytest.fixture
def case(rng):
    """A linear decoder on z = μ + σ·ε; log-variances on both sides of 0."""
    return {
        "x": (rng.random((B, D)) < 0.4).astype(np.float64),
        "mu": rng.normal(size=(B, L)),
        "logvar": rng.normal(size=(B, L)),
        "eps": rng.normal(size=(B, L)),
        "W": rng.normal(size=(L, D)),
    }


def terms_of(case, mu=None, logvar=None, W=None, beta=BETA, kind=Bernoulli, x=None):
    mu, logvar = (case["mu"] if mu is None else mu), (case["logvar"] if logvar is None else logvar)
    q = Normal.from_logvar(mu, logvar)
    z = q.rsample(case["eps"])
    return elbo(case["x"] if x is None else x, kind(logits=ops.matmul(z, case["W"] if W is None else W)), q, beta=beta)


def test_value_and_gradient_are_the_textbook_formulas(case):
    """J = (1/B) Σ (softplus(l) − x·l) + β (1/B) Σ ½ (μ² + e^lv − 1 − lv), term by term in NumPy."""
    x, mu, lv, eps, W = (case[k] for k in ("x", "mu", "logvar", "eps", "W"))
    sigma = np.exp(lv / 2)
    logits = (mu + sigma * eps) @ W
    reconstruction = (np.logaddexp(0, logits) - x * logits).sum() / B
    kl = 0.5 * (mu**2 + np.exp(lv) - 1 - lv).sum() / B
    d_z = (1 / (1 + np.exp(-logits)) - x) @ W.T / B
    mu_t, lv_t = Tensor(mu, requires_grad=True), Tensor(lv, requires_grad=True)
    terms = terms_of(case, mu_t, lv_t)
    np.testing.assert_allclose(terms.reconstruction.item(), reconstruction, rtol=1e-13)
    np.testing.assert_allclose(terms.kl.item(), kl, rtol=1e-13)
    np.testing.assert_allclose(terms.loss.item(), reconstruction + BETA * kl, rtol=1e-13)
    terms.loss.backward()
    np.testing.assert_allclose(mu_t.grad, d_z + BETA * mu / B, rtol=1e-12)
    np.testing.assert_allclose(lv_t.grad, 0.5 * d_z * eps * sigma + BETA * (np.exp(lv) - 1) / (2 * B), rtol=1e-11)


def test_gradients(case):
    assert gradcheck(lambda mu, lv, W: terms_of(case, mu, lv, W, beta=0.37).loss, case["mu"], case["logvar"], case["W"])


@settings(deadline=None, max_examples=20)
@given(st.floats(0, 20))
def test_beta_enters_once(beta):
    rng = np.random.default_rng(0)
    case = {"x": np.ones((3, 4)), "eps": rng.normal(size=(3, 2)), "W": rng.normal(size=(2, 4))}
    terms = terms_of(case, rng.normal(size=(3, 2)), rng.normal(size=(3, 2)), beta=beta)
    np.testing.assert_allclose(terms.loss.item(), terms.reconstruction.item() + beta * terms.kl.item(), rtol=1e-14)


def test_gradient_is_linear_in_beta(case):
    def gradient(beta):
        mu = Tensor(case["mu"], requires_grad=True)
        terms_of(case, mu, beta=beta).loss.backward()
        return mu.grad

    slope = gradient(1.0) - gradient(0.0)
    np.testing.assert_allclose(slope, case["mu"] / B, rtol=1e-10)
    np.testing.assert_allclose(gradient(3.0), gradient(0.0) + 3 * slope, rtol=1e-10)


# --- nats per example ---------------------------------------------------------------------------------------


def test_repeating_the_batch_changes_nothing(case):
    twice = {k: v if k == "W" else np.concatenate([v, v]) for k, v in case.items()}
    W, W2 = Tensor(case["W"], requires_grad=True), Tensor(case["W"], requires_grad=True)
    once_terms, twice_terms = terms_of(case, W=W), terms_of(twice, W=W2)
    for name in ("loss", "reconstruction", "kl"):
        np.testing.assert_allclose(getattr(twice_terms, name).item(), getattr(once_terms, name).item(), rtol=1e-13)
    once_terms.loss.backward()
    twice_terms.loss.backward()
    np.testing.assert_allclose(W2.grad, W.grad, rtol=1e-12, atol=1e-15)


def test_order_of_the_examples_does_not_matter(case, rng):
    order = rng.permutation(B)
    shuffled = {k: v if k == "W" else v[order] for k, v in case.items()}
    np.testing.assert_allclose(terms_of(shuffled).loss.item(), terms_of(case).loss.item(), rtol=1e-13)


def test_repeating_the_pixels_doubles_the_reconstruction_and_leaves_the_kl(case):
    twice = {**case, "x": np.concatenate([case["x"]] * 2, axis=1), "W": np.concatenate([case["W"]] * 2, axis=1)}
    np.testing.assert_allclose(terms_of(twice).reconstruction.item(), 2 * terms_of(case).reconstruction.item())
    np.testing.assert_allclose(terms_of(twice).kl.item(), terms_of(case).kl.item())


def test_repeating_the_latents_doubles_the_kl(case):
    twice = {k: v if k in ("x", "W") else np.concatenate([v, v], axis=1) for k, v in case.items()}
    twice["W"] = np.concatenate([case["W"], 0 * case["W"]])
    np.testing.assert_allclose(terms_of(twice).kl.item(), 2 * terms_of(case).kl.item())
    np.testing.assert_allclose(terms_of(twice).reconstruction.item(), terms_of(case).reconstruction.item())


def test_batch_mean_is_the_mean_of_batches_of_one(case):
    single = [terms_of({k: v if k == "W" else v[i : i + 1] for k, v in case.items()}).loss.item() for i in range(B)]
    np.testing.assert_allclose(np.mean(single), terms_of(case).loss.item(), rtol=1e-13)


def test_image_axes_are_summed_like_any_other(case):
    q = Normal.from_logvar(case["mu"], case["logvar"])
    logits = np.concatenate([case["x"] - 0.3] * 4, axis=1)
    x = np.concatenate([case["x"]] * 4, axis=1)
    flat = elbo(x, Bernoulli(logits=logits), q)
    images = elbo(x.reshape(B, 2, 2, D), Bernoulli(logits=logits.reshape(B, 2, 2, D)), q)
    np.testing.assert_allclose(images.loss.item(), flat.loss.item(), rtol=1e-14)


def test_terms_are_scalars_of_the_input_dtype(case):
    for dtype in (np.float32, np.float64):
        terms = terms_of({k: v.astype(dtype) for k, v in case.items()})
        for part in (terms.loss, terms.reconstruction, terms.kl):
            assert part.shape == ()
            assert part.dtype == dtype


# --- meaning ------------------------------------------------------------------------------------------------


def test_kl_term_is_zero_where_the_posterior_is_the_prior(case):
    assert terms_of(case, np.zeros((B, L)), np.zeros((B, L))).kl.item() == 0
    q = Normal(case["mu"], 2.0)
    p = Bernoulli(logits=case["x"])
    assert elbo(case["x"], p, q, prior=Normal(case["mu"], 2.0)).kl.item() == 0


def test_prior_is_an_argument(case):
    q, prior = Normal.from_logvar(case["mu"], case["logvar"]), Normal(0.5, 2.0)
    expected = kl_divergence(q, prior).numpy().sum() / B
    terms = elbo(case["x"], Bernoulli(logits=case["x"]), q, prior)
    np.testing.assert_allclose(terms.kl.item(), expected, rtol=1e-14)


@pytest.mark.parametrize("kind", [Bernoulli, Normal])
def test_elbo_is_a_lower_bound_on_log_p_of_x(kind, rng):
    """One latent number, so that log p(x) = log ∫ p(x|z) p(z) dz is a quadrature, and so is the average over ε."""
    w, b = rng.normal(size=(1, D)) * 2, rng.normal(size=D)
    x = (rng.random((1, D)) < 0.5).astype(np.float64)

    def likelihood(z):
        output = ops.matmul(z, w) + b
        return Bernoulli(logits=output) if kind is Bernoulli else Normal(output, 0.8)

    z = np.linspace(-10, 10, 8001)[:, None]
    log_joint = likelihood(z).log_prob(x).numpy().sum(axis=1) + Normal(0, 1).log_prob(z).numpy()[:, 0]
    log_px = math.log(np.exp(log_joint).sum() * (z[1, 0] - z[0, 0]))
    posterior = np.exp(log_joint - log_px) * (z[1, 0] - z[0, 0])
    mean = (posterior * z[:, 0]).sum()
    best = mean, math.log((posterior * (z[:, 0] - mean) ** 2).sum())

    nodes, weights = np.polynomial.hermite_e.hermegauss(50)
    weights = weights / weights.sum()

    def bound(mu, logvar):
        q = Normal.from_logvar(np.array([[mu]]), np.array([[logvar]]))
        losses = [elbo(x, likelihood(q.rsample(np.array([[e]]))), q).loss.item() for e in nodes]
        return -float(weights @ losses)

    for mu, logvar in [best, (0.0, 0.0), (1.0, -2.0), (-2.0, 1.0), (best[0], best[1] + 1)]:
        assert bound(mu, logvar) <= log_px + 1e-10
        assert bound(mu, logvar) <= bound(*best) + 1e-4
    gap = log_px - bound(*best)
    assert gap < (0.05 if kind is Bernoulli else 1e-8)  # a Gaussian model's posterior is normal: no gap


def test_label_says_what_the_reconstruction_term_is(case):
    assert terms_of(case).label == "NLL"
    assert "= NLL" in repr(terms_of(case))
    grey = terms_of(case, kind=GreyBCE, x=case["x"] * 0.5)
    assert grey.label == "grey BCE"
    assert "grey BCE" in repr(grey)
    assert f"{BETA:g} · KL" in repr(grey)
    assert "nats per example" in repr(grey)


# --- what is refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("beta", [-1, float("nan"), float("inf")])
def test_a_beta_that_is_no_weight_is_refused(case, beta):
    with pytest.raises(ConfigError, match="beta"):
        terms_of(case, beta=beta)


@pytest.mark.parametrize("shape", [(B, D, 1), (B, 1), (D,), (1, D), (B + 1, D)])
def test_x_and_p_must_have_one_shape(case, shape):
    with pytest.raises(ShapeError) as error:
        terms_of(case, x=np.zeros(shape))
    assert str(shape) in str(error.value)
    assert str((B, D)) in str(error.value)


def test_there_must_be_one_q_for_each_example(case):
    p = Bernoulli(logits=case["x"])
    for q in (Normal(np.zeros((B + 1, L)), 1.0), Normal(0.0, 1.0)):
        with pytest.raises(ShapeError, match="one q for each of the 13 examples"):
            elbo(case["x"], p, q)


def test_an_empty_batch_is_refused():
    with pytest.raises(ShapeError, match="at least one example"):
        elbo(np.zeros((0, D)), Bernoulli(logits=np.zeros((0, D))), Normal(np.zeros((0, L)), 1.0))
