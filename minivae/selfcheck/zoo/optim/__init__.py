"""Wrong optimisers."""

from minivae.selfcheck.zoo.optim.subjects import subjects

__all__ = ["subjects"]
