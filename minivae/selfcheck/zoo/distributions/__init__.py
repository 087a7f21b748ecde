"""Wrong distributions and divergences."""

from minivae.selfcheck.zoo.distributions.subjects import subjects

__all__ = ["subjects"]
