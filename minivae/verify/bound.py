"""`check_elbo`: is it a lower bound on log p(x), is it *the* bound, and is its gradient the bound's gradient?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minivae.backend import Array
from minivae.verify.bound_estimates import Bound
from minivae.verify.findings import Findings
from minivae.verify.significance import difference_test, mean_test
from minivae.verify.statistic import MeaningReport


def check_elbo(
    elbo: Callable[..., Any] | None,
    sample_q: Callable[..., Any],
    log_q: Callable[..., Any],
    log_joint: Callable[..., Any],
    params: Any,
    *,
    gradient: Callable[..., Any] | None = None,
    draws: int = 100_000,
    alpha: float = 1e-4,
    seed: int = 0,
    name: str = "check_elbo",
) -> MeaningReport:
    """Test an estimate of the ELBO, and of its gradient, for one example x and a small latent z.

        log p(x)  =  ELBO + KL(q(z|x) ‖ p(z|x))  ≥  ELBO  =  E_q[log p(x, z) − log q(z|x)]

        def sample_q(n, rng, params): ...      # (n, L): draws, by the reparameterisation
        def log_q(z, params): ...              # (n,), in nats
        def log_joint(z): ...                  # (n,): log p(x|z) + log p(z), in nats
        def elbo(n, rng, params): ...          # (n,): the estimates that training would average
        print(check_elbo(elbo, sample_q, log_q, log_joint, {"mu": mu, "logvar": logvar}))

    With one or two latent dimensions all integrals are computed by quadrature, to many digits: log p(x), the ELBO, its
    gradient, and the gap. So the estimates have something outside themselves to be held against. With any number of
    dimensions the two ways to estimate the gradient are held against each other:

        pathwise         ∇ of the estimate at fixed noise: z moves with the parameters (Kingma & Welling 2014)
        score function   (log p(x, z) − log q(z))·∇ log q(z), z fixed (Williams 1992): needs log q and draws from q, but
                         no derivative through the sampler, so it does not repeat the sampler's mistakes

    The score function is noisy; multiples of the score, whose mean is zero, are subtracted (control variates), with
    coefficients from a fifth of the draws that is used for nothing else.

    Args:
        elbo: `elbo(n, rng, params)` gives independent estimates of the ELBO, (n,) or fewer (a loss has the other
            sign). None for log_joint(z) − log_q(z, params) at the draws.
        sample_q: `sample_q(n, rng, params)` gives draws z from q, (n, L).
        log_q: `log_q(z, params)`, in nats: (n,), or (n, L) to be summed.
        log_joint: `log_joint(z)` = log p(x|z) + log p(z), in nats: (n,).
        params: the parameters of q: a float64 array, or a dict, tuple or list of them; handed on as they are.
        gradient: `gradient(n, rng, params)` gives independent estimates of the ELBO's gradient: the structure of
            params, each part with an axis of estimates in front. By default the estimates of `elbo` are
            differentiated, by differences at fixed noise.
        draws: how many.
        alpha: the false-alarm rate. Right code fails for at most this share of the seeds.
        seed: from which the draws are made.
        name: what to call the check in the report.

    Returns:
        A report: true if it passed, and a table when printed. `values` holds "log p(x)", "ELBO" and "gap", where
        they are computed.

    Raises:
        ConfigError: alpha is no rate, or draws are fewer than 1,000.
        DtypeError: a part of params is not float64.
        ShapeError: a function returns another shape than is expected.
    """
    findings = Findings(name, alpha, draws, seed)
    bound = Bound(elbo, sample_q, log_q, log_joint, params, gradient, draws, seed)
    estimates = bound.elbo(bound.point)
    for what, values in (("draws from q", bound.z), ("estimates of the ELBO", estimates)):
        if not np.isfinite(values).all():
            findings.fail("finite", f"{int((~np.isfinite(values)).sum())} of {values.size} {what} are NaN or infinite")
    if not bound.repeatable():
        findings.fail(
            "noise from rng",
            "two calls with the same `rng` and the same params give different numbers, so no gradient can be found: "
            "all noise must be drawn from the `rng` that is given.",
        )
    exact_gradient = None
    if not findings.failures:
        if bound.latent_dim <= 2:
            exact_gradient = _against_quadrature(bound, estimates, findings)
        else:
            findings.notes.append(
                f"{bound.latent_dim} latent dimensions are too many for quadrature; the two gradients are only held "
                "against each other."
            )
        _gradients(bound, exact_gradient, findings)
    return findings.report()


def _against_quadrature(bound: Bound, estimates: Array, findings: Findings) -> list[Array]:
    """The mean of the estimates, and the bound. Returns the ELBO's gradient."""
    joint, q = bound.around_joint(), bound.around_q()
    rounding = bound.place.rounding + 1e-9
    findings.exact(
        "∫ exp(log_q)",
        1.0,
        np.exp(q.log_mass),
        1e-6 + q.error + 100 * rounding,
        "q is not normalised: look at its constant.",
    )
    log_joint = bound.log_joint(q.z)
    elbo, log_px = bound.exact_elbo(q, log_joint, bound.point), joint.log_mass
    findings.values |= {"log p(x)": log_px, "ELBO": elbo, "gap": log_px - elbo}
    if joint.error > 1e-4:
        findings.notes.append(
            f"the quadrature of p(x) has a relative error of {joint.error:.1g}, which is allowed for."
        )
    slack = rounding * np.abs(estimates).max() + q.error * (1 + abs(elbo))
    findings.mean(
        "ELBO",
        mean_test(estimates, elbo, slack),
        elbo,
        "The estimates do not average to E_q[log p(x, z) − log q(z)]: look at their terms, and at the sampler.",
    )
    slack += joint.error
    findings.mean(
        "ELBO ≤ log p(x)", mean_test(estimates, log_px, slack), log_px, "This is no lower bound.", one_sided=True
    )
    findings.exact(
        "gap ≥ 0",
        0.0,
        log_px - elbo,
        1e-6 + slack,
        "KL(q ‖ p(z|x)) came out negative, so log_q or log_joint is no log-density.",
        at_least=True,
    )
    return bound.differences(lambda point: np.array([bound.exact_elbo(q, log_joint, point)]))


def _gradients(bound: Bound, exact_gradient: list[Array] | None, findings: Findings) -> None:
    """Pathwise against quadrature, and against the score function, for each part of the parameters."""
    pathwise, score = bound.pathwise(), bound.score_function()
    for i, name in enumerate(bound.names):
        labels = tuple(f"{name}{list(at) if at else ''}" for at in np.ndindex(bound.point[i].shape))
        mine, other = pathwise[i].reshape(len(pathwise[i]), -1), score[i]
        if exact_gradient is not None:
            exact = exact_gradient[i].ravel()
            findings.mean(
                f"gradient for {name}",
                mean_test(mine, exact, 1e-6 * (1 + np.abs(exact))),
                exact,
                "This is not the gradient of the ELBO: is a path cut, or a factor lost?",
                labels=labels,
            )
        findings.mean(
            f"score function for {name}",
            difference_test(mine, other, 1e-6 * (1 + np.abs(other).mean(axis=0))),
            other.mean(axis=0),
            "The two gradients differ: sampler and log_q do not speak of the same q, or the gradient is wrong.",
            labels=labels,
        )


__all__ = ["check_elbo"]
