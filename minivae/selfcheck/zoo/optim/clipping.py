"""Wrong versions of clipping gradients by their norm."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minivae.autodiff import Tensor
from minivae.backend import Array
from minivae.selfcheck.zoo.optim.trials import STARTS, same
from minivae.selfcheck.zoo.subject import Trial, Verdict
from minivae.selfcheck.zoo.trials import all_of, compare


def _clips(clip: Any, seed: int) -> Verdict:
    """All gradients together get the norm max_norm if it was larger; otherwise they stay."""
    verdicts = []
    for max_norm in (0.5, 100.0):
        params = [Tensor(p, requires_grad=True) for p in (*STARTS, np.ones(2))]
        gradients = [3.0 * g for g in STARTS]
        for p, g in zip(params, gradients, strict=False):
            p.grad = g
        before = [g.copy() for g in gradients]
        norm = math.sqrt(math.fsum(float(x) ** 2 for g in before for x in g.ravel()))
        returned = clip(params, max_norm)
        scale = min(1.0, max_norm / (norm + 1e-6))
        verdicts += [
            compare(returned, norm, what="the norm returned"),
            same([np.asarray(p.grad) for p in params[:2]], [scale * g for g in before], f"clipped at {max_norm:g}"),
            same(gradients, before, "the array that was .grad"),
            Verdict(params[2].grad is None, "a gradient for a parameter that had none"),
        ]
    return all_of(verdicts)


TRIALS = (Trial("norm", _clips),)

# --- wrong versions -----------------------------------------------------------------------------------------


def clipping(norm: Callable[[list[Array]], Any], scale: Callable[[Array, float], Any]) -> Any:
    """Clipping by norm(gradients) with the factor scale(norm, max_norm)."""

    def clip_grad_norm_(parameters: Any, max_norm: float) -> Any:
        owners = [p for p in parameters if p.grad is not None]
        found = norm([p.grad for p in owners])
        for p in owners:
            p.grad = p.grad * scale(found, max_norm)
        return found

    return clip_grad_norm_


def _norm(gradients: list[Array]) -> Any:
    return np.sqrt(sum((g * g).sum() for g in gradients))


def _limited(norm: Any, max_norm: float) -> Any:
    return min(1.0, max_norm / (norm + 1e-6))


def _each_by_itself(parameters: Any, max_norm: float) -> Any:
    owners = [p for p in parameters if p.grad is not None]
    norm = _norm([p.grad for p in owners])
    for p in owners:
        p.grad = p.grad * _limited(_norm([p.grad]), max_norm)
    return norm


def _by_value(parameters: Any, max_norm: float) -> Any:
    owners = [p for p in parameters if p.grad is not None]
    norm = _norm([p.grad for p in owners])
    for p in owners:
        p.grad = p.grad.clip(-max_norm, max_norm)
    return norm


def _in_place(parameters: Any, max_norm: float) -> Any:
    owners = [p for p in parameters if p.grad is not None]
    norm = _norm([p.grad for p in owners])
    for p in owners:
        p.grad *= _limited(norm, max_norm)
    return norm


MUTANTS: dict[str, Any] = {
    "each gradient by its own norm": _each_by_itself,
    "each entry clipped": _by_value,
    "small gradients are scaled up": clipping(_norm, lambda norm, limit: limit / (norm + 1e-6)),
    "the square of the norm": clipping(lambda gradients: _norm(gradients) ** 2, _limited),
    "the sum of the norms": clipping(lambda gradients: sum(_norm([g]) for g in gradients), _limited),
    "the largest entry for the norm": clipping(lambda gradients: max(np.abs(g).max() for g in gradients), _limited),
    "divided by the norm, max_norm forgotten": clipping(_norm, lambda norm, limit: min(1.0, 1 / (norm + 1e-6))),
    "the gradient is changed in place": _in_place,
}
