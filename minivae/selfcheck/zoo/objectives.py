"""Wrong versions of the objectives.

sums    each term, added up example by example and entry by entry in plain Python
exact   for a linear Gaussian model log p(x) is known, and at the exact posterior log w is log p(x) for every z
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minivae import ops
from minivae.autodiff import Tensor, no_grad
from minivae.distributions import Bernoulli, GreyBCE, Normal, kl_divergence
from minivae.objectives import ELBO, elbo, iwae, log_weight, per_example
from minivae.selfcheck import objectives
from minivae.selfcheck.zoo.definitions import rows
from minivae.selfcheck.zoo.subject import Subject, Trial, Verdict
from minivae.selfcheck.zoo.trials import all_of, compare, gradients

STANDARD = Normal(0.0, 1.0)

# --- the evidence lower bound -------------------------------------------------------------------------------


def _terms(target: Any, seed: int) -> Verdict:
    """Reconstruction, KL and loss of 3 examples of 2 × 5 pixels and 4 latent variables."""
    rng = np.random.default_rng(seed)
    logits, mu, logvar = rng.standard_normal((3, 2, 5)), rng.standard_normal((3, 4)), rng.standard_normal((3, 4))
    kl = math.fsum(rows.each(rows.kl_of_normals)(mu, logvar).ravel()) / 3
    q = Normal.from_logvar(Tensor(mu), Tensor(logvar))
    verdicts = []
    for kind, x in ((Bernoulli, (rng.random((3, 2, 5)) < 0.5).astype(float)), (GreyBCE, rng.random((3, 2, 5)))):
        reconstruction = math.fsum(rows.each(rows.cross_entropy_of_coin)(logits, x).ravel()) / 3
        for beta in (1.0, 0.3):
            found = target(x, kind(logits=Tensor(logits)), q, beta=beta)
            verdicts += [
                compare(found.reconstruction.data, reconstruction, what="reconstruction"),
                compare(found.kl.data, kl, what="KL"),
                compare(found.loss.data, reconstruction + beta * kl, what=f"loss, β = {beta}"),
                Verdict(found.label == ("NLL" if kind is Bernoulli else "grey BCE"), f"it is called {found.label}"),
                Verdict(found.beta == beta, f"it says β = {found.beta}"),
            ]
    prior = Normal(Tensor(mu[0]), 0.7)
    found = target(x, GreyBCE(logits=Tensor(logits)), q, prior)
    expected = math.fsum(kl_divergence(q, prior).data.ravel()) / 3
    return all_of([*verdicts, compare(found.kl.data, expected, what="KL to another prior")])


def _elbo(
    reconstruction: Callable[[Tensor, int], Tensor] = lambda log_p, n: -log_p.sum() / n,
    divergence: Callable[[Tensor, int], Tensor] = lambda kl, n: kl.sum() / n,
    loss: Callable[[Tensor, Tensor, float], Tensor] = lambda r, kl, beta: r + beta * kl,
    **changed: Any,
) -> Any:
    """elbo with other sums: from log p of each pixel, KL of each latent variable, and the number of examples."""

    def wrong(x: Any, p: Any, q: Any, prior: Any = None, beta: float = 1.0) -> ELBO:
        r, kl = reconstruction(p.log_prob(x), len(x)), divergence(kl_divergence(q, prior or STANDARD), len(x))
        return dataclasses.replace(ELBO(loss(r, kl, beta), r, kl, p.label, beta), **changed)

    return wrong


def _other_divergence(f: Callable[[Any, Any], Tensor]) -> Any:
    """elbo with f(q, prior) for the KL of each latent variable."""

    def wrong(x: Any, p: Any, q: Any, prior: Any = None, beta: float = 1.0) -> ELBO:
        r, kl = -p.log_prob(x).sum() / len(x), f(q, prior or STANDARD).sum() / len(x)
        return ELBO(r + beta * kl, r, kl, p.label, beta)

    return wrong


ELBO_MUTANTS: dict[str, Any] = {
    "the sign of the KL lost": _elbo(loss=lambda r, kl, beta: r - beta * kl),
    "the ELBO itself, to be maximised": _elbo(loss=lambda r, kl, beta: -(r + beta * kl)),
    "no KL": _elbo(loss=lambda r, kl, beta: r + 0.0 * kl),
    "no reconstruction": _elbo(loss=lambda r, kl, beta: 0.0 * r + beta * kl),
    "β ignored": _elbo(loss=lambda r, kl, beta: r + kl),
    "β on the reconstruction": _elbo(loss=lambda r, kl, beta: beta * r + kl),
    "β squared": _elbo(loss=lambda r, kl, beta: r + beta**2 * kl),
    "reconstruction: the mean over the pixels": _elbo(lambda log_p, n: -log_p.mean()),
    "reconstruction: not divided by the batch": _elbo(lambda log_p, n: -log_p.sum()),
    "reconstruction: the sign lost": _elbo(lambda log_p, n: log_p.sum() / n),
    "reconstruction: of the first example alone": _elbo(lambda log_p, n: -log_p[0].sum()),
    "KL: the mean over the latent variables": _elbo(divergence=lambda kl, n: kl.mean()),
    "KL: not divided by the batch": _elbo(divergence=lambda kl, n: kl.sum()),
    "KL: of the first latent variable alone": _elbo(divergence=lambda kl, n: kl[:, 0].sum() / n),
    "KL: at least ½ nat for each latent variable": _elbo(divergence=lambda kl, n: ops.maximum(kl, 0.5).sum() / n),
    "KL: q and prior swapped": _other_divergence(lambda q, prior: kl_divergence(prior, q)),
    "KL: the prior ignored": _other_divergence(lambda q, prior: kl_divergence(q, STANDARD)),
    "KL: one value of z, not the average": _other_divergence(
        lambda q, prior: q.log_prob(q.mean) - prior.log_prob(q.mean)
    ),
    "the KL's path to q cut": _elbo(divergence=lambda kl, n: kl.detach().sum() / n),
    "the reconstruction's path to q cut": _elbo(lambda log_p, n: -log_p.detach().sum() / n),
    "the loss is not made of its terms' graphs": _elbo(loss=lambda r, kl, beta: r.detach() + beta * kl),
    "called NLL, whatever it is": _elbo(label="NLL"),
    "says β = 1, whatever it is": _elbo(beta=1.0),
}

# --- importance weights -------------------------------------------------------------------------------------


SIGMA = 0.5
WEIGHT = np.array([[0.8, -0.5, 1.1]])


def _decoded(z: Any) -> Normal:
    """p(x|z) = N(z·w, σ²)."""
    return Normal(ops.matmul(z, WEIGHT), SIGMA)


def _at_the_posterior(target: Any, seed: int) -> Verdict:
    """z ~ N(0, 1), x ~ N(z·w, σ²): x ~ N(0, wᵀw + σ²), and p(z|x) is normal: Bishop 2006, eqs. 2.113 to 2.117."""
    precision = 1 + float((WEIGHT**2).sum()) / SIGMA**2
    covariance = WEIGHT.T @ WEIGHT + SIGMA**2 * np.eye(3)
    rng = np.random.default_rng(seed)
    x, z = rng.standard_normal((4, 3)), rng.standard_normal((4, 1))
    q = Normal(Tensor(x @ WEIGHT.T / SIGMA**2 / precision), precision**-0.5)
    distance = np.sum(x * np.linalg.solve(covariance, x.T).T, axis=1)
    expected = -0.5 * (3 * math.log(2 * math.pi) + np.linalg.slogdet(covariance)[1] + distance)
    with no_grad():
        found = target(x, _decoded(Tensor(z)), q, z).data
    return compare(found, expected, what="log w at the exact posterior")


def _weights(target: Any, seed: int) -> Verdict:
    """log p(x|z) + log p(z) − log q(z|x), added up in plain Python, for images and another prior."""
    rng = np.random.default_rng(seed)
    logits, z, mu, logvar = rng.standard_normal((3, 2, 5)), *rng.standard_normal((3, 3, 4))
    x = (rng.random((3, 2, 5)) < 0.5).astype(float)
    log_p = -rows.each(rows.cross_entropy_of_coin)(logits, x).reshape(3, -1).sum(1)
    log_prior = rows.each(rows.log_normal_density)(z, 0.3, 2 * math.log(0.7)).sum(1)
    expected = log_p + log_prior - rows.each(rows.log_normal_density)(z, mu, logvar).sum(1)
    q = Normal.from_logvar(Tensor(mu), Tensor(logvar))
    return compare(target(x, Bernoulli(logits=Tensor(logits)), q, z, Normal(0.3, 0.7)).data, expected, what="log w")


def _log_weight(f: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Any:
    """log_weight made of log p(x|z), log p(z) and log q(z|x) of each entry."""

    def wrong(x: Any, p: Any, q: Any, z: Any, prior: Any = None) -> Tensor:
        return f(p.log_prob(x), (prior or STANDARD).log_prob(z), q.log_prob(z))

    return wrong


def _with_closed_form(x: Any, p: Any, q: Any, z: Any, prior: Any = None) -> Tensor:
    return per_example(p.log_prob(x)) - per_example(kl_divergence(q, prior or STANDARD))


sums = per_example

LOG_WEIGHT_MUTANTS: dict[str, Any] = {
    "+ log q": _log_weight(lambda x, z, q: sums(x) + sums(z) + sums(q)),
    "no log q": _log_weight(lambda x, z, q: sums(x) + sums(z) + 0.0 * sums(q)),
    "no log p(z)": _log_weight(lambda x, z, q: sums(x) + 0.0 * sums(z) - sums(q)),
    "no log p(x|z)": _log_weight(lambda x, z, q: 0.0 * sums(x) + sums(z) - sums(q)),
    "p and q swapped": _log_weight(lambda x, z, q: sums(x) - sums(z) + sums(q)),
    "the mean over the pixels": _log_weight(lambda x, z, q: ops.mean(x, tuple(range(1, x.ndim))) + sums(z) - sums(q)),
    "summed over the batch": _log_weight(lambda x, z, q: x.sum() + z.sum() - q.sum()),
    "the closed-form KL in place of the densities": _with_closed_form,
    "the prior ignored": lambda x, p, q, z, prior=None: log_weight(x, p, q, z),
    "q detached": _log_weight(lambda x, z, q: sums(x) + sums(z) - sums(q).detach()),
    "w, not its logarithm": _log_weight(lambda x, z, q: ops.exp(sums(x) + sums(z) - sums(q))),
}


def _mean_of_weights(target: Any, seed: int) -> Verdict:
    """The logarithm of the mean of w; equal weights give themselves; large ones do not overflow."""
    w = np.random.default_rng(seed).standard_normal((7, 3)) * 2
    expected = [math.log(math.fsum(math.exp(a) for a in column) / 7) for column in w.T.tolist()]
    return all_of(
        [
            compare(target(Tensor(w)).data, expected, what="draws along axis 0"),
            compare(target(Tensor(w.T.copy()), 1).data, expected, what="draws along axis 1"),
            compare(target(Tensor(np.full((5, 2), -3.0))).data, [-3.0, -3.0], what="equal weights"),
            compare(target(Tensor(w - 2000.0)).data, np.array(expected) - 2000.0, what="log w near −2000"),
        ]
    )


def _underflowing(log_weights: Any, dim: int = 0) -> Tensor:
    with np.errstate(divide="ignore"):
        return ops.log(ops.mean(ops.exp(log_weights), dim))


IWAE_MUTANTS: dict[str, Any] = {
    "the mean of the logarithms: the ELBO again": lambda w, dim=0: ops.mean(w, dim),
    "the logarithm of the sum, log K forgotten": lambda w, dim=0: ops.logsumexp(w, dim),
    "+ log K": lambda w, dim=0: ops.logsumexp(w, dim) + math.log(w.shape[dim]),
    "the largest weight": lambda w, dim=0: ops.max(w, dim),
    "log K of the batch, not of the draws": lambda w, dim=0: ops.logsumexp(w, dim) - math.log(w.shape[1 - dim]),
    "always along axis 0": lambda w, dim=0: iwae(w, 0),
    "over draws and batch together": lambda w, dim=0: iwae(ops.reshape(w, (-1,)), 0),
    "the largest weight not subtracted: underflow": _underflowing,
    "every draw gets the same gradient": lambda w, dim=0: ops.mean(w, dim) + (iwae(w, dim) - ops.mean(w, dim)).detach(),
    "the sign lost": lambda w, dim=0: -iwae(w, dim),
}


def _sums(target: Any, seed: int) -> Verdict:
    """One number for each example."""
    rng = np.random.default_rng(seed)
    return all_of(
        [
            compare(target(Tensor(x)).data, [math.fsum(row) for row in x.reshape(3, -1).tolist()])
            for x in (rng.standard_normal((3, 2, 5)), rng.standard_normal((3, 4)), rng.standard_normal(3))
        ]
    )


PER_EXAMPLE_MUTANTS: dict[str, Any] = {
    "the mean": lambda v: v.mean(tuple(range(1, v.ndim))) if v.ndim > 1 else v,
    "over the batch, too": lambda v: v.sum(),
    "over the last axis alone": lambda v: v.sum(-1) if v.ndim > 1 else v,
    "over the batch, not the pixels": lambda v: v.sum(0),
    "divided by the batch": lambda v: per_example(v) / len(v),
}


def subjects() -> list[Subject]:
    """One for each function in `minivae.objectives`."""
    exact, summed = Trial("exact", _at_the_posterior), Trial("sums", _weights)
    return [
        Subject(
            "objective",
            "elbo",
            elbo,
            (Trial("sums", _terms), _gradients("elbo")),
            ELBO_MUTANTS,
        ),
        Subject("objective", "log_weight", log_weight, (exact, summed, _gradients("log_weight")), LOG_WEIGHT_MUTANTS),
        Subject("objective", "iwae", iwae, (Trial("sums", _mean_of_weights), _gradients("iwae")), IWAE_MUTANTS),
        Subject(
            "objective",
            "per_example",
            per_example,
            (Trial("sums", _sums), _gradients("per_example")),
            PER_EXAMPLE_MUTANTS,
        ),
    ]


def _gradients(subject: str) -> Trial:
    return gradients([case for case in objectives.CASES if case.subject == subject])
