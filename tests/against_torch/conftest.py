"""Says at the end of a run how far minivae and PyTorch were apart, or why they were not compared."""

from __future__ import annotations

import sys


def pytest_terminal_summary(terminalreporter):
    worst = getattr(sys.modules.get("torch_compare"), "WORST", {})
    for dtype in sorted({dtype for _, dtype in worst}, key=str):
        errors = {what: error for (what, of), error in worst.items() if of == dtype}
        what = max(errors, key=errors.get)
        version = sys.modules["torch"].__version__
        terminalreporter.write_line(f"PyTorch {version}, {dtype}: at most {errors[what]:.1e} apart ({what})")

    skipped = [r.longrepr for r in terminalreporter.stats.get("skipped", []) if isinstance(r.longrepr, tuple)]
    for reason in {why for file, _, why in skipped if file.endswith("torch_compare.py")}:
        terminalreporter.write_line(f"tests/against_torch: {reason}")
