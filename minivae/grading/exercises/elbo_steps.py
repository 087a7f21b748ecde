"""The ELBO of a dense VAE and its gradient, cut into steps, so that a mistake can be put into any of them.

What the learner is to write stands in `elbo.py`; a test holds the two against each other. Names of steps that
start with g_ are pieces of the backward pass. They never look at the forward's pieces, so that a mistake can be made
in the value, in the gradient, or in both.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minivae.backend import Array
from minivae.grading.program import Step, Values


def sigmoid(a: Array) -> Array:
    """1 / (1 + e^−a), without overflow."""
    return np.exp(-np.logaddexp(0, -a))


def softplus(a: Array) -> Array:
    """log(1 + e^a), without overflow."""
    return np.logaddexp(0, a)


def dense(x: Array, v: Values, name: str) -> Array:
    """x @ W_name + b_name."""
    return x @ v.params["W_" + name] + v.params["b_" + name]


def batch_size(v: Values) -> int:
    """B, from whichever argument the exercise has."""
    given = vars(v)
    return next(len(given[name]) for name in ("x", "mu", "logvar", "eps", "d_z") if name in given)


def constant(value: Any) -> Step:
    """A step that is a number."""
    return lambda v: value


FORWARD: dict[str, Step] = {
    "B": batch_size,
    # the encoder
    "h": lambda v: np.tanh(dense(v.x, v, "h")),
    "mu_head": lambda v: dense(v.h, v, "mu"),
    "mu": lambda v: v.mu_head,
    "logvar_head": lambda v: dense(v.h, v, "logvar"),
    "logvar": lambda v: v.logvar_head,
    # the draw
    "sigma": lambda v: np.exp(v.logvar / 2),
    "noise": lambda v: v.eps,
    "z": lambda v: v.mu + v.sigma * v.noise,
    # the decoder
    "h_dec": lambda v: np.tanh(dense(v.z, v, "dec")),
    "logits": lambda v: dense(v.h_dec, v, "logits"),
    # the reconstruction term
    "p": lambda v: sigmoid(v.logits),
    "pixels": lambda v: softplus(v.logits) - v.x * v.logits,
    "rec_pixels": constant(1),
    "rec_batch": lambda v: v.B,
    "reconstruction": lambda v: v.pixels.sum() / (v.rec_pixels * v.rec_batch),
    # the KL term
    "half": constant(0.5),
    "square": lambda v: v.mu**2,
    "variance": lambda v: np.exp(v.logvar),
    "one": constant(1.0),
    "log": lambda v: v.logvar,
    "inside": lambda v: v.square + v.variance - v.one - v.log,
    "kl_latents": constant(1),
    "kl_batch": lambda v: v.B,
    "kl": lambda v: v.half * v.inside.sum() / (v.kl_latents * v.kl_batch),
    # the loss
    "rec_weight": constant(1.0),
    "kl_weight": lambda v: v.beta,
    "loss": lambda v: v.rec_weight * v.reconstruction + v.kl_weight * v.kl,
}

BACKWARD: dict[str, Step] = {
    "g_sign": constant(1.0),
    # from the loss to the logits
    "g_rec_weight": constant(1.0),
    "g_rec_pixels": constant(1),
    "g_rec_batch": lambda v: v.B,
    "g_pixels": lambda v: sigmoid(v.logits) - v.x,
    "d_logits": lambda v: v.g_sign * v.g_rec_weight * v.g_pixels / (v.g_rec_pixels * v.g_rec_batch),
    # the rules of a dense layer and of tanh
    "g_weight": constant(lambda x, g: x.T @ g),
    "g_bias": constant(lambda g: g.sum(axis=0)),
    "g_tanh": constant(lambda h: 1 - h**2),
    # the decoder
    "d_W_logits": lambda v: v.g_weight(v.h_dec, v.d_logits),
    "d_b_logits": lambda v: v.g_bias(v.d_logits),
    "d_h_dec": lambda v: v.d_logits @ v.params["W_logits"].T,
    "d_a_dec": lambda v: v.d_h_dec * v.g_tanh(v.h_dec),
    "d_W_dec": lambda v: v.g_weight(v.z, v.d_a_dec),
    "d_b_dec": lambda v: v.g_bias(v.d_a_dec),
    "d_z": lambda v: v.d_a_dec @ v.params["W_dec"].T,
    # the draw
    "g_to_logvar": lambda v: 0.5 * v.eps * np.exp(v.logvar / 2),
    "g_to_mu": constant(1.0),
    "rec_d_mu": lambda v: v.d_z * v.g_to_mu,
    "rec_d_logvar": lambda v: v.d_z * v.g_to_logvar,
    # the KL term
    "g_half": constant(0.5),
    "g_kl_weight": lambda v: v.beta,
    "g_kl_latents": constant(1),
    "g_kl_batch": lambda v: v.B,
    "g_kl_scale": lambda v: v.g_sign * v.g_kl_weight * v.g_half / (v.g_kl_latents * v.g_kl_batch),
    "g_square": lambda v: 2 * v.mu,
    "g_variance": lambda v: np.exp(v.logvar),
    "g_log": constant(1.0),
    "g_inside_mu": lambda v: v.g_square,
    "g_inside_logvar": lambda v: v.g_variance - v.g_log,
    "kl_d_mu": lambda v: v.g_kl_scale * v.g_inside_mu,
    "kl_d_logvar": lambda v: v.g_kl_scale * v.g_inside_logvar,
    # the heads and the trunk
    "d_mu": lambda v: v.rec_d_mu + v.kl_d_mu,
    "d_logvar": lambda v: v.rec_d_logvar + v.kl_d_logvar,
    "g_mu_head": constant(1.0),
    "g_logvar_head": constant(1.0),
    "d_mu_head": lambda v: v.d_mu * v.g_mu_head,
    "d_logvar_head": lambda v: v.d_logvar * v.g_logvar_head,
    "d_W_mu": lambda v: v.g_weight(v.h, v.d_mu_head),
    "d_b_mu": lambda v: v.g_bias(v.d_mu_head),
    "d_W_logvar": lambda v: v.g_weight(v.h, v.d_logvar_head),
    "d_b_logvar": lambda v: v.g_bias(v.d_logvar_head),
    "g_h_mu": lambda v: v.d_mu_head @ v.params["W_mu"].T,
    "g_h_logvar": lambda v: v.d_logvar_head @ v.params["W_logvar"].T,
    "d_h": lambda v: v.g_h_mu + v.g_h_logvar,
    "d_a": lambda v: v.d_h * v.g_tanh(v.h),
    "d_W_h": lambda v: v.g_weight(v.x, v.d_a),
    "d_b_h": lambda v: v.g_bias(v.d_a),
}

STEPS = FORWARD | BACKWARD
