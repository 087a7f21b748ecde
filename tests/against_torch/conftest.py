"""Says at the end of a run how far minivae and PyTorch were apart, or why they were not compared."""

from __future__ import annotations

import importlib.util
import sys


def pytest_terminal_summary(terminalreporter):
    if importlib.util.find_spec("torch") is None:
        terminalreporter.write_line('not compared with PyTorch, which is not installed: pip install "minivae[bench]"')
        return
    worst = getattr(sys.modules.get("torch_compare"), "WORST", {})
    for dtype in sorted({dtype for _, dtype in worst}, key=str):
        errors = {what: error for (what, of), error in worst.items() if of == dtype}
        what = max(errors, key=errors.get)
        version = sys.modules["torch"].__version__
        terminalreporter.write_line(f"PyTorch {version}, {dtype}: at most {errors[what]:.1e} apart ({what})")
