"""The catalogue is an instrument, too: a fault put into any pullback of any op must show in each of its cases."""

from __future__ import annotations

import importlib

import pytest

from minivae.autodiff import PRIMITIVES
from minivae.selfcheck import catalogue

machinery = importlib.import_module("minivae.autodiff.primitive")  # the module, not the decorator of that name
OPS = [case for case in catalogue() if case.group == "op" and case.subject in PRIMITIVES]


@pytest.fixture
def fault(monkeypatch):
    """fault(name, k, change): the k-th pullback of this op returns change(gradient). Says how often it did."""
    original = machinery._edges
    state = {}

    def edges(operands, pullbacks, name):
        found = list(original(operands, pullbacks, name))
        if name == state.get("name") and state["k"] < len(found):
            node, pullback = found[state["k"]]
            found[state["k"]] = (node, lambda g: count() or state["change"](pullback(g)))
        return tuple(found)

    def count():
        state["times"] += 1

    def put(name, k, change):
        state.update(name=name, k=k, change=change, times=0)
        return state

    monkeypatch.setattr(machinery, "_edges", edges)
    return put


@pytest.mark.parametrize("case", OPS, ids=lambda case: case.name)
def test_a_gradient_wrong_by_one_in_ten_thousand_is_seen(case, fault):
    applied = 0
    for k in range(3):
        state = fault(case.subject, k, lambda g: 1.0001 * g)
        report = case.run()
        if state["times"]:
            applied += 1
            assert not report, f"pullback {k} of {case.name} may be wrong by 1e-4"
    assert applied


@pytest.mark.parametrize("subject", sorted(PRIMITIVES))
def test_a_missing_gradient_is_seen(subject, fault):
    """0 in place of the gradient: what a forgotten term, or a detached path, gives."""
    for case in [case for case in OPS if case.subject == subject][:1]:
        for k in range(3):
            state = fault(subject, k, lambda g: 0.0 * g)
            report = case.run()
            assert not (report and state["times"]), f"pullback {k} of {case.name} may be zero"


@pytest.mark.parametrize("subject", sorted(PRIMITIVES))
def test_entries_in_the_wrong_order_are_seen(subject, fault):
    """The gradient turned around along all axes: what a wrong transpose or a wrong index gives."""
    seen = False
    for case in [case for case in OPS if case.subject == subject]:
        fault(subject, 0, lambda g: g[tuple(slice(None, None, -1) for _ in g.shape)])
        seen = seen or not case.run()
    assert seen
