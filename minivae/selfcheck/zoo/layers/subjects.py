"""The layers: their trials, and all their wrong versions."""

from __future__ import annotations

from collections import defaultdict

from minivae.selfcheck import layers
from minivae.selfcheck.case import Case
from minivae.selfcheck.zoo.layers import dropout, linear, normalisation, sequential, weightless
from minivae.selfcheck.zoo.layers.definitions import DEFINED
from minivae.selfcheck.zoo.subject import Subject
from minivae.selfcheck.zoo.trials import gradients, value

MUTANTS = (
    linear.MUTANTS
    | normalisation.MUTANTS
    | weightless.MUTANTS
    | {"Dropout": dropout.MUTANTS, "Sequential": sequential.MUTANTS}
)

BEFORE = linear.TRIALS | {"Dropout": dropout.TRIAL, "Sequential": sequential.TRIAL}
"""What is tried before value and gradients."""

AFTER = {"BatchNorm": normalisation.TRIAL}
"""What is tried after them."""


def subjects() -> list[Subject]:
    """One for each layer of the catalogue."""
    cases: dict[str, list[Case]] = defaultdict(list)
    for case in layers.CASES:
        cases[case.subject].append(case)
    return [_subject(name, own) for name, own in cases.items()]


def _subject(name: str, cases: list[Case]) -> Subject:
    trials = [
        BEFORE.get(name),
        value(cases, DEFINED[name]) if name in DEFINED else None,
        gradients(cases),
        AFTER.get(name),
    ]
    return Subject("layer", name, cases[0].target, tuple(t for t in trials if t is not None), MUTANTS.get(name, {}))
