"""Every mutant is caught, by a trial that the right code passes; and nothing in minivae is without mutants."""

from __future__ import annotations

import numpy as np
import pytest

from minivae.autodiff import PRIMITIVES, Forward, primitive
from minivae.backend import Array
from minivae.selfcheck import zoo

SUBJECTS = zoo.subjects()


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: f"{subject.group} {subject.name}")
def test_every_mutant_is_caught_by_a_trial_that_the_right_code_passes(subject):
    results = zoo.run(zoo=[subject], seed=1)
    assert not results.unfit, f"the right code fails: {[(o.trial, o.evidence, o.crash) for o in results.unfit]}"
    assert not results.survivors, [(o.mutant, o.evidence, o.crash) for o in results.survivors]
    assert [o.mutant for o in results.outcomes] == list(subject.mutants)


def test_there_are_more_than_500_mutants_with_names_of_their_own():
    names = [(subject.group, subject.name, mutant) for subject in SUBJECTS for mutant in subject.mutants]
    assert len(names) == len(set(names)) > 500


@pytest.mark.parametrize("group", ["autodiff", "op", "layer", "distribution", "objective", "optimiser"])
def test_no_group_is_empty(group):
    assert sum(len(subject.mutants) for subject in SUBJECTS if subject.group == group) >= 15


def test_no_subject_comes_twice_and_none_is_without_mutants():
    names = [(subject.group, subject.name) for subject in SUBJECTS]
    assert len(names) == len(set(names))
    assert all(subject.mutants and subject.trials for subject in SUBJECTS)


def test_nothing_is_without_mutants():
    assert zoo.unguarded() == []


def test_a_new_op_without_mutants_is_reported():
    def sinc(x: Array) -> Forward:
        """sin(x)/x."""
        return np.sinc(x), lambda g: g * 0

    sinc.__module__ = "minivae.ops.waves"
    primitive(sinc)
    try:
        assert zoo.unguarded() == ["op sinc"]
    finally:
        del PRIMITIVES["sinc"]
    assert zoo.unguarded() == []


@pytest.mark.parametrize(
    "removed", [("layer", "Dense"), ("distribution", "Normal"), ("optimiser", "Adam"), ("objective", "elbo")]
)
def test_whatever_loses_its_mutants_is_reported(removed):
    kept = [subject for subject in SUBJECTS if (subject.group, subject.name) != removed]
    assert zoo.unguarded(kept) == [" ".join(removed)]


def test_mutants_are_not_among_the_ops_of_minivae():
    assert all(op.__module__.startswith("minivae.") for op in PRIMITIVES.values())
