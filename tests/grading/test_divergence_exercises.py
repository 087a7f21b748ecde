"""Lesson 06's exercises: the reference passes, each mistake is named as itself, right answers pass in any form."""

from __future__ import annotations

import math

import numpy as np
import pytest

import minivae as mv
from minivae.distributions import Normal, kl_divergence
from minivae.grading.checker import find
from minivae.grading.exercises.bernoulli_likelihood import bernoulli_nll, grey_bce_floor
from minivae.grading.exercises.gaussian_likelihood import gaussian_nll
from minivae.grading.exercises.grey_level_likelihood import level_probabilities
from minivae.grading.exercises.kl_normals import kl_normals
from minivae.grading.exercises.kl_to_standard_normal import kl_to_standard_normal
from minivae.grading.judge import case, judge

NAMES = (
    "bits_per_dimension",
    "bernoulli_nll",
    "grey_bce_floor",
    "gaussian_nll",
    "level_probabilities",
    "one_sigma_nll",
    "kl_to_standard_normal",
    "kl_normals",
    "mean_and_standard_error",
)


@pytest.mark.parametrize("name", NAMES)
def test_codes_are_told_apart(name):
    codes = [mistake.code for mistake in find(name).mistakes]
    assert len(set(codes)) == len(codes)


def sigmoid(t):
    return 1 / (1 + np.exp(-t))


def softplus_safe(logits, x):
    return np.sum(np.maximum(logits, 0) - logits * x + np.log1p(np.exp(-np.abs(logits))), axis=-1, keepdims=True)


def coin_side(logits, x):
    return np.logaddexp(0, np.where(x == 1, -logits, logits)).sum(axis=1)


def floor_by_errstate(x):
    with np.errstate(all="ignore"):
        return np.nansum(-x * np.log(x), axis=1) + np.nansum((x - 1) * np.log1p(-x), axis=1)


def density(x, mu, log_var):
    sigma = np.exp(log_var / 2)
    return -np.log(np.exp(-0.5 * ((x - mu) / sigma) ** 2) / (sigma * math.sqrt(2 * math.pi))).sum(axis=1)


def levels_in_a_loop(mean, scale):
    out = []
    for k in range(256):
        upper = 1.0 if k == 255 else sigmoid(((k + 0.5) / 255 - mean) / scale)
        lower = 0.0 if k == 0 else sigmoid(((k - 0.5) / 255 - mean) / scale)
        out.append(upper - lower)
    return out


def kl_by_library(mu, log_var):
    return kl_divergence(Normal.from_logvar(mu, log_var), Normal(0.0, 1.0)).sum(-1)


def kl_float32(mu, log_var):
    return kl_to_standard_normal(mu.astype(np.float32), log_var.astype(np.float32))


def kl_of_sigmas(mu_q, log_var_q, mu_p, log_var_p):
    sigma_q, sigma_p = np.exp(log_var_q / 2), np.exp(log_var_p / 2)
    return np.log(sigma_p / sigma_q) + (sigma_q**2 + (mu_q - mu_p) ** 2) / (2 * sigma_p**2) - 0.5


def error_by_hand(values):
    n = len(values)
    mean = sum(values) / n
    return [mean, math.sqrt(sum((v - mean) ** 2 for v in values) / (n * (n - 1)))]


RIGHT = [
    ("bits_per_dimension", lambda nats, dimensions: np.log2(np.e) * nats / dimensions),
    ("bernoulli_nll", softplus_safe),
    ("bernoulli_nll", coin_side),
    ("bernoulli_nll", lambda logits, x: -mv.distributions.Bernoulli(logits=logits).log_prob(x).sum(-1)),
    ("grey_bce_floor", floor_by_errstate),
    ("gaussian_nll", density),
    ("gaussian_nll", lambda x, mu, log_var: -Normal.from_logvar(mu, log_var).log_prob(x).sum(-1)),
    ("level_probabilities", levels_in_a_loop),
    (
        "one_sigma_nll",
        lambda x, mu, s: x.shape[1] * 0.5 * np.log(2 * np.pi * np.exp(s)) + ((x - mu) ** 2).sum(1) / (2 * np.exp(s)),
    ),
    ("kl_to_standard_normal", kl_by_library),
    ("kl_to_standard_normal", kl_float32),
    ("kl_normals", kl_of_sigmas),
    ("mean_and_standard_error", error_by_hand),
    ("mean_and_standard_error", lambda v: (np.mean(v), np.std(v) / np.sqrt(len(v) - 1))),
]


@pytest.mark.parametrize(("name", "answer"), RIGHT, ids=[f"{i}-{name}" for i, (name, _) in enumerate(RIGHT)])
def test_a_right_answer_passes_in_any_form(name, answer):
    verdict = judge(find(name), answer)
    assert verdict.status == "right", verdict.text


def test_a_coin_by_its_probability_overflows_and_is_told_where():
    def from_probabilities(logits, x):
        p = sigmoid(logits)
        return -(x * np.log(p) + (1 - x) * np.log(1 - p)).sum(axis=1)

    verdict = judge(find("bernoulli_nll"), from_probabilities)
    assert verdict.status == "wrong"
    assert not verdict.codes
    assert "right on ordinary numbers, but not at logits of ±40 and ±1000" in verdict.text


def test_a_clipped_probability_is_not_called_right():
    def clipped(logits, x):
        p = np.clip(sigmoid(np.clip(logits, -500, 500)), 1e-7, 1 - 1e-7)
        return -(x * np.log(p) + (1 - x) * np.log(1 - p)).sum(axis=1)

    verdict = judge(find("bernoulli_nll"), clipped)
    assert verdict.status == "wrong"
    assert not verdict.codes


def test_the_entropy_of_a_black_pixel_is_not_nan():
    verdict = judge(find("grey_bce_floor"), lambda x: -(x * np.log(x) + (1 - x) * np.log(1 - x)).sum(axis=1))
    assert verdict.status == "wrong"
    assert "pixels that are exactly 0 or 1" in verdict.text


@pytest.mark.parametrize("factor", [0.37, 1.9, 3.0])
def test_an_unlisted_factor_is_measured_and_no_mistake_is_named(factor):
    def stretched(mu, log_var):
        return 0.5 * (factor * mu**2 + np.exp(log_var) - 1 - log_var).sum(axis=1)

    verdict = judge(find("kl_to_standard_normal"), stretched)
    assert verdict.status == "wrong"
    assert not verdict.codes
    assert verdict.coefficients["½ Σ μ²"] == pytest.approx(factor, abs=1e-7)


def test_a_pair_that_no_sum_of_mistakes_explains_is_measured():
    """No ½, and log σ² taken for log σ: the second is twice as large because of the first."""
    verdict = judge(find("kl_to_standard_normal"), lambda mu, v: (mu**2 + np.exp(2 * v) - 1 - 2 * v).sum(axis=1))
    assert verdict.status == "wrong"
    assert not verdict.codes
    found = {
        name: round(coefficient, 6) for name, coefficient in verdict.coefficients.items() if abs(coefficient) > 1e-6
    }
    assert found == {"½ Σ μ²": 2, "½ Σ σ⁴": 2, "−½ once for each dimension": 2, "−½ Σ log σ²": 4}


def test_two_mistakes_at_once_are_both_named():
    """No −1, and μ not squared."""

    def twice_wrong(mu, log_var):
        return 0.5 * (mu + np.exp(log_var) - log_var).sum(axis=1)

    assert set(judge(find("kl_to_standard_normal"), twice_wrong).codes) == {"K4", "K10"}


def test_references_are_what_the_library_says():
    """Bernoulli, normal and KL against `minivae.distributions`; the levels sum to one; the floor is an entropy."""
    logits, x = case(find("bernoulli_nll"), 0)
    expected = -mv.distributions.Bernoulli(logits=logits).log_prob(x).data.sum(1)
    np.testing.assert_allclose(bernoulli_nll(logits, x), expected, rtol=1e-12)
    x, mu, log_var = case(find("gaussian_nll"), 0)
    expected = -Normal.from_logvar(mu, log_var).log_prob(x).data.sum(1)
    np.testing.assert_allclose(gaussian_nll(x, mu, log_var), expected, rtol=1e-12)
    mu_q, log_var_q, mu_p, log_var_p = case(find("kl_normals"), 0)
    expected = kl_divergence(Normal.from_logvar(mu_q, log_var_q), Normal.from_logvar(mu_p, log_var_p)).data
    np.testing.assert_allclose(kl_normals(mu_q, log_var_q, mu_p, log_var_p), expected, rtol=1e-11)
    assert level_probabilities(0.3, 0.1).sum() == pytest.approx(1, abs=1e-14)
    (grey,) = case(find("grey_bce_floor"), 0)
    entropy = mv.distributions.Bernoulli(logits=np.log(grey / (1 - grey))).entropy().data.sum(1)
    np.testing.assert_allclose(grey_bce_floor(grey), entropy, rtol=1e-12)


def test_kl_of_a_normal_and_itself_is_zero():
    mu, log_var, _, _ = case(find("kl_normals"), 1)
    assert np.all(kl_normals(mu, log_var, mu, log_var) == 0)
    assert np.all(kl_to_standard_normal(0 * mu, 0 * mu) == 0)
