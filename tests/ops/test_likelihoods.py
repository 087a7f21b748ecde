"""Likelihoods: they are densities, they stay finite, and their gradients are what probability theory says."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minivae.autodiff import Tensor, debug
from minivae.backend import to_backend, why_no_cupy
from minivae.errors import DataError, DtypeError, NonFiniteError, ShapeError
from minivae.ops.likelihoods import binary_cross_entropy_with_logits, cross_entropy, gaussian_log_likelihood
from minivae.verify import gradcheck

modest = settings(max_examples=60, deadline=None)
needs_cupy = pytest.mark.skipif(why_no_cupy() is not None, reason="needs CuPy and a device (or one that is emulated)")
moderate = st.floats(-30, 30)


def gradients(op, *arrays):
    leaves = [Tensor(a, requires_grad=True) for a in arrays]
    op(*leaves).sum().backward()
    return [leaf.grad for leaf in leaves]


# --- Bernoulli --------------------------------------------------------------------------------------------


@modest
@given(moderate, st.floats(0, 1))
def test_binary_cross_entropy_is_minus_the_log_probability(logit, t):
    p, q = 1 / (1 + math.exp(-logit)), 1 / (1 + math.exp(logit))  # q = 1 − p, without cancellation
    value = binary_cross_entropy_with_logits(np.array([logit]), np.array([t])).item()
    assert value == pytest.approx(-t * math.log(p) - (1 - t) * math.log(q), rel=1e-9, abs=1e-12)


@modest
@given(moderate)
def test_the_probabilities_of_0_and_1_sum_to_one(logit):
    losses = binary_cross_entropy_with_logits(np.array([logit, logit]), np.array([0.0, 1.0])).data
    assert np.exp(-losses).sum() == pytest.approx(1, rel=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_binary_cross_entropy_is_finite_and_exact_for_huge_logits(dtype):
    logits = np.array([1e4, 1e4, -1e4, -1e4, 0.0], dtype)
    target = np.array([1, 0, 1, 0, 0.5], dtype)
    value = binary_cross_entropy_with_logits(logits, target).data
    np.testing.assert_allclose(value, [0, 1e4, 1e4, 0, math.log(2)], rtol=1e-6)
    d_logits, d_target = gradients(binary_cross_entropy_with_logits, logits, target)
    np.testing.assert_array_equal(d_logits, [0, 1, -1, 0, 0])
    np.testing.assert_array_equal(d_target, -logits)


def test_small_losses_keep_their_digits():
    """For t = 1 and large l the loss is e^−l, far below the rounding of 1 + e^−l."""
    value = binary_cross_entropy_with_logits(np.array([30, 60], np.float32), np.ones(2, np.float32)).data
    np.testing.assert_allclose(value, np.exp([-30.0, -60.0]), rtol=1e-5)
    (d_logits, _) = gradients(
        binary_cross_entropy_with_logits, np.array([-30, -60], np.float32), np.zeros(2, np.float32)
    )
    np.testing.assert_allclose(d_logits, np.exp([-30.0, -60.0]), rtol=1e-5)


@modest
@given(st.floats(0.01, 0.99))
def test_grey_targets_cost_most_where_the_model_is_exactly_right_their_entropy(t):
    """The minimum over l lies at σ(l) = t, and is the entropy of t, not 0: grey BCE is no likelihood."""
    logit = math.log(t / (1 - t))
    value = binary_cross_entropy_with_logits(np.array([logit]), np.array([t])).item()
    assert value == pytest.approx(-t * math.log(t) - (1 - t) * math.log(1 - t), rel=1e-12)
    (d_logits, _) = gradients(binary_cross_entropy_with_logits, np.array([logit]), np.array([t]))
    assert d_logits[0] == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize("shapes", [((3, 4), (3, 4)), ((3, 1, 4), (2, 1)), ((), (2, 3)), ((2, 3), ())])
def test_gradcheck_binary_cross_entropy(shapes, rng):
    logits, target = 3 * rng.normal(size=shapes[0]), rng.random(shapes[1])
    report = gradcheck(binary_cross_entropy_with_logits, logits, target)
    assert report, str(report)


# --- Gaussian ---------------------------------------------------------------------------------------------


@modest
@given(st.floats(-5, 5), st.floats(-6, 6))
def test_the_gaussian_density_integrates_to_one_and_has_its_moments(mean, logvar):
    """By the trapezium rule over ±12 σ, which for such a density is exact to rounding."""
    sigma = math.exp(logvar / 2)
    x = mean + sigma * np.linspace(-12, 12, 241)
    density = np.exp(gaussian_log_likelihood(x, np.array([mean]), np.array([logvar])).data) * 0.1 * sigma
    assert density.sum() == pytest.approx(1, rel=1e-12)
    assert (density * (x - mean)).sum() == pytest.approx(0, abs=1e-12 * sigma)
    assert (density * (x - mean) ** 2).sum() == pytest.approx(sigma**2, rel=1e-11)


def test_the_gaussian_at_its_mean_is_the_normalising_constant():
    value = gaussian_log_likelihood(np.zeros(2), np.zeros(2), np.array([0.0, 2.0])).data
    np.testing.assert_allclose(value, [-0.5 * math.log(2 * math.pi), -0.5 * math.log(2 * math.pi) - 1], rtol=1e-15)


def test_the_best_log_variance_is_the_squared_residual(rng):
    x, mean = rng.normal(size=(2, 7))
    *_, d_logvar = gradients(gaussian_log_likelihood, x, mean, np.log((x - mean) ** 2))
    np.testing.assert_allclose(d_logvar, 0, atol=1e-14)


def test_the_expected_score_of_the_gaussian_is_zero():
    """∫ p ∇ log p = ∇ ∫ p = 0, for the mean and for the log-variance."""
    z = np.linspace(-12, 12, 241)
    mean, logvar = np.full(241, 0.7), np.full(241, -0.6)
    x = mean + np.exp(logvar / 2) * z
    weights = np.exp(-(z**2) / 2) * 0.1 / math.sqrt(2 * math.pi)
    _, d_mean, d_logvar = gradients(gaussian_log_likelihood, x, mean, logvar)
    assert (weights * d_mean).sum() == pytest.approx(0, abs=1e-13)
    assert (weights * d_logvar).sum() == pytest.approx(0, abs=1e-13)
    assert (weights * d_mean**2).sum() == pytest.approx(math.exp(0.6), rel=1e-12)  # the Fisher information
    assert (weights * d_logvar**2).sum() == pytest.approx(0.5, rel=1e-12)


def test_the_gaussian_keeps_to_float32_where_only_the_precision_would_not():
    """e^−logvar = e^120 is out of float32's range; (x − mean)²·e^−logvar is not."""
    logvar = np.array([-120], np.float32)
    x = np.array([math.exp(-60)], np.float32)
    value = gaussian_log_likelihood(x, np.zeros(1, np.float32), logvar).item()
    assert value == pytest.approx(-0.5 * (math.log(2 * math.pi) - 120 + 1), rel=1e-5)


@pytest.mark.parametrize(
    "shapes", [((3, 4), (3, 4), (3, 4)), ((2, 3, 4), (3, 1), (4,)), ((2, 3), (2, 3), ()), ((), (), ())]
)
def test_gradcheck_gaussian(shapes, rng):
    report = gradcheck(gaussian_log_likelihood, *(rng.normal(size=s) for s in shapes))
    assert report, str(report)


# --- classes ----------------------------------------------------------------------------------------------


def softmax(logits):
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def test_cross_entropy_is_minus_the_log_of_the_labels_softmax(rng):
    logits, labels = 3 * rng.normal(size=(7, 5)), rng.integers(5, size=7)
    expected = [-math.log(softmax(logits)[n, labels[n]]) for n in range(7)]
    np.testing.assert_allclose(cross_entropy(logits, labels).data, expected, rtol=1e-12)


def test_the_probabilities_of_all_classes_sum_to_one(rng):
    logits = 10 * rng.normal(size=(4, 6))
    total = sum(np.exp(-cross_entropy(logits, np.full(4, k)).data) for k in range(6))
    np.testing.assert_allclose(total, 1, rtol=1e-13)


def test_two_classes_are_a_bernoulli_variable(rng):
    l, labels = 3 * rng.normal(size=9), rng.integers(2, size=9)
    value = cross_entropy(np.stack([np.zeros(9), l], axis=1), labels).data
    np.testing.assert_allclose(value, binary_cross_entropy_with_logits(l, labels.astype(float)).data, rtol=1e-12)


def test_classes_lie_along_axis_1_and_pixels_behind(rng):
    logits, labels = rng.normal(size=(2, 5, 3, 4)), rng.integers(5, size=(2, 3, 4))
    rows = logits.transpose(0, 2, 3, 1).reshape(-1, 5)
    np.testing.assert_allclose(cross_entropy(logits, labels).data.ravel(), cross_entropy(rows, labels.ravel()).data)


def test_the_gradient_is_softmax_minus_onehot(rng):
    logits, labels = rng.normal(size=(7, 5)), rng.integers(5, size=7)
    (d_logits,) = gradients(lambda l: cross_entropy(l, labels), logits)
    np.testing.assert_allclose(d_logits, softmax(logits) - np.eye(5)[labels], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cross_entropy_is_finite_and_exact_for_huge_logits(dtype):
    logits = np.array([[1e4, 0, -1e4], [1e4, 0, -1e4]], dtype)
    y = cross_entropy(logits, np.array([0, 2])).data
    np.testing.assert_array_equal(y, np.array([0, 2e4], dtype))
    assert y.dtype == dtype


@modest
@given(st.floats(-1000, 1000))
def test_a_constant_added_to_the_logits_changes_nothing(shift):
    logits, labels = np.random.default_rng(0).normal(size=(4, 5)), np.array([0, 4, 2, 2])
    np.testing.assert_allclose(
        cross_entropy(logits + shift, labels).data, cross_entropy(logits, labels).data, atol=1e-11
    )


@pytest.mark.no_debug
def test_a_class_of_logit_minus_infinity_is_impossible_and_costs_nothing():
    logits = np.array([[0.0, -np.inf, 0.0]])
    assert cross_entropy(logits, np.array([2])).item() == pytest.approx(math.log(2))
    (d_logits,) = gradients(lambda l: cross_entropy(l, np.array([2])), logits)
    np.testing.assert_allclose(d_logits, [[0.5, 0, -0.5]])


@pytest.mark.parametrize(("shape", "labels"), [((3, 4), [0, 3, 1]), ((2, 3, 2), [[0, 2], [1, 1]]), ((5,), 3)])
def test_gradcheck_cross_entropy(shape, labels, rng):
    report = gradcheck(lambda l: cross_entropy(l, np.array(labels)), rng.normal(size=shape))
    assert report, str(report)


@pytest.mark.parametrize("labels", [[0, 1, 2], np.array([0, 1, 2], np.uint8), np.array([0, 1, 2], np.int32)])
def test_labels_may_be_any_integers(labels, rng):
    logits = rng.normal(size=(3, 4))
    np.testing.assert_array_equal(cross_entropy(logits, labels).data, cross_entropy(logits, np.arange(3)).data)


LOGITS = np.zeros((3, 4))


@pytest.mark.parametrize(
    ("labels", "error", "words"),
    [
        (np.array([0, 1, 4]), DataError, ["from 0 to 4", "4 classes", r"0 \.\.\. 3"]),
        (np.array([0, -1, 2]), DataError, ["from -1 to 2"]),
        (np.array([0.0, 1.0, 2.0]), DtypeError, ["labels are float64", "integers from 0 to 3"]),
        (Tensor([0, 1, 2]), DtypeError, ["a Tensor holds floats"]),
        (np.array([True, False, True]), DtypeError, ["labels are bool"]),
        (np.array([0, 1]), ShapeError, [r"labels have shape \(2,\)", r"logits \(3, 4\)", r"shape \(3,\)"]),
        (np.eye(4, dtype=int)[:3], ShapeError, [r"labels have shape \(3, 4\)"]),
    ],
)
def test_labels_that_cannot_be_say_why(labels, error, words):
    for word in words:
        with pytest.raises(error, match=word):
            cross_entropy(LOGITS, labels)


# --- all three --------------------------------------------------------------------------------------------

ALL = {
    "Bernoulli": (binary_cross_entropy_with_logits, (3, 4), (3, 4)),
    "Gaussian": (gaussian_log_likelihood, (3, 4), (3, 4), (3, 4)),
    "classes": (lambda l: cross_entropy(l, np.array([0, 3, 1])), (3, 4)),
}
every = pytest.mark.parametrize("name", ALL)


@every
def test_float32_in_float32_out_and_float32_back(name, rng):
    op, *shapes = ALL[name]
    arrays = [rng.normal(size=s) for s in shapes]
    single = [a.astype(np.float32) for a in arrays]
    assert op(*single).dtype == np.float32
    np.testing.assert_allclose(op(*single).data, op(*arrays).data, rtol=1e-5, atol=1e-6)
    for a, b in zip(gradients(op, *single), gradients(op, *arrays), strict=True):
        assert a.dtype == np.float32
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


@every
def test_nothing_given_is_changed(name, rng):
    op, *shapes = ALL[name]
    arrays = [rng.normal(size=s) for s in shapes]
    copies = [a.copy() for a in arrays]
    with debug(False):
        gradients(op, *arrays)
    for array, copy in zip(arrays, copies, strict=True):
        np.testing.assert_array_equal(array, copy)


@needs_cupy
@every
def test_cupy_agrees_with_numpy(name, rng):
    op, *shapes = ALL[name]
    arrays = [rng.normal(size=s) for s in shapes]
    with debug(False):
        found = gradients(op, *(to_backend(a, "cupy") for a in arrays))
    for a, b in zip(found, gradients(op, *arrays), strict=True):
        np.testing.assert_allclose(a.get(), b, rtol=1e-13, atol=1e-15)


def test_debug_mode_names_the_likelihood_that_is_not_finite():
    with np.errstate(all="ignore"), pytest.raises(NonFiniteError, match="gaussian_log_likelihood"):
        gaussian_log_likelihood(np.ones(1), np.zeros(1), np.array([-2000.0]))
