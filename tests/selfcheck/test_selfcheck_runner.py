"""The runner: which cases it takes, what it prints, and what it returns."""

from __future__ import annotations

import numpy as np
import pytest

from minivae import ops, selfcheck
from minivae.autodiff import Forward, primitive
from minivae.backend import Array
from minivae.selfcheck import catalogue, format_table, main, run
from minivae.selfcheck.case import normal, op
from minivae.selfcheck.runner import select


@primitive
def doubled_tanh(x: Array) -> Forward:
    """tanh x, with twice its gradient."""
    y = np.tanh(x)
    return y, lambda g: 2 * g * (1 - y * y)


RIGHT = op("tanh", x=normal(3, 5))
WRONG = op("tanh", "wrong", function=doubled_tanh, x=normal(3, 5))
BROKEN = op("tanh", "broken", call=lambda tanh, x: tanh(x, "no such option"), x=normal(3, 5))


def test_a_pattern_selects_by_name_and_group_whatever_the_case():
    names = [case.name for case in select("Conv2D", catalogue())]
    assert names
    assert all("conv2d" in name.lower() for name in names)
    assert {case.group for case in select("distribution", catalogue())} == {"distribution"}
    assert len(select(None, catalogue())) == len(catalogue())


def test_results_are_true_only_if_all_passed():
    assert run(cases=[RIGHT])
    assert not run(cases=[RIGHT, WRONG])
    assert not run(cases=[])


def test_a_case_that_raises_fails_and_the_others_still_run():
    results = run(cases=[BROKEN, RIGHT])
    assert [result.passed for result in results.results] == [False, True]
    assert "TypeError" in results.results[0].crash


def test_results_come_one_by_one():
    seen = []
    run(cases=[RIGHT, WRONG], watch=lambda result: seen.append(result.case.name))
    assert seen == ["tanh", "tanh, wrong"]


def test_the_table_has_name_inputs_error_and_verdict():
    lines = format_table(run(cases=[RIGHT, WRONG, BROKEN])).splitlines()
    assert lines[0].split()[0] == "name"
    assert lines[2].startswith("op  tanh ")
    assert "x: 15 numbers" in lines[2]
    assert lines[2].endswith("pass")
    assert lines[3].endswith("FAIL")
    assert lines[4].endswith("FAIL")


def test_what_failed_is_shown_in_full_below_the_table():
    text = format_table(run(cases=[RIGHT, WRONG]))
    assert "All are 2 times what they should be" in text
    assert text.splitlines()[-1].startswith("2 checks of 2 gradients")
    assert "1 FAILED" in text.splitlines()[-1]


def test_main_prints_the_table_and_returns_0(capsys):
    assert main("softmax", 0) == 0
    out = capsys.readouterr().out
    assert "op  log_softmax, last dim" in out
    assert "all passed" in out.splitlines()[-1]


def test_main_returns_1_if_something_fails(monkeypatch, capsys):
    monkeypatch.setattr(selfcheck.runner, "catalogue", lambda: [RIGHT, WRONG])
    assert main(None, 0) == 1
    assert "FAIL" in capsys.readouterr().out


def test_main_returns_1_if_nothing_has_the_pattern_in_its_name(capsys):
    assert main("no such op", 0) == 1
    assert "'no such op'" in capsys.readouterr().out


def test_the_seed_decides_inputs_and_cotangent():
    first, again, other = RIGHT.run(3), RIGHT.run(3), RIGHT.run(4)
    np.testing.assert_array_equal(first.point[0], again.point[0])
    assert str(first) == str(again)
    assert not np.array_equal(first.point[0], other.point[0])


def test_another_function_can_take_the_place_of_the_target():
    assert RIGHT.run()
    assert not RIGHT.run(target=doubled_tanh)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_inputs_are_float64_and_generic(seed):
    for case in catalogue():
        if case.group == "op":
            check = case.build(case.target, np.random.default_rng(seed))
            for name, x in check.inputs.items():
                assert x.dtype == np.float64
                assert len(np.unique(x)) == x.size, f"{case.name}: equal values in {name}"


def test_the_target_of_an_op_case_is_the_public_function():
    assert RIGHT.target is ops.tanh
