"""The bug hunt of lesson 09: the two lines pass in any form, and a wrong suspicion gets its question."""

from __future__ import annotations

import numpy as np
import pytest

from minivae.grading import EXERCISES, check
from minivae.grading.checker import load
from minivae.grading.judge import judge

load()
EXERCISE = EXERCISES["wrong_lines"]


@pytest.mark.parametrize("answer", [[8, 12], (8, 12), np.array([8.0, 12.0]), np.array([8, 12], np.float32)])
def test_the_two_lines_pass_in_any_form(answer):
    assert judge(EXERCISE, answer).status == "right"


@pytest.mark.parametrize("mistake", EXERCISE.mistakes, ids=lambda mistake: mistake.code)
def test_a_wrong_suspicion_is_named_and_asked_about(mistake):
    verdict = judge(EXERCISE, mistake.wrong())
    assert verdict.status == "wrong"
    assert verdict.codes == (mistake.code,)
    assert mistake.question.split()[-1] in verdict.text


@pytest.mark.parametrize("answer", [[8], [12], [3, 4], [8, 12, 14], "8, 12", [12, 8]])
def test_any_other_answer_is_wrong_and_accuses_nobody(answer):
    verdict = judge(EXERCISE, answer)
    assert verdict.status != "right"
    assert verdict.codes == ()


def test_the_answer_is_not_told():
    for answer in ([8, 14], [3, 4]):
        assert "12" not in judge(EXERCISE, answer).text


def test_what_is_not_attempted_is_replaced(capsys):
    assert list(check.wrong_lines(...)) == [8, 12]
    assert "not attempted yet" in capsys.readouterr().out
