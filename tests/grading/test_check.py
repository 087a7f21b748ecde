"""`check` prints a verdict, keeps it, and gives back a function that is right."""

from __future__ import annotations

import numpy as np
import pytest

from minivae.errors import ConfigError
from minivae.grading import EXERCISES, check
from minivae.grading.exercise import Exercise, register
from minivae.grading.exercises import elbo


def test_a_right_function_comes_back(capsys):
    def kl_term(mu, logvar):
        return 0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar) / len(mu)

    assert check(kl_term) is kl_term
    assert check.kl_term(kl_term) is kl_term
    assert capsys.readouterr().out.startswith("kl_term: right.")
    assert check.last.status == "right"
    assert check.last.exercise == "kl_term"


def test_for_anything_else_the_librarys_own_comes_back(capsys):
    def kl_term(mu, logvar):
        raise NotImplementedError

    assert check(kl_term) is elbo.kl_term
    assert check.last.status == "not attempted"
    assert capsys.readouterr().out == check.last.text + "\n"
    assert check.kl_term(lambda mu, logvar: 0.0) is elbo.kl_term
    assert check.last.status == "wrong"
    assert check.kl_term(lambda mu: 0.0) is elbo.kl_term
    assert check.last.status == "error"


def test_hint_2_is_passed_on(capsys):
    wrong = lambda mu, logvar: 2 * elbo.kl_term(mu, logvar)
    check.kl_term(wrong)
    assert "hint=2" in check.last.text
    check.kl_term(wrong, hint=2)
    assert "log-density of a Gaussian is −½" in check.last.text
    assert check.last.mistakes == ("the ½ of the KL divergence is missing",)


def test_hint_2_after_a_wrong_answer_is_about_that_answer(capsys):
    def kl_term(mu, logvar):
        return 2 * elbo.kl_term(mu, logvar)

    wrong, kl_term = kl_term, check(kl_term)
    assert kl_term is elbo.kl_term
    assert check(kl_term, hint=2) is elbo.kl_term
    assert check.last.status == "wrong"
    assert check.last.text.startswith("Your last answer again")
    assert "log-density of a Gaussian is −½" in check.last.text
    assert check.kl_term(lambda mu, logvar: wrong(mu, logvar) / 2)(np.zeros((1, 1)), np.zeros((1, 1))) == 0
    assert check(elbo.kl_term) is elbo.kl_term  # the answer was right, and what was wrong before is forgotten
    assert check.last.status == "not attempted"


def test_an_unknown_exercise_is_an_error_with_a_guess():
    def kl_terms(mu, logvar): ...

    with pytest.raises(ConfigError, match="Did you mean 'kl_term'"):
        check(kl_terms)
    with pytest.raises(AttributeError, match="Did you mean 'kl_term'"):
        _ = check.kl_trem
    with pytest.raises(ConfigError, match=r"write check\.NAME"):
        check(lambda mu, logvar: 0)
    with pytest.raises(ConfigError, match="float"):
        check(3.0)
    assert "kl_term" in dir(check)


def test_two_exercises_of_one_name_are_an_error():
    dir(check)
    with pytest.raises(ConfigError, match="two exercises"):
        register(Exercise(name="kl_term", reference=1.0))


def test_every_text_of_the_catalogue_reads_as_a_sentence():
    dir(check)
    for exercise in EXERCISES.values():
        assert len({mistake.code for mistake in exercise.mistakes}) == len(exercise.mistakes)
        for mistake in exercise.mistakes:
            assert "?" in mistake.question, mistake.code
            assert not mistake.name.endswith("."), mistake.code
            assert mistake.yours != mistake.right, mistake.code
            assert mistake.more.rstrip().endswith((".", "?", ")")), mistake.code
