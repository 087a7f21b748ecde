"""Every test runs in debug mode: non-finite values, wrong gradient shapes and writes to saved arrays are errors.

Here it is also decided, once, what the tests in `tests/on_cupy` may expect of CuPy:

    absent      the package is not installed
    no device   it is, but there is no driver or no GPU
    emulated    the real CuPy on a device that is played by the CPU; a pass there is no pass on a GPU
    real        a GPU
"""

from __future__ import annotations

import numpy as np
import pytest

import minivae.backend
from minivae.autodiff import debug
from minivae.random import manual_seed


def _cupy_state() -> str:
    try:
        import cupy
    except ImportError:
        return "absent"
    if minivae.backend.why_no_cupy():
        return "no device"
    name = cupy.cuda.runtime.getDeviceProperties(0)["name"]
    return "emulated" if b"fakecuda" in name else "real"


CUPY = _cupy_state()


def pytest_report_header():
    return f"CuPy: {CUPY}"


def pytest_terminal_summary(terminalreporter):
    """Emulated passes are reported as what they are."""
    passed = [report for report in terminalreporter.stats.get("passed", []) if "on_cupy" in report.nodeid]
    if passed and CUPY in ("emulated", "real"):
        where = "on a CPU that plays the GPU" if CUPY == "emulated" else "on a GPU"
        terminalreporter.write_line(f"CuPy {CUPY}: {len(passed)} tests passed {where}")


@pytest.fixture(scope="session")
def cupy_state() -> str:
    return CUPY


@pytest.fixture(autouse=True)
def _debug_mode(request):
    with debug(request.node.get_closest_marker("no_debug") is None):
        yield


@pytest.fixture(autouse=True)
def _fresh_state(monkeypatch):
    """Each test starts from the NumPy backend and the same default random stream."""
    monkeypatch.setattr(minivae.backend, "_current", "numpy")
    manual_seed(0)


@pytest.fixture
def rng():
    return np.random.Generator(np.random.Philox(20))
