"""The command: which lessons it finds, what it calls stale, what it says when something is wrong."""

from __future__ import annotations

import nbformat
import pytest
from a_lesson import TEXT, changed, lesson, run

from lessons import build
from lessons.machinery.execute import execute
from lessons.machinery.source import LessonError, find, read
from lessons.machinery.versions import student

LESSONS = find([])


def test_a_lesson_is_found_by_number_name_or_file():
    for path in LESSONS:
        assert find([path.stem[:2]]) == find([path.stem]) == find([f"lessons/{path.name}"]) == [path]


def test_an_unknown_lesson_is_an_error_that_lists_those_there_are(capsys):
    with pytest.raises(LessonError, match="00-how-this-course-works"):
        find(["99-nothing"])
    assert build.main(["99-nothing"]) == 1
    assert "no lesson is called '99-nothing'" in capsys.readouterr().err


@pytest.fixture
def folder(tmp_path):
    build.write(run(), tmp_path / "42-a-lesson.ipynb")
    return tmp_path


def test_a_fresh_notebook_passes(folder):
    assert build.check(lesson(), folder) == []


def test_a_missing_notebook_is_told(tmp_path):
    assert any("there is no notebook" in sentence for sentence in build.check(lesson(), tmp_path))


def test_a_changed_lesson_makes_its_notebook_stale(folder):
    assert any("was changed since" in sentence for sentence in build.check(changed("Nothing.", "Much."), folder))


def test_a_notebook_changed_by_hand_is_told(folder):
    path = folder / "42-a-lesson.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[1].source += "\nmore = 1"
    nbformat.write(notebook, path)
    assert any("not what the lesson says" in sentence for sentence in build.check(lesson(), folder))


def test_other_outputs_do_not_make_a_notebook_stale(folder):
    path = folder / "42-a-lesson.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[1].outputs[0].text = "begun elsewhere\n"
    nbformat.write(notebook, path)
    assert build.check(lesson(), folder) == []


def test_a_notebook_without_a_lesson_is_told(folder):
    assert build.orphans([lesson(name="43-other")], folder) == ["42-a-lesson.ipynb: no lesson of this name in lessons/"]


def test_running_twice_gives_the_same_file(folder):
    again = build.write(execute(student(lesson()), "42"), folder / "again.ipynb")
    assert again.read_bytes() == (folder / "42-a-lesson.ipynb").read_bytes()


def test_a_cell_that_fails_is_named_without_colours():
    with pytest.raises(LessonError, match="ZeroDivisionError") as caught:
        execute(student(changed('print("begun")', "1 / 0")), "42-a-lesson")
    assert str(caught.value).startswith("42-a-lesson: a cell did not run to its end")
    assert "\x1b" not in str(caught.value)


def test_the_lessons_of_this_repository_keep_the_rules_and_their_notebooks_are_fresh():
    assert [f"{p.stem}: {sentence}" for p in LESSONS for sentence in build.check(read(p))] == []


def test_the_text_of_the_example_is_read_back():
    assert lesson().fingerprint == lesson(TEXT).fingerprint != changed("Nothing.", "Much.").fingerprint
