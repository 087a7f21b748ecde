"""The solved notebooks make an nbgrader assignment: solved earns every point, unsolved and wrong none."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nbformat
import pytest

from lessons import build
from lessons.machinery.source import find, kind, read
from lessons.machinery.versions import solved

pytest.importorskip("nbgrader", reason='needs nbgrader: pip install -e ".[teach]"')

LESSON = read(find(["00"])[0])
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def submission(release, answers):
    """The released notebook with the exercises answered."""
    notebook = nbformat.from_dict(release)
    for cell in notebook.cells:
        if kind(cell) == "exercise":
            cell.source = answers(cell)
    return notebook


def wrong(cell):
    """An attempt at every exercise that is not right."""
    return cell.source.replace("raise NotImplementedError()", "return 0.0")


@pytest.fixture(scope="module")
def path_with_commands():
    """nbgrader calls `alembic` by its name: look for it beside this Python first."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        yield


@pytest.fixture(scope="module")
def course(tmp_path_factory, path_with_commands):
    from nbgrader.apps import NbGraderAPI
    from traitlets.config import Config

    folder = tmp_path_factory.mktemp("course")
    config = Config()
    config.CourseDirectory.root = str(folder)
    config.CourseDirectory.db_url = f"sqlite:///{folder}/gradebook.db"
    config.Exchange.root = str(folder / "exchange")
    api = NbGraderAPI(config=config)

    build.write(solved(LESSON), folder / "source" / "lesson" / f"{LESSON.name}.ipynb")
    made = api.generate_assignment("lesson")
    assert made["success"], made["log"]
    release = nbformat.read(folder / "release" / "lesson" / f"{LESSON.name}.ipynb", as_version=4)

    solutions = {cell.id: cell.source for cell in solved(LESSON).cells}
    students = {"solved": lambda cell: solutions[cell.id], "unsolved": lambda cell: cell.source, "wrong": wrong}
    for student, answers in students.items():
        path = folder / "submitted" / student / "lesson" / f"{LESSON.name}.ipynb"
        build.write(submission(release, answers), path)
        graded = api.autograde("lesson", student)
        assert graded["success"], graded["log"]
    return release, api


def points(api, student):
    """What a student got, and could get, for the checks."""
    with api.gradebook as gradebook:
        found = gradebook.find_submission("lesson", student)
        return found.score, found.max_score


def test_the_released_notebook_shows_neither_solutions_nor_hidden_tests(course):
    release, _ = course
    text = "\n".join(cell.source for cell in release.cells)
    assert "SOLUTION" not in text
    assert "HIDDEN" not in text
    assert text.count("raise NotImplementedError()") == 4


@pytest.mark.parametrize(("student", "score"), [("solved", 4), ("unsolved", 0), ("wrong", 0)])
def test_every_check_is_a_point_for_the_right_answer_only(course, student, score):
    _, api = course
    assert points(api, student) == (score, 4)
