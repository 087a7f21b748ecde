"""Lesson 07: the logarithm of a mean of weights, and log p(x) as a sum over a grid of z."""

from __future__ import annotations

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, register

Rng = np.random.Generator


def log_mean_exp(log_w: Array) -> Array:
    """log (1/K) Σ_k exp(log_w), over axis 0, without overflow.  (K, N) -> (N,)."""
    top = log_w.max(axis=0)
    return top + np.log(np.mean(np.exp(log_w - top), axis=0))


def log_normal_prior(z: Array) -> Array:
    """log N(z; 0, 1) of each entry."""
    return -0.5 * (np.log(2 * np.pi) + z**2)


def log_marginal(log_px_given_z: Array, z: Array) -> Array:
    """log Σ_i p(z_i) p(x|z_i) Δz for equally spaced z, with a standard normal prior.  (M, N), (M,) -> (N,)."""
    terms = log_px_given_z + log_normal_prior(z)[:, None] + np.log(z[1] - z[0])
    return log_mean_exp(terms) + np.log(len(z))


def _grid(rng: Rng) -> Arguments:
    """Likelihoods (101, 13) with one or two humps, and a grid of z whose ends do not count."""
    z = np.linspace(-9.0, 9.0, 101)
    centre, other = rng.uniform(-2, 2, (2, 1, 13))
    humps = [-0.5 * ((z[:, None] - c) / 0.6) ** 2 for c in (centre, other)]
    return np.logaddexp(humps[0], humps[1] - 0.4) - rng.uniform(2, 6, 13), z


def _far(rng: Rng) -> Arguments:
    log_px_given_z, z = _grid(rng)
    return log_px_given_z - 2000.0, z


MEAN = "log (1/K) Σ_k w_k"
SUM = "log Σ_i p(z_i) p(x|z_i) Δz"

MEAN_MISTAKES = (
    Mistake(
        "I1",
        "the mean of the logarithms, not the logarithm of the mean",
        "(1/K) Σ_k log w_k",
        MEAN,
        "Take the two weights 1 and 9. What is their mean, and what is the logarithm of it?",
        "First leave the logarithm, by exp; then take the mean; then the logarithm.",
        wrong=lambda log_w: log_w.mean(axis=0),
    ),
    Mistake(
        "I2",
        "−log K is forgotten: a sum, not a mean",
        "log Σ_k w_k",
        MEAN,
        "If all K weights are the same, what should come out?",
        "np.mean where np.sum stands, or − np.log(len(log_w)) at the end.",
        wrong=lambda log_w: log_mean_exp(log_w) + np.log(len(log_w)),
    ),
    Mistake(
        "EL1",
        "the largest logarithm was taken off and not put back",
        "log (1/K) Σ_k exp(log w_k − top)",
        "top + log (1/K) Σ_k exp(log w_k − top)",
        "Add 5 to every log-weight. By how much should the result change, and by how much does yours?",
        "exp(log w − top) is w divided by e^top. Its logarithm lacks top.",
        wrong=lambda log_w: log_mean_exp(log_w) - log_w.max(axis=0),
    ),
    Mistake(
        "EL2",
        "the largest logarithm was subtracted where it should be added",
        "−top + log (1/K) Σ_k exp(log w_k − top)",
        "top + log (1/K) Σ_k exp(log w_k − top)",
        "Add 5 to every log-weight. By how much should the result change, and by how much does yours?",
        "w = e^top · exp(log w − top), and the logarithm of a product is the sum of the logarithms.",
        wrong=lambda log_w: log_mean_exp(log_w) - 2 * log_w.max(axis=0),
    ),
    Mistake(
        "EL3",
        "the mean of the weights, without the logarithm",
        "(1/K) Σ_k w_k",
        MEAN,
        "A weight of an image is about e^−300. In which form can the computer keep the result?",
        "Take np.log of the mean.",
        wrong=lambda log_w: np.exp(log_mean_exp(log_w)),
    ),
    Mistake(
        "EL4",
        "the largest weight alone",
        "log max_k w_k",
        MEAN,
        "If all K weights are the same but for the largest, do the others count for nothing?",
        "The largest is only taken out in front, so that exp does not overflow; the mean is still over all.",
        wrong=lambda log_w: log_w.max(axis=0),
    ),
)

GRID_MISTAKES = (
    Mistake(
        "EL5",
        "Δz is forgotten: a sum of heights, not of areas",
        "log Σ_i p(z_i) p(x|z_i)",
        SUM,
        "If you make the grid twice as fine, what should become of the integral, and what becomes of your sum?",
        "Each term is a strip: its height times its width, z[1] − z[0].",
        wrong=lambda log_px, z: log_marginal(log_px, z) - np.log(z[1] - z[0]),
    ),
    Mistake(
        "EL6",
        "the mean over the grid, in place of the sum of strips",
        "log (1/M) Σ_i p(z_i) p(x|z_i)",
        SUM,
        "If the grid reaches twice as far out, where nothing is, what should become of the integral?",
        "A mean over draws from the prior needs no p(z). A grid is no set of draws: height times width, and add.",
        wrong=lambda log_px, z: log_marginal(log_px, z) - np.log((z[1] - z[0]) * len(z)),
    ),
    Mistake(
        "EL35",
        "the mean of the strips, in place of their sum",
        "log (1/M) Σ_i p(z_i) p(x|z_i) Δz",
        SUM,
        "If you make the grid twice as fine, what should become of the integral, and what becomes of your number?",
        "Areas are added. A mean is the sum divided by the number of strips, so multiply by it, or add its logarithm.",
        wrong=lambda log_px, z: log_marginal(log_px, z) - np.log(len(z)),
    ),
    Mistake(
        "EL7",
        "the prior is missing: every z counts alike",
        "log Σ_i p(x|z_i) Δz",
        SUM,
        "How often does this model draw a z near 6?",
        "The integral is over p(z) p(x|z). Add log p(z), that of a standard normal, to each column.",
        wrong=lambda log_px, z: log_marginal(log_px - log_normal_prior(z)[:, None], z),
    ),
    Mistake(
        "EL8",
        "the prior without its constant: ½ log 2π is missing",
        "p(z) = exp(−½ z²)",
        "p(z) = exp(−½ z²) / √(2π)",
        "What is the area under your p(z)?",
        "log N(z; 0, 1) = −½ (log 2π + z²). Without the constant, log p(x) comes out 0.919 nats too high.",
        wrong=lambda log_px, z: log_marginal(log_px, z) + 0.5 * np.log(2 * np.pi),
    ),
    Mistake(
        "EL9",
        "the mean of log p(x|z) under the prior, not the logarithm of the mean",
        "Σ_i p(z_i) Δz log p(x|z_i)",
        SUM,
        "The probability of x is a mean of probabilities. When is the logarithm taken: before, or after?",
        "log Σ, not Σ log: the mean of the logarithms is smaller, as this lesson will show.",
        wrong=lambda log_px, z: np.sum((np.exp(log_normal_prior(z)) * (z[1] - z[0]))[:, None] * log_px, axis=0),
    ),
    Mistake(
        "EL10",
        "the largest term alone: the height of the peak, not its area",
        "log max_i p(z_i) p(x|z_i)",
        SUM,
        "Two images are explained equally well at their best z, one of them by many z. Which is more probable?",
        "Add all strips: the width of the peak counts as much as its height.",
        wrong=lambda log_px, z: np.max(log_px + log_normal_prior(z)[:, None], axis=0),
    ),
    Mistake(
        "EL11",
        "the probability itself, without the logarithm",
        "Σ_i p(z_i) p(x|z_i) Δz",
        SUM,
        "p(x) of an image is about e^−300. In which form can the computer keep the result?",
        "Stay among logarithms to the end.",
        wrong=lambda log_px, z: np.exp(log_marginal(log_px, z)),
    ),
)

register(
    Exercise(
        name="log_mean_exp",
        reference=log_mean_exp,
        cases=lambda rng: (rng.normal(-3.0, 1.5, (5, 13)),),
        sizes={5: "K", 13: "N"},
        extremes={
            "log-weights of −2000, usual for images": lambda rng: (np.array([[-2000.0, -900.0], [-2001.0, -1100.0]]),)
        },
        mistakes=MEAN_MISTAKES,
    )
)

register(
    Exercise(
        name="log_marginal",
        reference=log_marginal,
        cases=_grid,
        returns=("log p(x)",),
        sizes={101: "M", 13: "N"},
        extremes={"log-likelihoods of −2000, usual for images": _far},
        mistakes=GRID_MISTAKES,
    )
)
