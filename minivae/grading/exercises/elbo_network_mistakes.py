"""Mistakes in the layers around the heads."""

from __future__ import annotations

import numpy as np

from minivae.grading.exercise import Mistake
from minivae.grading.exercises.elbo_steps import constant, sigmoid, softplus

D_H = "d_h = d_mu W_muᵀ + d_logvar W_logvarᵀ"

NETWORK_MISTAKES = (
    Mistake(
        "T1",
        "the trunk's gradient is overwritten: only the log-variance head's arrives",
        "d_h = d_logvar W_logvarᵀ",
        D_H,
        "How many layers read h? What does each of them send back?",
        "A value that is used twice gets the sum of both gradients: += where you have =.",
        changes=({"d_h": lambda v: v.g_h_logvar},),
    ),
    Mistake(
        "T2",
        "the trunk hears from the mean head alone",
        "d_h = d_mu W_muᵀ",
        D_H,
        "How many layers read h? What does each of them send back?",
        "A value that is used twice gets the sum of both gradients.",
        changes=({"d_h": lambda v: v.g_h_mu},),
    ),
    Mistake(
        "T3",
        "a ReLU on the mean head",
        "μ = relu(h W_mu + b_mu)",
        "μ = h W_mu + b_mu",
        "Can your μ be negative? Should it be?",
        "Heads are plain dense layers: the prior sits around 0, on both sides.",
        changes=(
            {"mu": lambda v: np.maximum(v.mu_head, 0), "g_mu_head": lambda v: 1.0 * (v.mu_head > 0)},
            {"mu": lambda v: np.maximum(v.mu_head, 0)},
        ),
    ),
    Mistake(
        "T4",
        "a ReLU on the log-variance head",
        "logvar = relu(h W_logvar + b_logvar)",
        "logvar = h W_logvar + b_logvar",
        "Can your σ be smaller than 1? Should it be able to?",
        "Heads are plain dense layers. The logarithm is there so that no constraint is needed.",
        changes=(
            {"logvar": lambda v: np.maximum(v.logvar_head, 0), "g_logvar_head": lambda v: 1.0 * (v.logvar_head > 0)},
            {"logvar": lambda v: np.maximum(v.logvar_head, 0)},
        ),
    ),
    Mistake(
        "T5",
        "softplus and exp, both: one of them would do",
        "σ² = exp(softplus(a))",
        "σ² = exp(a),  logvar = a",
        "How small can your σ² become?",
        "softplus(a) is positive, so exp of it is above 1: this σ can never be smaller than the prior's.",
        changes=(
            {"logvar": lambda v: softplus(v.logvar_head), "g_logvar_head": lambda v: sigmoid(v.logvar_head)},
            {"logvar": lambda v: softplus(v.logvar_head)},
        ),
    ),
    Mistake(
        "W1",
        "the bias gradient is averaged over the batch",
        "d_b = (1/B) Σ_b g_b",
        "d_b = Σ_b g_b",
        "The bias is added to every row. Is the 1/B of the mean not in g already?",
        "What is used B times gets the sum of B gradients. The loss's 1/B came in at d_logits, once.",
        changes=({"g_bias": constant(lambda g: g.mean(axis=0))},),
    ),
    Mistake(
        "W2",
        "the derivative of tanh is missing",
        "d_a = d_h",
        "d_a = d_h · (1 − h²)",
        "Between a and h there is a tanh. Where is it in your backward pass?",
        "h = tanh(a), dh/da = 1 − tanh(a)² = 1 − h².",
        changes=({"g_tanh": constant(lambda h: np.ones_like(h))},),
    ),
    Mistake(
        "W3",
        "tanh is applied once more in its own derivative",
        "d_a = d_h · (1 − tanh(h)²)",
        "d_a = d_h · (1 − h²)",
        "Is what you square tanh(a), or tanh(tanh(a))?",
        "h is tanh(a) already.",
        changes=({"g_tanh": constant(lambda h: 1 - np.tanh(h) ** 2)},),
    ),
    Mistake(
        "W4",
        "the weight gradient is divided by the batch size once more",
        "d_W = (1/B) xᵀ g",
        "d_W = xᵀ g",
        "Is the 1/B of the mean not in g already?",
        "The loss's 1/B came in at d_logits, once, and travels back inside g.",
        changes=({"g_weight": constant(lambda x, g: x.T @ g / len(x))},),
    ),
    Mistake(
        "W5",
        "the derivative of tanh with h for h²",
        "d_a = d_h · (1 − h)",
        "d_a = d_h · (1 − h²)",
        "What is the derivative of tanh, in terms of tanh?",
        "d tanh(a)/da = 1 − tanh(a)².",
        changes=({"g_tanh": constant(lambda h: 1 - h)},),
    ),
    Mistake(
        "W6",
        "the derivative of the sigmoid in place of that of tanh",
        "d_a = d_h · h (1 − h)",
        "d_a = d_h · (1 − h²)",
        "Which function has the derivative h (1 − h), and which one made h?",
        "d tanh(a)/da = 1 − tanh(a)².",
        changes=({"g_tanh": constant(lambda h: h * (1 - h))},),
    ),
)
