"""Wrong layers."""

from minivae.selfcheck.zoo.layers.subjects import subjects

__all__ = ["subjects"]
