"""Importance weights, and the bound made of them (Burda et al. 2016)."""

from __future__ import annotations

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, register

BOUND = "log (1/K) Σ_k w_k"
Rng = np.random.Generator


def _logsumexp(a: Array) -> Array:
    top = a.max(axis=0)
    return top + np.log(np.sum(np.exp(a - top), axis=0))


def iwae_bound(log_px_given_z: Array, log_pz: Array, log_qz: Array, kl: Array) -> Array:
    """The mean over the batch of log (1/K) Σ_k w_k, w = p(x|z) p(z)/q(z|x); kl is offered, and not needed.

    log_px_given_z, log_pz, log_qz: log-densities at K draws of z, (K, B), in nats. kl: the closed form, (B,).
    """
    log_w = log_px_given_z + log_pz - log_qz
    return np.mean(_logsumexp(log_w) - np.log(len(log_w)))


def iwae_weights(log_w: Array) -> Array:
    """The normalised weights w_k / Σ_k w_k of K draws.  (K, B) -> (K, B)."""
    return np.exp(log_w - _logsumexp(log_w))


def _self_normalised(log_px: Array, log_pz: Array, log_qz: Array, kl: Array) -> Array:
    log_w = log_px + log_pz - log_qz
    return np.mean(np.sum(iwae_weights(log_w) * log_w, axis=0))


def _case(rng: Rng) -> Arguments:
    K, B = 5, 13
    log_px, log_pz, log_qz = (rng.normal(centre, 1.0, (K, B)) for centre in (-9.0, -4.0, -3.0))
    return log_px, log_pz, log_qz, rng.uniform(0.5, 2.0, B)


def _far(rng: Rng) -> Arguments:
    return (*(np.array([[centre, centre - 3.0]]).T for centre in (-2000.0, -4.0, -3.0)), np.ones(1))


register(
    Exercise(
        name="iwae_bound",
        reference=iwae_bound,
        cases=_case,
        returns=("bound",),
        sizes={5: "K", 13: "B"},
        extremes={"log-densities of −2000, usual for images": _far},
        mistakes=(
            Mistake(
                "I1",
                "the mean of the logarithms, not the logarithm of the mean",
                "(1/K) Σ_k log w_k",
                BOUND,
                "Does your bound become tighter when K grows?",
                "The mean of log w is the ELBO again, whatever K. The weights are averaged before the logarithm.",
                wrong=lambda log_px, log_pz, log_qz, kl: np.mean(log_px + log_pz - log_qz),
            ),
            Mistake(
                "I2",
                "−log K is forgotten",
                "log Σ_k w_k",
                BOUND,
                "If all K weights are the same, what should the bound be?",
                "A mean, not a sum: without −log K the bound grows with K as it likes, past log p(x).",
                wrong=lambda log_px, log_pz, log_qz, kl: np.mean(_logsumexp(log_px + log_pz - log_qz)),
            ),
            Mistake(
                "I3",
                "the closed-form KL inside the weights",
                "log w = log p(x|z) − KL",
                "log w = log p(x|z) + log p(z) − log q(z|x)",
                "The KL is an average over z. What does a weight need: an average, or the densities at its own z?",
                "Inside the logarithm of a mean the average may not be taken early.",
                wrong=lambda log_px, log_pz, log_qz, kl: np.mean(_logsumexp(log_px - kl) - np.log(len(log_px))),
            ),
            Mistake(
                "I4",
                "Σ w̃ log w is reported as the bound",
                "Σ_k w̃_k log w_k",
                BOUND,
                "The normalised weights belong into the gradient. Do they belong into the bound?",
                "Σ w̃ log w has the right gradient for the model if w̃ is held fixed, but it is another number.",
                wrong=_self_normalised,
            ),
            Mistake(
                "I5",
                "q(z|x) and p(z) have changed places",
                "log w = log p(x|z) + log q(z|x) − log p(z)",
                "log w = log p(x|z) + log p(z) − log q(z|x)",
                "z came from q. Which density is divided by?",
                "A weight is target over proposal: p(x, z) / q(z|x).",
                wrong=lambda log_px, log_pz, log_qz, kl: iwae_bound(log_px, log_qz, log_pz, kl),
            ),
            Mistake(
                "I9",
                "log q(z|x) is added where it should be subtracted",
                "log w = log p(x|z) + log p(z) + log q(z|x)",
                "log w = log p(x|z) + log p(z) − log q(z|x)",
                "z came from q. Is its density multiplied with, or divided by?",
                "A weight is target over proposal: p(x, z) / q(z|x).",
                wrong=lambda log_px, log_pz, log_qz, kl: iwae_bound(log_px, log_pz, -log_qz, kl),
            ),
            Mistake(
                "I10",
                "the closed-form KL is subtracted as well",
                "log w = log p(x|z) + log p(z) − log q(z|x) − KL",
                "log w = log p(x|z) + log p(z) − log q(z|x)",
                "Of what is the KL term the mean? Is that in the weight already?",
                "KL = E_q[log q(z|x) − log p(z)]. Both logarithms are in log w.",
                wrong=lambda log_px, log_pz, log_qz, kl: iwae_bound(log_px - kl, log_pz, log_qz, kl),
            ),
        ),
    )
)

register(
    Exercise(
        name="iwae_weights",
        reference=iwae_weights,
        cases=lambda rng: (rng.normal(-3.0, 1.0, (5, 13)),),
        returns=("weights",),
        sizes={5: "K", 13: "B"},
        extremes={"log-weights of −2000, usual for images": lambda rng: (np.array([[-2000.0], [-2001.0]]),)},
        mistakes=(
            Mistake(
                "I6",
                "softmax of the loss: the worst draw gets the largest weight",
                "softmax(−log w)",
                "softmax(log w)",
                "Which draw should count most: the one that explains x best, or worst?",
                "The loss is −log w. A softmax of the loss turns the order around.",
                wrong=lambda log_w: iwae_weights(-log_w),
            ),
            Mistake(
                "I7",
                "normalised over the batch, not over the draws",
                "w_k / Σ_b w_k",
                "w_k / Σ_k w_k",
                "For one example, what should its K weights add up to?",
                "Axis 0 holds the K draws of the same example.",
                wrong=lambda log_w: iwae_weights(log_w.T).T,
            ),
            Mistake(
                "I8",
                "not normalised",
                "w_k",
                "w_k / Σ_k w_k",
                "For one example, what should its K weights add up to?",
                "Divide by the sum over the K draws.",
                wrong=np.exp,
            ),
        ),
    )
)
