"""The exercises of lesson 05: references are right, mistakes are named as themselves, right forms pass."""

from __future__ import annotations

import numpy as np
import pytest

from minivae.grading.exercise import EXERCISES
from minivae.grading.exercises import import_all
from minivae.grading.exercises.explained_variance import explained_variance
from minivae.grading.exercises.gaussian_codes import draw_codes
from minivae.grading.exercises.linear_autoencoder import linear_autoencoder_backward
from minivae.grading.exercises.principal_components import pca_reconstruct, variance_kept
from minivae.grading.exercises.quantised_codes import quantise
from minivae.grading.judge import judge
from minivae.verify import check_gradient

import_all()


def arguments(name, number=7):
    return EXERCISES[name].cases(np.random.default_rng(number))


def verdict(name, function):
    return judge(EXERCISES[name], function)


# --- the references are right ---------------------------------------------------------------------------------


def test_the_gradient_of_the_linear_autoencoder_is_that_of_its_loss():
    x, W_enc, W_dec = arguments("linear_autoencoder_backward")

    def loss(p):
        return np.sum((x @ p["W_enc"] @ p["W_dec"] - x) ** 2) / len(x)

    def gradient(p):
        named = linear_autoencoder_backward(x, p["W_enc"], p["W_dec"])
        assert named["loss"] == pytest.approx(loss(p))
        return {"W_enc": named["d_W_enc"], "W_dec": named["d_W_dec"]}

    assert check_gradient(loss, gradient, {"W_enc": W_enc, "W_dec": W_dec})


def test_the_error_of_pca_is_the_sum_of_the_dropped_eigenvalues():
    x_train, _, L = arguments("pca_reconstruct")
    every, _ = variance_kept(x_train, L)
    mean, kept, x_hat = pca_reconstruct(x_train, x_train, L)
    error, error_of_mean, share = explained_variance(x_train, x_hat, mean)
    assert error == pytest.approx(every[L:].sum())
    assert error_of_mean == pytest.approx(every.sum())
    assert share == pytest.approx(variance_kept(x_train, L)[1])
    np.testing.assert_allclose(kept, every[:L])


def test_no_other_plane_through_the_mean_has_a_smaller_error_than_pca():
    x, _, L = arguments("pca_reconstruct")
    mean, _, x_hat = pca_reconstruct(x, x, L)
    best = np.sum((x - x_hat) ** 2)
    rng = np.random.default_rng(3)
    for _ in range(50):
        U, _ = np.linalg.qr(rng.standard_normal((5, L)))
        assert np.sum((x - mean - (x - mean) @ U @ U.T) ** 2) > best


def test_pca_at_the_full_dimension_loses_nothing():
    x_train, x, _ = arguments("pca_reconstruct")
    np.testing.assert_allclose(pca_reconstruct(x_train, x, 5)[2], x)


def test_drawn_codes_have_the_mean_and_the_covariance():
    z, _ = arguments("draw_codes")
    mean, covariance, draws = draw_codes(z, np.random.default_rng(0).standard_normal((200_000, 3)))
    np.testing.assert_allclose(draws.mean(axis=0), mean, atol=0.05)
    np.testing.assert_allclose(np.cov(draws.T), covariance, atol=0.03 * np.abs(covariance).max())


def test_a_quantised_code_inside_the_range_is_off_by_half_a_step_at_most():
    z, low, high, bits = arguments("quantise")
    inside = np.clip(z, low, high)
    k, z_hat = quantise(inside, low, high, bits)
    assert np.all(np.abs(z_hat - inside) <= (high - low) / (2**bits - 1) / 2 + 1e-12)
    assert k.min() >= 0
    assert k.max() <= 2**bits - 1


def test_the_case_of_quantise_has_codes_outside_the_range():
    z, low, high, _ = arguments("quantise")
    assert np.any(z < low)
    assert np.any(z > high)


# --- the mistakes are named as themselves ---------------------------------------------------------------------


def colleague(x, L):
    """The function of the lesson's bug: the images are not centred."""
    second_moment = x.T @ x / len(x)
    eigenvalues = np.linalg.eigvalsh(second_moment)[::-1]
    return eigenvalues, eigenvalues[:L].sum() / eigenvalues.sum()


def by_svd_without_the_square(x, L):
    s = np.linalg.svd(x - x.mean(axis=0), compute_uv=False)
    return s**2 / len(x), s[:L].sum() / s.sum()


def own_mean(x_train, x, L):
    mean = x_train.mean(axis=0)
    eigenvalues, vectors = np.linalg.eigh(np.cov(x_train.T, bias=True))
    U = vectors[:, -L:]
    return mean, eigenvalues[::-1][:L], x.mean(axis=0) + (x - x.mean(axis=0)) @ U @ U.T


def from_np_cov(x_train, x, L):
    mean = x_train.mean(axis=0)
    eigenvalues, vectors = np.linalg.eigh(np.cov(x_train.T))
    U = vectors[:, -L:]
    return mean, eigenvalues[::-1][:L], mean + (x - mean) @ U @ U.T


def encoder_on_the_way_back(x, W_enc, W_dec):
    z = x @ W_enc
    error = z @ W_dec - x
    d_x_hat = 2 * error / len(x)
    d_z = d_x_hat @ W_enc
    named = {"z": z, "x_hat": z @ W_dec, "loss": (error**2).sum(axis=1).mean(), "d_x_hat": d_x_hat}
    return named | {"d_W_dec": z.T @ d_x_hat, "d_z": d_z, "d_W_enc": x.T @ d_z}


def to_int(z, low, high, bits):
    k = np.clip(((z - low) / (high - low) * (2**bits - 1)).astype(int), 0, 2**bits - 1)
    return k, low + k * (high - low) / (2**bits - 1)


def row_by_row(z, eps):
    mean, covariance = z.mean(axis=0), np.cov(z.T, bias=True)
    return mean, covariance, mean + np.sqrt(np.diag(covariance)) * eps


WRITTEN_BY_HAND = {
    "the colleague of the lesson": ("variance_kept", colleague, ("AE17",)),
    "singular values added up": ("variance_kept", by_svd_without_the_square, ("AE22",)),
    "the test images' own mean": ("pca_reconstruct", own_mean, ("AE15",)),
    "np.cov as it comes": ("pca_reconstruct", from_np_cov, ("AE10",)),
    "W_enc for W_decᵀ": ("linear_autoencoder_backward", encoder_on_the_way_back, ("AE29",)),
    "astype(int)": ("quantise", to_int, ("AE34",)),
    "independent draws": ("draw_codes", row_by_row, ("AE44",)),
    "the ratio": (
        "explained_variance",
        lambda x, x_hat, mean: (
            ((x - x_hat) ** 2).sum(1).mean(),
            ((x - mean) ** 2).sum(1).mean(),
            ((x - x_hat) ** 2).mean() / ((x - mean) ** 2).mean(),
        ),
        ("AE3",),
    ),
}


@pytest.mark.parametrize("what", WRITTEN_BY_HAND)
def test_a_mistake_in_the_learners_own_words_is_named(what):
    name, wrong, codes = WRITTEN_BY_HAND[what]
    assert verdict(name, wrong).codes == codes


def test_a_factor_that_nobody_listed_is_measured():
    def scaled(x, W_enc, W_dec):
        named = linear_autoencoder_backward(x, W_enc, W_dec)
        return named | {"d_W_enc": 0.3 * named["d_W_enc"]}

    found = verdict("linear_autoencoder_backward", scaled)
    assert found.codes == ()
    assert found.coefficients["xᵀ·d_z"] == pytest.approx(0.3)


# --- right answers in other words -----------------------------------------------------------------------------


def pca_by_svd(x_train, x, L):
    mean = x_train.mean(axis=0)
    _, s, Vt = np.linalg.svd(x_train - mean, full_matrices=False)
    return mean, s[:L] ** 2 / len(x_train), mean + (x - mean) @ Vt[:L].T @ Vt[:L]


def kept_by_svd(x, L):
    variances = np.linalg.svd(x - x.mean(axis=0), compute_uv=False) ** 2 / len(x)
    return variances, variances[:L].sum() / variances.sum()


def codes_one_by_one(z, eps):
    mean, covariance = z.mean(axis=0), np.cov(z.T, bias=True)
    root = np.linalg.cholesky(covariance)
    return mean, covariance, np.array([mean + root @ e for e in eps])


def levels_by_hand(z, low, high, bits):
    step = (high - low) / (2**bits - 1)
    k = np.clip(np.floor((z - low) / step + 0.5), 0, 2**bits - 1).astype(int)
    return k, low + k * step


RIGHT = {
    "by SVD": ("pca_reconstruct", pca_by_svd),
    "shares by SVD": ("variance_kept", kept_by_svd),
    "draw by draw": ("draw_codes", codes_one_by_one),
    "whole numbers": ("quantise", levels_by_hand),
}


@pytest.mark.parametrize("what", RIGHT)
def test_a_right_answer_in_other_words_passes(what):
    name, right = RIGHT[what]
    assert verdict(name, right).status == "right"
