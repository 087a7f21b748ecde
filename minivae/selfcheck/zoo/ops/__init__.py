"""Wrong ops."""

from minivae.selfcheck.zoo.ops.subjects import subjects

__all__ = ["subjects"]
