"""`check_kl`: is the closed form of a divergence the average that it stands for?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minivae.backend import Array
from minivae.errors import ShapeError
from minivae.random import stream
from minivae.verify.findings import Findings
from minivae.verify.guest import Place, ask, density_of, draw, plain, sampler_of
from minivae.verify.significance import MeanTest, mean_test
from minivae.verify.statistic import MeaningReport


def check_kl(
    kl: Any,
    sample_q: Any,
    log_q: Any,
    log_p: Any,
    *,
    at_prior: Any = None,
    draws: int = 100_000,
    alpha: float = 1e-4,
    seed: int = 0,
    name: str = "check_kl",
) -> MeaningReport:
    """Test a closed-form KL(q ‖ p) against the mean of log q(z) − log p(z) over draws z from q.

        KL(q ‖ p) = E_q[log q(z) − log p(z)]

        value = my_kl(mu, logvar)                                  # (L,), or their sum
        print(check_kl(value, sample_q, log_q, log_p, at_prior=my_kl(0 * mu, 0 * logvar)))
        print(check_kl(kl_divergence(q, p), q, q, p))              # q and p: minivae distributions

    Choose μ ≠ 0 and 1, and log-variances on both sides of 0: at μ = 1 and log σ² = 0 eight well-known wrong formulas
    give the right number. A sampler or a density that does not fit the closed form is found too, as all must agree.

    Args:
        kl: the closed form's value, in nats: an array of shape `s`, a Tensor, or a number (s = ()).
        sample_q: `sample_q(n, rng)` gives draws from q, of shape (n, ...); or a minivae distribution.
        log_q, log_p: log-densities in nats at draws z, of shape (n, *s, ...): axes after s are summed, as the closed
            form has summed them. If it takes a mean over the batch, let them do so too. Or minivae distributions.
        at_prior: the closed form's value for q = p, which must be zero.
        draws: how many; twice as precise with four times as many.
        alpha: the false-alarm rate. Right code fails for at most this share of the seeds.
        seed: from which the draws are made.
        name: what to call the check in the report.

    Returns:
        A report: true if it passed, and a table when printed.

    Raises:
        ConfigError: alpha is no rate, or draws are fewer than 1,000.
        DtypeError: something that is not real numbers is given or returned.
        ShapeError: the densities' shape does not begin with the closed form's.
    """
    findings = Findings(name, alpha, draws, seed)
    value = plain(kl).astype(np.float64)
    z, place = draw(sampler_of(sample_q), draws, stream(seed, "check_kl"))
    parts = [
        _summed(density_of(f), which, place.arrange(z), value) for which, f in (("log_q", log_q), ("log_p", log_p))
    ]
    for which, part in zip(("log_q", "log_p"), parts, strict=True):
        if not np.isfinite(part).all():
            bad = int((~np.isfinite(part)).sum())
            findings.fail("finite", f"{which} is NaN or infinite at {bad} of {part.size} draws from q")
    if not np.isfinite(value).all():
        bad = int((~np.isfinite(value)).sum())
        findings.fail("finite", f"the closed form is NaN or infinite in {bad} of {value.size} entries")
        return findings.report()
    size = np.abs(parts[0]).mean(axis=0) + np.abs(parts[1]).mean(axis=0)
    rounding = max(place.rounding, 1e-13) * (1 + size)
    if not findings.failures:
        test = mean_test(parts[0] - parts[1], value, rounding)
        findings.mean("KL = E[log q − log p]", test, value, _advice(test, value))
    findings.exact(
        "KL ≥ 0",
        0.0,
        value,
        np.maximum(rounding, Place(plain(kl).dtype, "numpy").rounding * (1 + size)),
        "No divergence is negative: look at the signs.",
        at_least=True,
    )
    if at_prior is not None:
        zero = plain(at_prior).astype(np.float64)
        findings.exact(
            "KL = 0 where q = p",
            0.0,
            zero,
            1e-6,
            "A term is missing or has a wrong factor: for a normal q, is −1 there, once for each dimension?",
        )
    return findings.report()


def _summed(log_density: Any, which: str, z: Any, value: Array) -> Array:
    """The log-density at each draw, (n, *value.shape), summed over the axes that follow."""
    out = ask(log_density, z)
    kept = value.ndim + 1
    if out.shape[:kept] != (len(z), *value.shape):
        raise ShapeError(
            f"check_kl: kl has shape {value.shape}, and {which}(z) has shape {out.shape} for {len(z)} draws z; "
            f"expected ({len(z)}, {', '.join(map(str, (*value.shape, '...')))}). Axes behind are summed; if kl is a "
            f"mean over some axis, let {which} take that mean too."
        )
    return out.sum(axis=tuple(range(kept, out.ndim)))


def _advice(test: MeanTest, value: Array) -> str:
    """What closed form and average have to do with each other, if it is something simple."""
    found, error = test.found, test.error
    close = 6 * error + 1e-9
    usable = found != 0
    ratio = float(np.median(value[usable] / found[usable])) if usable.any() else math.inf
    difference = float(np.median(value - found))
    for simple, what in ((2.0, "twice"), (0.5, "half"), (-1.0, "minus")):
        if abs(ratio - simple) < 0.2 and (np.abs(value - simple * found) <= abs(simple) * close).all():
            return f"The closed form is {what} the average: look for a factor of ½, or for the sign."
    if (np.abs(value - found - difference) <= close).all() and value.size > 1:
        return f"The closed form is {difference:+.4g} off, the same in every entry: a constant is missing."
    return "Closed form, sampler, log_q and log_p must all speak of the same q and p: check_sampler tests the sampler."


__all__ = ["check_kl"]
