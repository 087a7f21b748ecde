"""`check_sampler` tells samplers that draw from their density from those that do not."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from meaning_cases import (
    DENSITIES,
    LOGVAR,
    MU,
    NOISES,
    SAMPLERS,
    STATISTICS,
    L,
    log_q,
    reparameterise,
    sampler,
    scaled_by_the_variance,
)

from minivae import ops
from minivae.autodiff import Tensor
from minivae.distributions import Bernoulli, Categorical, GreyBCE, Normal
from minivae.errors import DtypeError
from minivae.verify import check_gradient, check_kl, check_sampler, gradcheck

# --- what gradient checks cannot see ------------------------------------------------------------------------


def test_e_to_the_logvar_for_sigma_passes_every_gradient_check_and_fails_the_meaning_checks(rng):
    """z = μ + e^lv·ε is a differentiable function like any other, and its gradient is right."""
    eps = rng.standard_normal((13, L))

    def right(mu, logvar):
        return mu + ops.exp(0.5 * logvar) * eps

    def wrong(mu, logvar):
        return mu + ops.exp(logvar) * eps

    for z in (right, wrong):
        assert gradcheck(z, MU, LOGVAR)
        assert check_gradient(  # the whole objective: ½|z|² for a reconstruction, and the KL in closed form
            lambda p, z=z: (z(*map(Tensor, p)).square().sum() * 0.5).item() + kl_sum(*p),
            lambda p, z=z: tuple(g + h for g, h in zip(gradient_of(z, *p), kl_gradient(*p), strict=True)),
            (MU, LOGVAR),
        )

    assert check_sampler(sampler(reparameterise), log_q)
    report = check_sampler(sampler(scaled_by_the_variance), log_q)
    assert not report
    assert "variance" in report.failed
    assert "exp(log_var) multiplies the noise" in str(report)

    value = 0.5 * (MU**2 + np.exp(LOGVAR) - 1 - LOGVAR)
    assert check_kl(value, sampler(reparameterise), log_q, Normal(0, 1))
    assert not check_kl(value, sampler(scaled_by_the_variance), log_q, Normal(0, 1))


def gradient_of(z, mu, logvar):
    leaves = Tensor(mu, requires_grad=True), Tensor(logvar, requires_grad=True)
    (z(*leaves).square().sum() * 0.5).backward()
    return leaves[0].grad, leaves[1].grad


def kl_sum(mu, logvar):
    return 0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar)


def kl_gradient(mu, logvar):
    return mu, 0.5 * (np.exp(logvar) - 1)


@pytest.mark.parametrize("transform", SAMPLERS.values(), ids=SAMPLERS)
def test_wrong_transforms_of_the_noise_are_caught(transform):
    assert not check_sampler(sampler(transform), log_q)


@pytest.mark.parametrize("noise", NOISES.values(), ids=NOISES)
def test_wrong_noise_is_caught(noise):
    assert not check_sampler(sampler(noise=noise), log_q)


def test_uniform_noise_of_the_right_mean_and_variance_is_caught_by_its_shape_alone():
    report = check_sampler(sampler(noise=NOISES["uniform, with mean 0 and variance 1"]), log_q)
    assert report.failed == ("distance of cdfs",)
    assert "wrong shape" in str(report)


@pytest.mark.parametrize(
    ("noise", "statistic"),
    [
        ("shared by all entries", "correlation of entries"),
        ("each used twice in a row", "correlation in sequence"),
        ("a generator of its own, made anew", "fresh noise"),
    ],
)
def test_shared_noise_is_caught_where_each_entry_on_its_own_is_right(noise, statistic):
    report = check_sampler(sampler(noise=NOISES[noise]), log_q)
    assert statistic in report.failed
    assert "mean" not in report.failed
    assert "∫ exp(log_prob)" not in report.failed


@pytest.mark.parametrize("summed", [False, True], ids=["each entry", "their sum"])
@pytest.mark.parametrize("density", DENSITIES.values(), ids=DENSITIES)
def test_densities_that_are_none_are_caught(density, summed):
    report = check_sampler(sampler(), (lambda z: density(z).sum(axis=1)) if summed else density)
    assert not report
    assert "∫ exp(log_prob)" in report.failed


def test_the_logarithm_of_sigma_counted_once_instead_of_for_each_dimension_is_caught():
    sigma, D = 0.4, 7
    draws = lambda n, rng: sigma * rng.standard_normal((n, D))
    squares = lambda x: -((x / sigma) ** 2).sum(axis=1) / 2
    right = lambda x: squares(x) - D * (math.log(sigma) + 0.5 * math.log(2 * math.pi))
    once = lambda x: squares(x) - math.log(sigma) - 0.5 * D * math.log(2 * math.pi)
    assert check_sampler(draws, right)
    report = check_sampler(draws, once)
    assert report.failed == ("∫ exp(log_prob)",)
    assert report["∫ exp(log_prob)"].found == pytest.approx(sigma ** (D - 1), rel=1e-3)


def test_a_density_with_another_mean_or_width_than_the_sampler_is_caught():
    shifted = lambda z: -0.5 * (math.log(2 * math.pi) + LOGVAR + (z - MU - 0.03) ** 2 / np.exp(LOGVAR))
    assert "mean" in check_sampler(sampler(), shifted).failed
    assert not check_sampler(
        lambda n, rng: 100.0 + rng.standard_normal(n), lambda x: -0.5 * (x * x + math.log(math.tau))
    )


# --- discrete -----------------------------------------------------------------------------------------------

LOGITS = np.array([1.2, -0.4, 0.0, 2.5])
PROBS = 1 / (1 + np.exp(-LOGITS))


def coins(n, rng):
    return (rng.random((n, 4)) < PROBS).astype(float)


def coin_log_prob(x):
    return x * np.log(PROBS) + (1 - x) * np.log(1 - PROBS)


@pytest.mark.parametrize("summed", [False, True], ids=["each entry", "their sum"])
def test_coins_are_counted(summed):
    reduce = (lambda v: v.sum(axis=1)) if summed else (lambda v: v)
    support = (0, 1)
    assert check_sampler(coins, lambda x: reduce(coin_log_prob(x)), support=support)
    wrong = {
        "(1 − x) log(1 − p) forgotten (R7)": lambda x: x * np.log(PROBS),
        "sigmoid twice (R4)": lambda x: x * np.log(1 / (1 + np.exp(-PROBS))) - (1 - x) * np.logaddexp(0, PROBS),
        "swapped arguments": lambda x: PROBS * np.log(x + 1e-7) + (1 - PROBS) * np.log(1 - x + 1e-7),
        "1 − p": lambda x: coin_log_prob(1 - x),
        "averaged over pixels (R1)": lambda x: coin_log_prob(x) / 4,
    }
    for name, log_prob in wrong.items():
        assert not check_sampler(coins, lambda x, f=log_prob: reduce(f(x)), support=support), name


def test_a_countable_support_must_have_all_of_the_probability():
    rate = 2.3
    poisson = lambda n, rng: rng.poisson(rate, n)
    log_factorial = np.array([math.lgamma(k + 1) for k in range(60)])
    log_prob = lambda k: k * math.log(rate) - rate - log_factorial[k.astype(int)]
    assert check_sampler(poisson, log_prob, support=range(40))
    cut = check_sampler(poisson, log_prob, support=range(4))
    assert "Σ exp(log_prob)" in cut.failed
    assert "outcomes" in cut.failed
    assert not check_sampler(lambda n, rng: rng.poisson(1.05 * rate, n), log_prob, support=range(40))


# --- minivae's own distributions ----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_minivae_distributions_draw_from_their_densities(dtype):
    logits = np.random.default_rng(0).normal(size=(3, 4)).astype(dtype)
    mu, lv = MU.astype(dtype), LOGVAR.astype(dtype)
    for q in (
        Normal.from_logvar(mu, lv),
        Normal(mu, np.exp(lv)),
        Normal(0, 1),
        Bernoulli(logits=logits),
        Categorical(logits=logits),
    ):
        check_sampler(q, name=repr(q)).require()
    q = Normal.from_logvar(mu, lv)
    check_sampler(lambda n, rng: q.rsample(rng=rng, sample_shape=(n,)), q).require()


def test_grey_bce_is_no_density():
    """∫ exp(log_prob) over the grey values is not one: with uniform draws the check says so."""
    p = GreyBCE(logits=np.array([0.3, -2.0]))
    report = check_sampler(
        lambda n, rng: rng.random((n, 2)), lambda x: np.where((x >= 0) & (x <= 1), p.log_prob(x).numpy(), -np.inf)
    )
    assert "∫ exp(log_prob)" in report.failed
    assert (report["∫ exp(log_prob)"].found < 0.7).all()


# --- densities that are no normal ---------------------------------------------------------------------------

OTHERS = {
    "Laplace": (lambda n, rng: rng.laplace(size=(n, 2)), lambda x: -np.abs(x) - math.log(2)),
    "Cauchy, which has no variance": (
        lambda n, rng: 40 + rng.standard_cauchy((n, 2)),
        lambda x: -np.log(math.pi * (1 + (x - 40) ** 2)),
    ),
    "exponential, with a jump": (lambda n, rng: rng.exponential(size=n), lambda x: np.where(x >= 0, -x, -np.inf)),
    "uniform": (lambda n, rng: 3 * rng.random(n), lambda x: np.where((x >= 0) & (x < 3), -math.log(3), -np.inf)),
    "two far peaks": (
        lambda n, rng: rng.choice([-5.0, 9.0], n, p=[0.3, 0.7]) + 0.5 * rng.standard_normal(n),
        lambda x: (
            np.logaddexp(math.log(0.3) - 2 * (x + 5) ** 2, math.log(0.7) - 2 * (x - 9) ** 2)
            - 0.5 * math.log(math.pi / 2)
        ),
    ),
    "narrow and far away": (
        lambda n, rng: 1e4 + 1e-3 * rng.standard_normal(n),
        lambda x: -0.5 * ((x - 1e4) / 1e-3) ** 2 - math.log(1e-3 * math.sqrt(math.tau)),
    ),
}


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("seed", range(3))
def test_other_densities_pass_and_fail_when_moved_or_stretched(name, seed):
    draws, log_prob = OTHERS[name]
    check_sampler(draws, log_prob, seed=seed).require()
    for wrong in (lambda n, rng: draws(n, rng) * 1.1, lambda n, rng: draws(n, rng) - 0.1):
        assert not check_sampler(wrong, log_prob, seed=seed)


def test_a_density_without_variance_has_no_moments_to_compare():
    report = check_sampler(*OTHERS["Cauchy, which has no variance"])
    assert {s.name for s in report.statistics} == STATISTICS - {"mean", "variance"}
    assert "no variance" in str(report)


def test_a_density_that_cannot_be_integrated_is_no_proof_of_anything():
    """Its integral is off by more than the draws would show, so that a pass would mean nothing."""
    comb = lambda x: np.where(np.mod(x, 0.01) < 1e-4, 0.0, -np.inf)
    report = check_sampler(lambda n, rng: rng.random(n), comb)
    assert "quadrature" in report.failed
    assert "give cdf=" in str(report)
    jump = OTHERS["uniform"]
    assert "give cdf= in place of log_prob for a sharper test" in str(check_sampler(*jump))
    sharper = check_sampler(jump[0], cdf=lambda x: x / 3)
    assert sharper.require().notes == ()


@settings(deadline=None, max_examples=40)
@given(st.floats(-30, 30), st.floats(-12, 12), st.integers(0, 10_000))
def test_a_right_normal_passes_at_any_place_and_scale(mu, logvar, seed):
    draws = lambda n, rng: mu + math.exp(logvar / 2) * rng.standard_normal(n)
    density = lambda x: -0.5 * (math.log(2 * math.pi) + logvar + (x - mu) ** 2 * math.exp(-logvar))
    check_sampler(draws, density, draws=4000, alpha=1e-7, seed=seed).require()
    assert not check_sampler(lambda n, rng: draws(n, rng) * 1.2 - 0.2 * mu, density, draws=4000, seed=seed)


def test_complex_draws_are_refused():
    with pytest.raises(DtypeError, match="complex"):
        check_sampler(lambda n, rng: rng.standard_normal(n) + 0j, mean=0.0, variance=1.0)


def test_of_a_density_that_was_not_found_nothing_more_is_claimed():
    s = 1e-12
    report = check_sampler(
        lambda n, rng: s * rng.standard_normal(n), lambda z: -0.5 * (math.log(2 * math.pi * s * s) + (z / s) ** 2)
    )
    assert set(report.failed) <= {"quadrature"}
    assert "exp(log_var)" not in str(report)
