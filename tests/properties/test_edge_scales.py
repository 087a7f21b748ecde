"""Log-variances of ±100, scales near 0, variances of 0: values and gradients against closed forms in long double."""

from __future__ import annotations

import math

import numpy as np
import pytest
from edge_compare import assert_right, both_dtypes, tensors, value_and_gradients, wide

from minivae import ops
from minivae.autodiff import Tensor
from minivae.distributions import Normal, kl_divergence
from minivae.errors import ConfigError, NonFiniteError, ShapeError
from minivae.layers import BatchNorm, GroupNorm, LayerNorm
from minivae.objectives import elbo

LOGVARS = [-100.0, -60.0, -1e-3, 0.0, 1e-3, 60.0, 80.0]
"""In float32 e^logvar ends above 88; what holds for all of these in both dtypes also holds to ±100 in float64."""


def logvars(dtype):
    return LOGVARS + ([100.0] if dtype is np.float64 else [])


# --- log-variances of ±100 ----------------------------------------------------------------------------------


@both_dtypes
def test_divergence_from_the_standard_normal_at_extreme_log_variances(dtype):
    """½ (μ² + e^v − 1 − v); d/dμ = μ, d/dv = ½ (e^v − 1)."""
    v = logvars(dtype)
    loc = np.full(len(v), 0.75)
    kl, d_loc, d_v = value_and_gradients(
        lambda m, v: kl_divergence(Normal.from_logvar(m, v), Normal(0.0, 1.0)), dtype, loc, v
    )
    m, v = wide(dtype, loc, v)
    assert_right(kl, (m * m + np.expm1(v) - v) / 2, dtype)
    assert_right(d_loc, m, dtype)
    assert_right(d_v, np.expm1(v) / 2, dtype)


def test_a_divergence_too_large_for_float32_is_named_with_the_log_variance_that_made_it():
    """½ e^100 = 10^43 nats: float64 holds it, float32 cannot, and says so instead of training on infinity."""
    loc, logvar = tensors(np.float32, [0.0, 0.0], [1.0, 100.0])
    with (
        pytest.raises(NonFiniteError, match=r"kl_to_standard_normal.*logvar in \[1, 100\]"),
        np.errstate(over="ignore"),
    ):
        kl_divergence(Normal.from_logvar(loc, logvar), Normal(0.0, 1.0))


@both_dtypes
@pytest.mark.parametrize("v", [-100.0, 100.0])
def test_divergence_between_equal_normals_is_0_however_narrow_or_wide(dtype, v):
    """The ratio of the variances is e^(v − v), so that e^±100 is never formed; the gradients are 0 too."""
    f = lambda a, b: kl_divergence(Normal.from_logvar(0.5, a), Normal.from_logvar(0.5, b))
    kl, d_p, d_q = value_and_gradients(f, dtype, [v], [v])
    for found in (kl, d_p, d_q):
        np.testing.assert_array_equal(found, 0)


@both_dtypes
@pytest.mark.parametrize("v", [-100.0, 100.0])
def test_density_and_entropy_at_log_variances_of_100(dtype, v):
    """z² = (x − μ)² e^−v with x three σ away, in terms of σ = e^(v/2): nothing overflows, in float32 too."""
    sigma = math.exp(v / 2)
    x, mean = np.array([0.0, 3 * sigma, -sigma]), np.zeros(3)
    logp, d_x, d_mean, d_v = value_and_gradients(ops.gaussian_log_likelihood, dtype, x, mean, np.full(3, v))
    x, v_wide = wide(dtype, x, np.full(3, v))
    z = x * np.exp(-v_wide / 2)
    assert_right(logp, -(z * z + v_wide + np.log(2 * np.pi)) / 2, dtype)
    assert_right(d_x, -z * np.exp(-v_wide / 2), dtype)
    assert_right(d_mean, z * np.exp(-v_wide / 2), dtype)
    assert_right(d_v, (z * z - 1) / 2, dtype, absolute=4)
    entropy, slope = value_and_gradients(lambda v: Normal.from_logvar(0.0, v).entropy(), dtype, [v])
    assert_right(entropy, (1 + np.log(2 * np.pi) + v_wide[0]) / 2, dtype)
    assert_right(slope, 0.5, dtype)


@both_dtypes
@pytest.mark.parametrize("v", [-100.0, 100.0])
def test_a_draw_at_log_variances_of_100(dtype, v):
    """z = μ + ε e^(v/2); dz/dv = ½ ε e^(v/2). At v = −100 the noise vanishes beside μ = 1, its gradient does not."""
    eps = np.array([1.5, -0.25], dtype)
    f = lambda m, v: Normal.from_logvar(m, v).rsample(eps)
    z, d_m, d_v = value_and_gradients(f, dtype, [1.0, 0.0], [v, v])
    (e, v_wide) = wide(dtype, eps, [v, v])
    noise = e * np.exp(v_wide / 2)
    assert_right(z, np.array([1, 0]) + noise, dtype)
    assert_right(d_m, 1, dtype)
    assert_right(d_v, noise / 2, dtype)


@both_dtypes
def test_the_elbo_of_an_encoder_at_log_variances_of_minus_100(dtype):
    """A nearly deterministic code costs ½ (100 − 1) nats a dimension: finite, and pulled back by −½."""
    x = np.zeros((2, 3), dtype)
    (logvar,) = tensors(dtype, np.full((2, 4), -100.0))
    q = Normal.from_logvar(np.zeros((2, 4), dtype), logvar)
    terms = elbo(x, Normal(x, np.ones((2, 3), dtype)), q)
    terms.loss.backward()
    assert_right(terms.kl.data, 4 * (np.expm1(np.longdouble(-100)) + 100) / 2, dtype)
    assert_right(logvar.grad, np.full((2, 4), -0.25), dtype)


# --- σ -> 0 -------------------------------------------------------------------------------------------------


@both_dtypes
@pytest.mark.parametrize("sigma", [1e-3, 1e-10, 1e-18])
def test_a_scale_near_0(dtype, sigma):
    """log p(μ) = −log σ − ½ log 2π grows without bound, its slope −1/σ too; draws go to μ."""
    logp, d_sigma = value_and_gradients(lambda s: Normal(2.0, s).log_prob(np.full(1, 2.0, dtype)), dtype, [sigma])
    (s,) = wide(dtype, [sigma])
    assert_right(logp, -np.log(s) - np.log(2 * np.longdouble(np.pi)) / 2, dtype)
    assert_right(d_sigma, -1 / s, dtype)
    z = Normal(np.full(1, 2.0, dtype), np.full(1, sigma, dtype)).rsample(np.ones(1, dtype))
    assert_right(z.data, 2 + s, dtype)


@both_dtypes
@pytest.mark.parametrize("sigma", [1e-3, 1e-10, 1e-15])
def test_divergence_from_the_standard_normal_grows_like_minus_log_sigma(dtype, sigma):
    kl, d_sigma = value_and_gradients(lambda s: kl_divergence(Normal(0.0, s), Normal(0.0, 1.0)), dtype, [sigma])
    (s,) = wide(dtype, [sigma])
    assert_right(kl, (s * s - 1) / 2 - np.log(s), dtype)
    assert_right(d_sigma, s - 1 / s, dtype, digits_lost=8)


@pytest.mark.parametrize("sigma", [0.0, -1.0, np.nan])
def test_a_scale_of_0_is_refused_with_the_way_out(sigma):
    """Not a delta function by way of log 0: for a number, and in debug mode for an array."""
    for scale in (sigma, np.array([1.0, sigma])):
        with pytest.raises(ConfigError, match=r"must be positive.*Normal\.from_logvar"):
            Normal(0.0, scale)


# --- variance 0 ---------------------------------------------------------------------------------------------

NORMS = {
    "batch_norm": lambda x, eps: ops.batch_norm(x, eps=eps),
    "layer_norm": lambda x, eps: ops.layer_norm(x, eps=eps),
    "group_norm": lambda x, eps: ops.group_norm(x, num_groups=2, eps=eps),
}


@both_dtypes
@pytest.mark.parametrize("name", NORMS)
@pytest.mark.parametrize("value", [0.0, 0.1, -3e4])
def test_equal_entries_are_standardised_to_0_and_their_gradient_is_the_centred_cotangent(dtype, name, value):
    """x̂ = 0; d/dx = (g − mean g)/√eps, large but finite, and right however far from 0 the entries lie."""
    eps, shape = 1e-5, (6, 4)
    c = np.cos(np.arange(24)).reshape(shape)
    y, dx = value_and_gradients(lambda x: NORMS[name](x, eps), dtype, np.full(shape, value), cotangent=c)
    np.testing.assert_array_equal(y, 0)
    (g,) = wide(dtype, c)
    parts = {"batch_norm": g.T[:, None], "layer_norm": g[:, None], "group_norm": g.reshape(6, 2, 2)}[name]
    centred = parts - parts.mean(axis=-1, keepdims=True)
    centred = centred.reshape(4, 6).T if name == "batch_norm" else centred.reshape(shape)
    assert_right(dx, centred / np.sqrt(np.longdouble(eps)), dtype, absolute=4 / math.sqrt(eps))


@both_dtypes
def test_batch_norm_of_a_dead_channel_leaves_the_others_alone(dtype):
    """A channel that is 0 for the whole batch gives its bias; the other is as if it were alone."""
    x = np.stack([np.zeros(5), np.array([1.0, -2.0, 0.5, 3.0, 0.0])], axis=1)
    f = lambda x: ops.batch_norm(x, np.full(x.shape[1], 2, dtype), np.full(x.shape[1], 7, dtype))
    y, dx = value_and_gradients(f, dtype, x, cotangent=x)
    alone, d_alone = value_and_gradients(f, dtype, x[:, 1:], cotangent=x[:, 1:])
    np.testing.assert_array_equal(y[:, 0], 7)
    np.testing.assert_array_equal(dx[:, 0], 0)
    np.testing.assert_array_equal(y[:, 1:], alone)
    np.testing.assert_array_equal(dx[:, 1:], d_alone)


def test_a_constant_batch_moves_the_running_variance_towards_0_and_evaluation_stays_finite():
    norm = BatchNorm(2, momentum=1.0)
    x = np.tile(np.array([3.0, -1.0], np.float32), (4, 1))
    np.testing.assert_array_equal(norm(x).data, 0)
    np.testing.assert_array_equal(norm.running_var.data, 0)
    np.testing.assert_array_equal(norm.eval()(x).data, 0)
    np.testing.assert_allclose(norm(x + 1).data, 1 / math.sqrt(norm.eps), rtol=1e-5)


def test_no_variance_at_all_is_refused():
    """One value a channel has none to train on; without eps a variance of 0 would divide by 0."""
    with pytest.raises(ShapeError, match="one value a channel"):
        BatchNorm(3)(np.ones((1, 3), np.float32))
    for make in (lambda: BatchNorm(3, eps=0.0), lambda: LayerNorm(3, eps=0.0), lambda: GroupNorm(1, 3, eps=0.0)):
        with pytest.raises(ConfigError, match="eps"):
            make()
    for f in NORMS.values():
        with pytest.raises(ConfigError, match=r"eps is 0.*variance of 0"):
            f(Tensor(np.ones((3, 4))), 0)


@both_dtypes
@pytest.mark.parametrize("value", [0.0, 0.1, 1e4])
def test_the_variance_of_equal_entries_and_its_gradient_are_0(dtype, value):
    var, dx = value_and_gradients(lambda x: ops.var(x, 0), dtype, np.full(7, value))
    assert_right(var, 0, dtype, absolute=np.finfo(dtype).eps * value**2)
    assert_right(dx, 0, dtype, absolute=value)


def test_the_standard_deviation_of_equal_entries_has_no_gradient_and_sqrt_says_so():
    """√ has slope ∞ at 0: ∞·0 would be NaN. The op that makes it is named."""
    x = Tensor(np.ones(4), requires_grad=True)
    with (
        pytest.raises(NonFiniteError, match=r"sqrt: the gradient for its argument of shape \(\) is not finite"),
        np.errstate(all="ignore"),
    ):
        ops.sqrt(ops.var(x)).backward()
