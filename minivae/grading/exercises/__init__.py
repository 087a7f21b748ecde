"""The exercises of the course: a file for each topic, each of which registers its own."""

from __future__ import annotations

import importlib
import pkgutil


def import_all() -> None:
    """Import every file of this folder."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
