"""Wrong versions of the closed-form divergences."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minivae import ops
from minivae.autodiff import Tensor
from minivae.distributions import Bernoulli, Categorical, Normal, kl_divergence
from minivae.selfcheck.zoo.distributions.discrete import LABELS, LOGITS, SCORES, SIDES
from minivae.selfcheck.zoo.distributions.normal import LOC, LOGVAR, SCALE, grid
from minivae.selfcheck.zoo.distributions.trials import Pair

_P = Normal.from_logvar(Tensor(LOC), Tensor(LOGVAR))
_WIDE = Normal(Tensor(np.flip(LOC).copy()), Tensor(np.flip(SCALE).copy() * 1.3))

PAIRS = [
    Pair("Normal ‖ N(0, 1)", _P, Normal(0.0, 1.0), *grid(LOC, SCALE)),
    Pair("Normal ‖ Normal", _P, _WIDE, *grid(LOC, SCALE)),
    Pair("Normal, by scale ‖ Normal", Normal(Tensor(LOC), Tensor(SCALE)), _WIDE, *grid(LOC, SCALE)),
    Pair("Bernoulli", Bernoulli(logits=Tensor(LOGITS)), Bernoulli(logits=Tensor(0.5 - LOGITS)), SIDES, 1.0),
    Pair("Categorical", Categorical(logits=Tensor(SCORES)), Categorical(logits=Tensor(SCORES[::-1])), LABELS, 1.0),
]

Moments = tuple[Tensor, Tensor, Tensor, Tensor]


def _tensor(value: Any) -> Tensor:
    return value if isinstance(value, Tensor) else Tensor(np.float64(value))


def normals(f: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]) -> Any:
    """kl_divergence that for two normals is f(μ_p, log σ_p², μ_q, log σ_q²)."""

    def kl(p: Any, q: Any) -> Tensor:
        if not isinstance(p, Normal):
            return kl_divergence(p, q)
        return f(_tensor(p.loc), _tensor(p.logvar), _tensor(q.loc), _tensor(q.logvar))

    return kl


def _of(kind: type, f: Callable[[Any, Any], Tensor]) -> Any:
    """kl_divergence that for two of this kind is f(p, q)."""
    return lambda p, q: f(p, q) if isinstance(p, kind) else kl_divergence(p, q)


def _right(m: Tensor, v: Tensor, n: Tensor, w: Tensor) -> Tensor:
    return 0.5 * (ops.exp(v - w) - 1.0 - (v - w) + (m - n) * (m - n) * ops.exp(-w))


def _exchanged_at_prior(p: Any, q: Any) -> Tensor:
    """KL(N(0, 1) ‖ q) for KL(q ‖ N(0, 1))."""
    return kl_divergence(q, p)


def _coins(p: Any, q: Any, ones: bool = True, zeros: bool = True) -> Tensor:
    a, b = p.logits, q.logits
    of_ones = ops.sigmoid(a) * (ops.softplus(-b) - ops.softplus(-a))
    of_zeros = ops.sigmoid(-a) * (ops.softplus(b) - ops.softplus(a))
    return float(ones) * of_ones + float(zeros) * of_zeros


def _classes(f: Callable[[Tensor, Tensor], Tensor]) -> Any:
    """kl_divergence that for two categoricals is f(log p, log q), each (..., K)."""
    return _of(Categorical, lambda p, q: f(ops.log_softmax(p.logits, -1), ops.log_softmax(q.logits, -1)))


MUTANTS: dict[str, Any] = {
    "p and q swapped": _exchanged_at_prior,
    "twice the divergence": lambda p, q: 2.0 * kl_divergence(p, q),
    "in bits": lambda p, q: kl_divergence(p, q) / math.log(2),
    "the sign lost": lambda p, q: -kl_divergence(p, q),
    "summed over the last axis": lambda p, q: kl_divergence(p, q).sum(-1),
    "detached": lambda p, q: kl_divergence(p, q).detach(),
    "normal: no −1": normals(lambda m, v, n, w: _right(m, v, n, w) + 0.5),
    "normal: no ½": normals(lambda m, v, n, w: 2.0 * _right(m, v, n, w)),
    "normal: ½ on the squared distance alone": normals(
        lambda m, v, n, w: _right(m, v, n, w) + 0.5 * (ops.exp(v - w) - 1.0 - (v - w))
    ),
    "normal: log-variance taken for log σ": normals(lambda m, v, n, w: _right(m, 2.0 * v, n, 2.0 * w)),
    "normal: log σ for log σ²": normals(lambda m, v, n, w: _right(m, v, n, w) + 0.25 * (v - w)),
    "normal: + log σ²": normals(lambda m, v, n, w: _right(m, v, n, w) + (v - w)),
    "normal: no squared distance": normals(lambda m, v, n, w: _right(m, v, m, w) + 0.0 * n),
    "normal: the distance not squared": normals(lambda m, v, n, w: _right(m, v, m, w) + 0.5 * (m - n) * ops.exp(-w)),
    "normal: the distance divided by σ_q, not σ_q²": normals(
        lambda m, v, n, w: _right(m, v, m, w) + 0.5 * (m - n) * (m - n) * ops.exp(-0.5 * w)
    ),
    "normal: the distance divided by σ_p²": normals(
        lambda m, v, n, w: _right(m, v, m, w) + 0.5 * (m - n) * (m - n) * ops.exp(-v)
    ),
    "normal: q taken for N(0, 1)": normals(lambda m, v, n, w: _right(m, v, 0.0 * n, 0.0 * w)),
    "normal: σ² detached": normals(lambda m, v, n, w: _right(m, v.detach(), n, w)),
    "Bernoulli: the term of x = 0 forgotten": _of(Bernoulli, lambda p, q: _coins(p, q, zeros=False)),
    "Bernoulli: the term of x = 1 forgotten": _of(Bernoulli, lambda p, q: _coins(p, q, ones=False)),
    "Bernoulli: the cross-entropy, without the entropy": _of(Bernoulli, lambda p, q: kl_divergence(p, q) + p.entropy()),
    "Bernoulli: weighted by q": _of(Bernoulli, lambda p, q: -_coins(q, p)),
    "Categorical: the mean over the classes": _classes(lambda a, b: (ops.exp(a) * (a - b)).mean(-1)),
    "Categorical: weighted by q": _classes(lambda a, b: (ops.exp(b) * (a - b)).sum(-1)),
    "Categorical: the cross-entropy, without the entropy": _classes(lambda a, b: -(ops.exp(a) * b).sum(-1)),
    "Categorical: logits not normalised": _of(
        Categorical, lambda p, q: (ops.softmax(p.logits, -1) * (p.logits - q.logits)).sum(-1)
    ),
}
