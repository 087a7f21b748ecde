"""The two notebooks of a lesson: the learner's, without solutions, and the solved one, for a teacher.

Both carry the metadata of nbgrader, so that a teacher can take the solved one as the source of an assignment:
nbgrader takes the solutions and the hidden tests out, and puts the tests back when it grades.
"""

from __future__ import annotations

import copy
import hashlib
import re
import textwrap
from typing import Any

import nbformat

from lessons.machinery.source import Lesson, LessonError, defined_names, kind

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
WIDTH = 100  # of a line of code that a notebook shows without scrolling
HINT = re.compile(r"#\s*hint:\s*(.+)")
HIDDEN_TEST = """
### BEGIN HIDDEN TESTS
assert check.last.status == "right", check.last.text
### END HIDDEN TESTS"""
LINK_TO_LESSON = re.compile(r"(\]\(\d\d-[a-z0-9-]+)\.md([)#])")


def student(lesson: Lesson) -> Any:
    """The learner's notebook: each solution replaced by a stub with a hint. Not yet run."""
    return _build(lesson, solved=False)


def solved(lesson: Lesson) -> Any:
    """The teacher's notebook: with the solutions, and with a hidden test after each check. Not yet run."""
    return _build(lesson, solved=True)


def _build(lesson: Lesson, solved: bool) -> Any:
    notebook = nbformat.v4.new_notebook()
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            "minivae": {"lesson": lesson.name, "source": lesson.fingerprint},
        }
    )
    used: set[str] = set()
    exercise = ""
    for original in lesson.notebook.cells:
        cell = copy.deepcopy(original)
        what = kind(cell)
        if what == "markdown":
            cell.source = LINK_TO_LESSON.sub(r"\1.ipynb\2", cell.source)
        elif what == "exercise":
            exercise = exercise_name(cell.source)
            cell.metadata["nbgrader"] = _nbgrader(exercise, solution=True)
            if not solved:
                cell.source = strip(cell.source)
        elif what == "check":
            cell.metadata["nbgrader"] = _nbgrader(f"check-{exercise}", solution=False)
            if solved:
                cell.source += HIDDEN_TEST
        cell.id = _cell_id(original.source, used)
        notebook.cells.append(cell)
    return notebook


def exercise_name(code: str) -> str:
    """What an exercise is called: the last name that its cell defines."""
    names = defined_names(code)
    if not names:
        raise LessonError(f"an exercise defines nothing:\n{code}")
    return names[-1]


def strip(code: str) -> str:
    """The code with each solution replaced by a stub.

    Inside a function the stub raises NotImplementedError with the hint; at the top level, where that would stop the
    notebook, each name gets the value `...`, which a check takes for "not attempted" too.
    """
    kept: list[str] = []
    solution: list[str] | None = None
    for line in code.splitlines():
        if line.strip() == BEGIN:
            if solution is not None:
                raise LessonError(f"{BEGIN} twice without {END}:\n{code}")
            solution = []
        elif line.strip() == END:
            if solution is None:
                raise LessonError(f"{END} without {BEGIN}:\n{code}")
            kept += _stub(solution, line[: len(line) - len(line.lstrip())])
            solution = None
        elif solution is None:
            kept.append(line)
        else:
            solution.append(line)
    if solution is not None:
        raise LessonError(f"{BEGIN} without {END}:\n{code}")
    return "\n".join(kept)


def _stub(solution: list[str], indent: str) -> list[str]:
    hints = [match[1].strip() for line in solution if (match := HINT.search(line))]
    if not hints:
        raise LessonError("a solution has no line `# hint: ...`; what stands in its place would help nobody")
    hint = " ".join(hints)
    if indent:
        text = hint.replace("\\", "\\\\").replace('"', "'")
        line = f'{indent}raise NotImplementedError("{text}")'
        if len(line) <= WIDTH:
            return [line]
        pieces = textwrap.wrap(text, WIDTH - len(indent) - 8, drop_whitespace=False, break_on_hyphens=False)
        quoted = [f'{indent}    "{piece}"' for piece in pieces]
        return [f"{indent}raise NotImplementedError(", *quoted, f"{indent})"]
    return [f"# hint: {hint}", *(f"{name} = ..." for name in defined_names("\n".join(solution)))]


def _nbgrader(grade_id: str, solution: bool) -> Any:
    """nbgrader's description of a cell; a check is worth one point."""
    entry = {"grade": not solution, "grade_id": grade_id, "locked": not solution, "schema_version": 3}
    entry |= {"solution": solution, "task": False}
    return nbformat.from_dict(entry if solution else entry | {"points": 1})


def _cell_id(source: str, used: set[str]) -> str:
    """An id that depends on the cell's text alone, so that building twice gives the same file."""
    number = 0
    while True:
        name = hashlib.sha256(f"{number}{source}".encode()).hexdigest()[:8]
        if name not in used:
            used.add(name)
            return name
        number += 1
