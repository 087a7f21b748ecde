"""Importance weights, and the tighter bound made of them."""

from __future__ import annotations

import math
from typing import Any

from minivae import ops
from minivae.autodiff import Tensor
from minivae.distributions import Distribution
from minivae.errors import ShapeError
from minivae.objectives.elbo import STANDARD_NORMAL, check_shapes


def log_weight(x: Any, p: Distribution, q: Distribution, z: Any, prior: Distribution | None = None) -> Tensor:
    """log w = log p(x|z) + log p(z) − log q(z|x) of each example, shape (B,), in nats.

    Its mean over z from q is the ELBO, and the logarithm of the mean of w is log p(x). The densities of z are taken
    at the z that was drawn; the closed-form KL has no place here, as it is an average over z already.

    Args:
        x: the data, (B, ...).
        p: p(x|z), of x's shape, at this z.
        q: q(z|x), (B, ...).
        z: the draw from q that p was decoded from, of q's shape.
        prior: p(z); the standard normal if left out.

    Raises:
        ShapeError: the shapes do not belong together.
    """
    x = check_shapes("log_weight", x, p, q)
    z = z if isinstance(z, Tensor) else Tensor(z)
    if z.shape != q.shape:
        raise ShapeError(f"log_weight: z has shape {z.shape}, q(z|x) has shape {q.shape}; expected the same")
    log_joint = per_example(p.log_prob(x)) + per_example((prior or STANDARD_NORMAL).log_prob(z))
    return log_joint - per_example(q.log_prob(z))


def iwae(log_weights: Any, dim: int = 0) -> Tensor:
    """log (1/K) Σ_k w_k over K draws: a lower bound on log p(x) that rises with K, in nats.

    (Burda et al. 2016, eq. 8.) K = 1 gives the ELBO; for K → ∞ the bound reaches log p(x). It is the logarithm of
    the mean of the weights, not the mean of their logarithms, which would be the ELBO again.

    Args:
        log_weights: `log_weight` of K draws, along the axis `dim`: (K, B) as a rule, by `ops.stack`.
        dim: the axis of the draws.

    Returns:
        One bound for each example, shape (B,). Their mean is the figure to report, in nats per example.
    """
    log_weights = log_weights if isinstance(log_weights, Tensor) else Tensor(log_weights)
    if log_weights.ndim == 0 or log_weights.shape[dim] == 0:
        raise ShapeError(f"iwae: log_weights has shape {log_weights.shape}; expected K ≥ 1 draws along axis {dim}")
    return ops.logsumexp(log_weights, dim) - math.log(log_weights.shape[dim])


def per_example(values: Tensor) -> Tensor:
    """The sum over all axes but the first: (B, ...) -> (B,)."""
    return values.sum(tuple(range(1, values.ndim))) if values.ndim > 1 else values
