"""These tests need CuPy with a device, real or emulated; elsewhere they are skipped, and say why."""

from __future__ import annotations

import ctypes
import os

import pytest

import minivae as mv


@pytest.fixture(autouse=True)
def on_cupy(request, cupy_state, _fresh_state):
    """Make CuPy the backend of the test, or skip it."""
    if request.node.get_closest_marker("gpu") and cupy_state != "real":
        pytest.skip(f"needs a real GPU; CuPy here: {cupy_state}")
    if cupy_state not in ("emulated", "real"):
        pytest.skip(f"needs CuPy with a device; CuPy here: {cupy_state}")
    mv.use("cupy")


class Counters:
    """What the emulated device has been asked to do since the last reset."""

    NAMES = ("launches", "uploads", "downloads", "device_copies", "allocations", "synchronisations", "gemms")

    def __init__(self) -> None:
        self.library = ctypes.CDLL(os.environ["CUPY_FAKE_CUDA_LIB"])
        self.library.fakecuda_stat.restype = ctypes.c_ulonglong

    def reset(self) -> None:
        self.library.fakecuda_reset()

    def read(self) -> dict[str, int]:
        return {name: self.library.fakecuda_stat(i) for i, name in enumerate(self.NAMES)}


@pytest.fixture
def counters(cupy_state) -> Counters:
    if cupy_state != "emulated":
        pytest.skip("only the emulated device counts launches and copies")
    return Counters()
