"""The catalogue: a case, mostly several, for everything in the library that has a gradient."""

from __future__ import annotations

from minivae.selfcheck import ops_elementwise, ops_networks, ops_shapes
from minivae.selfcheck.case import Case


def catalogue() -> list[Case]:
    """All cases, from the single op to the whole model."""
    return [
        *ops_elementwise.CASES,
        *ops_shapes.CASES,
        *ops_networks.CASES,
    ]
