"""A log-density taken apart into one function for each entry of a draw."""

from __future__ import annotations

import numpy as np

from minivae.backend import Array
from minivae.errors import ConfigError, ShapeError
from minivae.verify.guest import Density, Place, ask


class Factors:
    """log p(x) of independent entries, whether it comes as one value for each entry or as their sum.

    A sum log p(x) = Σⱼ log pⱼ(xⱼ) is taken apart by moving one entry at a time away from a reference point r:

        fⱼ(t) = log p(r with t in place of rⱼ) = log pⱼ(t) + a constant

    That is all a distribution function needs. And the total mass is known too: ∫ p = Πⱼ ∫ exp(fⱼ) / p(r)^(E − 1), for E
    entries that are summed.

    Args:
        log_prob: (n, ...) -> (n, ...), or summed over some trailing axes.
        x: draws, (n, ...).
        place: in which dtype and where log_prob is asked.

    Raises:
        ShapeError: log_prob(x) has neither of these shapes.
        ConfigError: the sum does not belong to independent entries.
    """

    def __init__(self, log_prob: Density, x: Array, place: Place) -> None:
        self.log_prob, self.place = log_prob, place
        few = x[: min(len(x), 64)]
        values = ask(log_prob, place.arrange(few))
        if values.shape != few.shape[: values.ndim] or values.ndim == 0:
            raise ShapeError(
                f"log_prob(x) has shape {values.shape} for x of shape {few.shape}; expected the same shape, one value "
                "for each entry, or that shape without some of its last axes, summed over them."
            )
        self.kept, self.summed = few.shape[1 : values.ndim], few.shape[values.ndim :]
        self.entries = int(np.prod(self.summed))
        self.reference = self._reference(few, values)
        if self.summed and self.entries > 1:
            self._require_independent(few, values)

    def _reference(self, few: Array, values: Array) -> Array:
        """The most probable of a few draws, for each sum."""
        best = np.nan_to_num(values, nan=-np.inf).argmax(axis=0)
        return np.take_along_axis(few, best.reshape(1, *self.kept, *[1] * len(self.summed)), axis=0)

    def __call__(self, x: Array) -> Array:
        """The factors at points (M, ...), each up to a constant of its own; exactly log_prob if that is elementwise."""
        if not self.summed:
            return ask(self.log_prob, self.place.arrange(x))
        out = np.empty(x.shape)
        for j in np.ndindex(self.summed):
            at = (Ellipsis, *j)
            moved = np.broadcast_to(self.reference, x.shape).copy()
            moved[at] = x[at]
            out[at] = ask(self.log_prob, self.place.arrange(moved))
        return out

    def total(self, log_masses: Array, error: Array) -> tuple[Array, Array]:
        """The logarithm of the integral of exp(log_prob), and its relative error, from those of the factors."""
        if not self.summed:
            return log_masses, error
        axes = tuple(range(-len(self.summed), 0))
        at_reference = ask(self.log_prob, self.place.arrange(self.reference))[0]
        return log_masses.sum(axis=axes) - (self.entries - 1) * at_reference, error.sum(axis=axes)

    def _require_independent(self, few: Array, values: Array) -> None:
        at_reference = ask(self.log_prob, self.place.arrange(self.reference))[0]
        axes = tuple(range(-len(self.summed), 0))
        added = self(few).sum(axis=axes) - (self.entries - 1) * at_reference
        finite = np.isfinite(values) & np.isfinite(added)
        scale = 1 + np.abs(values) + self.entries * np.abs(at_reference)
        gap = np.where(finite, np.abs(added - np.where(finite, values, 0)), 0)
        if (gap > (1e-6 + 100 * self.place.rounding) * scale).any():
            raise ConfigError(
                "check_sampler: log_prob returns a sum over entries that are not independent: it is not a sum of one "
                "function of each. Check such a density along one direction v at a time: the draws x @ v against the "
                "density of that number."
            )


__all__ = ["Factors"]
