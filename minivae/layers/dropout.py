"""Dropout."""

from __future__ import annotations

import numbers
from typing import Any

from minivae import ops
from minivae.autodiff import Tensor
from minivae.backend import Array, backend_of, to_backend
from minivae.errors import ConfigError
from minivae.layers.checks import generator
from minivae.layers.module import Module
from minivae.random import Rng, default_rng, uniform


class Dropout(Module):
    """In training, each entry becomes 0 with probability p, the others x / (1 − p); E[y] = x. In evaluation, y = x.

    The mask is drawn on the host, so that a seed gives the same one on both backends (Srivastava et al. 2014).

    Args:
        p: the probability of dropping an entry, in [0, 1).
        rng: where masks come from; by default `minivae.random.default_rng()` at the time of the call.

    Raises:
        ConfigError: p is outside [0, 1).
    """

    p: float
    rng: Rng | None

    def __init__(self, p: float = 0.5, *, rng: Rng | None = None) -> None:
        if not isinstance(p, numbers.Real) or not 0 <= p < 1:
            raise ConfigError(f"Dropout: p is {p!r}; expected the probability of dropping an entry, 0 <= p < 1")
        self.p = float(p)
        self.rng = None if rng is None else generator(rng)

    def forward(self, x: Any, mask: Array | None = None) -> Tensor:
        """x of any shape -> the same shape. A mask of 0 and 1 (keep) may be given instead of drawn."""
        x = x if isinstance(x, Tensor) else Tensor(x)
        if not self.training or self.p == 0:
            return x
        if mask is None:
            kept = uniform(self.rng or default_rng(), x.shape) >= self.p
            mask = to_backend(kept, backend_of(x.data))
        return ops.dropout(x, mask, self.p)
