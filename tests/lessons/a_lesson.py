"""A small lesson that keeps every rule, for tests to break."""

from __future__ import annotations

import copy
import functools
from typing import Any

import jupytext

from lessons.machinery.execute import execute
from lessons.machinery.source import Lesson
from lessons.machinery.versions import student

TEXT = '''---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# 42 A lesson

## What you will be able to do

Read [the lesson before](00-how-this-course-works.md) and [the map](../README.md).

```{code-cell} ipython3
from minivae.grading import check
print("begun")
```

```{code-cell} ipython3
:tags: [exercise]

def mean_square(x):
    """The mean of the squares."""
    ### BEGIN SOLUTION
    # hint: say "mean" of what
    squares = x**2
    return squares.mean()
    ### END SOLUTION
```

```{code-cell} ipython3
:tags: [check]

mean_square = check(mean_square)
```

```{code-cell} ipython3
:tags: [exercise]

def centred(x):
    ### BEGIN SOLUTION
    # hint: subtract
    return x - x.mean(axis=0)
    ### END SOLUTION
```

```{code-cell} ipython3
:tags: [check]

centred = check(centred)
```

```{code-cell} ipython3
:tags: [exercise]

def unit(losses):
    ### BEGIN SOLUTION
    # hint: sum, then mean
    return losses.sum(axis=1).mean()
    ### END SOLUTION
```

```{code-cell} ipython3
:tags: [check]

unit = check.nats_per_example(unit)
```

## Find the bug

```{code-cell} ipython3
:alt: "A square."

from minivae.plots import new_figure
new_figure(1, 1)
```

## What to read

Nothing.
'''


def lesson(text: str = TEXT, name: str = "42-a-lesson") -> Lesson:
    """The lesson with this text."""
    return Lesson(name, text, jupytext.reads(text, fmt="md:myst"))


def changed(before: str, after: str) -> Lesson:
    """The lesson with one piece of its text exchanged."""
    assert before in TEXT
    return lesson(TEXT.replace(before, after, 1))


@functools.cache
def _run() -> Any:
    return execute(student(lesson()), "42-a-lesson")


def run() -> Any:
    """The learner's notebook of the lesson, run (once for all tests)."""
    return copy.deepcopy(_run())
