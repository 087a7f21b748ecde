"""What `check_elbo` computes: estimates of the ELBO and of its gradient, and the same by quadrature."""

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

STEP = 1e-4  # of the differences; what they miss is far below any standard error
CHUNK = 8192  # so many z at a time go through the decoder
PILOT = 5  # one draw in so many is spent on the control variates
LEAST = 30  # fewer estimates have no standard error worth the name


class Bound:
    """The guest's functions for one x, with the parameters of q taken apart.

    Attributes:
        names, point: the parts of the parameters, float64.
        z: draws from q, (n, L).
        place: their dtype and backend.
    """

    def __init__(
        self, elbo: Any, sample_q: Any, log_q: Any, log_joint: Any, params: Any, gradient: Any, draws: int, seed: int
    ) -> None:
        self.names, parts, self.rebuild = take_apart(params)
        self.point = [require_float64(part, name).copy() for part, name in zip(parts, self.names, strict=True)]
        self.guest_elbo, self.guest_sample, self.guest_gradient = elbo, sample_q, gradient
        self.guest_log_q, self.guest_log_joint = log_q, log_joint
        self.n, self.seed = draws, seed
        self.z, self.place = self.draw(self.point, "draws")

    @property
    def latent_dim(self) -> int:
        """L."""
        return self.z.shape[1]

    # --- the functions, on host arrays ----------------------------------------------------------------------

    def rng(self, part: str) -> Rng:
        """The same numbers each time it is asked for: common random numbers for all parameters."""
        return stream(self.seed, "check_elbo", part)

    def draw(self, point: list[Array], part: str) -> Any:
        """Draws at other parameters with the same noise."""
        z, place = draw(self.guest_sample, self.n, self.rng(part), self.rebuild([p.copy() for p in point]))
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
            with np.errstate(all="ignore"):
                return self.log_joint(z) - self.log_q(z, point)
        values = ask(self.guest_elbo, self.n, self.rng("elbo"), self.rebuild([p.copy() for p in point]))
        if values.ndim != 1 or len(values) < LEAST:
            raise ShapeError(
                f"check_elbo: elbo(n, rng, params) returned shape {values.shape}; expected ({self.n},), or at least "
                f"{LEAST} independent estimates: without them there is no standard error. A mean over draws hides it."
            )
        return values

    def repeatable(self) -> bool:
        """Whether the noise is all in `rng`; where no estimates are differentiated, it does not matter."""
        if self.guest_gradient is not None:
            return True
        same = [self.draw(self.point, "draws")[0], self.z]
        if self.guest_elbo is not None:
            params = self.rebuild([p.copy() for p in self.point])
            same += [ask(self.guest_elbo, LEAST, self.rng("elbo"), params) for _ in range(2)]
        return all(np.array_equal(a, b, equal_nan=True) for a, b in zip(same[::2], same[1::2], strict=True))

    # --- by quadrature --------------------------------------------------------------------------------------

    def around_joint(self) -> Cloud:
        """p(x, z) as a function of z; its mass is p(x)."""
        spread = 4 * np.cov(self.z.T).reshape(self.latent_dim, -1) + np.eye(self.latent_dim)
        return integrate_cloud(self.log_joint, np.median(self.z, axis=0), spread)

    def around_q(self) -> Cloud:
        """q(z|x)."""
        spread = np.cov(self.z.T).reshape(self.latent_dim, -1) + 1e-6 * np.eye(self.latent_dim)
        return integrate_cloud(lambda z: self.log_q(z, self.point), np.median(self.z, axis=0), spread)

    def exact_elbo(self, q: Cloud, log_joint: Array, point: list[Array]) -> float:
        """∫ q (log p(x, z) − log q) dz at the nodes of q."""
        log_q = self.log_q(q.z, point)
        inside = np.isfinite(log_q) & np.isfinite(log_joint)
        with np.errstate(all="ignore"):
            f = np.where(inside, np.exp(log_q) * (log_joint - log_q), 0.0)
        return float(f @ q.weight)

    # --- the gradient, estimated --------------------------------------------------------------------------------

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
            if part.shape[1:] != p.shape or len(part) < LEAST:
                raise ShapeError(
                    f"check_elbo: the gradient of {name} has shape {part.shape}; expected ({self.n}, "
                    f"{', '.join(map(str, p.shape))}): one estimate for each draw, in front, so that there is a "
                    "standard error."
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
        # Parameters may overlap, then scores are multiples of each other but for the error of the differences; rcond
        # keeps that error from being magnified into a control variate whose mean is not zero.
        unit = score.std(axis=0) + np.finfo(np.float64).tiny
        target = raw[pilot] - raw[pilot].mean(axis=0)
        coefficients = np.linalg.lstsq(score[pilot] / unit, target, rcond=1e-4)[0]
        left = raw[rest] - score[rest] / unit @ coefficients
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


__all__ = ["Bound"]
