"""Bernoulli variables by their logits; and why grey pixels have no Bernoulli likelihood."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minivae.autodiff import Tensor, debug
from minivae.distributions import Bernoulli, GreyBCE
from minivae.errors import ConfigError, DataError
from minivae.random import stream
from minivae.verify import gradcheck

LOGITS = np.array([-30.0, -2.0, -0.1, 0.0, 0.6, 3.0, 25.0])


def test_probabilities_of_both_outcomes_sum_to_one():
    p = Bernoulli(logits=LOGITS)
    total = np.exp(p.log_prob(np.ones(7)).numpy()) + np.exp(p.log_prob(np.zeros(7)).numpy())
    np.testing.assert_allclose(total, 1.0, rtol=1e-14)


def test_mean_is_the_probability_of_a_one():
    p = Bernoulli(logits=LOGITS)
    np.testing.assert_allclose(p.mean.numpy(), np.exp(p.log_prob(np.ones(7)).numpy()), rtol=1e-13)
    np.testing.assert_allclose(p.variance.numpy(), p.mean.numpy() * (1 / (1 + np.exp(LOGITS))), rtol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_log_prob_of_a_sure_coin_is_finite(dtype):
    p = Bernoulli(logits=np.array([-1000, 1000], dtype))
    np.testing.assert_array_equal(p.log_prob(np.array([0, 1], dtype)).numpy(), [0, 0])
    np.testing.assert_array_equal(p.log_prob(np.array([1, 0], dtype)).numpy(), [-1000, -1000])


def test_entropy_is_minus_the_expected_log_prob():
    p = Bernoulli(logits=LOGITS)
    ones, zeros = p.log_prob(np.ones(7)).numpy(), p.log_prob(np.zeros(7)).numpy()
    np.testing.assert_allclose(p.entropy().numpy(), -np.exp(ones) * ones - np.exp(zeros) * zeros, rtol=1e-12)


@settings(deadline=None, max_examples=50)
@given(st.floats(-80, 80))
def test_entropy_is_even_and_at_most_log_2(logit):
    entropy = Bernoulli(logits=np.array([logit, -logit])).entropy().numpy()
    assert entropy[0] == entropy[1]
    assert 0 < entropy[0] <= math.log(2) * (1 + 1e-15)


def test_small_entropy_keeps_its_digits_in_float32():
    """H = log(1 + e^−l) + l/(1 + e^l) → (1 + l)·e^−l."""
    entropy = Bernoulli(logits=np.array([40.0], np.float32)).entropy().numpy()
    np.testing.assert_allclose(entropy, 41 * math.exp(-40), rtol=1e-5)


def test_samples_are_ones_as_often_as_the_mean_says():
    p, n = Bernoulli(logits=np.array([-2.0, 0.0, 0.6, 3.0])), 100_000
    x = p.sample(stream(1), (n,)).numpy()
    assert x.shape == (n, 4)
    assert set(np.unique(x)) == {0.0, 1.0}
    z = (x.mean(axis=0) - p.mean.numpy()) / np.sqrt(p.variance.numpy() / n)
    assert np.abs(z).max() < 4


def test_impossible_outcomes_are_never_drawn():
    x = Bernoulli(logits=np.array([-1000.0, 1000.0], np.float32)).sample(stream(1), (1000,)).numpy()
    np.testing.assert_array_equal(x, np.tile([0.0, 1.0], (1000, 1)))


def test_expected_score_is_zero():
    """Σ_x p(x) ∇ log p(x) = ∇ Σ_x p(x) = 0."""
    logits = Tensor(LOGITS, requires_grad=True)
    p = Bernoulli(logits=logits)
    weight = p.mean.numpy()
    (weight * p.log_prob(np.ones(7)) + (1 - weight) * p.log_prob(np.zeros(7))).sum().backward()
    np.testing.assert_allclose(logits.grad, 0, atol=1e-15)


def test_gradients():
    rng = np.random.default_rng(0)
    logits, x = rng.normal(size=(3, 5)) * 2, (rng.random((3, 5)) < 0.5).astype(float)
    assert gradcheck(lambda l: Bernoulli(logits=l).log_prob(x), logits)
    assert gradcheck(lambda l: Bernoulli(logits=l).entropy(), logits)
    assert gradcheck(lambda l: Bernoulli(logits=l).variance, logits)
    assert gradcheck(lambda l: GreyBCE(logits=l).log_prob(np.abs(np.sin(logits))), logits)


def test_gradient_of_the_entropy_at_a_fair_coin_is_zero():
    logits = Tensor(np.zeros(1), requires_grad=True)
    Bernoulli(logits=logits).entropy().sum().backward()
    assert logits.grad[0] == 0


def test_rsample_explains_what_to_do_instead():
    with pytest.raises(NotImplementedError, match="score function"):
        Bernoulli(logits=LOGITS).rsample()


@pytest.mark.parametrize("kind", [Bernoulli, GreyBCE])
def test_probabilities_are_refused(kind):
    with pytest.raises(ConfigError, match="logits="):
        kind(np.array([0.5]))
    with pytest.raises(ConfigError, match="logits="):
        kind(probs=np.array([0.5]))
    with pytest.raises(ConfigError, match="logits="):
        kind()


# --- what x may be ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "found"),
    [([0.0, 0.25, 1.0], r"\[0, 1\]"), ([0.0, 255.0], r"\[0, 255\]"), ([-1.0, 1.0], r"\[-1, 1\]"), ([np.nan], "NaN")],
)
def test_outcomes_other_than_0_and_1_are_refused_with_the_ways_out(x, found):
    with pytest.raises(DataError, match=found) as error:
        Bernoulli.check_support(np.array(x))
    assert 'binarise="dynamic"' in str(error.value)
    assert 'likelihood="grey-bce"' in str(error.value)


def test_support_is_checked_at_every_call_in_debug_mode_only():
    p, x = Bernoulli(logits=np.zeros(2)), np.array([0.0, 0.5])
    with pytest.raises(DataError):
        p.log_prob(x)
    with debug(False):
        np.testing.assert_allclose(p.log_prob(x).numpy(), -math.log(2))


def test_what_is_binary_passes_in_any_dtype():
    for x in (np.array([0, 1], np.uint8), np.array([True, False]), Tensor([0.0, 1.0]), [0, 1], np.zeros((0, 3))):
        Bernoulli.check_support(x)


def test_grey_bce_takes_the_unit_interval():
    GreyBCE.check_support(np.linspace(0, 1, 5))
    for x in ([-0.01, 0.5], [0.5, 1.01], [np.nan]):
        with pytest.raises(DataError, match=r"\[0, 1\]"):
            GreyBCE.check_support(np.array(x))


# --- grey BCE -----------------------------------------------------------------------------------------------


def test_grey_bce_is_the_bernoulli_number_under_another_name():
    x = (np.arange(7) % 2).astype(float)
    grey, coin = GreyBCE(logits=LOGITS), Bernoulli(logits=LOGITS)
    np.testing.assert_array_equal(grey.log_prob(x).numpy(), coin.log_prob(x).numpy())
    assert (coin.label, coin.is_likelihood) == ("NLL", True)
    assert (grey.label, grey.is_likelihood) == ("grey BCE", False)


def test_grey_bce_is_no_density():
    """Integrated over grey values it gives less than one, and not the same for every logit."""
    x = (np.arange(20_000) + 0.5) / 20_000
    mass = [np.exp(GreyBCE(logits=np.full(x.shape, l)).log_prob(x).numpy()).mean() for l in (0.0, 2.0)]
    np.testing.assert_allclose(mass, [0.5, math.tanh(1.0) / 2], rtol=1e-8)  # tanh(l/2)/l
    assert max(mass) < 0.51


def test_grey_bce_is_smallest_at_the_entropy_of_the_grey_value():
    x = np.array([0.1, 0.5, 0.8])
    best = -GreyBCE(logits=np.log(x / (1 - x))).log_prob(x).numpy()
    np.testing.assert_allclose(best, Bernoulli(logits=np.log(x / (1 - x))).entropy().numpy(), rtol=1e-13)
    for shift in (-0.1, 0.1):
        assert (-GreyBCE(logits=np.log(x / (1 - x)) + shift).log_prob(x).numpy() > best).all()


def test_grey_bce_cannot_be_sampled():
    p = GreyBCE(logits=LOGITS)
    for method in (p.sample, p.entropy, p.rsample):
        with pytest.raises(NotImplementedError):
            method()
