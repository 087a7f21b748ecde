"""A T-step Gaussian diffusion is a hierarchical VAE, and its ELBO a sum of KLs in closed form (Ho et al. 2020, eq. 5):

    ELBO(x₀) = E log p(x₀|x₁) − Σ_{t=2..T} E KL(q(x_{t−1}|x_t, x₀) ‖ p(x_{t−1}|x_t)) − KL(q(x_T|x₀) ‖ p(x_T))

Forward q(x_t|x_{t−1}) = N(√(1−β_t) x_{t−1}, β_t). Backward here p(x_{t−1}|x_t) = N(a_t x_t + c_t, s_t²): what a linear
network would say. All averages are of polynomials of second degree in normal noise, so they are taken exactly.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from linear_vae import second_order_points

from minivae.distributions import Normal, kl_divergence

D = 2
BETAS = np.array([0.02, 0.05, 0.1, 0.2, 0.35, 0.5])
T = len(BETAS)
KEPT = np.cumprod(1 - BETAS)  # ᾱ_t, for t = 1 ... T
STANDARD = Normal(np.zeros(D), 1.0)


def total(values):
    """Summed over the dimensions of x, and averaged over the points."""
    return values.data.sum(axis=-1).mean()


def forward(t, x):
    """q(x_t|x_{t−1})."""
    return Normal(math.sqrt(1 - BETAS[t - 1]) * x, math.sqrt(BETAS[t - 1]))


def jump(t, x0):
    """q(x_t|x₀) = N(√ᾱ_t x₀, 1 − ᾱ_t)."""
    return Normal(math.sqrt(KEPT[t - 1]) * x0, math.sqrt(1 - KEPT[t - 1]))


def between(t, x0, xt):
    """q(x_{t−1}|x_t, x₀) (Ho et al. 2020, eqs. 6 and 7)."""
    kept, before, beta = KEPT[t - 1], KEPT[t - 2], BETAS[t - 1]
    mean = (math.sqrt(before) * beta * x0 + math.sqrt(1 - beta) * (1 - before) * xt) / (1 - kept)
    return Normal(mean, math.sqrt((1 - before) / (1 - kept) * beta))


class Backward:
    """p(x_{t−1}|x_t) = N(a x_t + c, s²) for t = 1 ... T."""

    def __init__(self, a, c, s):
        self.a, self.c, self.s = a, c, s

    def __call__(self, t, x):
        return Normal(self.a[t - 1] * x + self.c[t - 1], float(self.s[t - 1]))


def some_network(rng):
    return Backward(rng.uniform(0.5, 1.1, T), rng.normal(size=(T, D)) / 5, rng.uniform(0.3, 0.9, T))


def true_reversal(variance):
    """What undoes the forward steps for data from N(0, variance): both directions have the same joint density."""
    marginal = np.concatenate([[variance], KEPT * variance + 1 - KEPT])  # of x_t, for t = 0 ... T
    a = np.sqrt(1 - BETAS) * marginal[:-1] / marginal[1:]
    return Backward(a, np.zeros((T, D)), np.sqrt(marginal[:-1] * BETAS / marginal[1:])), marginal[-1]


def sum_of_divergences(x0, p):
    """The three terms of the ELBO at one x₀, in nats: (reconstruction, steps, prior)."""
    noise = second_order_points(D)
    points = [jump(t, x0).rsample(noise, sample_shape=(len(noise),)).data for t in range(1, T + 1)]
    reconstruction = total(p(1, points[0]).log_prob(np.tile(x0, (len(noise), 1))))
    steps = [total(kl_divergence(between(t, x0, points[t - 1]), p(t, points[t - 1]))) for t in range(2, T + 1)]
    return reconstruction, sum(steps), kl_divergence(jump(T, x0), STANDARD).data.sum()


def elbo(x0, p):
    reconstruction, steps, prior = sum_of_divergences(x0, p)
    return reconstruction - steps - prior


def average_log_ratio(x0, p, noise):
    """The mean of log p(x₀ ... x_T) − log q(x₁ ... x_T|x₀) over paths made of noise (n, T, D)."""
    x, log_ratio = np.tile(x0, (len(noise), 1)), 0.0
    for t in range(1, T + 1):
        step = forward(t, x)
        after = step.rsample(noise[:, t - 1]).data
        log_ratio = log_ratio + (p(t, after).log_prob(x) - step.log_prob(after)).data.sum(axis=1)
        x = after
    return log_ratio + STANDARD.log_prob(x).data.sum(axis=1)


def test_the_elbo_is_the_sum_of_divergences(rng):
    """Against the definition, E_q[log p(x₀ ... x_T) − log q(x₁ ... x_T|x₀)], averaged exactly over the T·D noises."""
    noise = second_order_points(T * D).reshape(-1, T, D)
    for _ in range(5):
        x0, p = rng.normal(size=D), some_network(rng)
        assert elbo(x0, p) == pytest.approx(average_log_ratio(x0, p, noise).mean(), rel=1e-11)


def test_drawn_paths_average_to_it_within_the_standard_error(rng):
    x0, p = rng.normal(size=D), some_network(rng)
    values = average_log_ratio(x0, p, rng.standard_normal((50_000, T, D)))
    assert abs(values.mean() - elbo(x0, p)) < 4.5 * values.std(ddof=1) / math.sqrt(len(values))


def test_jumping_is_stepping_t_times(rng):
    """q(x_t|x₀) q(x_{t−1}|x_t, x₀) = q(x_t|x_{t−1}) q(x_{t−1}|x₀), as densities."""
    x0, before, after = rng.normal(size=(3, D))
    for t in range(2, T + 1):
        left = jump(t, x0).log_prob(after) + between(t, x0, after).log_prob(before)
        right = forward(t, before).log_prob(after) + jump(t - 1, x0).log_prob(before)
        np.testing.assert_allclose(left.data, right.data, rtol=1e-11)


def test_for_standard_normal_data_the_true_reversal_has_no_gap_at_any_point(rng):
    p, end = true_reversal(1.0)
    assert end == pytest.approx(1.0)
    for x0 in rng.normal(size=(5, D)):
        assert elbo(x0, p) == pytest.approx(STANDARD.log_prob(x0).sum().item(), rel=1e-11)


@pytest.mark.parametrize("variance", [0.3, 4.0])
def test_for_other_gaussian_data_the_gap_is_what_the_last_step_leaves_of_them(variance):
    """E ELBO = −h(x₀) − KL(q(x_T) ‖ p(x_T)): the steps lose nothing, only x_T is not yet N(0, I)."""
    p, end = true_reversal(variance)
    data = Normal(np.zeros(D), math.sqrt(variance))
    points = math.sqrt(variance) * second_order_points(D)
    average = np.mean([elbo(x0, p) for x0 in points])
    left = kl_divergence(Normal(np.zeros(D), math.sqrt(end)), STANDARD).sum().item()
    assert left > 1e-3
    assert average == pytest.approx(-data.entropy().sum().item() - left, rel=1e-11)
    for factor in (0.95, 1.05):  # and no other slope or width does better
        for other in (Backward(factor * p.a, p.c, p.s), Backward(p.a, p.c, factor * p.s)):
            assert np.mean([elbo(x0, other) for x0 in points]) < average - 1e-4


def test_a_reversal_that_knows_x0_pays_nothing_for_the_steps(rng):
    """If p is q(x_{t−1}|x_t, x₀) itself, the sum over t is zero and only the ends remain."""
    x0 = rng.normal(size=D)
    a = [0.0] + [math.sqrt(1 - BETAS[t - 1]) * (1 - KEPT[t - 2]) / (1 - KEPT[t - 1]) for t in range(2, T + 1)]
    c = [x0] + [between(t, x0, np.zeros(D)).loc.data for t in range(2, T + 1)]
    s = [1.0] + [between(t, x0, np.zeros(D)).scale for t in range(2, T + 1)]
    _, steps, prior = sum_of_divergences(x0, Backward(np.array(a), np.array(c), np.array(s)))
    assert steps == pytest.approx(0.0, abs=1e-12)
    assert prior > 0
