"""Divergences in closed form: against their definition, their limits, and each other."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minivae.autodiff import Tensor
from minivae.distributions import Bernoulli, Categorical, GreyBCE, Normal, kl_divergence, register_kl
from minivae.distributions import kl as kl_module
from minivae.errors import NonFiniteError, ShapeError
from minivae.random import stream
from minivae.verify import gradcheck

finite = st.floats(-4, 4)
STANDARD = Normal(0, 1)


def some_pairs(seed: int = 0) -> dict:
    rng = np.random.default_rng(seed)
    mu, nu, a, b = rng.normal(size=(4, 6))
    return {
        "normal to standard": (Normal.from_logvar(mu, a), STANDARD),
        "normal to normal": (Normal.from_logvar(mu, a), Normal.from_logvar(nu, b)),
        "normal by scale": (Normal(mu, np.exp(a)), Normal(nu, np.exp(b))),
        "normal by number": (Normal(0.3, 0.8), Normal.from_logvar(nu, b)),
        "bernoulli": (Bernoulli(logits=2 * mu), Bernoulli(logits=2 * nu)),
        "categorical": (Categorical(logits=rng.normal(size=(6, 4))), Categorical(logits=rng.normal(size=(6, 4)))),
    }


PAIRS = list(some_pairs())


@pytest.mark.parametrize("name", PAIRS)
def test_closed_form_agrees_with_monte_carlo(name):
    """KL = E_p[log p − log q], by the sampler and the densities alone, within four standard errors."""
    p, q = some_pairs()[name]
    n = 40_000
    shape = () if p.shape else (6,)
    x = p.sample(stream(11), (n, *shape))
    if name == "categorical":
        difference = rows(p, q, x)
    else:
        x = x.numpy().astype(np.float64)
        difference = p.log_prob(x).numpy() - q.log_prob(x).numpy()
    exact = kl_divergence(p, q).numpy()
    standard_error = difference.std(axis=0, ddof=1) / math.sqrt(n)
    assert exact.shape == (6,)
    assert np.abs((difference.mean(axis=0) - exact) / standard_error).max() < 4


def rows(p: Categorical, q: Categorical, labels: np.ndarray) -> np.ndarray:
    difference = np.log(p.probs.numpy()) - np.log(q.probs.numpy())
    return np.take_along_axis(difference, labels.T, axis=1).T


@pytest.mark.parametrize("name", ["normal to standard", "normal to normal", "normal by scale"])
def test_normal_closed_form_agrees_with_quadrature(name):
    p, q = some_pairs()[name]
    t = np.linspace(-12, 12, 4001)[:, None]
    x = p.mean.numpy() + p.stddev.numpy() * t
    log_p, log_q = p.log_prob(x).numpy(), q.log_prob(x).numpy()
    integral = (np.exp(log_p) * (log_p - log_q)).sum(axis=0) * p.stddev.numpy() * (t[1] - t[0])
    np.testing.assert_allclose(kl_divergence(p, q).numpy(), integral, rtol=1e-11)


def test_discrete_closed_forms_are_the_sum_over_outcomes():
    p, q = some_pairs()["bernoulli"]
    total = sum(
        np.exp(p.log_prob(x).numpy()) * (p.log_prob(x).numpy() - q.log_prob(x).numpy())
        for x in (np.zeros(6), np.ones(6))
    )
    np.testing.assert_allclose(kl_divergence(p, q).numpy(), total, rtol=1e-12)
    p, q = some_pairs()["categorical"]
    total = sum(
        np.exp(p.log_prob(x).numpy()) * (p.log_prob(x).numpy() - q.log_prob(x).numpy())
        for x in (np.full(6, k) for k in range(4))
    )
    np.testing.assert_allclose(kl_divergence(p, q).numpy(), total, rtol=1e-12)


# --- zero, positive, not symmetric --------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(finite, finite, finite, finite)
def test_kl_is_zero_iff_q_equals_p(mu, nu, a, b):
    same = [
        (Normal.from_logvar([mu], [a]), Normal.from_logvar([mu], [a])),
        (Bernoulli(logits=[a]), Bernoulli(logits=[a])),
        (Categorical(logits=[mu, a, b]), Categorical(logits=[mu, a, b])),
    ]
    for p, q in same:
        assert kl_divergence(p, q).item() == 0
    if abs(mu - nu) + abs(a - b) > 1e-2:
        p, q = (Normal.from_logvar(np.array([m]), np.array([v])) for m, v in ((mu, a), (nu, b)))
        assert kl_divergence(p, q).item() > 0
    if abs(a - b) > 1e-2:
        assert kl_divergence(Bernoulli(logits=np.array([a])), Bernoulli(logits=np.array([b]))).item() > 0
        p, q = (Categorical(logits=np.array([l, mu, 0.0])) for l in (a, b))
        assert kl_divergence(p, q).item() > 0


def test_kl_to_the_standard_normal_is_zero_at_the_standard_normal():
    zeros = np.zeros(3, np.float32)
    np.testing.assert_array_equal(kl_divergence(Normal.from_logvar(zeros, zeros), STANDARD).numpy(), 0)
    np.testing.assert_array_equal(kl_divergence(Normal(zeros, 1.0), STANDARD).numpy(), 0)
    assert kl_divergence(STANDARD, STANDARD).item() == 0


def test_kl_is_not_symmetric():
    """KL(N(1, 4) ‖ N(0, 1)) = ½ (1 + 4 − 1 − ln 4), and the other way round ½ (¼ + ¼ − 1 + ln 4)."""
    p = Normal(1.0, 2.0)
    np.testing.assert_allclose(kl_divergence(p, STANDARD).item(), 0.5 * (4 - math.log(4)), rtol=1e-6)
    np.testing.assert_allclose(kl_divergence(STANDARD, p).item(), 0.5 * (math.log(4) - 0.5), rtol=1e-6)


def test_kl_does_not_depend_on_the_unit():
    """x → a·x + b changes both densities by the same factor."""
    p, q = some_pairs()["normal by scale"]
    a, b = -3.0, 0.4
    p2, q2 = (Normal(a * r.mean.numpy() + b, abs(a) * r.stddev.numpy()) for r in (p, q))
    np.testing.assert_allclose(kl_divergence(p2, q2).numpy(), kl_divergence(p, q).numpy(), rtol=1e-12)


def test_short_formula_agrees_with_the_general_one():
    rng = np.random.default_rng(3)
    p = Normal.from_logvar(rng.normal(size=(4, 5)), rng.normal(size=(4, 5)))
    general = Normal(np.zeros(5), np.ones(5))
    np.testing.assert_allclose(kl_divergence(p, STANDARD).numpy(), kl_divergence(p, general).numpy(), rtol=1e-13)


def test_two_classes_have_the_bernoulli_divergence():
    a, b = np.array([0.4, -2.0]), np.array([1.5, 0.1])
    two = [Categorical(logits=np.stack([np.zeros(2), l], axis=-1)) for l in (a, b)]
    coins = [Bernoulli(logits=l) for l in (a, b)]
    np.testing.assert_allclose(kl_divergence(*two).numpy(), kl_divergence(*coins).numpy(), rtol=1e-12)


# --- digits -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("logvar", [0.3, 1e-1, 1e-2, 1e-3, 1e-4, 1e-6])
def test_no_cancellation_near_the_prior_in_float32(logvar):
    """The KL of N(0, e^lv) is lv²/4 near 0. exp(lv) − 1 − lv would be off by 1e-7; expm1 leaves 1e-7·|lv|."""
    for lv in (logvar, -logvar):
        single = np.float32(lv)
        tensor = Tensor(np.array([single]), requires_grad=True)
        kl = kl_divergence(Normal.from_logvar(0.0, tensor), STANDARD)
        kl.backward()
        exact = float(single)
        truth = 0.5 * exact**2 * (0.5 + exact / 6 + exact**2 / 24 + exact**3 / 120 + exact**4 / 720)
        assert abs(kl.item() - truth) <= 1.5e-7 * abs(lv)
        np.testing.assert_allclose(tensor.grad, 0.5 * math.expm1(exact), rtol=3e-7)


@pytest.mark.parametrize("logvar", [-100.0, 80.0])
def test_extreme_log_variances_stay_finite_in_float32(logvar):
    lv, mu = np.full(1, logvar, np.float32), np.full(1, 2.0, np.float32)
    expected = 0.5 * (4 + math.exp(logvar) - 1 - logvar)
    np.testing.assert_allclose(kl_divergence(Normal.from_logvar(mu, lv), STANDARD).numpy(), expected, rtol=1e-5)


@pytest.mark.parametrize("logvar", [-100.0, 100.0])
def test_a_ratio_of_extreme_variances_stays_finite_in_float32(logvar):
    sigma = math.exp(logvar / 2)
    lv, mu = np.full(1, logvar, np.float32), np.full(1, 2 * sigma, np.float32)
    p, q = Normal.from_logvar(mu, lv), Normal.from_logvar(np.zeros(1, np.float32), lv + np.float32(1))
    expected = 0.5 * (math.exp(-1) - 1 + 1 + 4 * math.exp(-1))
    np.testing.assert_allclose(kl_divergence(p, q).numpy(), expected, rtol=1e-5)


def test_a_divergence_too_large_for_float32_is_reported():
    lv = np.full(1, 100, np.float32)
    with pytest.raises(NonFiniteError, match="kl_to_standard_normal"), np.errstate(over="ignore"):
        kl_divergence(Normal.from_logvar(0.0, lv), STANDARD)


def test_sure_coins_have_a_finite_and_accurate_divergence():
    p, q = Bernoulli(logits=np.array([50.0, -50.0])), Bernoulli(logits=np.array([40.0, -40.0]))
    np.testing.assert_allclose(kl_divergence(p, q).numpy(), math.exp(-40), rtol=1e-3)
    opposite = Bernoulli(logits=np.array([-1000.0, 1000.0]))
    np.testing.assert_allclose(kl_divergence(p, opposite).numpy(), 1000.0, rtol=1e-12)


def test_numbers_keep_the_precision_of_the_arrays_beside_them():
    p = Normal(np.array([0.5]), 0.3)
    expected = 0.5 * (0.09 / 0.49 - 1 - math.log(0.09 / 0.49) + 0.04 / 0.49)
    np.testing.assert_allclose(kl_divergence(p, Normal(0.7, 0.7)).numpy(), expected, rtol=1e-14)
    np.testing.assert_allclose(kl_divergence(p, STANDARD).numpy(), 0.5 * (0.25 + 0.09 - 1 - math.log(0.09)), rtol=1e-14)


# --- gradients, shapes, the registry ------------------------------------------------------------------------


def test_gradients():
    rng = np.random.default_rng(5)
    mu, nu = rng.normal(size=(2, 3, 5))
    a, b = rng.normal(size=(2, 5))
    by_logvar, by_scale = Normal.from_logvar, lambda m, v: Normal(m, v)
    assert gradcheck(lambda m, v: kl_divergence(by_logvar(m, v), STANDARD), mu, a)
    assert gradcheck(lambda m, s: kl_divergence(by_scale(m, s), STANDARD), mu, np.exp(a))
    assert gradcheck(lambda m, v, n, w: kl_divergence(by_logvar(m, v), by_logvar(n, w)), mu, a, nu, b)
    assert gradcheck(lambda m, s, n, t: kl_divergence(by_scale(m, s), by_scale(n, t)), mu, np.exp(a), nu, np.exp(b))
    assert gradcheck(lambda p, q: kl_divergence(Bernoulli(logits=p), Bernoulli(logits=q)), mu, nu)
    assert gradcheck(lambda p, q: kl_divergence(Categorical(logits=p), Categorical(logits=q)), mu, nu)


def test_gradient_to_the_prior_is_mu_and_half_of_variance_minus_one():
    mu, lv = Tensor([[0.7, -2.0]], True, np.float64), Tensor([[-0.5, 1.0]], True, np.float64)
    kl_divergence(Normal.from_logvar(mu, lv), STANDARD).sum().backward()
    np.testing.assert_allclose(mu.grad, mu.data, rtol=1e-15)
    np.testing.assert_allclose(lv.grad, 0.5 * (np.exp(lv.data) - 1), rtol=1e-14)


def test_result_has_one_value_for_each_entry():
    p = Normal.from_logvar(np.zeros((13, 5), np.float32), np.zeros(5, np.float32))
    for q in (STANDARD, Normal(np.zeros((13, 1), np.float32), 1.0), Normal(0.0, np.ones(5, np.float32))):
        kl = kl_divergence(p, q)
        assert kl.shape == (13, 5)
        assert kl.dtype == np.float32
    assert kl_divergence(Categorical(logits=np.zeros((13, 5))), Categorical(logits=np.zeros(5))).shape == (13,)
    assert kl_divergence(Normal(0, 2), STANDARD).shape == ()
    assert kl_divergence(Normal(0.0, 2.0), Normal(1.0, 3.0)).shape == ()


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ShapeError, match=r"p: \(13, 5\), q: \(13,\)"):
        kl_divergence(Normal(np.zeros((13, 5)), 1.0), Normal(np.zeros(13), 1.0))
    with pytest.raises(ShapeError, match="3 classes and q has 4"):
        kl_divergence(Categorical(logits=np.zeros(3)), Categorical(logits=np.zeros(4)))


@pytest.mark.parametrize("p", [Bernoulli(logits=np.zeros(2)), GreyBCE(logits=np.zeros(2))])
def test_an_unknown_pair_lists_the_known_ones(p):
    with pytest.raises(NotImplementedError, match="Normal ‖ Normal, Bernoulli ‖ Bernoulli"):
        kl_divergence(p, STANDARD)
    with pytest.raises(NotImplementedError, match="GreyBCE"):
        kl_divergence(GreyBCE(logits=np.zeros(2)), GreyBCE(logits=np.zeros(2)))


def test_a_subclass_uses_the_formula_of_its_base():
    class Mine(Normal):
        pass

    assert kl_divergence(Mine(1.0, 2.0), STANDARD).item() == kl_divergence(Normal(1.0, 2.0), STANDARD).item()


def test_a_pair_can_be_added(monkeypatch):
    monkeypatch.setattr(kl_module, "_FORMULAS", dict(kl_module._FORMULAS))

    @register_kl(Bernoulli, Normal)
    def _formula(p, q):
        return Tensor(42.0)

    assert kl_divergence(Bernoulli(logits=np.zeros(2)), STANDARD).item() == 42
