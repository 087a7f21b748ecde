"""What the ELBO and its gradient are made of, and what they are not: for mistakes that nobody has listed."""

from __future__ import annotations

import numpy as np

from minivae.grading.exercise import Term
from minivae.grading.exercises.elbo_steps import sigmoid, softplus

KL, REC = "KL term", "reconstruction term"

TERMS: dict[str, tuple[Term, ...]] = {
    "z": (
        Term("μ", lambda v: v.mu),
        Term("ε exp(logvar/2)", lambda v: v.eps * np.exp(v.logvar / 2)),
        Term("ε exp(logvar)", lambda v: v.eps * np.exp(v.logvar), 0),
        Term("ε logvar", lambda v: v.eps * v.logvar, 0),
        Term("ε", lambda v: v.eps, 0),
        Term("exp(logvar/2)", lambda v: np.exp(v.logvar / 2), 0),
        Term("μ ε", lambda v: v.mu * v.eps, 0),
        Term("1", lambda v: np.ones_like(v.mu), 0),
    ),
    "kl": (
        Term("½ Σ μ² / B", lambda v: 0.5 * np.sum(v.mu**2) / v.B),
        Term("½ Σ exp(logvar) / B", lambda v: 0.5 * np.sum(np.exp(v.logvar)) / v.B),
        Term("−½ L", lambda v: -0.5 * v.mu.shape[1]),
        Term("−½ Σ logvar / B", lambda v: -0.5 * np.sum(v.logvar) / v.B),
        Term("Σ μ / B", lambda v: np.sum(v.mu) / v.B, 0),
        Term("Σ logvar² / B", lambda v: np.sum(v.logvar**2) / v.B, 0),
        Term("Σ exp(logvar/2) / B", lambda v: np.sum(np.exp(v.logvar / 2)) / v.B, 0),
        Term("Σ exp(−logvar) / B", lambda v: np.sum(np.exp(-v.logvar)) / v.B, 0),
        Term("Σ μ² exp(−logvar) / B", lambda v: np.sum(v.mu**2 * np.exp(-v.logvar)) / v.B, 0),
    ),
    "reconstruction": (
        Term("Σ softplus(l) / B", lambda v: np.sum(softplus(v.logits)) / v.B),
        Term("−Σ x l / B", lambda v: -np.sum(v.x * v.logits) / v.B),
        Term("Σ l / B", lambda v: np.sum(v.logits) / v.B, 0),
        Term("Σ x / B", lambda v: np.sum(v.x) / v.B, 0),
        Term("Σ p / B", lambda v: np.sum(sigmoid(v.logits)) / v.B, 0),
        Term("Σ (l − x)² / B", lambda v: np.sum((v.logits - v.x) ** 2) / v.B, 0),
        Term("Σ (p − x)² / B", lambda v: np.sum((sigmoid(v.logits) - v.x) ** 2) / v.B, 0),
    ),
    "loss": (
        Term("reconstruction", lambda v: v.reconstruction),
        Term("β KL", lambda v: v.beta * v.kl),
        Term("KL", lambda v: v.kl, 0),
        Term("β² KL", lambda v: v.beta**2 * v.kl, 0),
        Term("β reconstruction", lambda v: v.beta * v.reconstruction, 0),
    ),
    "d_logits": (
        Term("p/B", lambda v: sigmoid(v.logits) / v.B),
        Term("−x/B", lambda v: -v.x / v.B),
        Term("l/B", lambda v: v.logits / v.B, 0),
        Term("p(1−p)/B", lambda v: sigmoid(v.logits) * (1 - sigmoid(v.logits)) / v.B, 0),
        Term("x p/B", lambda v: v.x * sigmoid(v.logits) / v.B, 0),
        Term("1/B", lambda v: np.ones_like(v.x) / v.B, 0),
    ),
}

_FROM_Z_TO_MU = (Term("d_z", lambda v: v.d_z, group=REC), Term("d_z ε", lambda v: v.d_z * v.eps, 0))
_FROM_KL_TO_MU = (
    Term("β μ/B", lambda v: v.beta * v.mu / v.B, group=KL),
    Term("μ/B, without β", lambda v: v.mu / v.B, 0),
    Term("β μ exp(−logvar)/B", lambda v: v.beta * v.mu * np.exp(-v.logvar) / v.B, 0),
    Term("β/B", lambda v: v.beta * np.ones_like(v.mu) / v.B, 0),
)
_FROM_Z_TO_LOGVAR = (
    Term("½ d_z ε σ", lambda v: 0.5 * v.d_z * v.eps * np.exp(v.logvar / 2), group=REC),
    Term("½ d_z ε", lambda v: 0.5 * v.d_z * v.eps, 0),
    Term("½ d_z σ", lambda v: 0.5 * v.d_z * np.exp(v.logvar / 2), 0),
    Term("½ d_z ε σ²", lambda v: 0.5 * v.d_z * v.eps * np.exp(v.logvar), 0),
    Term("½ d_z ε/σ", lambda v: 0.5 * v.d_z * v.eps * np.exp(-v.logvar / 2), 0),
)
_FROM_KL_TO_LOGVAR = (
    Term("½ β σ²/B", lambda v: 0.5 * v.beta * np.exp(v.logvar) / v.B, group=KL),
    Term("−½ β/B", lambda v: -0.5 * v.beta * np.ones_like(v.logvar) / v.B, group=KL),
    Term("½ β σ/B", lambda v: 0.5 * v.beta * np.exp(v.logvar / 2) / v.B, 0),
    Term("¼ β logvar/B", lambda v: 0.25 * v.beta * v.logvar / v.B, 0),
    Term("β σ⁴/B", lambda v: v.beta * np.exp(2 * v.logvar) / v.B, 0),
    Term("β/σ²/B", lambda v: v.beta * np.exp(-v.logvar) / v.B, 0),
    Term("β/σ/B", lambda v: v.beta * np.exp(-v.logvar / 2) / v.B, 0),
)


def _sum(*parts: tuple[Term, ...]) -> tuple[Term, ...]:
    """All terms, those that belong there first."""
    together = [term for part in parts for term in part]
    return tuple(sorted(together, key=lambda term: -term.expected))


TERMS["rec_d_mu"] = _FROM_Z_TO_MU
TERMS["kl_d_mu"] = _FROM_KL_TO_MU
TERMS["d_mu"] = _sum(_FROM_Z_TO_MU, _FROM_KL_TO_MU)
TERMS["rec_d_logvar"] = _sum(_FROM_Z_TO_LOGVAR)
TERMS["kl_d_logvar"] = _sum(_FROM_KL_TO_LOGVAR)
TERMS["d_logvar"] = _sum(_FROM_Z_TO_LOGVAR, _FROM_KL_TO_LOGVAR)
TERMS["d_h"] = (
    Term("d_mu W_muᵀ", lambda v: v.g_h_mu),
    Term("d_logvar W_logvarᵀ", lambda v: v.g_h_logvar),
    Term("d_mu W_muᵀ (1 − h²)", lambda v: v.g_h_mu * (1 - v.h**2), 0),
    Term("d_logvar W_logvarᵀ (1 − h²)", lambda v: v.g_h_logvar * (1 - v.h**2), 0),
)
