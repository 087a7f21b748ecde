"""What is said of a wrong answer that no mistake explains holds exactly, and the right one is not given away."""

from __future__ import annotations

import numpy as np
import pytest

from minivae.grading.checker import find
from minivae.grading.exercise import Exercise
from minivae.grading.exercises import elbo
from minivae.grading.judge import case, judge

ROW = np.array([1.5, -2.0, 0.25, 40.0])
SQUARE = np.array([[1.0, 2.5, 3.0], [4.0, 5.0, -6.0], [7.0, 8.0, 0.5]])

LIKE = [
    (ROW, -ROW, "It is the right one with the other sign."),
    (ROW, ROW / 2, "Every entry is 0.5 × the right one."),
    (ROW, ROW - 1, "Every entry is too small by 1."),
    (ROW, ROW[::-1], "It is the right one in reverse order."),
    (ROW, ROW[[1, 0, 2, 3]], "It has the right numbers in the wrong places."),
    (
        ROW,
        np.trunc(ROW).astype(int),
        "Every entry has lost its decimals: look for int(...), // or an array of integers.",
    ),
    (ROW, 0 * ROW, "All of it is zero."),
    (SQUARE, SQUARE.T, "It is the right one transposed."),
    (SQUARE, SQUARE[:, ::-1], "It is the right one in reverse order along axis 1."),
]


def of_value(right, given):
    return judge(Exercise("value", right), given).text


@pytest.mark.parametrize(("right", "given", "sentence"), LIKE, ids=[sentence for _, _, sentence in LIKE])
def test_a_value_that_is_like_the_right_one_is_told_how(right, given, sentence):
    assert of_value(right, given).endswith("\n    " + sentence)


@pytest.mark.parametrize(("right", "given", "sentence"), LIKE, ids=[sentence for _, _, sentence in LIKE])
def test_one_entry_off_and_nothing_is_claimed(right, given, sentence):
    given = given.astype(np.float64)
    given[-1] += 1e-4 * np.abs(right).max()
    assert sentence not in of_value(right, given)


def test_of_a_wrong_array_the_first_wrong_entry_is_told_and_not_the_right_one():
    text = of_value(SQUARE, SQUARE + np.array([[0, 0, 0.125], [0, 0, 0], [0, 3, 0]]))
    assert text.endswith("    2 of 9 entries are not right. The first is at [0, 2], where yours is 3.125.")
    text = of_value(ROW, [1.5, -2.0, 0.25, 39.0])
    assert text.endswith("    1 of 4 entries is not right. The first is at [3], where yours is 39.")


def test_every_entry_of_a_value_counts_however_small():
    right = np.array([784.0, 0.01])
    assert "1 of 2 entries is not right. The first is at [1]" in of_value(right, np.array([784.0, 0.0], np.float32))
    assert judge(Exercise("value", right), right.astype(np.float32)).status == "right"


def test_of_a_list_that_is_too_short_no_cause_is_invented():
    assert of_value(ROW, ROW[:3]).endswith("value has shape (3,); expected (4,).")


KL_TERM, KL_BACKWARD = find("kl_term"), find("kl_backward")


def right_kl(mu, logvar, beta):
    return elbo.kl_backward(mu, logvar, beta)


def test_two_values_in_each_others_place():
    text = judge(KL_BACKWARD, lambda mu, logvar, beta: right_kl(mu, logvar, beta)[::-1]).text
    assert "d_mu: it is what d_logvar should be: are two names mixed up?" in text
    assert "d_logvar: it is what d_mu should be: are two names mixed up?" in text
    assert "%" not in text


def test_a_mask_is_seen_in_the_entries_that_are_zero():
    verdict = judge(
        KL_BACKWARD, lambda mu, logvar, beta: ((mu > 0) * right_kl(mu, logvar, beta)[0], right_kl(mu, logvar, beta)[1])
    )
    assert "entries are not right, and yours is 0 in all of them; the others are right." in verdict.text


def test_what_holds_in_one_call_only_is_not_said():
    text = judge(KL_TERM, lambda mu, logvar: elbo.kl_term(mu, logvar) + np.tanh(mu).sum()).text
    assert "×" not in text
    assert "too large" not in text
    assert "too small" not in text


def test_a_factor_on_all_terms_is_told_once():
    text = judge(KL_TERM, lambda mu, logvar: elbo.kl_term(mu, logvar) / np.log(2)).text
    assert "kl: all of it is 1.443 × what it should be." in text


def test_coefficients_that_account_for_little_of_what_is_wrong_are_not_shown():
    clipped = lambda mu, logvar: elbo.kl_term(mu, np.clip(logvar, -1, 1))
    text = judge(KL_TERM, clipped).text
    assert "of it is not made of the terms it should be made of:\n    ½ Σ μ² / B,  ½ Σ exp(logvar) / B" in text
    assert "expected" not in text


def test_coefficients_of_an_answer_that_is_mostly_something_else_are_not_shown():
    divided_too_late = lambda x, mu, log_var: (
        0.5 * (np.log(2 * np.pi) + log_var + (x - mu) ** 2).sum(1) / np.exp(log_var).sum(1)
    )
    text = judge(find("gaussian_nll"), divided_too_late).text
    assert "19.3 % of it is not made of the terms" in text
    assert "expected" not in text


def test_coefficients_that_account_for_nearly_all_of_it_are_shown():
    wave = lambda mu: 0.001 * np.sin(7 * mu)
    text = judge(
        KL_BACKWARD, lambda mu, logvar, beta: (1.7 * beta * mu / 13 + wave(mu), right_kl(mu, logvar, beta)[1])
    ).text
    assert "of it is not made of the terms it should be made of. The rest is, about:" in text
    assert "β μ/B                                           1.000     1.7" in text


def test_one_wrong_entry_is_asked_about():
    def kl_backward(mu, logvar, beta):
        d_mu, d_logvar = right_kl(mu, logvar, beta)
        d_mu[1, 2] += 1
        return d_mu, d_logvar

    assert "d_mu: 1 of 65 entries is not right; the others are right. What is special about it?" in (
        judge(KL_BACKWARD, kl_backward).text.replace("\n    ", " ")
    )


def test_terms_made_of_the_learners_own_values_need_not_be_finite():
    exercise = find("adam_step")

    def adam_step(w, m, v, t, g, *rest):  # its v is not positive, so the step for w has NaN in it
        m, v, w = exercise.reference(w, m, v, t + 1, g, *rest)
        return w, m, v

    verdict = judge(exercise, adam_step)
    assert verdict.status == "wrong"
    assert verdict.codes == ()


def test_a_factor_that_changes_from_call_to_call_is_measured_in_each():
    exercise = find("adam_step")

    def adam_step(w, m, v, t, g, lr, beta1, *rest):
        _, v, w = exercise.reference(w, m, v, t, g, lr, beta1, *rest)
        return beta1 * m + beta1 * g, v, w

    text = judge(exercise, adam_step).text
    assert "m: it is made of its terms, but with factors that depend on the arguments:" in text
    line = next(line for line in text.splitlines() if "(1 − β₁)·g" in line)
    beta1 = [case(exercise, i)[6] for i in range(3)]
    assert line.split()[-3:] == [f"{b / (1 - b):.3f}" for b in beta1]
    assert len(set(beta1)) == 3


def test_an_axis_of_length_one_is_no_riddle():
    text = judge(KL_BACKWARD, lambda mu, logvar, beta: right_kl(mu[:1], logvar[:1], beta)).text
    assert "expected (13, 5) = (B, L). Axis 0 of length 1:" in text
