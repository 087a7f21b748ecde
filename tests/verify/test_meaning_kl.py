"""`check_kl` tells the closed form of a divergence from what is not it."""

from __future__ import annotations

import numpy as np
import pytest
from meaning_cases import (
    DENSITIES,
    DIVERGENCES,
    LOGVAR,
    MU,
    NOISES,
    SAMPLERS,
    L,
    kl,
    log_p,
    log_q,
    sampler,
)

from minivae.distributions import Bernoulli, Categorical, Normal, kl_divergence
from minivae.errors import DtypeError, ShapeError
from minivae.verify import check_kl

VALUE = kl(MU, LOGVAR)
AT_PRIOR = kl(np.zeros(L), np.zeros(L))


@pytest.mark.parametrize("reduce", [lambda v: v, lambda v: v.sum(-1)], ids=["each latent", "their sum"])
def test_the_right_divergence_passes(reduce):
    value = reduce(VALUE)
    report = check_kl(value, sampler(), log_q, log_p, at_prior=reduce(AT_PRIOR)).require()
    assert report["KL = E[log q − log p]"].found.shape == value.shape
    check_kl(value, sampler(), lambda z: reduce(log_q(z)), lambda z: reduce(log_p(z))).require()


@pytest.mark.parametrize("reduce", [lambda v: v, lambda v: v.sum(-1)], ids=["each latent", "their sum"])
@pytest.mark.parametrize("wrong", DIVERGENCES.values(), ids=DIVERGENCES)
def test_wrong_divergences_are_caught(wrong, reduce):
    report = check_kl(reduce(wrong(MU, LOGVAR)), sampler(), log_q, log_p)
    assert report.failed[0] == "KL = E[log q − log p]"


def test_what_is_no_divergence_is_seen_without_any_draw():
    """Below zero somewhere, or not zero at the prior."""
    zeros = np.zeros(L)
    seen = {
        name: check_kl(wrong(MU, LOGVAR), sampler(), log_q, log_p, at_prior=wrong(zeros, zeros)).failed[1:]
        for name, wrong in DIVERGENCES.items()
    }
    assert seen["no −1 (K4)"] == ("KL = 0 where q = p",)
    assert seen["wrong sign (K2)"] == ("KL ≥ 0",)
    assert seen["μ not squared (K10)"] == ("KL ≥ 0",)
    assert seen["no ½ (K1)"] == ()


@pytest.mark.parametrize("transform", SAMPLERS.values(), ids=SAMPLERS)
def test_a_sampler_that_does_not_belong_to_the_divergence_is_caught(transform):
    assert not check_kl(VALUE, sampler(transform), log_q, log_p, draws=400_000)


def test_uniform_noise_shows_even_in_this_one_number():
    assert not check_kl(VALUE, sampler(noise=NOISES["uniform in [0, 1): rand for randn"]), log_q, log_p)


@pytest.mark.parametrize("density", DENSITIES.values(), ids=DENSITIES)
def test_a_density_that_does_not_belong_to_the_divergence_is_caught(density):
    assert not check_kl(VALUE, sampler(), density, log_p)


def test_two_mistakes_at_once_are_caught():
    """The ½ lost in the sampler and in the divergence do not cancel."""
    for name in ("no ½ (K1)", "a log σ head (K6)", "log σ for log σ² (K11)"):
        wrong = DIVERGENCES[name](MU, LOGVAR)
        assert not check_kl(wrong, sampler(SAMPLERS["e^lv for σ (K5)"]), log_q, log_p), name


def test_a_poor_probe_hides_a_wrong_formula():
    """At μ = 1 and log σ² = 0, as in a well-known course, K8, K9, K10 and K11 give the right number."""
    mu, logvar = np.ones(1), np.zeros(1)
    draws = lambda n, rng: 1 + rng.standard_normal((n, 1))
    for name in ("(log σ)² (K8)", "+ lv (K9)", "μ not squared (K10)", "log σ for log σ² (K11)", "a log σ head (K6)"):
        assert check_kl(DIVERGENCES[name](mu, logvar), draws, Normal(1, 1), Normal(0, 1)), name


def test_what_was_measured_is_told():
    assert "twice the average" in str(check_kl(2 * VALUE, sampler(), log_q, log_p))
    assert "minus the average" in str(check_kl(-VALUE, sampler(), log_q, log_p))
    assert "half the average" in str(check_kl(VALUE / 2, sampler(), log_q, log_p))
    plus_half = str(check_kl(VALUE + 0.5, sampler(), log_q, log_p, at_prior=0.5))
    assert "the same in every entry: a constant is missing" in plus_half
    assert "is −1 there, once for each dimension?" in plus_half


def test_minivae_divergences_are_what_they_stand_for():
    rng = np.random.default_rng(4)
    a, b = rng.normal(size=(2, 3, 4))
    for q, p in (
        (Normal.from_logvar(MU, LOGVAR), Normal(0, 1)),
        (Normal.from_logvar(a, b), Normal.from_logvar(b, a)),
        (Normal(a.astype(np.float32), 0.7), Normal(0, 1)),
        (Bernoulli(logits=a), Bernoulli(logits=b)),
        (Categorical(logits=a), Categorical(logits=b)),
    ):
        check_kl(kl_divergence(q, p), q, q, p, at_prior=kl_divergence(q, q)).require()
        assert not check_kl(kl_divergence(q, p).numpy() * 1.5, q, q, p)
    assert not check_kl(kl_divergence(Normal(0, 1), Normal(MU, 2.0)), Normal(MU, 2.0), Normal(MU, 2.0), Normal(0, 1))


def test_a_mean_over_the_batch_is_taken_on_both_sides():
    mu, logvar = np.stack([MU, -MU, MU / 2]), np.stack([LOGVAR, LOGVAR / 2, -LOGVAR])
    q, p = Normal.from_logvar(mu, logvar), Normal(0, 1)
    per_example = kl(mu, logvar).sum(-1)
    assert check_kl(per_example, q, q, p)
    mean = lambda d: lambda z: d.log_prob(z).numpy().sum(-1).mean(-1)
    assert check_kl(per_example.mean(), q, mean(q), mean(p))
    assert not check_kl(per_example.sum(), q, mean(q), mean(p))  # K14: summed over the batch
    assert not check_kl(per_example.mean(), q, q, p)  # averaged here, summed there
    assert not check_kl(kl(mu, logvar).mean(-1), q, q, p)  # K13: averaged over the latents


def test_equal_distributions_have_no_standard_error_and_pass():
    q = Normal.from_logvar(MU, LOGVAR)
    report = check_kl(np.zeros(L), q, q, q).require()
    assert (report["KL = E[log q − log p]"].error == 0).all()
    assert not check_kl(np.full(L, 1e-9), q, q, q)


def test_shapes_that_do_not_belong_together_are_refused():
    with pytest.raises(ShapeError, match=r"kl has shape \(4,\), and log_q\(z\) has shape \(100000, 5\)"):
        check_kl(np.zeros(4), sampler(), log_q, log_p)
    with pytest.raises(ShapeError, match="log_p"):
        check_kl(VALUE, sampler(), log_q, lambda z: log_p(z).sum(1))


def test_densities_that_are_not_finite_are_reported():
    report = check_kl(VALUE, sampler(), log_q, lambda z: np.log(np.where(z > 5, 0.0, 1.0)))
    assert report.failed == ("finite",)
    assert "log_p is NaN or infinite" in str(report)


def test_a_divergence_that_is_no_number_is_named_as_such():
    bad = np.where(np.arange(L) == 1, np.nan, VALUE)
    report = check_kl(bad, sampler(), log_q, log_p)
    assert report.failed == ("finite",)
    assert f"NaN or infinite in 1 of {L} entries" in str(report)
    with pytest.raises(DtypeError, match="got None"):
        check_kl(None, sampler(), log_q, log_p)
    with pytest.raises(DtypeError, match="complex"):
        check_kl(VALUE + 0j, sampler(), log_q, log_p)
