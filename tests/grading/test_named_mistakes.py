"""A mistake of the catalogue is named as itself; two at once are both named, or neither."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from learner import WRONG, with_lines

from minivae.grading import confusion, trials
from minivae.grading.changes import changes
from minivae.grading.exercise import EXERCISES
from minivae.grading.exercises.elbo_mistakes import MISTAKES
from minivae.grading.judge import judge

FUNCTIONS = trials.functions()
ELBO = EXERCISES["elbo_backward"]
LISTED = """K1 K2 K3 K4 K5 K6 K8 K9 K10 K11 K13 K14 K16 K17 K18 K19 K20 K21 K22 K23 K26 R1 R2 R3 R4 R6 R7 R9 R10 B1 B3
Z2 Z3 Z4 Z6 Z9 Z10 Z11 T1 T3 T4 T5""".split()  # noqa: SIM905


def test_every_listed_misconception_is_in_the_catalogue():
    codes = {change.mistake.code for exercise in FUNCTIONS for change in changes(exercise)}
    assert codes >= set(LISTED)


@pytest.mark.parametrize("code", WRONG)
def test_a_learners_wrong_lines_are_named(code):
    verdict = judge(ELBO, with_lines(WRONG[code]))
    assert verdict.codes == (code,), verdict.text
    assert verdict.status == "wrong"
    assert "yours:" in verdict.text
    assert "right:" in verdict.text
    assert "?" in verdict.text


def test_learners_lines_are_tried_for_every_mistake_of_the_elbo():
    assert set(WRONG) == {mistake.code for mistake in MISTAKES}


PAIRS = [
    (a, b)
    for a, b in itertools.combinations(WRONG, 2)
    if not WRONG[a].keys() & WRONG[b].keys()  # both can be typed at once
]


@pytest.mark.parametrize(("a", "b"), PAIRS[::17])
def test_two_mistakes_are_both_named_or_neither(a, b):
    verdict = judge(ELBO, with_lines(WRONG[a], WRONG[b]))
    assert verdict.status == "wrong"
    same_in_other_words = verdict.codes and same_answer(
        with_lines(WRONG[a], WRONG[b]), with_lines(*(WRONG[code] for code in verdict.codes))
    )
    assert set(verdict.codes) in ({a, b}, set()) or same_in_other_words, verdict.text


def same_answer(f, g):
    """Whether two programs give the same numbers: one mistake may hide another, and two may look like a third."""
    arguments = ELBO.cases(np.random.default_rng(1))
    ours, others = f(*arguments), g(*arguments)
    return all(np.allclose(ours[name], others[name], rtol=1e-9, atol=1e-12) for name in ours)


def test_two_mistakes_that_do_not_touch_are_both_named():
    for a, b in (("K1", "T1"), ("K5", "K22"), ("R1", "Z4"), ("K16", "W1"), ("Z6", "K21"), ("K4", "W2"), ("R3", "K9")):
        assert set(judge(ELBO, with_lines(WRONG[a], WRONG[b])).codes) == {a, b}


def test_two_mistakes_are_told_in_the_order_of_the_derivation():
    assert judge(ELBO, with_lines(WRONG["T1"], WRONG["K4"])).codes == ("K4", "T1")
    assert judge(ELBO, with_lines(WRONG["Z6"], WRONG["K4b"])).codes == ("K4b", "Z6")


def test_three_mistakes_are_not_blamed_on_two():
    verdict = judge(ELBO, with_lines(WRONG["K4"], WRONG["Z4"], WRONG["T1"]))
    assert verdict.status == "wrong"
    assert verdict.codes == ()


@pytest.mark.parametrize("name", ["kl_backward", "heads_backward", "negative_elbo", "gaussian_reconstruction"])
def test_pairs_are_never_misnamed(name):
    exercise = EXERCISES[name]
    pairs = list(itertools.combinations(trials.usual(exercise), 2))
    outcomes = {confusion.pair_outcome(exercise, pair) for pair in pairs[::5]}
    assert outcomes <= {"both named", "same numbers as another", "not possible together"}


def test_a_mistake_in_the_gradient_alone_is_told_from_one_in_both():
    both = {right: wrong for right, wrong in WRONG["K1"].items() if right.startswith("k_")}
    verdict = judge(ELBO, with_lines(both))
    assert verdict.codes == ("K1",)
    assert "in the gradient, not in the value" in verdict.text
    assert verdict.first_wrong == "d_mu"


def test_the_first_wrong_value_is_the_first_in_the_derivation():
    assert judge(ELBO, with_lines(WRONG["K5"])).first_wrong == "z"
    assert judge(ELBO, with_lines(WRONG["K4"])).first_wrong == "kl"
    assert judge(ELBO, with_lines(WRONG["T1"])).first_wrong == "d_h"
    assert "right so far:  mu, logvar\n" in judge(ELBO, with_lines(WRONG["K5"])).text


def test_a_second_hint_says_more():
    function = with_lines(WRONG["K22"])
    explanation = "−logvar contributes −1"
    assert explanation not in judge(ELBO, function).text
    assert explanation in judge(ELBO, function, hint=2).text


def test_no_accusation_without_proof():
    """The numbers of a known mistake, but only for some arguments: the proof at others fails, and nothing is named."""
    right = ELBO.reference
    wrong = with_lines(WRONG["K1"])
    calls = []

    def elbo_backward(x, params, eps, beta):
        calls.append(beta)
        return (wrong if len(set(calls)) == 1 else right)(x, params, eps, beta)

    assert judge(ELBO, elbo_backward).codes == ()


def test_a_wrong_answer_in_float32_is_not_accused():
    """1e-9 cannot be shown in float32."""
    wrong = with_lines(WRONG["K1"])

    def elbo_backward(x, params, eps, beta):
        return {name: np.float32(value) for name, value in wrong(x, params, eps, beta).items()}

    verdict = judge(ELBO, elbo_backward)
    assert verdict.status == "wrong"
    assert verdict.codes == ()
    assert verdict.first_wrong == "kl"
    assert "Calculate in float64" in verdict.text


def test_uniform_noise_is_seen_in_its_distribution():
    draw = EXERCISES["draw_eps"]
    assert judge(draw, lambda rng, shape: rng.normal(size=shape)).status == "right"
    assert judge(draw, lambda rng, shape: rng.standard_normal(shape, dtype=np.float32)).status == "right"
    assert "gives two different answers" in judge(draw, lambda rng, shape: np.random.standard_normal(shape)).text
    assert judge(draw, lambda rng, shape: rng.random(shape)).codes == ("Z12",)
    unnamed = judge(draw, lambda rng, shape: rng.laplace(size=shape))
    assert unnamed.status == "wrong"
    assert unnamed.codes == ()
