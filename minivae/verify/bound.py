"""`check_elbo`: is it a lower bound on log p(x), is it *the* bound, and is its gradient the bound's gradient?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minivae.backend import Array
from minivae.errors import ShapeError
from minivae.random import Rng, stream
from minivae.verify.finite_difference import require_float64
from minivae.verify.guest import ask, draw, plain
from minivae.verify.handwritten import take_apart
from minivae.verify.quadrature import Cloud, integrate_cloud
from minivae.verify.significance import difference_test, mean_test
from minivae.verify.statistic import Findings, MeaningReport

STEP = 1e-4  # of the differences; what they miss is far below any standard error
CHUNK = 8192
PILOT = 5  # one draw in so many is spent on the control variates


def check_elbo(
    elbo: Callable[..., Any] | None,
    sample_q: Callable[..., Any],
    log_q: Callable[..., Any],
    log_joint: Callable[..., Any],
    params: Any,
    *,
    gradient: Callable[..., Any] | None = None,
    draws: int = 50_000,
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
    gradient, and the gap. So the estimates have something outside themselves to be held against. With more dimensions the
    two ways to estimate the gradient are held against each other:

        pathwise         ∇ of the estimate at fixed noise: z moves with the parameters (Kingma & Welling 2014)
        score function   (log p(x, z) − log q(z))·∇ log q(z), z fixed (Williams 1992): needs log q and draws from q, but
                         no derivative through the sampler, so it does not repeat the sampler's mistakes

    The score function is noisy; multiples of the score, whose mean is zero, are subtracted (control variates), with
    coefficients from a fifth of the draws that is used for nothing else.

    Args:
        elbo: `elbo(n, rng, params)` gives independent estimates of the ELBO, (n,) or fewer. (A loss has the other sign.)
            None for log_joint(z) − log_q(z, params) at the draws.
        sample_q: `sample_q(n, rng, params)` gives draws z from q, (n, L).
        log_q: `log_q(z, params)`, in nats: (n,), or (n, L) to be summed.
        log_joint: `log_joint(z)` = log p(x|z) + log p(z), in nats: (n,).
        params: the parameters of q: a float64 array, or a dict, tuple or list of them; handed on as they are.
        gradient: `gradient(n, rng, params)` gives independent estimates of the ELBO's gradient: the structure of params,
            each part with an axis of estimates in front. By default the estimates of `elbo` are differentiated, by
            differences at fixed noise.
        draws: how many.
        alpha: the false-alarm rate. Right code fails for at most this share of the seeds.
        seed: from which the draws are made.
        name: what to call the check in the report.

    Returns:
        A report: true if it passed, and a table when printed. `values` holds "log p(x)", "ELBO" and "gap", where they are
        computed.

    Raises:
        DtypeError: a part of params is not float64.
        ShapeError: a function returns another shape than is expected.
    """
    check = _Check(elbo, sample_q, log_q, log_joint, params, gradient, draws, seed)
    check.estimates()
    check.gradients()
    return check.findings.report(name, alpha, draws, seed)


class _Check:
    """The functions with their parameters taken apart, and what is found."""

    def __init__(
        self,
        elbo: Any,
        sample_q: Any,
        log_q: Any,
        log_joint: Any,
        params: Any,
        gradient: Any,
        draws: int,
        seed: int,
    ) -> None:
        self.names, parts, self.rebuild = take_apart(params)
        self.point = [require_float64(part, name).copy() for part, name in zip(parts, self.names, strict=True)]
        self.guest_elbo, self.sample_q, self.guest_gradient = elbo, sample_q, gradient
        self.guest_log_q, self.guest_log_joint = log_q, log_joint
        self.n, self.seed = draws, seed
        self.findings = Findings()
        self.exact_gradient: list[Array] | None = None
        self.z, self.place = self.draw(self.point, "draws")
        self.cloud = self._cloud()

    # --- the functions, on host arrays ----------------------------------------------------------------------

    def rng(self, part: str) -> Rng:
        """The same numbers each time it is asked for: common random numbers for all parameters."""
        return stream(self.seed, "check_elbo", part)

    def draw(self, point: list[Array], part: str) -> Any:
        """Draws at other parameters with the same noise."""
        z, place = draw(self.sample_q, self.n, self.rng(part), self.rebuild([p.copy() for p in point]))
        return z.reshape(self.n, -1), place

    def log_q(self, z: Array, point: list[Array]) -> Array:
        """(n, L) -> (n,)."""
        values = ask(self.guest_log_q, self.place.arrange(z), self.rebuild([p.copy() for p in point]))
        return _one_each("log_q", values.sum(axis=-1) if values.ndim == 2 else values, len(z))

    def log_joint(self, z: Array) -> Array:
        """(n, L) -> (n,), some thousand at a time: a decoder may make images of them."""
        pieces = [z[start : start + CHUNK] for start in range(0, len(z), CHUNK)]
        values = [_one_each("log_joint", ask(self.guest_log_joint, self.place.arrange(p)), len(p)) for p in pieces]
        return np.concatenate(values)

    def elbo(self, point: list[Array]) -> Array:
        """Independent estimates, (m,)."""
        if self.guest_elbo is None:
            z, _ = self.draw(point, "elbo")
            return self.log_joint(z) - self.log_q(z, point)
        values = ask(self.guest_elbo, self.n, self.rng("elbo"), self.rebuild([p.copy() for p in point]))
        if values.ndim != 1 or len(values) < 30:
            raise ShapeError(
                f"check_elbo: elbo(n, rng, params) returned shape {values.shape}; expected ({self.n},), or at least 30 "
                "independent estimates: without them there is no standard error. A mean over draws hides it."
            )
        return values

    # --- by quadrature --------------------------------------------------------------------------------------

    def _cloud(self) -> Cloud | None:
        """The joint density, as a function of z, with nodes around its bulk; None for a larger latent."""
        if self.z.shape[1] > 2:
            self.findings.notes.append(
                f"{self.z.shape[1]} latent dimensions are too many for quadrature; the estimates are only held against "
                "each other."
            )
            return None
        spread = 4 * np.cov(self.z.T).reshape(self.z.shape[1], -1) + np.eye(self.z.shape[1])
        cloud = integrate_cloud(self.log_joint, np.median(self.z, axis=0), spread)
        self.findings.values["log p(x)"] = cloud.log_mass
        if cloud.error > 1e-4:
            self.findings.notes.append(f"quadrature of p(x, z) over z leaves a relative error of {cloud.error:.1g}.")
        return cloud

    def around_q(self) -> Cloud:
        """Nodes around the bulk of q."""
        z = self.z
        spread = np.cov(z.T).reshape(z.shape[1], -1) + 1e-6 * np.eye(z.shape[1])
        return integrate_cloud(lambda nodes: self.log_q(nodes, self.point), np.median(z, axis=0), spread)

    def exact_elbo(self, q: Cloud, log_joint: Array, point: list[Array]) -> float:
        """∫ q (log p(x, z) − log q) dz at the nodes of q."""
        log_q = self.log_q(q.z, point)
        inside = np.isfinite(log_q) & np.isfinite(log_joint)
        with np.errstate(all="ignore"):
            f = np.where(inside, np.exp(log_q) * (log_joint - log_q), 0.0)
        return float(f @ q.weight)

    # --- what is tested -------------------------------------------------------------------------------------

    def estimates(self) -> None:
        """The mean of the estimates, and the bound."""
        estimates = self.elbo(self.point)
        if not np.isfinite(estimates).all():
            self.findings.fail("finite", "some estimates of the ELBO are NaN or infinite")
            return
        if self.cloud is None:
            return
        q = self.around_q()
        rounding = self.place.rounding + 1e-9
        self.findings.exact(
            "∫ exp(log_q)", 1.0, np.exp(q.log_mass), 1e-6 + q.error + 100 * rounding, "q is not normalised: look at its constant."
        )
        log_joint = self.log_joint(q.z)
        elbo, log_px = self.exact_elbo(q, log_joint, self.point), self.cloud.log_mass
        self.findings.values |= {"ELBO": elbo, "gap": log_px - elbo}
        slack = rounding * np.abs(estimates).max() + (q.error + self.cloud.error) * (1 + abs(log_px))
        self.findings.mean(
            "ELBO",
            mean_test(estimates, elbo, slack),
            elbo,
            "The estimates do not average to E_q[log p(x, z) − log q(z)]: look at their terms, and at the sampler.",
        )
        self.findings.mean(
            "ELBO ≤ log p(x)", mean_test(estimates, log_px, slack), log_px, "This is no lower bound.", one_sided=True
        )
        self.findings.exact(
            "gap ≥ 0",
            0.0,
            log_px - elbo,
            1e-6 + slack,
            "KL(q ‖ p(z|x)) came out negative, so log_q or log_joint is no log-density.",
            at_least=True,
        )
        self.exact_gradient = self.differences(lambda point: np.array([self.exact_elbo(q, log_joint, point)]))

    def gradients(self) -> None:
        """Pathwise against quadrature, and against the score function."""
        if self.findings.failures:
            return
        pathwise, score = self.pathwise(), self.score_function()
        for i, name in enumerate(self.names):
            labels = tuple(f"{name}{list(at) if at else ''}" for at in np.ndindex(self.point[i].shape))
            mine, other = pathwise[i].reshape(len(pathwise[i]), -1), score[i]
            if self.exact_gradient is not None:
                exact = self.exact_gradient[i].ravel()
                self.findings.mean(
                    f"gradient for {name}",
                    mean_test(mine, exact, 1e-6 * (1 + np.abs(exact))),
                    exact,
                    "This is not the gradient of the ELBO: is a path cut, or a factor lost?",
                    labels=labels,
                )
            self.findings.mean(
                f"score function for {name}",
                difference_test(mine, other, 1e-6 * (1 + np.abs(other).mean(axis=0))),
                other.mean(axis=0),
                "The two gradients differ: sampler and log_q do not speak of the same q, or the gradient is wrong.",
                labels=labels,
            )

    def pathwise(self) -> list[Array]:
        """Estimates of the gradient, (m, *shape) for each part of params."""
        if self.guest_gradient is None:
            return self.differences(self.elbo)
        given = self.guest_gradient(self.n, self.rng("gradient"), self.rebuild([p.copy() for p in self.point]))
        keys, parts, _ = take_apart(given)
        if len(keys) > 1 and set(keys) == set(self.names):
            parts = [parts[keys.index(name)] for name in self.names]
        found = [plain(part).astype(np.float64) for part in parts]
        for name, part, p in zip(self.names, found, self.point, strict=True):
            if part.shape[1:] != p.shape or len(part) < 30:
                raise ShapeError(
                    f"check_elbo: the gradient of {name} has shape {part.shape}; expected ({self.n}, "
                    f"{', '.join(map(str, p.shape))}): one estimate for each draw in front, so that there is a standard "
                    "error."
                )
        return found

    def score_function(self) -> list[Array]:
        """(F − c·s)·s for each draw, with F = log p(x, z) − log q(z), s = ∇ log q(z); c from a pilot sample."""
        z = self.z
        score = np.concatenate(
            [part.reshape(self.n, -1) for part in self.differences(lambda point: self.log_q(z, point))], axis=1
        )
        raw = (self.log_joint(z) - self.log_q(z, self.point))[:, None] * score
        pilot, rest = slice(None, self.n // PILOT), slice(self.n // PILOT, None)
        coefficients = np.linalg.lstsq(score[pilot], raw[pilot] - raw[pilot].mean(axis=0), rcond=None)[0]
        left = raw[rest] - score[rest] @ coefficients
        ends = np.cumsum([p.size for p in self.point])[:-1]
        return np.split(left, ends, axis=1)

    def differences(self, f: Callable[[list[Array]], Array]) -> list[Array]:
        """Central differences of f(params), (m,), in every entry of every part: (m, *shape) for each part."""
        out = []
        for i, part in enumerate(self.point):
            columns = []
            for at in np.ndindex(part.shape):
                ends = []
                for sign in (1, -1):
                    moved = [p.copy() for p in self.point]
                    moved[i][at] += sign * STEP
                    ends.append(f(moved))
                columns.append((ends[0] - ends[1]) / (2 * STEP))
            out.append(np.stack(columns, axis=-1).reshape(-1, *part.shape))
        return out


def _one_each(name: str, values: Array, n: int) -> Array:
    if values.shape != (n,):
        raise ShapeError(f"check_elbo: {name} returned shape {values.shape} for {n} points z; expected ({n},)")
    return values


__all__ = ["check_elbo"]
