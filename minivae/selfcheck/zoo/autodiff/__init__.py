"""A wrong machinery behind all ops."""

from minivae.selfcheck.zoo.autodiff import graph, leaves
from minivae.selfcheck.zoo.subject import Subject


def subjects() -> list[Subject]:
    """The parts of the machinery."""
    return [*graph.subjects(), *leaves.subjects()]


__all__ = ["subjects"]
