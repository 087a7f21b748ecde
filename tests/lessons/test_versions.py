"""A solution never reaches the learner's notebook, and building twice gives the same notebook."""

from __future__ import annotations

import nbformat
import pytest
from a_lesson import lesson

from lessons.machinery.source import LessonError
from lessons.machinery.versions import solved, strip, student


def cells(notebook, tag):
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


def test_the_stub_has_the_hint_and_nothing_of_the_solution():
    code = "def f(x):\n    ### BEGIN SOLUTION\n    # hint: square it\n    return x * x\n    ### END SOLUTION"
    assert strip(code) == 'def f(x):\n    raise NotImplementedError("square it")'


def test_what_stands_around_a_solution_stays():
    solution = "    ### BEGIN SOLUTION\n    # hint: add\n    y = y + 1\n    ### END SOLUTION\n"
    before, after = "def f(x):\n    y = 2 * x\n", "    return y"
    assert strip(before + solution + after) == before + '    raise NotImplementedError("add")\n' + after


def test_at_the_top_level_a_solution_becomes_an_ellipsis_so_that_the_notebook_goes_on():
    code = "### BEGIN SOLUTION\n# hint: about ten\nanswer = 10.5\n### END SOLUTION"
    assert strip(code) == "# hint: about ten\nanswer = ..."


def test_quotes_and_backslashes_in_a_hint_give_valid_python():
    code = 'def f():\n    ### BEGIN SOLUTION\n    # hint: say "a\\n"\n    return 1\n    ### END SOLUTION'
    namespace: dict = {}
    exec(strip(code), namespace)
    with pytest.raises(NotImplementedError, match=r"say 'a\\n'"):
        namespace["f"]()


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("def f():\n    ### BEGIN SOLUTION\n    # hint: one\n    return 1", "without ### END SOLUTION"),
        ("def f():\n    return 1\n    ### END SOLUTION", "without ### BEGIN SOLUTION"),
        ("def f():\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION", "no line `# hint: ...`"),
        ("### BEGIN SOLUTION\n### BEGIN SOLUTION\n### END SOLUTION", "twice"),
    ],
)
def test_a_broken_solution_is_an_error(code, says):
    with pytest.raises(LessonError, match=says):
        strip(code)


def test_the_learners_notebook_has_no_solution_and_the_teachers_has_all():
    assert all("SOLUTION" not in cell.source and "HIDDEN" not in cell.source for cell in student(lesson()).cells)
    assert sum("BEGIN SOLUTION" in cell.source for cell in solved(lesson()).cells) == 3
    assert sum("BEGIN HIDDEN TESTS" in cell.source for cell in solved(lesson()).cells) == 3


@pytest.mark.parametrize("version", [student, solved])
def test_a_notebook_is_valid_and_built_twice_it_is_the_same(version):
    first, second = version(lesson()), version(lesson())
    nbformat.validate(first)
    assert nbformat.writes(first) == nbformat.writes(second)
    assert len({cell.id for cell in first.cells}) == len(first.cells)


def test_exercises_and_checks_carry_what_nbgrader_wants():
    notebook = student(lesson())
    for cell in cells(notebook, "exercise"):
        assert cell.metadata.nbgrader.items() >= {"grade": False, "solution": True, "locked": False}.items()
    for cell in cells(notebook, "check"):
        assert cell.metadata.nbgrader.items() >= {"grade": True, "solution": False, "points": 1}.items()
    ids = [cell.metadata.nbgrader.grade_id for cell in notebook.cells if "nbgrader" in cell.metadata]
    assert ids == ["mean_square", "check-mean_square", "centred", "check-centred", "unit", "check-unit"]


def test_a_link_to_another_lesson_leads_to_its_notebook():
    text = "\n".join(cell.source for cell in student(lesson()).cells)
    assert "(00-how-this-course-works.ipynb)" in text
    assert "(../README.md)" in text
