"""Cases for the objectives: every term they return, for everything they are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minivae import objectives, ops
from minivae.autodiff import Tensor
from minivae.distributions import Bernoulli, GreyBCE, Normal
from minivae.objectives import ELBO
from minivae.random import Rng
from minivae.selfcheck.case import Case, Check, Draw, between, binary, normal, positive

B, D, L = 5, 7, 3


def objective(subject: str, variant: str, call: Callable[..., Tensor], **inputs: Draw) -> Case:
    """A case for `minivae.objectives.<subject>`; `call` gets the function and the inputs."""

    def build(target: Any, rng: Rng) -> Check:
        return Check(lambda *tensors: call(target, *tensors), {name: draw(rng) for name, draw in inputs.items()})

    return Case("objective", subject, variant, getattr(objectives, subject), build)


def terms(bound: ELBO) -> Tensor:
    """Loss, reconstruction and KL as one Tensor, so that the gradient of each is checked."""
    return ops.stack([bound.loss, bound.reconstruction, bound.kl])


def _decoded(elbo: Any, x: Tensor, mu: Tensor, logvar: Tensor, eps: Tensor, weight: Tensor) -> Tensor:
    """The whole way: q, a reparameterised z, a linear decoder, the ELBO."""
    q = Normal.from_logvar(mu, logvar)
    return terms(elbo(x, Bernoulli(logits=ops.matmul(q.rsample(eps), weight)), q, beta=0.7))


def _importance(log_weight: Any, x: Tensor, mu: Tensor, logvar: Tensor, eps: Tensor, weight: Tensor) -> Tensor:
    q = Normal.from_logvar(mu, logvar)
    z = q.rsample(eps)
    return log_weight(x, Normal(ops.matmul(z, weight), 0.5), q, z)


CASES: list[Case] = [
    objective(
        "elbo",
        "Bernoulli, beta 0.7",
        lambda elbo, x, l, mu, v: terms(elbo(x, Bernoulli(logits=l), Normal.from_logvar(mu, v), beta=0.7)),
        x=binary(B, D),
        logits=normal(B, D),
        mu=normal(B, L),
        logvar=normal(B, L),
    ),
    objective(
        "elbo",
        "grey BCE, images",
        lambda elbo, x, l, mu, v: terms(elbo(x, GreyBCE(logits=l), Normal.from_logvar(mu, v))),
        x=between(0.1, 0.9, 3, 1, 5, 2),
        logits=normal(3, 1, 5, 2),
        mu=normal(3, 7),
        logvar=normal(3, 7),
    ),
    objective(
        "elbo",
        "Gaussian, another prior, beta 3",
        lambda elbo, x, m, s, mu, v, a, t: terms(
            elbo(x, Normal(m, s), Normal.from_logvar(mu, v), Normal(a, t), beta=3.0)
        ),
        x=normal(B, D),
        mean=normal(B, D),
        scale=positive(),
        mu=normal(B, L),
        logvar=normal(B, L),
        prior_loc=normal(L),
        prior_scale=positive(L),
    ),
    objective(
        "elbo",
        "through the sample",
        _decoded,
        x=binary(B, D),
        mu=normal(B, L),
        logvar=normal(B, L),
        eps=normal(B, L),
        weight=normal(L, D),
    ),
    objective(
        "log_weight",
        "through the sample",
        _importance,
        x=normal(B, D),
        mu=normal(B, L),
        logvar=normal(B, L),
        eps=normal(B, L),
        weight=normal(L, D),
    ),
    objective("iwae", "dim 0", lambda iwae, w: iwae(w), log_weights=normal(7, 3, scale=2)),
    objective("iwae", "dim 1", lambda iwae, w: iwae(w, 1), log_weights=normal(3, 7, scale=2)),
    objective("per_example", "images", lambda per_example, x: per_example(x), values=normal(3, 1, 5, 2)),
]
