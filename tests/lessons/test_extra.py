"""Why the tests of the course are not run, where they are not."""

from __future__ import annotations

import importlib.util

import pytest

PACKAGES = ("jupytext", "nbclient", "nbformat", "ipykernel", "matplotlib", "tqdm")


def test_the_packages_of_the_course_are_installed():
    missing = [package for package in PACKAGES if importlib.util.find_spec(package) is None]
    if missing:
        pytest.skip(f'the course is not tested: no {", ".join(missing)}; pip install -e ".[lessons]"')
