"""Wrong versions of dropout."""

from __future__ import annotations

from typing import Any

import numpy as np

from minivae import layers
from minivae.autodiff import Tensor
from minivae.random import stream, uniform
from minivae.selfcheck.zoo.sabotage import forward
from minivae.selfcheck.zoo.subject import Trial, Verdict
from minivae.selfcheck.zoo.trials import all_of


def _rate(target: Any, seed: int) -> Verdict:
    """Of 100,000 ones a share p becomes 0, the rest 1/(1 − p); a second call draws anew; evaluation changes nothing.

    The share is allowed five standard errors: a false alarm in a million seeds.
    """
    n, p = 100_000, 0.3
    layer = target(p, rng=stream(seed, "rate"))
    x = Tensor(np.ones((n // 10, 10)))
    first, second = layer(x).data, layer(x).data
    dropped = first == 0
    z = (dropped.mean() - p) / (p * (1 - p) / n) ** 0.5
    alike = np.corrcoef(dropped.ravel(), (second == 0).ravel())[0, 1] if dropped.any() else 1.0
    rows = dropped.mean(axis=1).std() / (p * (1 - p) / 10) ** 0.5
    return all_of(
        [
            Verdict(abs(z) <= 5, f"share of zeros {dropped.mean():.3f}, expected {p}: z = {z:+.0f}"),
            Verdict(np.allclose(first[~dropped], 1 / (1 - p)), f"what is kept is {first.max():.3f} times itself"),
            Verdict(abs(alike) <= 5 / n**0.5, f"two calls correlate by {alike:.2f}"),
            Verdict(abs(rows - 1) <= 0.05, f"the share scatters over the rows {rows:.2f} times as it should"),
            Verdict(np.array_equal(layer.eval()(x).data, x.data), "evaluation changes x"),
        ]
    )


def _dropped(self: Any, x: Tensor, keep: float, scale: float, shape: tuple[int, ...] | None = None) -> Tensor:
    """Each entry kept with probability `keep`, and scaled."""
    mask = (uniform(self.rng, shape or x.shape) < keep).astype(x.dtype)
    return x * (mask * x.dtype.type(scale))


def _dropout(f: Any) -> Any:
    """Dropout with f(self, x) in training."""
    return forward(layers.Dropout, lambda self, x: f(self, x) if self.training else x)


def _one_mask_for_all_calls(self: Any, x: Tensor) -> Tensor:
    if "mask" not in vars(self):
        self.mask = (uniform(self.rng, x.shape) >= self.p).astype(x.dtype)
    return x * (self.mask / x.dtype.type(1 - self.p))


def _scale_in_evaluation(self: Any, x: Tensor) -> Tensor:
    return _dropped(self, x, 1 - self.p, 1.0) if self.training else x * (1 - self.p)


MUTANTS: dict[str, Any] = {
    "p the probability of keeping": _dropout(lambda self, x: _dropped(self, x, self.p, 1 / self.p)),
    "what is kept is not scaled": _dropout(lambda self, x: _dropped(self, x, 1 - self.p, 1.0)),
    "divided by p": _dropout(lambda self, x: _dropped(self, x, 1 - self.p, 1 / self.p)),
    "scaled in evaluation, not in training": forward(layers.Dropout, _scale_in_evaluation),
    "active in evaluation": forward(layers.Dropout, lambda self, x: _dropped(self, x, 1 - self.p, 1 / (1 - self.p))),
    "never active": forward(layers.Dropout, lambda self, x: x),
    "one mask for all calls": _dropout(_one_mask_for_all_calls),
    "one mask for all examples": _dropout(
        lambda self, x: _dropped(self, x, 1 - self.p, 1 / (1 - self.p), (1, *x.shape[1:]))
    ),
    "whole examples dropped": _dropout(
        lambda self, x: _dropped(self, x, 1 - self.p, 1 / (1 - self.p), (len(x), *(1,) * (x.ndim - 1)))
    ),
    "detached": _dropout(lambda self, x: _dropped(self, x.detach(), 1 - self.p, 1 / (1 - self.p))),
}

TRIAL = Trial("rate", _rate)
