from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minivae.autodiff import Tensor
from minivae.errors import ConfigError
from minivae.optim import Adam, AdamW


def textbook(p, gradients, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=False):
    """Kingma & Ba 2015, algorithm 1, line by line on whole arrays; decoupled: Loshchilov & Hutter 2019, algorithm 2."""
    m, v = np.zeros_like(p), np.zeros_like(p)
    for t, g in enumerate(gradients, 1):
        if decoupled:
            p = p - lr * weight_decay * p
        else:
            g = g + weight_decay * p
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        m_hat = m / (1 - betas[0] ** t)
        v_hat = v / (1 - betas[1] ** t)
        p = p - lr * m_hat / (np.sqrt(v_hat) + eps)
    return p


def run(make, p, gradients):
    """The parameter after a step with each of the gradients, which arrive read-only."""
    tensor = Tensor(p.copy(), requires_grad=True)
    optimiser = make([tensor])
    for g in gradients:
        tensor.grad = g.copy()
        tensor.grad.flags.writeable = False
        optimiser.step()
    return tensor.data


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 1000),
    size=st.integers(0, 40),
    lr=st.floats(1e-4, 1.0),
    betas=st.tuples(st.floats(0, 0.99), st.floats(0, 0.9999)),
    eps=st.floats(1e-10, 1e-1),
    weight_decay=st.sampled_from([0.0, 0.01, 1.0]),
    decoupled=st.booleans(),
)
def test_adam_is_the_textbook_formula(seed, size, lr, betas, eps, weight_decay, decoupled):
    rng = np.random.default_rng(seed)
    p, gradients = rng.standard_normal(size), rng.standard_normal((6, size))
    kind = AdamW if decoupled else Adam
    got = run(lambda params: kind(params, lr, betas, eps, weight_decay), p, gradients)
    expected = textbook(p, gradients, lr, betas, eps, weight_decay, decoupled)
    np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-10)


def test_float32_stays_float32_and_is_the_textbook_formula_to_its_rounding(rng):
    p, gradients = rng.standard_normal((300, 7)), rng.standard_normal((20, 300, 7))
    got = run(lambda params: Adam(params, 1e-2), p.astype(np.float32), gradients.astype(np.float32))
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, textbook(p, gradients, 1e-2), atol=2e-6)


@pytest.mark.parametrize("kind", [Adam, AdamW])
def test_defaults_are_pytorchs(kind):
    optimiser = kind([Tensor(np.zeros(2), requires_grad=True)])
    decay = 1e-2 if kind is AdamW else 0
    settings = (optimiser.lr, optimiser.beta1, optimiser.beta2, optimiser.eps, optimiser.weight_decay)
    assert settings == (1e-3, 0.9, 0.999, 1e-8, decay)


def test_first_step_is_lr_times_the_sign_of_the_gradient():
    g = np.array([3.0, -1e-3, 1e4, -7.0])
    np.testing.assert_allclose(run(lambda p: Adam(p, 0.1, eps=0.0), np.zeros(4), [g]), -0.1 * np.sign(g), rtol=1e-12)


@pytest.mark.parametrize("scale", [1e-6, 1e3])
def test_adam_does_not_see_the_scale_of_the_loss(rng, scale):
    p, gradients = rng.standard_normal(9), rng.standard_normal((10, 9))
    make = lambda params: Adam(params, 0.1, eps=0.0)
    np.testing.assert_allclose(run(make, p, gradients), run(make, p, scale * gradients), rtol=1e-9)


def test_a_constant_gradient_gives_steps_of_exactly_lr():
    p = run(lambda params: Adam(params, 0.01, eps=0.0), np.zeros(3), [np.array([2.0, -5.0, 0.1])] * 50)
    np.testing.assert_allclose(p, [-0.5, 0.5, -0.5], rtol=1e-10)


def test_a_zero_gradient_moves_nothing():
    np.testing.assert_array_equal(run(lambda params: Adam(params), np.arange(3.0), [np.zeros(3)] * 3), np.arange(3.0))


def test_decoupled_decay_is_a_factor_whatever_the_gradient():
    p = np.array([1.0, -2.0, 5.0])
    got = run(lambda params: AdamW(params, lr=0.1, weight_decay=0.5), p, [np.zeros(3)] * 4)
    np.testing.assert_allclose(got, p * 0.95**4, rtol=1e-12)


def test_coupled_decay_is_rescaled_away_by_adam():
    """The decay term of Adam is divided by its own size: the first step is lr however large the weight."""
    got = run(lambda params: Adam(params, lr=0.1, weight_decay=0.5, eps=0.0), np.array([1.0, -200.0]), [np.zeros(2)])
    np.testing.assert_allclose(got, [0.9, -199.9], rtol=1e-12)


def test_adamw_without_decay_is_adam(rng):
    p, gradients = rng.standard_normal(9), rng.standard_normal((10, 9))
    a = run(lambda params: Adam(params, 0.1), p, gradients)
    np.testing.assert_array_equal(a, run(lambda params: AdamW(params, 0.1, weight_decay=0.0), p, gradients))


def test_a_parameter_that_comes_later_is_corrected_by_its_own_count():
    late, early = (Tensor(np.zeros(2), requires_grad=True) for _ in range(2))
    optimiser = Adam([late, early], lr=0.1, eps=0.0)
    for step in range(5):
        early.grad = np.ones(2)
        late.grad = np.full(2, 7.0) if step == 4 else None
        optimiser.step()
    np.testing.assert_allclose(late.data, -0.1, rtol=1e-12)
    assert optimiser.steps == [1, 5]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lr": -1e-3}, "lr is -0.001"),
        ({"lr": "1e-3"}, "lr is '1e-3'"),
        ({"lr": float("nan")}, "lr is nan"),
        ({"betas": (1.0, 0.999)}, r"betas\[0\] is 1.0"),
        ({"betas": (0.9, -0.1)}, r"betas\[1\] is -0.1"),
        ({"eps": -1e-8}, "eps is -1e-08"),
        ({"weight_decay": -1}, "weight_decay is -1"),
    ],
)
@pytest.mark.parametrize("kind", [Adam, AdamW])
def test_options_out_of_range_are_refused(kind, options, message):
    with pytest.raises(ConfigError, match=f"{kind.__name__}: {message}"):
        kind([Tensor(np.zeros(2), requires_grad=True)], **options)


def test_adam_walks_the_rosenbrock_valley():
    def slope(p):
        x, y = p
        return np.array([-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)])

    point = Tensor(np.array([-1.2, 1.0]), requires_grad=True)
    optimiser = Adam([point], lr=0.02)
    for _ in range(5000):
        point.grad = slope(point.data)
        optimiser.step()
    np.testing.assert_allclose(point.data, [1, 1], atol=1e-3)


def test_adam_fits_a_line_through_the_autodiff():
    from minivae.layers import Dense

    x = np.linspace(-1, 1, 20).reshape(-1, 1)
    layer = Dense(1, 1, dtype=np.float64)
    optimiser = Adam(layer.parameters(), lr=0.1)
    for _ in range(500):
        optimiser.zero_grad()
        error = layer(x) - (3 * x - 2)
        (error * error).mean().backward()
        optimiser.step()
    np.testing.assert_allclose([layer.weight.data[0, 0], layer.bias.data[0]], [3, -2], atol=1e-5)
