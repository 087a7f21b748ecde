"""The ops: their trials, and all their wrong versions."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from minivae.selfcheck.case import Case
from minivae.selfcheck.catalogue import catalogue
from minivae.selfcheck.zoo.definitions import DEFINITIONS, defined
from minivae.selfcheck.zoo.ops import (
    activations,
    convolutions,
    elementwise,
    losses,
    normalisation,
    pooling,
    reductions,
    shapes,
)
from minivae.selfcheck.zoo.subject import Subject
from minivae.selfcheck.zoo.trials import edges, float32, gradients, value

PARTS: tuple[Any, ...] = (elementwise, activations, reductions, shapes, convolutions, pooling, normalisation, losses)
MUTANTS = {name: wrong for part in PARTS for name, wrong in part.MUTANTS.items()}
EDGES = {name: edges for part in PARTS for name, edges in getattr(part, "EDGES", {}).items()}


def subjects() -> list[Subject]:
    """One for each op of the catalogue."""
    cases: dict[str, list[Case]] = defaultdict(list)
    for case in catalogue():
        if case.group == "op":
            cases[case.subject].append(case)
    return [_subject(name, own) for name, own in cases.items()]


def _subject(name: str, cases: list[Case]) -> Subject:
    trials = [value(cases, defined(DEFINITIONS[name])), gradients(cases), float32(cases)]
    if name in EDGES:
        trials.append(edges(EDGES[name]))
    return Subject("op", name, cases[0].target, tuple(trials), MUTANTS.get(name, {}))
