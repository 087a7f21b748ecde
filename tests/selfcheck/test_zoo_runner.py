"""The zoo's own mistakes: survivors, unfit trials and broken mutants are reported, and count for nothing."""

from __future__ import annotations

import numpy as np
import pytest

from minivae import ops
from minivae.errors import ShapeError
from minivae.selfcheck import zoo
from minivae.selfcheck.case import normal, op
from minivae.selfcheck.zoo import Subject, Trial, Verdict, runner
from minivae.selfcheck.zoo.definitions import DEFINITIONS, defined
from minivae.selfcheck.zoo.sabotage import gradient
from minivae.selfcheck.zoo.trials import gradients, value

CASES = [op("tanh", x=normal(3, 5))]
GRADCHECK = gradients(CASES)
VALUE = value(CASES, defined(DEFINITIONS["tanh"]))
DOUBLED = gradient("tanh", x=lambda dx: 2 * dx)
BY_SIGMOID = lambda x: 2 * ops.sigmoid(x) - 1
"""tanh x/2: a right gradient of a wrong value."""


def subject(*trials: Trial, **mutants) -> Subject:
    return Subject("op", "tanh", ops.tanh, trials, mutants)


def only(results):
    (outcome,) = results.outcomes
    return outcome


def test_a_mutant_that_is_the_right_code_survives():
    results = zoo.run(zoo=[subject(VALUE, GRADCHECK, none=ops.tanh)])
    assert not results
    assert only(results).trial is None
    assert results.survivors == results.outcomes


def test_a_mutant_that_is_right_in_another_form_survives():
    assert not zoo.run(zoo=[subject(VALUE, GRADCHECK, form=lambda x: 2 * ops.sigmoid(2 * x) - 1)])


def test_each_is_caught_by_the_trial_that_sees_it():
    results = zoo.run(zoo=[subject(VALUE, GRADCHECK, doubled=DOUBLED, half=BY_SIGMOID)])
    assert results
    assert [o.trial for o in results.outcomes] == ["gradcheck", "value"]
    assert results.outcomes[0].evidence == "relative error 0.5 for x"


def test_no_gradient_check_sees_a_wrong_value():
    assert not zoo.run(zoo=[subject(GRADCHECK, half=BY_SIGMOID)])


def test_no_value_sees_a_wrong_gradient():
    assert not zoo.run(zoo=[subject(VALUE, doubled=DOUBLED)])


def test_a_trial_that_the_right_code_fails_catches_nothing():
    unfit = Trial("always no", lambda target, seed: Verdict(False, "no"))
    results = zoo.run(zoo=[subject(unfit, half=BY_SIGMOID)])
    assert not results
    assert not only(results).caught
    assert [o.trial for o in results.unfit] == ["always no"]
    assert "UNFIT  op tanh, the right code: always no: no" in runner.footer(results)
    assert "1 SURVIVED, 1 UNFIT" in runner.footer(results)


def test_the_fit_trials_still_catch_but_the_zoo_does_not_pass():
    unfit = Trial("always no", lambda target, seed: Verdict(False, "no"))
    results = zoo.run(zoo=[subject(unfit, VALUE, half=BY_SIGMOID)])
    assert only(results).trial == "value"
    assert not results


def test_a_trial_that_breaks_down_on_the_right_code_is_unfit():
    results = zoo.run(zoo=[subject(Trial("broken", lambda target, seed: 1 / 0), half=BY_SIGMOID)])
    assert not results
    assert "ZeroDivisionError" in results.unfit[0].crash
    assert "UNFIT  op tanh, the right code: broken broke down" in runner.footer(results)


def test_a_mutant_that_cannot_run_is_not_caught():
    results = zoo.run(zoo=[subject(VALUE, GRADCHECK, broken=lambda x: ops.no_such_op(x))])
    assert not results
    assert not only(results).caught
    assert "AttributeError" in only(results).crash
    assert "AttributeError" in runner.footer(results)


def test_a_mistake_that_the_library_itself_notices_is_caught():
    def refuses(x):
        raise ShapeError("tanh: x has shape (3, 5)\nand more")

    results = zoo.run(zoo=[subject(VALUE, refused=refuses)])
    assert results
    assert only(results).evidence == "ShapeError: tanh: x has shape (3, 5)"


def test_a_zoo_without_mutants_does_not_pass():
    assert not zoo.run(zoo=[])
    assert not zoo.run(zoo=[subject(VALUE)])


def test_outcomes_come_one_by_one():
    seen = []
    zoo.run(zoo=[subject(VALUE, GRADCHECK, a=DOUBLED, b=BY_SIGMOID)], watch=lambda o: seen.append(o.mutant))
    assert seen == ["a", "b"]


def test_the_same_seed_gives_the_same_evidence():
    runs = [zoo.run(zoo=[subject(VALUE, half=BY_SIGMOID)], seed=seed) for seed in (3, 3)]
    assert only(runs[0]).evidence == only(runs[1]).evidence


def test_main_prints_who_caught_what_and_returns_0(capsys):
    assert zoo.main("Reshape", 0) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split("  ")[0] == "subject"
    assert any(line.startswith("op  reshape") and " gradcheck " in line for line in lines)
    assert any(line.startswith("layer  Reshape") and " value " in line for line in lines)
    assert "all caught" in lines[-1]


@pytest.mark.parametrize("mutants", [{"none": ops.tanh}, {}])
def test_main_returns_1_if_a_mutant_survives_or_there_is_none(monkeypatch, capsys, mutants):
    monkeypatch.setattr(runner, "subjects", lambda: [subject(VALUE, **mutants)])
    assert zoo.main("tanh", 0) == 1
    assert ("SURVIVES" in capsys.readouterr().out) == bool(mutants)


def test_main_returns_1_if_something_is_unguarded(monkeypatch, capsys):
    monkeypatch.setattr(runner, "subjects", lambda: [subject(VALUE, half=BY_SIGMOID)])
    monkeypatch.setattr(runner, "unguarded", lambda kept: ["op sinc"])
    assert zoo.main(None, 0) == 1
    assert "UNGUARDED  op sinc" in capsys.readouterr().out


def test_main_returns_1_if_nothing_has_the_pattern_in_its_name(capsys):
    assert zoo.main("no such subject", 0) == 1
    assert "'no such subject'" in capsys.readouterr().out


def test_on_a_terminal_there_is_a_bar_and_the_table_is_the_same(monkeypatch, capsys):
    pytest.importorskip("tqdm")
    assert zoo.main("Reshape", 0) == 0
    plain = capsys.readouterr().out.splitlines()
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert zoo.main("Reshape", 0) == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines()[:-1] == plain[:-1]
    assert "mutants" in captured.err


def test_errors_of_rounding_do_not_warn():
    def overflowing(x):
        return ops.tanh(x * 1e200 * 1e200)

    with np.errstate(all="raise"):
        assert zoo.run(zoo=[subject(VALUE, huge=overflowing)])
