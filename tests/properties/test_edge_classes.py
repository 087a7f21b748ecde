"""Class logits of ±10⁴ and all-equal ones: values and gradients against closed forms in long double."""

from __future__ import annotations

import numpy as np
import pytest
from edge_compare import assert_right, both_dtypes, log_softmax, softmax, value_and_gradients, wide

from minivae import ops
from minivae.distributions import Categorical, kl_divergence
from minivae.random import stream

ROWS = [
    [1e4, -1e4, 0.0],
    [-1e4, -1e4, 1e4],
    [1e4, 1e4, -1e4],
    [-1e4, -1e4, -1e4],
    [0.0, 0.0, 0.0],
    [100.0, 0.0, 30.0],
    [1e30, -1e30, 0.0],
    [-1e-30, 1e-30, 0.0],
]
C = np.array([0.3, -1.2, 0.7])


@both_dtypes
def test_softmax_of_logits_far_apart(dtype):
    """Probabilities of 0 and 1 included; the gradient is p·(c − Σpc)."""
    (x,) = wide(dtype, ROWS)
    (c,) = wide(dtype, C)
    y, dx = value_and_gradients(lambda x: ops.softmax(x, 1), dtype, ROWS, cotangent=C)
    p = softmax(x)
    assert_right(y, p, dtype)
    assert_right(dx, p * (c - (p * c).sum(axis=1, keepdims=True)), dtype, absolute=4)
    np.testing.assert_array_equal(y[0], [1, 0, 0])
    np.testing.assert_array_equal(dx[0], 0)


@both_dtypes
def test_log_softmax_and_cross_entropy_of_logits_far_apart(dtype):
    """log p = −2·10⁴ where p itself is 0; the gradients are c − p·Σc and p − onehot."""
    (x,) = wide(dtype, ROWS)
    (c,) = wide(dtype, C)
    y, dx = value_and_gradients(lambda x: ops.log_softmax(x, 1), dtype, ROWS, cotangent=C)
    assert_right(y, log_softmax(x), dtype, absolute=4)
    assert_right(dx, c - softmax(x) * c.sum(), dtype, absolute=4)
    for k in range(3):
        labels = np.full(len(ROWS), k)
        loss, slope = value_and_gradients(lambda x, labels=labels: ops.cross_entropy(x, labels), dtype, ROWS)
        assert_right(loss, -log_softmax(x)[:, k], dtype, absolute=4)
        assert_right(slope, softmax(x) - np.eye(3)[k], dtype, absolute=4)


@both_dtypes
def test_logsumexp_of_numbers_far_apart(dtype):
    (x,) = wide(dtype, ROWS)
    y, dx = value_and_gradients(lambda x: ops.logsumexp(x, 1), dtype, ROWS)
    assert_right(y, x.max(axis=1) - log_softmax(x).max(axis=1), dtype)
    assert_right(dx, softmax(x), dtype)


@both_dtypes
def test_categorical_entropy_and_divergence_with_probabilities_of_0_and_1(dtype):
    """0·log 0 = 0: a class that cannot be adds nothing, neither to the entropy nor to its gradient."""
    rows = ROWS[:6]
    (x,) = wide(dtype, rows)
    p, log_p = softmax(x), log_softmax(x)
    entropy, slope = value_and_gradients(lambda x: Categorical(logits=x).entropy(), dtype, rows)
    truth = -(p * log_p).sum(axis=1)
    assert_right(entropy, truth, dtype, absolute=4)
    assert_right(slope, -p * (log_p + truth[:, None]), dtype, absolute=8)
    for shift in range(6):
        others = np.roll(x, shift, axis=0)
        kl, d_p, d_q = value_and_gradients(
            lambda a, b: kl_divergence(Categorical(logits=a), Categorical(logits=b)),
            dtype,
            rows,
            np.roll(rows, shift, 0),
        )
        log_q = log_softmax(others)
        truth = (p * (log_p - log_q)).sum(axis=1)
        assert_right(kl, truth, dtype, absolute=8)
        added = p * (np.abs(log_p) + np.abs(log_q) + truth[:, None])
        assert_right(d_p, p * (log_p - log_q - truth[:, None]), dtype, absolute=8 * (1 + added))
        assert_right(d_q, softmax(others) - p, dtype, absolute=4)


@both_dtypes
def test_a_sure_class_is_always_drawn(dtype):
    labels = Categorical(logits=np.array([ROWS[0], ROWS[1]], dtype)).sample(stream(3), (200,))
    assert (labels == [0, 2]).all()


@both_dtypes
@pytest.mark.parametrize("f", [lambda x: ops.softmax(x, -1), lambda x: ops.log_softmax(x, -1), ops.logsumexp])
@pytest.mark.parametrize("value", [0.0, 0.1, -1e4, 1e4, 1e30, -3e38])
@pytest.mark.parametrize("n", [1, 3, 7, 1000])
def test_all_equal_logits_share_evenly_to_the_last_digit(dtype, f, value, n):
    """p = 1/n and log p = −log n, exactly rounded, whatever the common value; the gradient is that at 0."""
    cotangent = 1.0 if f is ops.logsumexp else np.cos(np.arange(n))
    y, dx = value_and_gradients(f, dtype, np.full(n, value), cotangent=cotangent)
    at_0, dx_at_0 = value_and_gradients(f, dtype, np.zeros(n), cotangent=cotangent)
    if f is ops.logsumexp:
        np.testing.assert_array_equal(y, dtype(value) + at_0)
        np.testing.assert_array_equal(dx, dtype(1) / dtype(n))
    else:
        np.testing.assert_array_equal(y, at_0)
        assert (y == y[0]).all()
    np.testing.assert_array_equal(dx, dx_at_0)
