"""The catalogue: a case, mostly several, for everything in the library that has a gradient."""

from __future__ import annotations

from minivae.selfcheck import distributions, layers, models, objectives, ops_elementwise, ops_networks, ops_shapes
from minivae.selfcheck.case import Case

PARTS = (ops_elementwise, ops_shapes, ops_networks, layers, distributions, objectives, models)


def catalogue() -> list[Case]:
    """All cases, from the single op to the whole model."""
    return [case for part in PARTS for case in part.CASES]
