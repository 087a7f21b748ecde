from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minivae.autodiff import Tensor
from minivae.errors import ConfigError
from minivae.optim import SGD


def textbook(p, gradients, lr, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False):
    """One line a formula, whole arrays, nothing in place."""
    b = None
    for g in gradients:
        g = g + weight_decay * p
        if momentum:
            b = g if b is None else momentum * b + (1 - dampening) * g
            g = g + momentum * b if nesterov else b
        p = p - lr * g
    return p


def descend(curvatures, steps, **options):
    """The path of SGD on the quadratic ½ Σ h·p², from p = 1."""
    p = Tensor(np.ones(len(curvatures)), requires_grad=True)
    optimiser = SGD([p], **options)
    path = [p.data.copy()]
    for _ in range(steps):
        p.grad = np.array(curvatures) * p.data
        optimiser.step()
        path.append(p.data.copy())
    return np.array(path)


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 1000),
    size=st.integers(0, 40),
    lr=st.floats(1e-4, 1.0),
    momentum=st.sampled_from([0.0, 0.5, 0.9]),
    dampening=st.sampled_from([0.0, 0.3]),
    weight_decay=st.sampled_from([0.0, 0.1]),
    nesterov=st.booleans(),
)
def test_sgd_is_the_textbook_formula(seed, size, lr, momentum, dampening, weight_decay, nesterov):
    nesterov = nesterov and momentum > 0 and dampening == 0
    rng = np.random.default_rng(seed)
    p, gradients = rng.standard_normal(size), rng.standard_normal((6, size))
    tensor = Tensor(p.copy(), requires_grad=True)
    optimiser = SGD([tensor], lr, momentum, dampening, weight_decay, nesterov)
    for g in gradients:
        tensor.grad = g.copy()
        tensor.grad.flags.writeable = False
        optimiser.step()
    expected = textbook(p, gradients, lr, momentum, dampening, weight_decay, nesterov)
    np.testing.assert_allclose(tensor.data, expected, rtol=1e-12, atol=1e-12)


def test_gradient_descent_shrinks_each_curvature_by_its_own_factor():
    h, t = np.array([0.1, 1.0, 1.9]), np.arange(31)[:, None]
    np.testing.assert_allclose(descend(h, 30, lr=0.8), (1 - 0.8 * h) ** t, rtol=1e-10)


@pytest.mark.parametrize("nesterov", [False, True])
def test_momentum_on_a_quadratic_follows_its_recurrence_in_closed_form(nesterov):
    """p_{t+1} = (1 + μ − c)·p_t − μ'·p_{t−1}: a sum of two powers, of the roots of z² − (1 + μ − c)·z + μ' = 0."""
    lr, mu, h = 0.1, 0.8, 1.7
    path = descend([h], 40, lr=lr, momentum=mu, nesterov=nesterov)[:, 0]
    # Heavy ball: c = lr·h, μ' = μ. Nesterov: c = lr·h·(1 + μ), μ' = μ·(1 − lr·h).
    c, last = (lr * h * (1 + mu), mu * (1 - lr * h)) if nesterov else (lr * h, mu)
    z = np.roots([1, -(1 + mu - c), last])
    coefficients = np.linalg.solve(np.array([z**0, z]), path[:2])
    t = np.arange(len(path))[:, None]
    np.testing.assert_allclose(path, ((z**t) @ coefficients).real, atol=1e-12)


def test_momentum_at_constant_gradient_reaches_its_terminal_velocity():
    p = Tensor(np.zeros(1), requires_grad=True)
    optimiser = SGD([p], lr=0.01, momentum=0.9)
    for _ in range(400):
        before = p.data.copy()
        p.grad = np.ones(1)
        optimiser.step()
    np.testing.assert_allclose(p.data - before, -0.01 / (1 - 0.9), rtol=1e-10)


def test_the_best_momentum_converges_at_the_rate_of_the_root_of_the_condition_number():
    """Polyak 1964: with the best constants the error falls by (√κ − 1)/(√κ + 1) a step instead of (κ − 1)/(κ + 1)."""
    h = np.array([1.0, 100.0])
    root = np.sqrt(h)
    rate = (root[1] - root[0]) / (root[1] + root[0])
    plain = descend(h, 100, lr=2 / h.sum())[-1]
    heavy = descend(h, 100, lr=(2 / root.sum()) ** 2, momentum=rate**2)[-1]
    np.testing.assert_allclose(np.abs(plain), (99 / 101) ** 100, rtol=1e-9)
    assert np.abs(heavy).max() < 10 * 100 * rate**100


def test_no_momentum_keeps_no_averages():
    optimiser = SGD([Tensor(np.zeros(3), requires_grad=True)])
    assert set(optimiser.state_dict()) == {"lr", "momentum", "dampening", "weight_decay", "nesterov", "steps"}


@pytest.mark.parametrize("options", [{}, {"momentum": 0.9, "dampening": 0.1}])
def test_nesterov_needs_momentum_and_no_dampening(options):
    with pytest.raises(ConfigError, match="nesterov=True needs momentum"):
        SGD([Tensor(np.zeros(3), requires_grad=True)], nesterov=True, **options)


def test_momentum_out_of_range_is_refused():
    with pytest.raises(ConfigError, match=r"SGD: momentum is 1\.0; expected a number, 0 or more and below 1"):
        SGD([Tensor(np.zeros(3), requires_grad=True)], momentum=1.0)
