"""Lesson 11's exercises: the references are true, mistakes are named as themselves, right answers pass in any form."""

from __future__ import annotations

import numpy as np
import pytest

from minivae.grading import trials
from minivae.grading.checker import find
from minivae.grading.exercises.beta_staircase import beta_staircase
from minivae.grading.exercises.linear_posterior import linear_posterior, rotation_gap
from minivae.grading.exercises.linear_vae import best_sigma2, linear_vae_loss
from minivae.grading.exercises.probabilistic_pca import ppca_fit, ppca_log_likelihood
from minivae.grading.judge import judge
from minivae.metrics import normal_kl, normal_log_density, probabilistic_pca
from minivae.models import VAE

NAMES = (
    "ppca_log_likelihood",
    "ppca_fit",
    "linear_posterior",
    "rotation_gap",
    "linear_vae_loss",
    "best_sigma2",
    "beta_staircase",
)
D, L = 7, 3


@pytest.fixture
def x(rng):
    x = rng.exponential(size=(60, D)) @ rng.standard_normal((D, D))
    return x - x.mean(axis=0)


def covariance_and_axes(x):
    S = x.T @ x / len(x)
    values, vectors = np.linalg.eigh(S)
    return S, values[::-1], vectors[:, ::-1]


def best_encoder(x, W, sigma2):
    """The posterior's mean and the best variances, σ²/M_jj."""
    M, means, _ = linear_posterior(x, W, sigma2)
    return means, np.broadcast_to(np.log(sigma2 / np.diag(M)), means.shape)


# --- the references are true ----------------------------------------------------------------------------------


def test_the_fit_and_its_likelihood_are_those_of_the_library(x):
    S, values, vectors = covariance_and_axes(x)
    sigma2, W = ppca_fit(values, vectors, L)
    library = probabilistic_pca(x, L)
    assert sigma2 == pytest.approx(library.sigma**2, rel=1e-12)
    np.testing.assert_allclose(W @ W.T, library.weight @ library.weight.T, rtol=1e-9, atol=1e-12)
    C, _, squares, log_likelihood = ppca_log_likelihood(S, W, sigma2)
    assert log_likelihood == pytest.approx(library.log_likelihood, rel=1e-12)
    assert log_likelihood == pytest.approx(normal_log_density(x, np.zeros(D), C).mean(), rel=1e-12)
    assert squares == pytest.approx(D)


def test_bayes_rule_holds_for_the_posterior(x, rng):
    W, sigma2, z = rng.standard_normal((D, L)), 0.4, rng.standard_normal((60, L))
    _, means, covariance = linear_posterior(x, W, sigma2)
    joint = normal_log_density(x, z @ W.T, sigma2 * np.eye(D)) + normal_log_density(z, np.zeros(L), np.eye(L))
    marginal = normal_log_density(x, np.zeros(D), W @ W.T + sigma2 * np.eye(D))
    np.testing.assert_allclose(joint - normal_log_density(z, means, covariance), marginal, rtol=1e-10)


def test_the_gap_is_the_likelihood_minus_the_elbo_and_a_divergence(x, rng):
    W, sigma2 = rng.standard_normal((D, L)), 0.4
    S = x.T @ x / len(x)
    M, gap = rotation_gap(W, sigma2)
    loss = linear_vae_loss(x, W, *best_encoder(x, W, sigma2), sigma2, 1.0)[3]
    assert gap == pytest.approx(ppca_log_likelihood(S, W, sigma2)[3] + loss, rel=1e-10)
    diagonal = np.diag(sigma2 / np.diag(M))
    assert gap == pytest.approx(normal_kl(np.zeros(L), diagonal, np.zeros(L), sigma2 * np.linalg.inv(M)), rel=1e-10)
    assert rotation_gap(np.linalg.qr(W)[0] * [1.0, 2.0, 3.0], sigma2)[1] == pytest.approx(0, abs=1e-12)


def test_the_loss_is_the_librarys_averaged_over_the_noise(x, rng):
    """The average of a polynomial of second degree over ε is that over the points ±√L e_j."""
    model = VAE((D,), hidden=(), latent_dim=L, likelihood="gaussian", sigma=0.7).to(np.float64)
    eps = np.sqrt(L) * np.concatenate([np.eye(L), -np.eye(L)])
    terms = model.elbo(np.repeat(x, 2 * L, axis=0), eps=np.tile(eps, (len(x), 1)), beta=2.5)
    q, W, b = model.encode(x), model.decoder.output.weight.data.T, model.decoder.output.bias.data
    _, reconstruction, kl, loss = linear_vae_loss(x - b, W, q.mean.data, q.logvar.data, 0.7**2, 2.5)
    assert terms.reconstruction.item() == pytest.approx(reconstruction, rel=1e-10)
    assert terms.kl.item() == pytest.approx(kl, rel=1e-10)
    assert terms.loss.item() == pytest.approx(loss, rel=1e-10)


def test_no_other_noise_variance_has_a_lower_loss():
    x, W, mu, logvar = find("best_sigma2").cases(np.random.default_rng(5))
    best = best_sigma2(x, W, mu, logvar)
    losses = [linear_vae_loss(x, W, mu, logvar, best * factor, 1.0)[3] for factor in (0.99, 1.0, 1.01)]
    assert losses[1] < min(losses[0], losses[2])


@pytest.mark.parametrize("beta", [0.3, 1.7, 40.0])
def test_the_staircase_is_the_optimum_of_the_loss(x, beta):
    """At the weights of water-filling the loss has the rate and distortion told, and no nearby encoder has a lower."""
    _, values, vectors = covariance_and_axes(x)
    sigma2 = 0.5 * values[2]
    v = beta * sigma2
    W = vectors * np.sqrt(np.maximum(values - v, 0))
    mu, logvar = best_encoder(x, W, v)
    active, rate, distortion = beta_staircase(values, sigma2, beta)
    found = linear_vae_loss(x, W, mu, logvar, sigma2, beta)
    assert active == np.sum(logvar[0] < -1e-9)
    assert found[0] == pytest.approx(distortion, rel=1e-10)
    assert found[2] == pytest.approx(rate, rel=1e-10, abs=1e-12)
    for other in ((1.01 * W, mu, logvar), (W, 0.99 * mu, logvar), (W, mu, logvar + 0.02), (W + 0.01, mu, logvar)):
        assert linear_vae_loss(x, *other, sigma2, beta)[3] > found[3] - 1e-12


# --- the mistakes are named as themselves ---------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_the_reference_passes_and_its_steps_give_the_same(name):
    exercise = find(name)
    assert judge(exercise, exercise.reference).status == "right"
    arguments = exercise.cases(np.random.default_rng(7))
    run = exercise.program.run(arguments)
    for output, value in exercise.named(exercise.right_answer(arguments)).items():
        np.testing.assert_allclose(run[exercise.program.outputs[output]], value, rtol=1e-11)


def colleague(x, W, mu, logvar):
    """The function of the lesson's bug."""
    return np.mean((x - mu @ W.T) ** 2)


def without_the_noise_in_the_fit(values, vectors, L):
    return sum(values[L:]) / (len(values) - L), np.stack([vectors[:, j] * values[j] ** 0.5 for j in range(L)], axis=1)


def bits(values, sigma2, beta):
    alive = [value for value in values if value > beta * sigma2]
    return len(alive), sum(0.5 * np.log2(a / (beta * sigma2)) for a in alive), np.minimum(values, beta * sigma2).sum()


def two_at_once(values, vectors, L):
    sigma2 = values[L:].sum() / len(values)
    return sigma2, vectors[:, :L] * (values[:L] - sigma2)


WRITTEN_BY_HAND = {
    "the colleague of the lesson": ("best_sigma2", colleague, ("LV30",)),
    "Λ^½ alone": ("ppca_fit", without_the_noise_in_the_fit, ("LV14",)),
    "bits": ("beta_staircase", bits, ("LV47",)),
    "two at once": ("ppca_fit", two_at_once, ("LV12", "LV15")),
    "a VAE's habit": (
        "linear_posterior",
        lambda x, W, s: (W.T @ W + np.eye(L), *linear_posterior(x, W, s)[1:]),
        (),
    ),
    "correlations forgotten": (
        "ppca_log_likelihood",
        lambda S, W, s: (
            W @ W.T + s * np.eye(D),
            np.log(np.diag(W @ W.T) + s).sum(),
            np.trace(np.linalg.inv(W @ W.T + s * np.eye(D)) @ S),
            -0.5 * (D * np.log(2 * np.pi) + np.log(np.diag(W @ W.T) + s).sum())
            - 0.5 * np.trace(np.linalg.inv(W @ W.T + s * np.eye(D)) @ S),
        ),
        ("LV3",),
    ),
}


@pytest.mark.parametrize("what", WRITTEN_BY_HAND)
def test_a_mistake_in_the_learners_own_words_is_named_or_nothing_is(what):
    name, wrong, codes = WRITTEN_BY_HAND[what]
    verdict = judge(find(name), wrong)
    assert verdict.status == "wrong"
    assert verdict.codes == codes, verdict.text


def test_a_mistake_that_nobody_listed_is_measured():
    def scaled(*arguments):
        distortion, reconstruction, kl, loss = linear_vae_loss(*arguments)
        return distortion, reconstruction, kl, loss - 0.7 * arguments[-1] * kl

    verdict = judge(find("linear_vae_loss"), scaled)
    assert verdict.codes == ()
    assert verdict.coefficients["β · KL"] == pytest.approx(0.3)


# --- right in another form ------------------------------------------------------------------------------------


def by_draws_of_two_points(x, W, mu, logvar, sigma2, beta):
    """The average over ε taken along ±√L e_j, image by image."""
    eps = np.sqrt(L) * np.concatenate([np.eye(L), -np.eye(L)])
    z = mu[:, None] + np.exp(logvar / 2)[:, None] * eps
    distortion = ((x[:, None] - z @ W.T) ** 2).sum(axis=2).mean()
    kl = sum(0.5 * (m**2 + s - 1 - np.log(s)) for m, s in zip(mu.flat, np.exp(logvar).flat, strict=True)) / len(x)
    reconstruction = D * np.log(np.sqrt(2 * np.pi * sigma2)) + distortion / (2 * sigma2)
    return distortion, reconstruction, kl, reconstruction + beta * kl


def by_the_gain_matrix(x, W, sigma2):
    """The posterior from the covariance of x: Wᵀ C⁻¹ x and I − Wᵀ C⁻¹ W."""
    gain = W.T @ np.linalg.inv(W @ W.T + sigma2 * np.eye(D))
    return W.T @ W + sigma2 * np.eye(L), x @ gain.T, np.eye(L) - gain @ W


def by_the_smaller_matrix(S, W, sigma2):
    """log det and inverse by way of M, as Tipping and Bishop suggest."""
    M = W.T @ W + sigma2 * np.eye(L)
    log_det = np.linalg.slogdet(M)[1] + (D - L) * np.log(sigma2)
    squares = (np.trace(S) - np.trace(np.linalg.inv(M) @ W.T @ S @ W)) / sigma2
    return W @ W.T + sigma2 * np.eye(D), log_det, squares, -0.5 * (D * np.log(2 * np.pi) + log_det + squares)


RIGHT = {
    "points in place of a formula": ("linear_vae_loss", by_draws_of_two_points),
    "the gain matrix": ("linear_posterior", by_the_gain_matrix),
    "the smaller matrix": ("ppca_log_likelihood", by_the_smaller_matrix),
    "a loop over columns": (
        "ppca_fit",
        lambda values, vectors, L: (
            np.average(values[L:]),
            np.array([vectors[:, j] * np.sqrt(values[j] - values[L:].mean()) for j in range(L)]).T,
        ),
    ),
    "a product of ratios": (
        "rotation_gap",
        lambda W, s: (
            W.T @ W + s * np.eye(L),
            np.log(np.sqrt(np.prod((W**2).sum(axis=0) + s) / np.linalg.det(W.T @ W + s * np.eye(L)))),
        ),
    ),
    "the gain of each unit": (
        "beta_staircase",
        lambda values, s, b: (
            int((values > b * s).sum()),
            0.5 * np.maximum(np.log(values / (b * s)), 0).sum(),
            np.where(values > b * s, b * s, values).sum(),
        ),
    ),
    "a trace": (
        "best_sigma2",
        lambda x, W, mu, logvar: (
            np.mean((x - mu @ W.T) ** 2) + np.trace(W @ np.diag(np.exp(logvar).mean(axis=0)) @ W.T) / D
        ),
    ),
}


@pytest.mark.parametrize("what", RIGHT)
def test_a_right_answer_in_another_form_passes(what):
    name, answer = RIGHT[what]
    verdict = judge(find(name), answer)
    assert verdict.status == "right", verdict.text


@pytest.mark.parametrize("name", NAMES)
def test_a_right_answer_of_another_type_passes(name):
    for form, answer in trials.right_forms(find(name)):
        verdict = judge(find(name), answer)
        assert verdict.status == "right", f"{form}: {verdict.text}"
