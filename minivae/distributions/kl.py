"""Kullback–Leibler divergences in closed form: KL(p ‖ q) = E_p[log p(x) − log q(x)], in nats.

KL is zero where p = q and positive elsewhere. It is not symmetric: KL(q ‖ prior) in the ELBO asks what it costs to
describe a draw *from q* with a code made for the prior. As in PyTorch, the result has one value for each entry; an
objective sums.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

from minivae import ops
from minivae.autodiff import Forward, Tensor, primitive
from minivae.backend import Array, array_module
from minivae.distributions.bernoulli import Bernoulli
from minivae.distributions.categorical import Categorical
from minivae.distributions.distribution import Distribution, Value, expand, shape_of
from minivae.distributions.normal import Normal
from minivae.errors import ShapeError

Formula = Callable[..., Tensor]
_F = TypeVar("_F", bound=Formula)
_FORMULAS: dict[tuple[type[Distribution], type[Distribution]], Formula] = {}


def register_kl(type_p: type[Distribution], type_q: type[Distribution]) -> Callable[[_F], _F]:
    """Make the decorated function the formula for KL(p ‖ q) of these two types (and of their subclasses)."""

    def register(formula: _F) -> _F:
        _FORMULAS[type_p, type_q] = formula
        return formula

    return register


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """KL(p ‖ q) = E_p[log p − log q] in closed form, one value for each entry, in nats.

    Raises:
        NotImplementedError: no formula is known for this pair; the message lists the pairs that have one.
        ShapeError: the shapes of p and q do not broadcast.
    """
    for type_p in type(p).__mro__:
        for type_q in type(q).__mro__:
            if formula := _FORMULAS.get((type_p, type_q)):
                shape_of("kl_divergence", p=p, q=q)
                return formula(p, q)
    known = ", ".join(f"{a.__name__} ‖ {b.__name__}" for a, b in _FORMULAS)
    raise NotImplementedError(
        f"no closed form is known here for KL({type(p).__name__} ‖ {type(q).__name__}). There is one for: {known}. "
        "Add another with @register_kl(P, Q), or estimate it: the mean of p.log_prob(x) − q.log_prob(x) over draws "
        "x from p."
    )


@primitive
def kl_to_standard_normal(loc: Array, logvar: Array) -> Forward:
    """½ (μ² + σ² − 1 − log σ²) with logvar = log σ².  d/dμ = μ, d/dlogvar = ½ (σ² − 1).

    KL(N(μ, σ²) ‖ N(0, 1)) of each entry, in nats (Kingma & Welling 2014, appendix B).

    σ² − 1 is computed as expm1(logvar). Near logvar = 0 the true value is logvar²/4, a small difference of two numbers
    near logvar. In float32, exp(logvar) − 1 would round to steps of 1e-7 before the difference is taken, which at
    |logvar| < 1e-3 leaves no digit and can be negative; expm1 leaves an error of 1e-7·|logvar|. The same expm1 serves
    as the gradient, which is then right to the last digit, zero at logvar = 0 included.
    """
    xp = array_module(loc, logvar)
    variance_minus_1 = xp.expm1(logvar)
    kl = 0.5 * (loc * loc + (variance_minus_1 - logvar))
    return kl, (lambda g: g * loc, lambda g: g * (0.5 * variance_minus_1))


@register_kl(Normal, Normal)
def _normal_normal(p: Normal, q: Normal) -> Tensor:
    """½ (σ_p²/σ_q² − 1 − log(σ_p²/σ_q²) + (μ_p − μ_q)²/σ_q²).

    The ratio of variances is the exponential of a difference of log-variances, and the distance is divided by σ_q
    before it is squared: nothing overflows unless the divergence itself does.
    """
    if _is_standard(q):
        return expand(kl_to_standard_normal(p.loc, p.logvar), p.shape)
    log_ratio = p.logvar - q.logvar
    distance = (p.loc - q.loc) / q.scale
    kl = 0.5 * (_expm1(log_ratio) - log_ratio + distance * distance)
    return expand(kl, shape_of("kl_divergence", p=p, q=q), p.loc, p.logvar)


@register_kl(Bernoulli, Bernoulli)
def _bernoulli_bernoulli(p: Bernoulli, q: Bernoulli) -> Tensor:
    """P log(P/Q) + (1 − P) log((1 − P)/(1 − Q)) with P = sigmoid(a), Q = sigmoid(b).

    Every factor comes from the logits: log P = −softplus(−a) and log(1 − P) = −softplus(a). So a sure coin, whose
    1 − P rounds to 0, keeps a finite logarithm.
    """
    a, b = p.logits, q.logits
    log_ratio_of_ones = ops.softplus(-b) - ops.softplus(-a)
    log_ratio_of_zeros = ops.softplus(b) - ops.softplus(a)
    return ops.sigmoid(a) * log_ratio_of_ones + ops.sigmoid(-a) * log_ratio_of_zeros


@register_kl(Categorical, Categorical)
def _categorical_categorical(p: Categorical, q: Categorical) -> Tensor:
    """Σ_k P_k (log P_k − log Q_k), summed over the classes: one value for each label."""
    if p.num_classes != q.num_classes:
        raise ShapeError(f"kl_divergence: p has {p.num_classes} classes and q has {q.num_classes}; expected as many")
    log_p = ops.log_softmax(p.logits, -1)
    log_q = ops.log_softmax(q.logits, -1)
    return (ops.exp(log_p) * (log_p - log_q)).sum(-1)


def _is_standard(q: Normal) -> bool:
    return not isinstance(q.loc, Tensor) and not isinstance(q.scale, Tensor) and q.loc == 0.0 and q.scale == 1.0


def _expm1(value: Value) -> Value:
    return ops.expm1(value) if isinstance(value, Tensor) else math.expm1(value)


__all__ = ["kl_divergence", "kl_to_standard_normal", "register_kl"]
