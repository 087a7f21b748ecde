"""Without the packages of the extra `lessons` only `test_extra.py` is collected, which says what is missing."""

from __future__ import annotations

import importlib.util

PACKAGES = ("jupytext", "nbclient", "nbformat", "ipykernel", "matplotlib", "tqdm")
MISSING = [package for package in PACKAGES if importlib.util.find_spec(package) is None]

collect_ignore_glob = ["test_[!e]*.py"] if MISSING else []
