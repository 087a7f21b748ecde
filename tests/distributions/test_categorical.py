"""Categorical variables by their logits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minivae.autodiff import Tensor
from minivae.distributions import Bernoulli, Categorical
from minivae.errors import ConfigError, DataError, DtypeError, ShapeError
from minivae.random import stream
from minivae.verify import gradcheck

LOGITS = np.array([[0.3, -1.0, 2.0], [5.0, 5.0, -40.0]])


def all_log_probs(p: Categorical) -> np.ndarray:
    """log p(k) for every class, (K, *shape)."""
    return np.stack([p.log_prob(np.full(p.shape, k)).numpy() for k in range(p.num_classes)])


def test_probabilities_sum_to_one():
    p = Categorical(logits=LOGITS)
    np.testing.assert_allclose(np.exp(all_log_probs(p)).sum(axis=0), 1.0, rtol=1e-14)
    np.testing.assert_allclose(np.exp(all_log_probs(p)), np.moveaxis(p.probs.numpy(), -1, 0), rtol=1e-12)


@settings(deadline=None, max_examples=25)
@given(st.floats(-1000, 1000))
def test_adding_a_number_to_all_logits_changes_nothing(shift):
    p, q = Categorical(logits=LOGITS), Categorical(logits=LOGITS + shift)
    np.testing.assert_allclose(all_log_probs(q), all_log_probs(p), rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(q.entropy().numpy(), p.entropy().numpy(), rtol=1e-10)


def test_entropy_is_minus_the_expected_log_prob():
    p = Categorical(logits=LOGITS)
    log_probs = all_log_probs(p)
    np.testing.assert_allclose(p.entropy().numpy(), -(np.exp(log_probs) * log_probs).sum(axis=0), rtol=1e-13)


def test_equal_logits_have_the_largest_entropy():
    np.testing.assert_allclose(Categorical(logits=np.full(7, 3.0)).entropy().numpy(), math.log(7), rtol=1e-14)


def test_two_classes_are_a_bernoulli_variable():
    x = np.array([0, 1])
    p, coin = Categorical(logits=LOGITS[:, :2]), Bernoulli(logits=LOGITS[:, 1] - LOGITS[:, 0])
    np.testing.assert_allclose(p.log_prob(x).numpy(), coin.log_prob(x.astype(float)).numpy(), rtol=1e-13)
    np.testing.assert_allclose(p.entropy().numpy(), coin.entropy().numpy(), rtol=1e-13)


def test_samples_have_the_probabilities():
    p, n = Categorical(logits=LOGITS), 100_000
    labels = p.sample(stream(2), (n,))
    assert labels.shape == (n, 2)
    assert labels.dtype.kind == "i"
    probs = p.probs.numpy()
    frequency = np.stack([(labels == k).mean(axis=0) for k in range(3)], axis=-1)
    standard_error = np.sqrt(probs * (1 - probs) / n) + 1e-12
    assert np.abs((frequency - probs) / standard_error).max() < 4
    p.check_support(labels)


def test_axes_in_front_are_a_batch():
    logits = np.random.default_rng(0).normal(size=(2, 3, 4))
    p = Categorical(logits=logits)
    labels = p.sample(stream(0))
    assert p.shape == labels.shape == p.log_prob(labels).shape == p.entropy().shape == (2, 3)
    expected = [[p.probs.numpy()[i, j, labels[i, j]] for j in range(3)] for i in range(2)]
    np.testing.assert_allclose(np.exp(p.log_prob(labels).numpy()), expected, rtol=1e-13)
    assert Categorical(logits=logits[0, 0]).log_prob(np.array(2)).shape == ()


def test_gradients():
    logits = np.random.default_rng(0).normal(size=(2, 3, 4))
    labels = np.array([[0, 3, 1], [2, 2, 0]])
    assert gradcheck(lambda l: Categorical(logits=l).log_prob(labels), logits)
    assert gradcheck(lambda l: Categorical(logits=l).entropy(), logits)


def test_labels_that_cannot_be_are_refused():
    p = Categorical(logits=LOGITS)
    with pytest.raises(DataError, match=r"0 \.\.\. 2, but they are in 0 \.\.\. 3"):
        p.log_prob(np.array([0, 3]))
    with pytest.raises(DataError, match=r"-1 \.\.\. 2"):
        p.check_support(np.array([-1, 2]))
    with pytest.raises(DtypeError, match="integers"):
        p.log_prob(np.array([0.0, 1.0]))
    with pytest.raises(DtypeError, match="integers"):
        p.check_support(Tensor([0.0]))
    with pytest.raises(ShapeError, match=r"\(3,\); expected \(2,\)"):
        p.log_prob(np.array([0, 1, 2]))


def test_probabilities_are_refused():
    with pytest.raises(ConfigError, match="logits="):
        Categorical(np.array([0.5, 0.5]))
    with pytest.raises(ConfigError, match="logits="):
        Categorical()
    with pytest.raises(ShapeError, match="last axis"):
        Categorical(logits=1.0)


def test_what_it_does_not_have_is_explained():
    p = Categorical(logits=LOGITS)
    with pytest.raises(NotImplementedError, match="score function"):
        p.rsample()
    with pytest.raises(NotImplementedError, match="no mean"):
        _ = p.mean
