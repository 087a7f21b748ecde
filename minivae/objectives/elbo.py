"""The evidence lower bound, with its terms by name."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from minivae.autodiff import Tensor
from minivae.distributions import Distribution, Normal, kl_divergence
from minivae.errors import ConfigError, ShapeError

STANDARD_NORMAL = Normal(0.0, 1.0)


@dataclass(frozen=True, eq=False, repr=False)
class ELBO:
    """The terms of a negative ELBO, each a 0-d Tensor in nats per example.

    Attributes:
        loss: what is minimised, reconstruction + beta · kl. At beta = 1 it is −ELBO.
        reconstruction: −E_q[log p(x|z)], estimated from one z for each example.
        kl: KL(q(z|x) ‖ p(z)).
        label: what the reconstruction term is: "NLL" for a likelihood, "grey BCE" for what is none.
        beta: the weight of the KL term.
    """

    loss: Tensor
    reconstruction: Tensor
    kl: Tensor
    label: str = "NLL"
    beta: float = 1.0

    def __repr__(self) -> str:
        weight = "" if self.beta == 1 else f"{self.beta:g} · "
        return (
            f"ELBO(loss {self.loss.item():.4f} = {self.label} {self.reconstruction.item():.4f}"
            f" + {weight}KL {self.kl.item():.4f}, nats per example)"
        )


def elbo(x: Any, p: Distribution, q: Distribution, prior: Distribution | None = None, beta: float = 1.0) -> ELBO:
    """The negative evidence lower bound and its two terms, in nats per example.

        log p(x)  ≥  ELBO  =  E_q(z|x)[log p(x|z)] − KL(q(z|x) ‖ p(z))

    (Kingma & Welling 2014, eq. 3; the gap is KL(q(z|x) ‖ p(z|x)).) Each term is summed over all axes but the first,
    pixels and latent dimensions alike, and averaged over the first, the batch. Averaging over pixels as well
    would make the KL term 784 times as heavy, and the latent variables go unused.

        q = model.encode(x)
        p = model.decode(q.rsample(eps))
        elbo(x, p, q).loss.backward()

    Args:
        x: the data, of shape (B, ...).
        p: p(x|z), of x's shape, for one z drawn from q by `rsample`, so that gradients reach q through it too.
        q: q(z|x), of shape (B, ...), one for each example.
        prior: p(z); the standard normal if left out.
        beta: weight of the KL term, 0 or more (Higgins et al. 2017). Below 1 the loss is no bound on −log p(x), above 1
            it is a looser one.

    Raises:
        ShapeError: p does not have x's shape, or q another number of examples.
        ConfigError: beta is negative or not finite.
        NotImplementedError: KL(q ‖ prior) has no closed form here.
    """
    if not (math.isfinite(beta) and beta >= 0):
        raise ConfigError(f"elbo: beta is {beta!r}; expected a number, 0 or more (1 for the bound itself)")
    x = check_shapes("elbo", x, p, q)
    batch = x.shape[0]
    reconstruction = -p.log_prob(x).sum() / batch
    kl = kl_divergence(q, prior or STANDARD_NORMAL).sum() / batch
    return ELBO(reconstruction + beta * kl, reconstruction, kl, p.label, float(beta))


def check_shapes(name: str, x: Any, p: Distribution, q: Distribution) -> Any:
    """x as something with a shape, if p and q belong to it.

    Raises:
        ShapeError: they do not.
    """
    x = x if hasattr(x, "shape") else Tensor(x)
    if x.shape != p.shape:
        raise ShapeError(
            f"{name}: x has shape {x.shape}, p(x|z) has shape {p.shape}; expected the same. They are not broadcast: "
            "reshape the decoder's output, or x, so that each entry of x has its own distribution."
        )
    if not x.shape or x.shape[0] == 0:
        raise ShapeError(f"{name}: x has shape {x.shape}; expected at least one example along a first axis, (B, ...)")
    if q.shape[:1] != x.shape[:1]:
        raise ShapeError(
            f"{name}: q(z|x) has shape {q.shape}, x has shape {x.shape}; expected one q for each of the "
            f"{x.shape[0]} examples, along the first axis."
        )
    return x
