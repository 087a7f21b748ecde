"""Logits of ±10⁴, probabilities of 0 and 1 of a coin: values and gradients against closed forms in long double."""

from __future__ import annotations

import math

import numpy as np
import pytest
from edge_compare import (
    assert_right,
    both_dtypes,
    sigmoid,
    softplus,
    tensors,
    value_and_gradients,
    wide,
)

from minivae import ops
from minivae.autodiff import Tensor
from minivae.distributions import Bernoulli, Categorical, GreyBCE, Normal, kl_divergence
from minivae.errors import ConfigError, NonFiniteError
from minivae.objectives import elbo, iwae
from minivae.random import stream

# From a sure 0 to a sure 1, past the points where the exponential, the probability, or 1 − the probability rounds away.
LOGITS = [-1e4, -750, -110, -100, -90, -40, -20, -1e-4, 0.0, 1e-4, 20, 40, 90, 100, 110, 750, 1e4]
LOGITS += [-1e30, 1e30]


def pairs():
    """Every logit with every other one."""
    a, b = np.meshgrid(LOGITS[:-2], LOGITS[:-2])
    return a.ravel(), b.ravel()


# --- one logit ----------------------------------------------------------------------------------------------


@both_dtypes
@pytest.mark.parametrize("target", [0.0, 1.0])
def test_binary_cross_entropy_of_sure_outcomes(dtype, target):
    """−log p(t) = softplus(±l), d/dl = σ(l) − t, of any size; nothing is lost, even where p rounds to 0 or 1."""
    f = lambda l: ops.binary_cross_entropy_with_logits(l, np.full(len(LOGITS), target, dtype))
    value, slope = value_and_gradients(f, dtype, LOGITS)
    (l,) = wide(dtype, LOGITS)
    assert_right(value, softplus(-l if target else l), dtype)
    assert_right(slope, -sigmoid(-l) if target else sigmoid(l), dtype, absolute=1)


@both_dtypes
def test_probabilities_of_0_and_1_are_reached_and_have_slope_0(dtype):
    p, slope = value_and_gradients(ops.sigmoid, dtype, [-1e4, 1e4])
    np.testing.assert_array_equal(p, [0, 1])
    np.testing.assert_array_equal(slope, 0)
    (l,) = wide(dtype, LOGITS)
    p, slope = value_and_gradients(ops.sigmoid, dtype, LOGITS)
    assert_right(p, sigmoid(l), dtype)
    assert_right(slope, sigmoid(l) * sigmoid(-l), dtype, absolute=1)


@both_dtypes
def test_bernoulli_moments_and_entropy_of_a_sure_coin(dtype):
    """H = softplus(−|l|) + |l| σ(−|l|) keeps its digits down to the smallest number; dH/dl = −l σ(l) σ(−l)."""
    logits = LOGITS[:-2]
    (l,) = wide(dtype, logits)
    size = np.abs(l)
    entropy, slope = value_and_gradients(lambda l: Bernoulli(logits=l).entropy(), dtype, logits)
    assert_right(entropy, softplus(-size) + size * sigmoid(-size), dtype)
    assert_right(slope, -l * sigmoid(l) * sigmoid(-l), dtype, absolute=4)
    variance, slope = value_and_gradients(lambda l: Bernoulli(logits=l).variance, dtype, logits)
    assert_right(variance, sigmoid(l) * sigmoid(-l), dtype)
    assert_right(slope, sigmoid(l) * sigmoid(-l) * (sigmoid(-l) - sigmoid(l)), dtype, absolute=1)


@both_dtypes
def test_bernoulli_divergence_between_any_two_coins(dtype):
    """From 0 (the same) to 20 000 nats (both sure, of the opposite); d/da = σ(a)σ(−a)(a − b), d/db = σ(b) − σ(a)."""
    a, b = pairs()
    kl, d_a, d_b = value_and_gradients(
        lambda a, b: kl_divergence(Bernoulli(logits=a), Bernoulli(logits=b)), dtype, a, b
    )
    assert (kl >= 0).all()
    a, b = wide(dtype, a, b)
    ones, zeros = softplus(-b) - softplus(-a), softplus(b) - softplus(a)
    truth = sigmoid(a) * ones + sigmoid(-a) * zeros
    # The logarithms of the ratios are differences of softplus values, whose rounding stays where they nearly cancel.
    added = sigmoid(a) * (softplus(-a) + softplus(-b)) + sigmoid(-a) * (softplus(a) + softplus(b))
    assert_right(kl, truth, dtype, absolute=4 * added)
    # The slope of a probability near 1 is right to one unit of 1's rounding; here it is times these logarithms.
    assert_right(d_a, sigmoid(a) * sigmoid(-a) * (a - b), dtype, absolute=4 * (1 + np.abs(ones) + np.abs(zeros)))
    assert_right(d_b, sigmoid(b) - sigmoid(a), dtype, absolute=4)


@both_dtypes
def test_grey_pixels_under_sure_logits(dtype):
    x = np.full(len(LOGITS), 0.25, dtype)
    value, slope = value_and_gradients(lambda l: GreyBCE(logits=l).log_prob(x), dtype, LOGITS)
    (l,) = wide(dtype, LOGITS)
    assert_right(value, 0.25 * l - softplus(l), dtype)
    assert_right(slope, 0.25 - sigmoid(l), dtype, absolute=1)


@both_dtypes
def test_a_sure_coin_gives_one_outcome_only(dtype):
    for seed in range(20):
        x = Bernoulli(logits=np.array([-1e4, 1e4], dtype)).sample(stream(seed), (50,)).numpy()
        assert (x == [0, 1]).all()


@both_dtypes
def test_activations_of_logits_far_out(dtype):
    (l,) = wide(dtype, LOGITS)
    for f, value, slope in (
        (ops.softplus, softplus(l), sigmoid(l)),
        (ops.silu, l * sigmoid(l), sigmoid(l) + l * sigmoid(l) * sigmoid(-l)),
        (ops.tanh, np.tanh(l), 4 * sigmoid(2 * l) * sigmoid(-2 * l)),
        (ops.elu, np.where(l > 0, l, np.expm1(np.minimum(l, 0))), np.where(l > 0, 1, np.exp(np.minimum(l, 0)))),
    ):
        y, dy = value_and_gradients(f, dtype, LOGITS)
        assert_right(y, value, dtype)
        assert_right(dy, slope, dtype, absolute=2, digits_lost=8)


# --- the whole objective ------------------------------------------------------------------------------------


@both_dtypes
def test_the_elbo_of_a_decoder_that_is_sure(dtype):
    """Right everywhere: 0 nats. Wrong everywhere: 10⁴ nats a pixel, with a gradient of ±1, not 0 or NaN."""
    x = np.array([[0, 1, 1], [1, 0, 1]], dtype)
    q = Normal.from_logvar(np.zeros((2, 2), dtype), np.zeros((2, 2), dtype))
    (sure,) = tensors(dtype, (2 * x - 1) * 1e4)
    right = elbo(x, Bernoulli(logits=sure), q)
    right.loss.backward()
    assert right.loss.item() == 0
    np.testing.assert_array_equal(sure.grad, 0)
    (mistaken,) = tensors(dtype, (1 - 2 * x) * 1e4)
    wrong = elbo(x, Bernoulli(logits=mistaken), q)
    wrong.loss.backward()
    assert wrong.loss.item() == 3e4
    np.testing.assert_array_equal(mistaken.grad, (1 - 2 * x) / 2)


@both_dtypes
def test_importance_weights_far_apart(dtype):
    """log mean w of log-weights ±10⁴: the largest decides, and takes the whole gradient."""
    bound, slope = value_and_gradients(iwae, dtype, [[1e4, -1e4, -1e4], [-1e4, -1e4, 0.0]])
    assert_right(bound, [1e4 - math.log(2), -1e4, -math.log(2)], dtype)
    np.testing.assert_array_equal(slope, [[1, 0.5, 0], [0, 0.5, 1]])


# --- what cannot be represented -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "op"),
    [
        (lambda l: Bernoulli(logits=l).log_prob(np.array([1.0, 0.0])), "binary_cross_entropy_with_logits"),
        (lambda l: ops.log_softmax(l, 0), "log_softmax"),
        (lambda l: ops.logsumexp(l), "logsumexp"),
        (lambda l: ops.cross_entropy(l, np.array(0)), "cross_entropy"),
    ],
)
def test_infinite_logits_are_named_by_the_op_that_meets_them(call, op):
    with pytest.raises(NonFiniteError, match=rf"{op}: the value is not finite \(.*inf"), np.errstate(all="ignore"):
        call(Tensor(np.array([np.inf, -np.inf])))


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_a_probability_of_0_or_1_in_place_of_a_logit_is_refused_with_the_reason(p):
    for kind in (Bernoulli, GreyBCE, Categorical):
        with pytest.raises(ConfigError, match=r"is given by logits.*Leave the last"):
            kind(probs=np.array([p, 1 - p]))


def test_the_logarithm_of_a_probability_that_rounded_to_0_names_log_and_the_users_line():
    logits = Tensor(np.array([-1e4, 0.0]), requires_grad=True)
    p = ops.sigmoid(logits)
    with (
        pytest.raises(NonFiniteError, match=r"(?s)log: the value is not finite \(x in \[0, 0\.5\]\).*HERE"),
        np.errstate(all="ignore"),
    ):
        ops.log(p)  # HERE
