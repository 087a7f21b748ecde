"""Lesson 07: how many draws of equal weight a set of weighted draws is worth."""

from __future__ import annotations

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Exercise, Mistake, register

ESS = "(Σ_k w_k)² / Σ_k w_k²"


def _relative(log_w: Array) -> Array:
    """The weights divided by the largest one."""
    return np.exp(log_w - log_w.max(axis=0))


def effective_sample_size(log_w: Array) -> Array:
    """(Σ w)²/Σ w² of each column: K if all weights are equal, 1 if one has everything.  (K, N) -> (N,)."""
    w = _relative(log_w)
    return w.sum(axis=0) ** 2 / (w**2).sum(axis=0)


def _perplexity(log_w: Array) -> Array:
    share = _relative(log_w) / _relative(log_w).sum(axis=0)
    return np.exp(-np.sum(share * np.log(share), axis=0))


register(
    Exercise(
        name="effective_sample_size",
        reference=effective_sample_size,
        cases=lambda rng: (rng.normal(-0.4, 1.2, (7, 13)),),
        sizes={7: "K", 13: "N"},
        extremes={
            "log-weights of −2000, usual for images": lambda rng: (np.array([[-2000.0, -900.0], [-2001.0, -1100.0]]),)
        },
        mistakes=(
            Mistake(
                "EL12",
                "upside down",
                "Σ_k w_k² / (Σ_k w_k)²",
                ESS,
                "What should come out for K equal weights?",
                "K equal weights: the square of the sum is K², the sum of the squares K.",
                wrong=lambda log_w: 1 / effective_sample_size(log_w),
            ),
            Mistake(
                "EL13",
                "means in place of sums: a share of the draws, not a number",
                "mean(w)² / mean(w²)",
                ESS,
                "What should come out for K equal weights?",
                "With means the result lies between 1/K and 1. Multiply it by K.",
                wrong=lambda log_w: effective_sample_size(log_w) / len(log_w),
            ),
            Mistake(
                "EL14",
                "the sum is not squared",
                "Σ_k w_k / Σ_k w_k²",
                ESS,
                "Multiply all weights by 10. Should your number change?",
                "The sum must be squared, so that the unit of the weights cancels.",
                wrong=lambda log_w: np.exp(log_w).sum(axis=0) / np.exp(2 * log_w).sum(axis=0),
            ),
            Mistake(
                "EL38",
                "the sum is not squared, with the largest weight as the unit",
                "Σ_k w_k / Σ_k w_k², where max_k w_k = 1",
                ESS,
                "What should come out for K equal weights, and what do you get?",
                "With all weights 1 both sums are K. Square the sum in the numerator.",
                wrong=lambda log_w: _relative(log_w).sum(axis=0) / (_relative(log_w) ** 2).sum(axis=0),
            ),
            Mistake(
                "EL15",
                "the weights do not sum to 1 where they should",
                "1 / Σ_k w_k²",
                "1 / Σ_k (w_k / Σ w)²",
                "Multiply all weights by 10. Should your number change?",
                "1/Σ w² is right for weights that were divided by their sum.",
                wrong=lambda log_w: 1 / np.exp(2 * log_w).sum(axis=0),
            ),
            Mistake(
                "EL16",
                "the sum of the squares where the square of the sum belongs",
                "Σ_k w_k² / Σ_k w_k²",
                ESS,
                "Which comes first in the numerator, adding or squaring? Can it be the same as the denominator?",
                "Add first, then square: w.sum(axis=0) ** 2.",
                wrong=lambda log_w: np.ones(log_w.shape[1]),
            ),
            Mistake(
                "EL17",
                "the sum divided by the largest weight",
                "Σ_k w_k / max_k w_k",
                ESS,
                "This, too, is K for equal weights. But is it what the variance of the mean is made of?",
                "Divide the square of the sum by the sum of the squares.",
                wrong=lambda log_w: _relative(log_w).sum(axis=0),
            ),
            Mistake(
                "EL18",
                "the logarithms in place of the weights",
                "(Σ_k log w_k)² / Σ_k (log w_k)²",
                ESS,
                "A draw whose weight is e^−300 counts for nothing. Does it in your sum?",
                "First exp(log_w − its largest value).",
                wrong=lambda log_w: log_w.sum(axis=0) ** 2 / (log_w**2).sum(axis=0),
            ),
            Mistake(
                "EL19",
                "the exponential of the entropy of the weights",
                "exp(−Σ_k w̃_k log w̃_k)",
                ESS,
                "Another good measure, but what does the variance of a weighted mean contain: w log w, or w²?",
                "The variance of Σ w̃ f is Σ w̃² times that of f.",
                wrong=_perplexity,
            ),
        ),
    )
)
