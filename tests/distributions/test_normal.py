"""The normal distribution: its density, its two parametrisations, and its reparameterised sample."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minivae import ops
from minivae.autodiff import Tensor, no_grad
from minivae.distributions import Normal
from minivae.errors import ConfigError, DataError, ShapeError
from minivae.random import stream
from minivae.verify import gradcheck

LOC = np.array([-1.3, 0.0, 0.4, 2.0])
SCALE = np.array([0.2, 1.0, 3.0, 0.7])


def grid(q: Normal, reach: float = 12.0, points: int = 4001) -> tuple[np.ndarray, float]:
    """Points (points, n) and their spacing in units of σ: the trapezium rule is exact to rounding on a density."""
    t = np.linspace(-reach, reach, points)
    return q.mean.numpy() + q.stddev.numpy() * t[:, None], t[1] - t[0]


@pytest.mark.parametrize("q", [Normal(LOC, SCALE), Normal.from_logvar(LOC, 2 * np.log(SCALE))])
def test_density_integrates_to_one(q):
    x, step = grid(q)
    mass = (np.exp(q.log_prob(x).numpy()) * SCALE).sum(axis=0) * step
    np.testing.assert_allclose(mass, 1.0, rtol=1e-12)


def test_entropy_is_minus_the_expected_log_density():
    q = Normal(LOC, SCALE)
    x, step = grid(q)
    log_prob = q.log_prob(x).numpy()
    expected = -(np.exp(log_prob) * log_prob * SCALE).sum(axis=0) * step
    np.testing.assert_allclose(q.entropy().numpy(), expected, rtol=1e-12)


def test_mean_and_variance_are_the_moments_of_the_density():
    q = Normal.from_logvar(LOC, 2 * np.log(SCALE))
    x, step = grid(q)
    weight = np.exp(q.log_prob(x).numpy()) * SCALE * step
    mean = (weight * x).sum(axis=0)
    np.testing.assert_allclose(q.mean.numpy(), mean, atol=1e-12)
    np.testing.assert_allclose(q.variance.numpy(), (weight * (x - mean) ** 2).sum(axis=0), rtol=1e-12)


@settings(deadline=None, max_examples=50)
@given(st.floats(-5, 5), st.floats(-20, 20), st.floats(-10, 10))
def test_scale_and_log_variance_describe_the_same_distribution(loc, logvar, x):
    by_logvar = Normal.from_logvar(np.array([loc]), np.array([logvar]))
    by_scale = Normal(np.array([loc]), np.array([math.exp(logvar / 2)]))
    for name in ("mean", "stddev", "variance", "logvar"):
        np.testing.assert_allclose(
            getattr(by_scale, name).numpy(), getattr(by_logvar, name).numpy(), rtol=1e-13, atol=1e-14
        )
    eps = np.array([x])
    np.testing.assert_allclose(by_scale.rsample(eps).numpy(), by_logvar.rsample(eps).numpy(), rtol=1e-13)
    np.testing.assert_allclose(by_scale.log_prob(eps).numpy(), by_logvar.log_prob(eps).numpy(), rtol=1e-12)
    np.testing.assert_allclose(by_scale.entropy().numpy(), by_logvar.entropy().numpy(), rtol=1e-12, atol=1e-14)


def test_density_of_a_rescaled_variable_changes_by_the_jacobian():
    a, b, x = -2.5, 0.7, np.array([0.3, -1.0, 2.0, 5.0])
    before = Normal(LOC, SCALE).log_prob(x).numpy()
    after = Normal(a * LOC + b, abs(a) * SCALE).log_prob(a * x + b).numpy()
    np.testing.assert_allclose(after, before - math.log(abs(a)), rtol=1e-12)


@pytest.mark.parametrize("logvar", [-100.0, 100.0])
def test_extreme_log_variances_stay_finite_in_float32(logvar):
    q = Normal.from_logvar(np.zeros(1, np.float32), np.full(1, logvar, np.float32))
    sigma = math.exp(logvar / 2)
    np.testing.assert_allclose(q.stddev.numpy(), sigma, rtol=1e-6)
    np.testing.assert_allclose(q.rsample(np.full(1, 1.5, np.float32)).numpy(), 1.5 * sigma, rtol=1e-6)
    np.testing.assert_allclose(q.entropy().numpy(), 0.5 * (1 + math.log(2 * math.pi) + logvar), rtol=1e-6)
    x = np.full(1, 2 * sigma, np.float32)
    np.testing.assert_allclose(q.log_prob(x).numpy(), -0.5 * (math.log(2 * math.pi) + logvar + 4), rtol=1e-5)
    by_scale = Normal(np.zeros(1, np.float32), np.full(1, sigma, np.float32))
    np.testing.assert_allclose(by_scale.logvar.numpy(), logvar, rtol=1e-6)
    np.testing.assert_allclose(by_scale.log_prob(x).numpy(), q.log_prob(x).numpy(), rtol=1e-5)


# --- samples ------------------------------------------------------------------------------------------------


def test_sample_has_the_moments_of_the_distribution():
    n = 100_000
    z = Normal(LOC, SCALE).sample(stream(3), (n,)).numpy()
    assert z.shape == (n, 4)
    mean_error = (z.mean(axis=0) - LOC) / (SCALE / math.sqrt(n))
    variance_error = (z.var(axis=0, ddof=1) / SCALE**2 - 1) / math.sqrt(2 / n)
    assert np.abs(mean_error).max() < 4
    assert np.abs(variance_error).max() < 4


def test_entries_of_a_sample_are_independent():
    n = 100_000
    z = Normal(np.zeros(3), np.ones(3)).sample(stream(4), (n,)).numpy()
    correlations = np.corrcoef(z.T)[np.triu_indices(3, 1)]
    assert np.abs(correlations).max() < 4 / math.sqrt(n)


def test_reparameterised_gradient_is_exact():
    rng = np.random.default_rng(0)
    mu, logvar = Tensor(rng.normal(size=(5, 3)), True), Tensor(rng.normal(size=(5, 3)), True)
    eps, g = rng.normal(size=(5, 3)), rng.normal(size=(5, 3))
    Normal.from_logvar(mu, logvar).rsample(eps).backward(g)
    np.testing.assert_allclose(mu.grad, g, rtol=1e-15)
    np.testing.assert_allclose(logvar.grad, g * 0.5 * eps * np.exp(0.5 * logvar.data), rtol=1e-14)


def test_pathwise_gradient_of_an_expectation_is_the_derivative_of_the_expectation():
    """E[z²] = μ² + σ²; with noise of mean 0 and mean square 1 the average gradient is exact: 2μ and σ²."""
    mu, logvar = Tensor([0.7], True, np.float64), Tensor([-0.4], True, np.float64)
    q = Normal.from_logvar(mu, logvar)
    loss = 0.5 * (q.rsample(np.array([1.0])) ** 2 + q.rsample(np.array([-1.0])) ** 2)
    loss.backward()
    np.testing.assert_allclose(mu.grad, 2 * 0.7, rtol=1e-14)
    np.testing.assert_allclose(logvar.grad, math.exp(-0.4), rtol=1e-14)


def test_every_method_passes_gradcheck():
    rng = np.random.default_rng(1)
    loc, logvar, x = rng.normal(size=(3, 5)), rng.normal(size=5), rng.normal(size=(3, 5))
    scale, eps = np.exp(logvar), rng.normal(size=(3, 5))
    assert gradcheck(lambda m, v: Normal.from_logvar(m, v).rsample(eps), loc, logvar)
    assert gradcheck(lambda m, s: Normal(m, s).rsample(eps), loc, scale)
    assert gradcheck(lambda x, m, v: Normal.from_logvar(m, v).log_prob(x), x, loc, logvar)
    assert gradcheck(lambda x, m, s: Normal(m, s).log_prob(x), x, loc, scale)
    assert gradcheck(lambda m, v: Normal.from_logvar(m, v).entropy(), loc, logvar)
    assert gradcheck(lambda m, s: Normal(m, s).variance + Normal(m, s).entropy(), loc, scale)


def test_noise_is_an_argument():
    q = Normal.from_logvar(np.zeros((4, 2)), np.zeros((4, 2)))
    eps = np.arange(8.0).reshape(4, 2)
    np.testing.assert_array_equal(q.rsample(eps).numpy(), eps)
    np.testing.assert_array_equal(q.rsample(rng=stream(5)).numpy(), q.rsample(rng=stream(5)).numpy())
    assert not np.array_equal(q.rsample(rng=stream(5)).numpy(), q.rsample(rng=stream(6)).numpy())


def test_a_seed_gives_the_same_noise_in_both_dtypes():
    single = Normal(np.zeros(6, np.float32), 1.0).rsample(rng=stream(7))
    double = Normal(np.zeros(6), 1.0).rsample(rng=stream(7))
    assert (single.dtype, double.dtype) == (np.float32, np.float64)
    np.testing.assert_array_equal(single.numpy().astype(np.float64), double.numpy())


@pytest.mark.parametrize("shape", [(5,), (1, 5), (13, 1), (5, 13), (2, 13, 5), ()])
def test_noise_of_another_shape_is_refused_even_where_it_would_broadcast(shape):
    q = Normal.from_logvar(np.zeros((13, 5)), np.zeros((13, 5)))
    with pytest.raises(ShapeError, match=r"expected \(13, 5\)"):
        q.rsample(np.zeros(shape))


def test_sample_shape_puts_axes_in_front():
    q = Normal(LOC, SCALE)
    assert q.rsample(sample_shape=(7, 2)).shape == (7, 2, 4)
    assert q.rsample(np.zeros((7, 4)), sample_shape=(7,)).shape == (7, 4)
    assert q.log_prob(q.sample(sample_shape=(7,))).shape == (7, 4)


def test_no_gradient_passes_through_sample():
    mu = Tensor(LOC, requires_grad=True)
    assert not Normal(mu, 1.0).sample().requires_grad
    assert Normal(mu, 1.0).rsample().requires_grad


def test_a_value_looked_at_under_no_grad_does_not_cut_the_graph():
    logvar = Tensor(np.zeros(3), requires_grad=True)
    q = Normal.from_logvar(np.zeros(3), logvar)
    with no_grad():
        _ = q.scale, q.stddev, q.variance
    q.rsample(np.ones(3)).sum().backward()
    np.testing.assert_allclose(logvar.grad, 0.5)


# --- parameters ---------------------------------------------------------------------------------------------


def test_numbers_are_allowed_and_keep_the_other_dtype():
    for dtype in (np.float32, np.float64):
        x = np.array([0.5, -1.0], dtype)
        log_prob = Normal(0, 1).log_prob(x)
        assert log_prob.dtype == dtype
        np.testing.assert_allclose(log_prob.numpy(), -0.5 * (np.log(2 * np.pi) + x**2), rtol=1e-6)
        q = Normal(x, 0.3)
        assert q.shape == (2,)
        assert {q.mean.dtype, q.stddev.dtype, q.entropy().dtype, q.rsample().dtype} == {np.dtype(dtype)}
        assert q.stddev.shape == q.entropy().shape == (2,)
    q = Normal(np.zeros(2), 0.3)
    np.testing.assert_allclose(q.stddev.numpy(), 0.3, rtol=1e-15)
    np.testing.assert_allclose(q.log_prob(np.zeros(2)).numpy(), -math.log(0.3 * math.sqrt(2 * math.pi)), rtol=1e-15)


def test_two_numbers_make_one_standard_variable():
    standard = Normal(0, 1)
    assert standard.shape == standard.sample().shape == standard.entropy().shape == ()
    assert standard.mean.item() == 0
    assert standard.variance.item() == standard.stddev.item() == 1


@settings(deadline=None, max_examples=30)
@given(st.sampled_from([(), (1,), (5,), (3, 1), (3, 5)]), st.sampled_from([(), (1,), (5,), (3, 1), (3, 5)]))
def test_parameters_broadcast(loc_shape, scale_shape):
    shape = np.broadcast_shapes(loc_shape, scale_shape)
    q = Normal(np.zeros(loc_shape), np.ones(scale_shape))
    for part in (q.mean, q.stddev, q.variance, q.entropy(), q.rsample(), q.sample(), q.log_prob(np.zeros(shape))):
        assert part.shape == q.shape == shape


def test_parameters_that_do_not_broadcast_are_refused():
    with pytest.raises(ShapeError, match=r"loc: \(13, 5\), scale: \(13,\)"):
        Normal(np.zeros((13, 5)), np.ones(13))
    with pytest.raises(ShapeError, match=r"loc: \(2,\), logvar: \(3,\)"):
        Normal.from_logvar(np.zeros(2), np.zeros(3))


@pytest.mark.parametrize("scale", [0, -1.0, float("nan"), np.array([1.0, 0.0]), Tensor([-0.5])])
def test_a_scale_that_is_not_positive_is_refused(scale):
    with pytest.raises(ConfigError, match="must be positive"):
        Normal(0.0, scale)


@pytest.mark.no_debug
def test_scales_on_an_array_cost_no_pass_outside_debug_mode():
    Normal(0.0, np.array([-1.0]))
    with pytest.raises(ConfigError, match="must be positive"):
        Normal(0.0, -1.0)


def test_data_that_are_not_finite_are_refused():
    with pytest.raises(DataError, match="2 of 3 values"):
        Normal(0.0, 1.0).check_support(np.array([np.nan, 1.0, np.inf]))
    with pytest.raises(DataError, match="NaN or infinite"):
        Normal(0.0, 1.0).log_prob(np.array([np.nan]))
    Normal.check_support(Tensor([-5.0, 1e30]))


def test_gradient_of_a_shared_scale_is_summed_over_all_entries():
    """One σ for D entries: each of them adds to its gradient, d log p/dlogvar = ½ Σ (d²/σ² − 1)."""
    x, logvar = np.array([[1.0, -2.0, 0.5]]), Tensor([0.3], True, np.float64)
    Normal.from_logvar(np.zeros((1, 3)), logvar).log_prob(x).sum().backward()
    np.testing.assert_allclose(logvar.grad, [0.5 * (x**2 / math.exp(0.3) - 1).sum()], rtol=1e-14)


def test_standard_deviation_enters_the_sample_not_the_variance():
    q = Normal.from_logvar(np.zeros(1), np.array([math.log(9.0)]))
    np.testing.assert_allclose(q.rsample(np.ones(1)).numpy(), 3.0, rtol=1e-14)
    np.testing.assert_allclose(ops.exp(q.logvar).numpy(), 9.0, rtol=1e-14)
