"""Every CuPy function that minivae calls exists in CuPy, with the keywords used. Needs the package, not a device."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

import minivae.backend

PACKAGE = Path(minivae.backend.__file__).parent
FOLDERS = ("ops", "layers", "distributions", "objectives", "models", "optim", "autodiff")


def calls_on_xp() -> dict[tuple[str, tuple[str, ...]], str]:
    """(dotted name, keywords) of each call on `xp` or `array_module(...)` in the parts that run on the device."""
    found = {}
    for folder in FOLDERS:
        for file in sorted((PACKAGE / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text())):
                if not isinstance(node, ast.Call):
                    continue
                names, target = [], node.func
                while isinstance(target, ast.Attribute):
                    names.append(target.attr)
                    target = target.value
                on_xp = isinstance(target, ast.Name) and target.id == "xp"
                on_module = isinstance(target, ast.Call) and ast.unparse(target.func) == "array_module"
                if names and (on_xp or on_module):
                    keywords = tuple(sorted(k.arg for k in node.keywords if k.arg))
                    found[".".join(reversed(names)), keywords] = f"{file.relative_to(PACKAGE)}:{node.lineno}"
    return found


def test_there_are_calls_to_check():
    names = {name for name, _ in calls_on_xp()}
    assert {"exp", "zeros", "lib.stride_tricks.as_strided"} <= names


@pytest.mark.parametrize(("call", "place"), calls_on_xp().items(), ids=lambda value: str(value))
def test_cupy_has_it(call, place):
    cupy = pytest.importorskip("cupy", reason="needs the package CuPy (any state): pip install 'minivae[cuda13]'")
    name, keywords = call
    found = cupy
    if name.startswith("isfinite") and "." in name:
        name = "isfinite"
    for part in name.split("."):
        assert hasattr(found, part), f"{place}: cupy has no {name}"
        found = getattr(found, part)
    if isinstance(found, cupy.ufunc):
        assert set(keywords) <= {"out", "dtype", "casting"}, f"{place}: the ufunc {name} has no {keywords}"
        return
    try:
        signature = inspect.signature(found)
    except ValueError:
        return  # compiled, tells nothing
    known = set(signature.parameters)
    takes_any = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in signature.parameters.values())
    assert takes_any or set(keywords) <= known, f"{place}: cupy.{name} has no {set(keywords) - known}"
