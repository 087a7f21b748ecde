"""What every lesson owes its reader, as far as a program can see it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lessons.machinery.execute import machine_paths, shown_text
from lessons.machinery.source import FOLDER, ROOT, Lesson, LessonError, defined_names, kind
from lessons.machinery.versions import BEGIN, strip
from minivae.grading import EXERCISES
from minivae.grading.checker import load

HEADINGS = ("What you will be able to do", "Find the bug", "What to read")
FEWEST_EXERCISES = 3
LARGEST = 1_000_000  # bytes
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")


def broken_rules(lesson: Lesson) -> Iterator[str]:
    """What is wrong with a lesson's text, one sentence each."""
    yield from _headings(lesson)
    yield from _exercises(lesson)
    for cell in lesson.notebook.cells:
        if kind(cell) == "markdown":
            yield from _links(cell.source)


def broken_output_rules(notebook: Any, size: int) -> Iterator[str]:
    """What is wrong with a notebook that was run, one sentence each; `size` is that of its file in bytes."""
    if size >= LARGEST:
        yield f"the notebook has {size} bytes; fewer than {LARGEST} are allowed"
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        first = cell.source.partition("\n")[0]
        draws = any("image/png" in output.get("data", {}) for output in cell.outputs)
        if draws and not str(cell.metadata.get("alt", "")).strip():
            yield f'a figure without alt text: give the cell that begins {first!r} a line  :alt: "..."'
        for folder in machine_paths(cell):
            yield f"the output of the cell that begins {first!r} shows a folder of this machine: {folder}"
        if kind(cell) == "check" and "not attempted yet" not in shown_text(cell):
            yield f"the check {first!r} does not say 'not attempted yet' although nothing was attempted"


def _headings(lesson: Lesson) -> Iterator[str]:
    text = "\n".join(cell.source for cell in lesson.notebook.cells if kind(cell) == "markdown")
    if not re.match(r"# \d\d +\S", text):
        yield "the lesson does not begin with a title such as '# 01 Derivatives you can trust'"
    for heading in HEADINGS:
        if not re.search(rf"^## {heading}", text, re.MULTILINE):
            yield f"there is no section '## {heading}'"


def _exercises(lesson: Lesson) -> Iterator[str]:
    load()
    code = [cell for cell in lesson.notebook.cells if cell.cell_type == "code"]
    count = 0
    for i, cell in enumerate(code):
        first = cell.source.partition("\n")[0]
        before = kind(code[i - 1]) if i else None
        after = code[i + 1] if i + 1 < len(code) else None
        if kind(cell) == "check" and before != "exercise":
            yield f"the check {first!r} does not follow an exercise"
        if kind(cell) != "exercise":
            if BEGIN in cell.source:
                yield f"the cell that begins {first!r} has a solution but no tag 'exercise'"
            continue
        count += 1
        if BEGIN not in cell.source:
            yield f"the exercise that begins {first!r} has no {BEGIN}"
        try:
            strip(cell.source)
        except LessonError as error:
            yield str(error)
        name = (defined_names(cell.source) or [first])[-1]
        if after is None or kind(after) != "check" or not re.search(rf"\bcheck\b.*\b{name}\b", after.source):
            yield f"the exercise {name!r} has no check: the code cell after it must call check({name})"
        elif (asked := re.search(r"\bcheck\.(\w+)\(", after.source)) and asked[1] not in EXERCISES:
            yield f"check.{asked[1]} is not an exercise of minivae.grading"
        elif not asked and name not in EXERCISES:
            yield f"the exercise {name!r} is not known to minivae.grading"
    if count < FEWEST_EXERCISES:
        yield f"there are {count} exercises with a check; at least {FEWEST_EXERCISES} are wanted"


def _links(text: str) -> Iterator[str]:
    for picture, label, target in LINK.findall(text):
        if picture and not label.strip():
            yield f"a figure without alt text: ![]({target})"
        file = target.partition("#")[0]
        if file and "://" not in target and not _exists(FOLDER / file):
            yield f"a link to a missing file: [{label}]({target})"


def _exists(path: Path) -> bool:
    """Whether this is a file of the repository."""
    path = path.resolve()
    return path.exists() and path.is_relative_to(ROOT)
