"""A diagonal normal posterior written in plain NumPy, right and wrong, as learners write it."""

from __future__ import annotations

import math

import numpy as np

LOG_2PI = math.log(2 * math.pi)

# Log-variances on both sides of 0, means that are neither 0 nor 1: nothing can hide.
MU = np.array([0.3, -1.2, 2.1, -0.4, 0.7])
LOGVAR = np.array([-1.0, 0.5, 1.2, -0.3, 0.1])
L = len(MU)

# What a report on such a sampler compares.
STATISTICS = {
    "∫ exp(log_prob)",
    "mean",
    "variance",
    "distance of cdfs",
    "correlation in sequence",
    "correlation of entries",
}


# --- samplers: z from q --------------------------------------------------------------------------------------


def reparameterise(mu, logvar, eps):
    return mu + np.exp(logvar / 2) * eps


def scaled_by_the_variance(mu, logvar, eps):
    return mu + np.exp(logvar) * eps


def scaled_by_the_logvar(mu, logvar, eps):
    return mu + logvar * eps


def without_noise(mu, logvar, eps):
    return mu + 0 * eps


SAMPLERS = {
    "e^lv for σ (K5)": scaled_by_the_variance,
    "lv for σ (Z2)": scaled_by_the_logvar,
    "no noise (Z11)": without_noise,
    "half the noise": lambda mu, logvar, eps: mu + 0.5 * np.exp(logvar / 2) * eps,
    "minus mu": lambda mu, logvar, eps: -mu + np.exp(logvar / 2) * eps,
    "ReLU on mu (T3)": lambda mu, logvar, eps: np.maximum(mu, 0) + np.exp(logvar / 2) * eps,
    "ReLU on lv (T4)": lambda mu, logvar, eps: mu + np.exp(np.maximum(logvar, 0) / 2) * eps,
    "softplus and exp (T5)": lambda mu, logvar, eps: mu + np.exp(np.logaddexp(logvar, 0) / 2) * eps,
    "fourth root": lambda mu, logvar, eps: mu + np.exp(logvar / 4) * eps,
    "2 % too much noise": lambda mu, logvar, eps: mu + 1.02 * np.exp(logvar / 2) * eps,
}

NOISES = {
    "uniform in [0, 1): rand for randn": lambda rng, shape: rng.random(shape),
    "uniform, with mean 0 and variance 1": lambda rng, shape: math.sqrt(12) * (rng.random(shape) - 0.5),
    "signs": lambda rng, shape: rng.choice([-1.0, 1.0], shape),
    "Laplace, variance 1": lambda rng, shape: rng.laplace(size=shape) / math.sqrt(2),
    "truncated at 2": lambda rng, shape: np.clip(rng.standard_normal(shape), -2, 2),
    "shared by all entries": lambda rng, shape: np.broadcast_to(rng.standard_normal((shape[0], 1)), shape),
    "shared by all draws": lambda rng, shape: np.broadcast_to(rng.standard_normal((1, *shape[1:])), shape),
    "each used twice in a row": lambda rng, shape: np.repeat(rng.standard_normal(shape), 2, axis=0)[: shape[0]],
    "a generator of its own, made anew": lambda rng, shape: np.random.default_rng(0).standard_normal(shape),
}


def sampler(transform=reparameterise, noise=lambda rng, shape: rng.standard_normal(shape)):
    return lambda n, rng: transform(MU, LOGVAR, noise(rng, (n, L)))


# --- log-densities ------------------------------------------------------------------------------------------


def log_normal(x, mu, logvar):
    return -0.5 * (LOG_2PI + logvar + (x - mu) ** 2 / np.exp(logvar))


def log_q(z):
    return log_normal(z, MU, LOGVAR)


def log_p(z):
    return log_normal(z, 0.0, 0.0)


DENSITIES = {
    "no constant": lambda z: -0.5 * (LOGVAR + (z - MU) ** 2 / np.exp(LOGVAR)),
    "no log σ": lambda z: -0.5 * (LOG_2PI + (z - MU) ** 2 / np.exp(LOGVAR)),
    "log σ² once, not halved": lambda z: -0.5 * (LOG_2PI + 2 * LOGVAR + (z - MU) ** 2 / np.exp(LOGVAR)),
    "no ½ before the square (R10)": lambda z: -0.5 * (LOG_2PI + LOGVAR) - (z - MU) ** 2 / np.exp(LOGVAR),
    "σ for σ²": lambda z: -0.5 * (LOG_2PI + LOGVAR + (z - MU) ** 2 / np.exp(LOGVAR / 2)),
    "−½(lv + d²)/e^lv": lambda z: -0.5 * (LOG_2PI + LOGVAR + (z - MU) ** 2) / np.exp(LOGVAR),
}


# --- KL(q ‖ N(0, 1)) -----------------------------------------------------------------------------------------


def kl(mu, logvar):
    return 0.5 * (mu**2 + np.exp(logvar) - 1 - logvar)


DIVERGENCES = {
    "no ½ (K1)": lambda mu, lv: 2 * kl(mu, lv),
    "wrong sign (K2)": lambda mu, lv: -kl(mu, lv),
    "KL(p ‖ q) (K3)": lambda mu, lv: 0.5 * ((1 + mu**2) * np.exp(-lv) - 1 + lv),
    "no −1 (K4)": lambda mu, lv: 0.5 * (mu**2 + np.exp(lv) - lv),
    "a log σ head (K6)": lambda mu, lv: 0.5 * (mu**2 + np.exp(2 * lv) - 1 - 2 * lv),
    "(log σ)² (K8)": lambda mu, lv: 0.5 * (mu**2 + np.exp(lv) - 1 - (lv / 2) ** 2),
    "+ lv (K9)": lambda mu, lv: 0.5 * (mu**2 + np.exp(lv) - 1 + lv),
    "μ not squared (K10)": lambda mu, lv: 0.5 * (mu + np.exp(lv) - 1 - lv),
    "log σ for log σ² (K11)": lambda mu, lv: 0.5 * (mu**2 + np.exp(lv) - 1 - lv / 2),
    "averaged over latents (K13)": lambda mu, lv: kl(mu, lv) / L,
    "no μ": lambda mu, lv: 0.5 * (0 * mu + np.exp(lv) - 1 - lv),
}
