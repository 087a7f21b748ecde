"""What holds for every exercise: its reference is right, its steps agree with it, its mistakes show."""

from __future__ import annotations

import numpy as np
import pytest

from minivae.grading import trials
from minivae.grading.changes import changes
from minivae.grading.exercise import EXERCISES
from minivae.grading.judge import case, judge

FUNCTIONS = {exercise.name: exercise for exercise in trials.functions()}
CHANGES = [(name, change) for name, exercise in FUNCTIONS.items() for change in changes(exercise)]


@pytest.mark.parametrize("name", EXERCISES)
def test_the_reference_is_right(name):
    assert judge(EXERCISES[name], EXERCISES[name].reference).status == "right"


@pytest.mark.parametrize("name", [name for name, exercise in EXERCISES.items() if exercise.program])
def test_the_steps_give_what_the_reference_gives(name):
    exercise = EXERCISES[name]
    given = case(exercise, 5)
    run = exercise.program.run(given)
    for output, value in exercise.named(exercise.right_answer(given)).items():
        np.testing.assert_allclose(run[exercise.program.outputs[output]], value, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("name", "change"), CHANGES, ids=[f"{name}-{c.mistake.code}" for name, c in CHANGES])
def test_a_mistake_is_named_with_both_formulas(name, change):
    verdict = judge(FUNCTIONS[name], trials.injected(FUNCTIONS[name], [change]))
    assert verdict.status == "wrong"
    assert verdict.codes == (change.mistake.code,)
    assert change.mistake.yours in verdict.text
    assert change.mistake.right in verdict.text


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_mistake_listed_shows(name):
    """In this exercise, or in another that shares it: the exercises on parts of the ELBO have one list together."""
    shown = {id(change.mistake) for _, change in CHANGES}
    assert [mistake.code for mistake in FUNCTIONS[name].mistakes if id(mistake) not in shown] == []
    assert name in {exercise for exercise, _ in CHANGES}
