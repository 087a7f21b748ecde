"""Imports go one way: a file of minivae imports only from floors below its own (or from its own folder)."""

from __future__ import annotations

import ast
from pathlib import Path

import minivae.backend

PACKAGE = Path(minivae.backend.__file__).parent
FLOORS = [
    {"errors", "backend", "random"},
    {"autodiff"},
    {"ops"},
    {"layers", "distributions", "optim", "verify"},
    {"objectives", "models"},
    {"data", "training", "metrics", "plots"},
    {"selfcheck", "grading", "cli", "__main__", "__init__"},
]
FLOOR = {part: number for number, parts in enumerate(FLOORS) for part in parts}
ORDER_WITHIN = {("backend", "errors"), ("random", "backend"), ("models", "objectives"), ("cli", "selfcheck")}
ORDER_WITHIN |= {("training", "data"), ("training", "metrics"), ("training", "plots"), ("metrics", "data")}
ORDER_WITHIN |= {("plots", "metrics"), ("plots", "data"), ("__main__", "cli"), ("verify", "distributions")}


def imported_parts(file: Path) -> set[str]:
    """The parts of minivae that a file imports, at its top or inside a function, but not for type checking alone."""
    parts = set()
    tree = ast.parse(file.read_text())
    for block in ast.walk(tree):
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING":
            block.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "minivae":
            path = node.module.split(".")[1:]
            parts |= {path[0]} if path else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            parts |= {a.name.split(".")[1] for a in node.names if a.name.startswith("minivae.")}
    return parts & set(FLOOR)


def test_every_part_has_a_floor():
    parts = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert parts <= set(FLOOR), f"no floor for {parts - set(FLOOR)}"


def test_imports_go_down():
    wrong = []
    for file in PACKAGE.rglob("*.py"):
        part = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if part == "__init__":
            continue  # hands on everything
        for other in imported_parts(file):
            below = FLOOR[other] < FLOOR[part]
            if not (below or other == part or (part, other) in ORDER_WITHIN):
                wrong.append(f"{file.relative_to(PACKAGE)} imports {other}")
    assert not wrong, "\n".join(wrong)
