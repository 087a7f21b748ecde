"""Lesson 07's exercises: references against other ways to the same number, mistakes named, right forms pass."""

from __future__ import annotations

import numpy as np
import pytest

import minivae as mv
from minivae.grading.checker import find
from minivae.grading.exercises.bound_of_images import bound_of_images
from minivae.grading.exercises.conjugate_elbo import gaussian_elbo
from minivae.grading.exercises.conjugate_posterior import gaussian_posterior
from minivae.grading.exercises.effective_sample_size import effective_sample_size
from minivae.grading.exercises.importance import iwae_bound
from minivae.grading.exercises.kl_decomposition import kl_parts
from minivae.grading.exercises.marginal_likelihood import log_marginal, log_mean_exp
from minivae.grading.judge import case, judge

LOG_2PI = np.log(2 * np.pi)
GRID = np.linspace(-12, 12, 6001)


def log_normal(z, mu, variance):
    return -0.5 * (LOG_2PI + np.log(variance) + (z - mu) ** 2 / variance)


# --- the references are right ---------------------------------------------------------------------------------


def test_the_evidence_and_the_posterior_are_those_of_quadrature():
    x, a, b, s2 = case(find("gaussian_posterior"), 1)
    mean, variance, log_px = gaussian_posterior(x, a, b, s2)
    log_likelihood = log_normal(x, a * GRID[:, None] + b, s2)
    np.testing.assert_allclose(log_marginal(log_likelihood, GRID), log_px, rtol=1e-12)
    posterior = np.exp(log_likelihood + log_normal(GRID, 0, 1)[:, None] - log_px) * (GRID[1] - GRID[0])
    np.testing.assert_allclose(GRID @ posterior, mean, atol=1e-12)
    np.testing.assert_allclose(GRID**2 @ posterior - mean**2, np.full(len(x), variance), atol=1e-12)


def test_the_gap_is_the_divergence_from_the_posterior_and_zero_there():
    x, a, b, s2, mu, logvar = case(find("gaussian_elbo"), 2)
    mean, variance, log_px = gaussian_posterior(x, a, b, s2)
    gap = log_px - gaussian_elbo(x, a, b, s2, mu, logvar)["elbo"]
    q = mv.distributions.Normal.from_logvar(mu, logvar)
    posterior = mv.distributions.Normal(mean, float(np.sqrt(variance)))
    np.testing.assert_allclose(gap, mv.distributions.kl_divergence(q, posterior).data, rtol=1e-12)
    tight = gaussian_elbo(x, a, b, s2, mean, np.full(len(x), np.log(variance)))["elbo"]
    np.testing.assert_allclose(tight, log_px, rtol=1e-13, atol=1e-13)


def test_the_elbo_passes_the_meaning_check():
    x, a, b, s2, mu, logvar = case(find("gaussian_elbo"), 3)

    def sample_q(n, rng, p):
        return p["mu"] + np.exp(p["logvar"] / 2) * rng.standard_normal((n, 1))

    def log_joint(z):
        return (log_normal(x[0], a * z + b, s2) + log_normal(z, 0, 1))[:, 0]

    report = mv.check_elbo(
        None,
        sample_q,
        lambda z, p: log_normal(z, p["mu"], np.exp(p["logvar"])),
        log_joint,
        {"mu": mu[:1], "logvar": logvar[:1]},
        draws=5_000,
    )
    assert report
    assert report.values["ELBO"] == pytest.approx(gaussian_elbo(x, a, b, s2, mu, logvar)["elbo"][0], abs=1e-7)


@pytest.mark.parametrize("k", [1, 7, 50])
def test_equal_weights_are_all_worth_something(k):
    assert effective_sample_size(np.full((k, 2), -900.0)) == pytest.approx(k)
    assert log_mean_exp(np.full((k, 2), -900.0)) == pytest.approx(-900.0)


def test_information_and_mismatch_add_up_and_information_is_at_most_log_n():
    log_q, log_prior = case(find("kl_parts"), 4)
    _, average_kl, information, mismatch = kl_parts(log_q, log_prior)
    assert information + mismatch == pytest.approx(average_kl, rel=1e-12)
    assert information <= np.log(len(log_q))
    apart = np.where(np.eye(13), 2.0, -500.0)  # nobody else could have made this draw
    assert kl_parts(apart, log_prior)[2] == pytest.approx(np.log(13))
    assert kl_parts(np.full((13, 13), -1.0), log_prior)[2] == pytest.approx(0)


def test_both_exercises_on_the_importance_weighted_bound_agree():
    log_px_given_z, z, mu, logvar = case(find("bound_of_images"), 6)
    log_pz, log_qz = log_normal(z, 0, 1).sum(-1), log_normal(z, mu, np.exp(logvar)).sum(-1)
    bound = bound_of_images(log_px_given_z, z, mu, logvar)[1]
    assert bound == pytest.approx(iwae_bound(log_px_given_z, log_pz, log_qz, np.zeros(13)), rel=1e-12)


# --- the mistakes are named as themselves ---------------------------------------------------------------------


def colleague(log_px_given_z, z, mu, logvar):
    """The function of the lesson's bug: the mean inside the logarithm runs over the images."""
    log_pz = -0.5 * np.sum(np.log(2 * np.pi) + z**2, axis=-1)
    log_qz = -0.5 * np.sum(np.log(2 * np.pi) + logvar + (z - mu) ** 2 / np.exp(logvar), axis=-1)
    log_w = log_px_given_z + log_pz - log_qz
    top = log_w.max(axis=1, keepdims=True)
    return log_w, (top[:, 0] + np.log(np.mean(np.exp(log_w - top), axis=1))).mean()


def at_the_mean(x, a, b, s2, mu, logvar):
    right = gaussian_elbo(x, a, b, s2, mu, logvar)
    expected = log_normal(x, a * mu + b, s2)
    return {"expected_log_px_given_z": expected, "kl": right["kl"], "elbo": expected - right["kl"]}


def no_two_pi_and_no_minus_one(x, a, b, s2, mu, logvar):
    expected = -0.5 * (np.log(s2) + ((x - b - a * mu) ** 2 + a**2 * np.exp(logvar)) / s2)
    kl = 0.5 * (mu**2 + np.exp(logvar) - logvar)
    return {"expected_log_px_given_z": expected, "kl": kl, "elbo": expected - kl}


def wrong_aggregate(log_q, log_prior):
    log_aggregate = log_mean_exp(log_q)
    own = np.diag(log_q)
    return log_aggregate, np.mean(own - log_prior), np.mean(own - log_aggregate), np.mean(log_aggregate - log_prior)


WRITTEN_BY_HAND = {
    "the colleague of the lesson": ("bound_of_images", colleague, ("EL50",)),
    "at the mean": ("gaussian_elbo", at_the_mean, ("EL30",)),
    "two at once": ("gaussian_elbo", no_two_pi_and_no_minus_one, ("EL33", "K4")),
    "the columns, not the rows": ("kl_parts", wrong_aggregate, ("EL40",)),
    "the maximum forgotten": (
        "log_mean_exp",
        lambda log_w: np.log(np.mean(np.exp(log_w - log_w.max(axis=0)), axis=0)),
        ("EL1",),
    ),
    "the prior without its constant": (
        "log_marginal",
        lambda log_px, z: np.log(np.sum(np.exp(log_px - z[:, None] ** 2 / 2), axis=0) * (z[1] - z[0])),
        ("EL8",),
    ),
    "a draw's mean, as if from the prior": (
        "log_marginal",
        lambda log_px, z: np.log(np.mean(np.exp(log_px + log_normal(z, 0, 1)[:, None]), axis=0)),
        ("EL6",),
    ),
    "one over the sum of squares": (
        "effective_sample_size",
        lambda log_w: 1 / np.sum(np.exp(log_w) ** 2, 0),
        ("EL15",),
    ),
    "b forgotten": ("gaussian_posterior", lambda x, a, b, s2: gaussian_posterior(x, a, 0.0, s2), ("EL24",)),
}


@pytest.mark.parametrize("what", WRITTEN_BY_HAND)
def test_a_mistake_in_the_learners_own_words_is_named(what):
    name, wrong, codes = WRITTEN_BY_HAND[what]
    assert judge(find(name), wrong).codes == codes


def test_a_scaled_term_is_measured():
    def half_spread(x, a, b, s2, mu, logvar):
        right = gaussian_elbo(x, a, b, s2, mu, logvar)
        expected = right["expected_log_px_given_z"] + 0.3 * a**2 * np.exp(logvar) / s2
        return right | {"expected_log_px_given_z": expected, "elbo": expected - right["kl"]}

    verdict = judge(find("gaussian_elbo"), half_spread)
    assert verdict.codes == ()
    assert verdict.coefficients["−½ a² σ²/s²"] == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("name", "naive"),
    [
        ("log_mean_exp", lambda log_w: np.log(np.mean(np.exp(log_w), axis=0))),
        ("effective_sample_size", lambda log_w: np.exp(log_w).sum(axis=0) ** 2 / np.exp(2 * log_w).sum(axis=0)),
        (
            "log_marginal",
            lambda log_px, z: np.log(np.sum(np.exp(log_px + log_normal(z, 0, 1)[:, None]), 0) * (z[1] - z[0])),
        ),
    ],
)
def test_what_underflows_is_not_called_right(name, naive):
    verdict = judge(find(name), naive)
    assert verdict.status == "wrong"
    assert not verdict.codes
    assert "−2000, usual for images" in verdict.text


# --- right in another form ------------------------------------------------------------------------------------


def by_loops(log_q, log_prior):
    n = len(log_q)
    aggregate = [np.logaddexp.reduce(log_q[m]) - np.log(n) for m in range(n)]
    own = [log_q[m, m] for m in range(n)]
    return (
        aggregate,
        sum(own) / n - log_prior.mean(),
        sum(own) / n - np.mean(aggregate),
        np.mean(aggregate) - log_prior.mean(),
    )


def by_completing_the_square(x, a, b, s2):
    total = a**2 + s2
    return a * (x - b) / total, s2 / total, log_normal(x, b, total)


def by_entropy(x, a, b, s2, mu, logvar):
    variance = np.exp(logvar)
    expected = log_normal(x, b + a * mu, s2) - a**2 * variance / (2 * s2)
    cross = log_normal(mu, 0, 1) - variance / 2
    entropy = 0.5 * np.log(2 * np.pi * np.e * variance)
    return {"expected_log_px_given_z": expected, "kl": -cross - entropy, "elbo": expected + cross + entropy}


def by_the_library(log_px_given_z, z, mu, logvar):
    q = mv.distributions.Normal.from_logvar(mu, logvar)
    prior = mv.distributions.Normal(0.0, 1.0)
    log_w = log_px_given_z + prior.log_prob(z).sum(-1) - q.log_prob(z).sum(-1)
    return log_w, mv.objectives.iwae(log_w).mean()


RIGHT = {
    "logaddexp": ("log_mean_exp", lambda log_w: np.logaddexp.reduce(log_w, axis=0) - np.log(len(log_w))),
    "a mean times the number of strips": (
        "log_marginal",
        lambda log_px, z: (
            log_mean_exp(log_px + log_normal(z, 0, 1)[:, None] + np.log(np.diff(z)).mean()) + np.log(len(z))
        ),
    ),
    "shares": (
        "effective_sample_size",
        lambda log_w: 1 / np.sum(np.exp(log_w - np.logaddexp.reduce(log_w, axis=0)) ** 2, axis=0),
    ),
    "completing the square": ("gaussian_posterior", by_completing_the_square),
    "cross entropy and entropy": ("gaussian_elbo", by_entropy),
    "loops": ("kl_parts", by_loops),
    "the library": ("bound_of_images", by_the_library),
}


@pytest.mark.parametrize("what", RIGHT)
def test_a_right_answer_in_another_form_passes(what):
    name, answer = RIGHT[what]
    verdict = judge(find(name), answer)
    assert verdict.status == "right", verdict.text
