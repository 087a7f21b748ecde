"""A lesson as it is written: `lessons/NN-slug.md`, MyST Markdown with code cells.

A code cell says by its tags what it is for:

    exercise    the learner writes what stands between ### BEGIN SOLUTION and ### END SOLUTION
    check       one line that judges the exercise above it
    (none)      a demonstration, run as it is

A cell that draws carries the picture's description:  :alt: "what somebody who cannot see it should know".
"""

from __future__ import annotations

import ast
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jupytext

FOLDER = Path(__file__).resolve().parents[1]
ROOT = FOLDER.parent
NAME = re.compile(r"\d\d-[a-z0-9-]+")
KINDS = ("exercise", "check")


class LessonError(Exception):
    """A lesson is not written as it must be; the message names the lesson, the place and the remedy."""


@dataclass(frozen=True)
class Lesson:
    """One lesson: its name (`01-derivatives`), its text, and the notebook that the text describes."""

    name: str
    text: str
    notebook: Any

    @property
    def fingerprint(self) -> str:
        """Tells one text from another; kept in the notebooks built from it."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]


def read(path: Path) -> Lesson:
    """The lesson in this file."""
    text = path.read_text(encoding="utf-8")
    return Lesson(path.stem, text, jupytext.reads(text, fmt="md:myst"))


def find(names: list[str], folder: Path = FOLDER) -> list[Path]:
    """The files of the lessons named (`01`, `01-derivatives`, `01-derivatives.md` or a path); of all if none is."""
    everything = sorted(path for path in folder.glob("*.md") if NAME.fullmatch(path.stem))
    if not names:
        return everything
    found = []
    for name in names:
        stem = Path(name).name.removesuffix(".md").removesuffix(".ipynb")
        matches = [path for path in everything if path.stem == stem or path.stem.startswith(f"{stem}-")]
        if len(matches) != 1:
            raise LessonError(f"no lesson is called {name!r}; there are: {', '.join(p.stem for p in everything)}")
        found += matches
    return found


def kind(cell: Any) -> str:
    """'markdown', 'exercise', 'check' or 'demo'."""
    if cell.cell_type != "code":
        return "markdown"
    tags = cell.metadata.get("tags", [])
    return next((name for name in KINDS if name in tags), "demo")


def defined_names(code: str) -> list[str]:
    """The functions, classes and variables that this code makes, in their order."""
    names: list[str] = []
    for node in ast.parse(code).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.append(node.name)
        elif isinstance(node, ast.Assign):
            names += [target.id for target in node.targets if isinstance(target, ast.Name)]
    return names
