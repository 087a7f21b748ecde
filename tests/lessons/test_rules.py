"""Each rule notices the lesson that breaks it, and only that."""

from __future__ import annotations

import pytest
from a_lesson import TEXT, changed, lesson, run

from lessons.machinery.execute import execute
from lessons.machinery.rules import broken_output_rules, broken_rules
from lessons.machinery.versions import student

CHECK = "```{code-cell} ipython3\n:tags: [check]\n\ncentred = check(centred)\n```\n"


def test_a_good_lesson_breaks_no_rule():
    assert list(broken_rules(lesson())) == []


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("# 42 A lesson", "A lesson", "does not begin with a title"),
        ("## Find the bug", "## Now", "no section '## Find the bug'"),
        ("## What to read", "## The end", "no section '## What to read'"),
        (CHECK, "", "the exercise 'centred' has no check"),
        ("check(centred)", "check(mean_square)", "the exercise 'centred' has no check"),
        ("def centred", "def zentred", "has no check"),
        ("check.nats_per_example(unit)", "check.no_such(unit)", "check.no_such is not an exercise"),
        ("check.nats_per_example(unit)", "check(unit)", "'unit' is not known"),
        ("    # hint: subtract\n", "", "no line `# hint"),
        (":tags: [exercise]\n\ndef centred", "\ndef centred", "no tag 'exercise'"),
        ("../README.md", "../NOWHERE.md", "a link to a missing file: [the map](../NOWHERE.md)"),
        ("../README.md", "../../../etc/hostname", "a link to a missing file"),
        ("Nothing.", "![](../docs/images/reconstructions.png)", "without alt text"),
    ],
)
def test_a_broken_rule_is_told(before, after, says):
    assert any(says in sentence for sentence in broken_rules(changed(before, after)))


def test_fewer_than_three_exercises_are_told():
    start, end = TEXT.index("```{code-cell} ipython3\n:tags: [exercise]\n\ndef unit"), TEXT.index("## Find the bug")
    assert any("at least 3" in sentence for sentence in broken_rules(lesson(TEXT[:start] + TEXT[end:])))


def test_what_a_notebook_shows_has_rules_too():
    assert list(broken_output_rules(run(), size=1000)) == []
    bad = changed(':alt: "A square."\n', "")
    bad = lesson(bad.text.replace('print("begun")', "import os; print(os.__file__)").replace("= check(cen", "= (cen"))
    told = "\n".join(broken_output_rules(execute(student(bad), "42"), size=1_000_000))
    assert "a figure without alt text" in told
    assert "shows a folder of this machine" in told
    assert "does not say 'not attempted yet'" in told
    assert "1000000 bytes" in told


def test_the_pictures_description_reaches_the_notebook():
    outputs = [output for cell in run().cells for output in cell.get("outputs", [])]
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert [output.metadata["image/png"]["alt"] for output in pictures] == ["A square."]
