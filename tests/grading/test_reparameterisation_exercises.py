"""The exercises of lesson 08: references agree with their steps, mistakes are named as themselves, right forms pass."""

from __future__ import annotations

import numpy as np
import pytest

import minivae as mv
from minivae.grading.exercise import EXERCISES
from minivae.grading.exercises import import_all
from minivae.grading.exercises.pathwise import pathwise_estimates
from minivae.grading.exercises.sampled_loss import sampled_loss
from minivae.grading.exercises.score_baseline import leave_one_out
from minivae.grading.exercises.score_function import score
from minivae.grading.judge import judge
from minivae.verify import check_gradient

import_all()


def arguments(name, number=7):
    return EXERCISES[name].cases(np.random.default_rng(number))


# --- the references are right ---------------------------------------------------------------------------------


def test_the_score_is_the_gradient_of_the_log_density():
    z, mu, logvar = arguments("score")

    def log_q(p):
        return mv.distributions.Normal.from_logvar(p["mu"], p["logvar"]).log_prob(z).data.sum()

    def gradient(p):
        s_mu, s_logvar = score(z, p["mu"], p["logvar"])
        return {"mu": s_mu.sum(axis=0), "logvar": s_logvar.sum(axis=0)}

    assert check_gradient(log_q, gradient, {"mu": mu, "logvar": logvar})


def test_the_pathwise_estimate_is_the_gradient_at_fixed_noise():
    _, mu, logvar, eps = arguments("pathwise_estimates")

    def value(p):
        return np.sum(np.sin(p["mu"] + np.exp(p["logvar"] / 2) * eps))

    def gradient(p):
        _, _, d_mu, d_logvar = pathwise_estimates(np.cos, p["mu"], p["logvar"], eps)
        return {"mu": d_mu.sum(axis=0), "logvar": d_logvar.sum(axis=0)}

    assert check_gradient(value, gradient, {"mu": mu, "logvar": logvar})


def test_the_gradient_of_the_sampled_loss_is_right():
    x, mu, logvar, eps, tau2 = arguments("sampled_loss")

    def loss(p):
        return sampled_loss(x, p["mu"], p["logvar"], eps, tau2)["loss"]

    def gradient(p):
        named = sampled_loss(x, p["mu"], p["logvar"], eps, tau2)
        return {"mu": named["d_mu"], "logvar": named["d_logvar"]}

    assert check_gradient(loss, gradient, {"mu": mu, "logvar": logvar})


def test_only_the_baseline_without_the_own_draw_keeps_the_mean():
    """With three outcomes and N = 2 draws all expectations are finite sums: 1 and ½ times the gradient."""
    q, f, s = np.array([0.2, 0.3, 0.5]), np.array([1.0, -2.0, 4.0]), np.array([3.0, 1.0, -1.8])
    assert q @ s == pytest.approx(0)
    means = {"others": 0.0, "all": 0.0}
    for i in range(3):
        for j in range(3):
            pair, weight = [i, j], q[i] * q[j]
            means["others"] += weight * leave_one_out(f[pair], s[pair, None])[1].mean()
            means["all"] += weight * np.mean((f[pair] - f[pair].mean()) * s[pair])
    assert means["others"] == pytest.approx(q @ (f * s))
    assert means["all"] == pytest.approx(0.5 * (q @ (f * s)))


# --- the mistakes are named as themselves ---------------------------------------------------------------------


def colleague(x, mu, logvar, eps, tau2):
    """The function of the lesson's bug: the noise is multiplied by the variance."""
    precision = np.exp(-logvar)
    z = mu + eps / precision
    error = x - z
    reconstruction = (0.5 * error**2 / tau2 + 0.5 * np.log(2 * np.pi * tau2)).sum(axis=1).mean()
    kl = 0.5 * np.sum(mu**2 + 1 / precision - 1 - logvar)
    d_z = -error / tau2 / len(eps)
    d_mu = d_z.sum(axis=0) + mu
    d_logvar = (d_z * eps / precision).sum(axis=0) + 0.5 * (1 / precision - 1)
    named = {"z": z, "reconstruction": reconstruction, "kl": kl, "loss": reconstruction + kl}
    return named | {"d_z": d_z, "d_mu": d_mu, "d_logvar": d_logvar}


def half_forgotten(f_prime, mu, logvar, eps):
    sigma = np.exp(logvar / 2)
    z = mu + sigma * eps
    return z, f_prime(z), f_prime(z), f_prime(z) * sigma * eps


def eps_forgotten(f_prime, mu, logvar, eps):
    sigma = np.exp(0.5 * logvar)
    z = mu + sigma * eps
    return z, f_prime(z), f_prime(z), f_prime(z) * sigma / 2


def density_for_its_log(f, z, mu, logvar):
    q = np.prod(np.exp(-((z - mu) ** 2) / (2 * np.exp(logvar))) / np.sqrt(2 * np.pi * np.exp(logvar)), axis=1)
    s_mu, s_logvar = score(z, mu, logvar)
    return (f(z) * q)[:, None] * s_mu, (f(z) * q)[:, None] * s_logvar


WRITTEN_BY_HAND = {
    "the colleague of the lesson": ("sampled_loss", colleague, ("K5",)),
    "½ forgotten": ("pathwise_estimates", half_forgotten, ("Z4",)),
    "ε forgotten": ("pathwise_estimates", eps_forgotten, ("Z6",)),
    "∇q for ∇ log q": ("score_function_estimates", density_for_its_log, ("S7",)),
    "a score along z": (
        "score",
        lambda z, m, lv: ((m - z) / np.exp(lv), 0.5 * ((z - m) ** 2 / np.exp(lv) - 1)),
        ("S2",),
    ),
    "the mean of all": ("leave_one_out", lambda f, s: (np.full(13, f.mean()), (f - f.mean())[:, None] * s), ("L1",)),
    "the standard deviation": ("mean_with_error", lambda x: (x.mean(axis=0), x.std(axis=0, ddof=1)), ("M1",)),
    "two at once": ("score", lambda z, m, lv: ((m - z) / np.exp(lv), 0.5 * (z - m) ** 2 / np.exp(lv)), ("S2", "S3")),
}


@pytest.mark.parametrize("what", WRITTEN_BY_HAND)
def test_a_mistake_in_the_learners_own_words_is_named(what):
    name, wrong, codes = WRITTEN_BY_HAND[what]
    assert judge(EXERCISES[name], wrong).codes == codes


def test_a_mistake_that_nobody_listed_is_measured():
    def scaled(f_prime, mu, logvar, eps):
        z, d_z, d_mu, d_logvar = pathwise_estimates(f_prime, mu, logvar, eps)
        return z, d_z, d_mu, 0.3 * d_logvar

    verdict = judge(EXERCISES["pathwise_estimates"], scaled)
    assert verdict.codes == ()
    assert verdict.coefficients["½ d_z ε σ"] == pytest.approx(0.3)


def test_noise_of_its_own_is_told():
    def own_noise(f_prime, mu, logvar, eps):
        return pathwise_estimates(f_prime, mu, logvar, np.random.standard_normal(eps.shape))

    assert "two different answers" in judge(EXERCISES["pathwise_estimates"], own_noise).text


# --- right in another form ------------------------------------------------------------------------------------


def by_autodiff(x, mu, logvar, eps, tau2):
    """The same loss with the library's Tensors."""
    mu, logvar = mv.Tensor(mu, requires_grad=True), mv.Tensor(logvar, requires_grad=True)
    q = mv.distributions.Normal.from_logvar(mu, logvar)
    z = q.rsample(mv.Tensor(eps), sample_shape=(len(eps),))
    p = mv.distributions.Normal(z, float(np.sqrt(tau2)))
    reconstruction = -p.log_prob(mv.Tensor(np.broadcast_to(x, eps.shape).copy())).sum() / len(eps)
    kl = mv.distributions.kl_divergence(q, mv.distributions.Normal(0, 1)).sum()
    (reconstruction + kl).backward()
    d_z = (z.data - x) / tau2 / len(eps)
    named = {"z": z, "reconstruction": reconstruction, "kl": kl, "loss": reconstruction + kl}
    return named | {"d_z": d_z, "d_mu": mu.grad, "d_logvar": logvar.grad}


def by_loops(f, z, mu, logvar):
    d_mu, d_logvar = np.zeros_like(z), np.zeros_like(z)
    value = f(z)
    for n in range(len(z)):
        for j in range(z.shape[1]):
            eps = (z[n, j] - mu[j]) / np.exp(logvar[j] / 2)
            d_mu[n, j] = value[n] * eps / np.exp(logvar[j] / 2)
            d_logvar[n, j] = value[n] * (eps**2 - 1) / 2
    return d_mu, d_logvar


RIGHT = {
    "autodiff": ("sampled_loss", by_autodiff),
    "loops": ("score_function_estimates", by_loops),
    "a list": ("score", lambda z, m, lv: list(score(z, m, lv))),
    "with ε": (
        "score",
        lambda z, m, lv: ((z - m) * np.exp(-lv), (((z - m) * np.exp(-lv / 2)) ** 2 - 1) / 2),
    ),
    "float32": (
        "pathwise_estimates",
        lambda f, m, lv, e: pathwise_estimates(f, *(np.float32(a) for a in (m, lv, e))),
    ),
    "sqrt of the variance": (
        "pathwise_estimates",
        lambda f, m, lv, e: (
            m + np.sqrt(np.exp(lv)) * e,
            f(m + np.sqrt(np.exp(lv)) * e),
            f(m + np.sqrt(np.exp(lv)) * e),
            f(m + np.sqrt(np.exp(lv)) * e) * (np.sqrt(np.exp(lv)) * e) / 2,
        ),
    ),
    "the error by its sum": (
        "mean_with_error",
        lambda x: (
            np.sum(x, axis=0) / len(x),
            np.sqrt(np.sum((x - x.mean(axis=0)) ** 2, axis=0) / (len(x) - 1) / len(x)),
        ),
    ),
    "a column of baselines": (
        "leave_one_out",
        lambda f, s: (
            np.array([np.delete(f, n).mean() for n in range(len(f))]),
            s * len(f) / (len(f) - 1) * (f - f.mean())[:, None],
        ),
    ),
}


@pytest.mark.parametrize("what", RIGHT)
def test_a_right_answer_in_another_form_passes(what):
    name, answer = RIGHT[what]
    verdict = judge(EXERCISES[name], answer)
    assert verdict.status == "right", verdict.text
