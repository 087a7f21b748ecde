"""Make the notebooks from the lessons.

python -m lessons.build                  all lessons -> notebooks/NN-slug.ipynb, for learners, run, outputs kept
python -m lessons.build 01 02            these two
python -m lessons.build --solutions      the solved notebooks, for a teacher, -> notebooks/solutions/
python -m lessons.build --check          build nothing; fail if a notebook is stale or a lesson breaks a rule
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import nbformat
from tqdm import tqdm

from lessons.machinery import versions
from lessons.machinery.execute import execute
from lessons.machinery.rules import broken_output_rules, broken_rules
from lessons.machinery.source import FOLDER, ROOT, Lesson, LessonError, find, read

NOTEBOOKS = ROOT / "notebooks"
SOLUTIONS = NOTEBOOKS / "solutions"  # git ignores it


def main(argv: list[str] | None = None) -> int:
    """The command; returns 0, or 1 after saying what is wrong."""
    parser = argparse.ArgumentParser(prog="python -m lessons.build", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="which lessons (01, or 01-derivatives); default: all")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--solutions", action="store_true", help="build the solved notebooks instead")
    which.add_argument("--check", action="store_true", help="build nothing; fail if a notebook is stale")
    options = parser.parse_args(argv)
    try:
        lessons = [read(path) for path in find(options.names)]
        if options.check:
            complaints = [f"{lesson.name}: {text}" for lesson in lessons for text in check(lesson)]
            if not options.names:
                complaints += orphans(lessons)
        else:
            complaints = build(lessons, options.solutions)
    except LessonError as error:
        complaints = [str(error)]
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    if not complaints:
        done = "keep the rules; their notebooks are fresh" if options.check else "built"
        print(f"{len(lessons)} lessons {done}")
    return 1 if complaints else 0


def build(lessons: list[Lesson], solutions: bool) -> list[str]:
    """Write and run the notebooks; returns what is wrong with them."""
    folder = SOLUTIONS if solutions else NOTEBOOKS
    make = versions.solved if solutions else versions.student
    complaints = []
    notebooks = {lesson.name: make(lesson) for lesson in lessons}
    cells = sum(cell.cell_type == "code" for notebook in notebooks.values() for cell in notebook.cells)
    with tqdm(total=cells, unit="cell", leave=False, disable=None) as bar:
        for lesson in lessons:
            bar.set_description(lesson.name)
            notebook = execute(notebooks[lesson.name], lesson.name, bar.update)
            path = write(notebook, folder / f"{lesson.name}.ipynb")
            if not solutions:
                found = [*broken_rules(lesson), *broken_output_rules(notebook, path.stat().st_size)]
                complaints += [f"{lesson.name}: {text}" for text in found]
    return complaints


def write(notebook: Any, path: Path) -> Path:
    """The notebook in a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.validate(notebook)
    path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
    return path


def check(lesson: Lesson, folder: Path = NOTEBOOKS) -> list[str]:
    """The rules that a lesson breaks, and whether its notebook is the one that would be built from it now."""
    complaints = list(broken_rules(lesson))
    path = folder / f"{lesson.name}.ipynb"
    again = f"run  python -m lessons.build {lesson.name}"
    if not path.exists():
        return [*complaints, f"there is no notebook; {again}"]
    there = nbformat.read(path, as_version=4)
    if there.metadata.get("minivae", {}).get("source") != lesson.fingerprint:
        return [*complaints, f"the lesson was changed since its notebook was built; {again}"]
    if _cells(there) != _cells(versions.student(lesson)):
        return [*complaints, f"the notebook is not what the lesson says; {again}"]
    return complaints + list(broken_output_rules(there, path.stat().st_size))


def _cells(notebook: Any) -> list[Any]:
    """What a notebook says, without what it shows."""
    return [(cell.id, cell.cell_type, cell.source, cell.metadata) for cell in notebook.cells]


def orphans(lessons: list[Lesson], folder: Path = NOTEBOOKS) -> list[str]:
    """Notebooks that belong to no lesson."""
    names = {lesson.name for lesson in lessons}
    return [
        f"{path.name}: no lesson of this name in {FOLDER.name}/"
        for path in sorted(folder.glob("*.ipynb"))
        if path.stem not in names
    ]


if __name__ == "__main__":
    sys.exit(main())
