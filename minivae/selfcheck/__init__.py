"""The library checks itself: the gradient of everything in it, against finite differences."""

from minivae.selfcheck.case import Case, Check
from minivae.selfcheck.catalogue import catalogue
from minivae.selfcheck.runner import Result, Results, format_table, main, run

__all__ = ["Case", "Check", "Result", "Results", "catalogue", "format_table", "main", "run"]
