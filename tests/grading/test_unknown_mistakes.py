"""What nobody has listed is measured, not misnamed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from minivae.grading import confusion, trials
from minivae.grading.changes import Change
from minivae.grading.exercise import EXERCISES, Mistake
from minivae.grading.exercises import elbo
from minivae.grading.exercises.elbo_mistakes import MISTAKES
from minivae.grading.exercises.elbo_steps import STEPS
from minivae.grading.judge import judge

MEASURED = [exercise for exercise in trials.functions() if exercise.terms]


@pytest.mark.parametrize("exercise", MEASURED, ids=lambda exercise: exercise.name)
def test_a_factor_or_a_foreign_term_is_found_exactly(exercise, rng):
    for kind, function, coefficients in trials.unknown(exercise, rng):
        verdict = judge(exercise, function)
        assert verdict.status == "wrong", kind
        assert verdict.codes == (), kind
        for name, coefficient in coefficients.items():
            assert verdict.coefficients[name] == pytest.approx(coefficient, abs=1e-7), kind


REMAKE = "run: python -m minivae.grading.confusion docs/grading.md"
ELBO = EXERCISES["elbo_backward"]
SCALED = [name for name in STEPS if name not in ("B", "p", "g_weight", "g_bias", "g_tanh")]


@pytest.mark.parametrize("step", SCALED)
def test_a_step_scaled_by_an_odd_factor_is_not_given_a_name(step):
    mistake = Mistake("?", "", "", "", "", changes=({step: lambda v: 1.37 * STEPS[step](v)},))
    function = trials.injected(ELBO, [Change(mistake, mistake.changes[0])])
    verdict = judge(ELBO, function)
    assert verdict.status == "wrong"
    assert verdict.codes == (), verdict.text


def test_the_kl_term_too_large_is_told_as_one_factor():
    def heads_backward(d_z, mu, logvar, eps, beta):
        through_z, kl = elbo.sampling_backward(d_z, logvar, eps), elbo.kl_backward(mu, logvar, beta)
        return through_z[0] + kl[0], through_z[1] + 3 * kl[1]

    verdict = judge(EXERCISES["heads_backward"], heads_backward)
    assert "d_logvar: your KL term is 3.000 × what it should be; the other term is right." in verdict.text
    assert verdict.residual < 1e-12


def test_a_missing_term_is_called_missing():
    verdict = judge(EXERCISES["negative_elbo"], lambda x, logits, mu, logvar, beta: {
        **elbo.negative_elbo(x, logits, mu, logvar, beta),
        "loss": beta * elbo.kl_term(mu, logvar),
    })  # fmt: skip
    assert "loss: reconstruction is missing; the other term is right." in verdict.text


def test_what_is_left_over_is_told():
    wave = lambda mu: 0.01 * np.sin(7 * mu)
    verdict = judge(
        EXERCISES["kl_backward"],
        lambda mu, logvar, beta: (beta * mu / 13 + wave(mu), elbo.kl_backward(mu, logvar, beta)[1]),
    )
    assert verdict.codes == ()
    assert "of it is not made of the terms it should be made of" in verdict.text
    assert verdict.residual > 1e-3


def test_values_that_follow_rightly_from_a_wrong_one_are_told_from_those_that_do_not():
    def elbo_backward(x, params, eps, beta):
        right = elbo.elbo_backward(x, params, eps, beta)
        h = elbo.elbo_forward(x, params, eps, beta)["h"]
        d_mu = 1.21 * right["d_mu"]
        encoder = elbo.encoder_backward(d_mu, right["d_logvar"], x, h, params)
        encoder["d_b_h"] = 0.7 * encoder["d_b_h"]
        return {**right, "d_mu": d_mu, **encoder}

    text = judge(ELBO, elbo_backward).text
    assert "only because of it:  d_W_mu, d_b_mu, d_h, d_W_h\n" in text
    assert "wrong in themselves, too:  d_b_h\n" in text


def test_the_page_in_the_docs_names_every_mistake_of_the_elbo_as_itself():
    page = (Path(__file__).parents[2] / "docs" / "grading.md").read_text(encoding="utf-8")
    rows = {line.split(" | ")[0].strip("| "): line.split(" | ") for line in page.splitlines() if line.startswith("| ")}
    for mistake in MISTAKES:
        assert mistake.code in rows, REMAKE
        _, _, injected, itself, others = rows[mistake.code]
        assert int(injected) == int(itself) > 0
        assert others == " |"
    assert rows["a term scaled"][-1] == "0 |"
    assert "\n0 accused." in page


def test_the_page_is_made_of_these_tables(monkeypatch):
    monkeypatch.setattr(confusion, "functions", lambda: [EXERCISES["kl_term"], EXERCISES["kl_backward"]])
    page = confusion.page()
    assert "| K1 | the ½ of the KL divergence is missing | 2 | 2 |  |" in page
    assert "15 right answers" not in page
    assert "16 right answers" in page
    assert "0 accused." in page
    assert "your KL term" not in page.split("## Known mistakes")[1]
