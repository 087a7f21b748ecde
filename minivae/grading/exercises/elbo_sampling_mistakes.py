"""Mistakes in the draw z = μ + σ·ε and in the way back through it."""

from __future__ import annotations

import numpy as np

from minivae.grading.exercise import Mistake

Z = "z = μ + exp(logvar/2)·ε"
D_LOGVAR = "d_z · ½ ε σ"

# A wrong slope alone comes before a wrong draw with that slope: where z is not shown, their numbers are the same.
SAMPLING_MISTAKES = (
    Mistake(
        "Z4",
        "the ½ is missing in dz/dlogvar",
        "d_z · ε σ",
        D_LOGVAR,
        "What is the derivative of exp(logvar/2)?",
        "The chain rule brings the ½ down: d/dlogvar exp(logvar/2) = ½ exp(logvar/2).",
        changes=({"g_to_logvar": lambda v: v.eps * np.exp(v.logvar / 2)},),
    ),
    Mistake(
        "Z6",
        "the ε is missing in dz/dlogvar",
        "d_z · ½ σ",
        D_LOGVAR,
        "In z = μ + σ·ε, what is dz/dσ?",
        "ε is a number like any other in this draw: it multiplies σ, so it multiplies the derivative.",
        changes=({"g_to_logvar": lambda v: 0.5 * np.exp(v.logvar / 2)},),
    ),
    Mistake(
        "Z7",
        "the derivative with respect to σ, not to logvar",
        "d_z · ε",
        D_LOGVAR,
        "The network puts out logvar. With respect to what did you differentiate?",
        "dz/dlogvar = dz/dσ · dσ/dlogvar = ε · σ/2.",
        changes=({"g_to_logvar": lambda v: v.eps},),
    ),
    Mistake(
        "Z8",
        "the variance in place of the standard deviation, on the way back",
        "d_z · ½ ε σ²",
        D_LOGVAR,
        "Which σ stands in z = μ + σ·ε, and is that the one you differentiate?",
        "dz/dlogvar = ½ ε σ, with σ = exp(logvar/2).",
        changes=({"g_to_logvar": lambda v: 0.5 * v.eps * np.exp(v.logvar)},),
    ),
    Mistake(
        "K5",
        "the variance is taken for the standard deviation",
        "z = μ + exp(logvar)·ε",
        Z,
        "ε has standard deviation 1. Which standard deviation has your z, and which should it have?",
        "exp(logvar) is σ². In z and in its gradient alike, it passes every gradient check.",
        changes=(
            {"sigma": lambda v: np.exp(v.logvar), "g_to_logvar": lambda v: v.eps * np.exp(v.logvar)},
            {"sigma": lambda v: np.exp(v.logvar), "g_to_logvar": lambda v: 0.5 * v.eps * np.exp(v.logvar)},
        ),
    ),
    Mistake(
        "Z2",
        "logvar itself is taken for the standard deviation",
        "z = μ + logvar·ε",
        Z,
        "Can logvar be negative? Can a standard deviation?",
        "σ = exp(logvar/2): first from log σ² to log σ, then out of the logarithm.",
        changes=({"sigma": lambda v: v.logvar, "g_to_logvar": lambda v: v.eps},),
    ),
    Mistake(
        "Z11",
        "no noise: the mean is decoded",
        "z = μ",
        Z,
        "If z is always μ, what does σ change in the reconstruction?",
        "Without noise the shown loss is even lower, but the decoder never sees what it will see when z is drawn.",
        changes=({"noise": lambda v: 0 * v.eps, "g_to_logvar": lambda v: 0 * v.eps},),
    ),
    Mistake(
        "Z3",
        "nothing comes back through σ",
        "d_logvar = β (exp(logvar) − 1)/(2B)",
        "d_logvar = d_z · ½ ε σ + β (exp(logvar) − 1)/(2B)",
        "If logvar changes a little, does z stay where it is?",
        "z = μ + σ·ε depends on logvar through σ: dz/dlogvar = ½ ε σ.",
        changes=({"rec_d_logvar": lambda v: 0 * v.d_z},),
    ),
    Mistake(
        "Z9",
        "z is cut off: the encoder sees the KL term alone",
        "d_mu = β μ/B,  d_logvar = β (exp(logvar) − 1)/(2B)",
        "d_mu = d_z + β μ/B,  d_logvar = ½ d_z ε σ + β (exp(logvar) − 1)/(2B)",
        "How does the encoder learn what the decoder needs?",
        "d_z flows on through z = μ + σ·ε: times 1 to μ, times ½ ε σ to logvar.",
        changes=({"rec_d_mu": lambda v: 0 * v.d_z, "rec_d_logvar": lambda v: 0 * v.d_z},),
    ),
    Mistake(
        "Z10",
        "nothing of the reconstruction comes back to μ",
        "d_mu = β μ/B",
        "d_mu = d_z + β μ/B",
        "If μ changes a little, by how much does z change?",
        "dz/dμ = 1, so d_z arrives at μ as it is.",
        changes=({"rec_d_mu": lambda v: 0 * v.d_z},),
    ),
    Mistake(
        "Z13",
        "μ and σ have changed places",
        "z = σ + μ·ε",
        Z,
        "If ε is 0, what should z be?",
        "μ moves, σ stretches.",
        changes=(
            {
                "z": lambda v: np.exp(v.logvar / 2) + v.mu * v.eps,
                "g_to_mu": lambda v: v.eps,
                "g_to_logvar": lambda v: 0.5 * np.exp(v.logvar / 2),
            },
        ),
    ),
)
