"""The switch between NumPy and CuPy: chosen in one place, with errors that say what is missing."""

from __future__ import annotations

import sys
import types

import numpy as np
import pytest

import minivae.backend as backend
from minivae.errors import BackendError


def test_the_data_decide():
    assert backend.array_module(np.ones(2)) is np
    assert backend.array_module(2.0) is np
    assert backend.backend_of(np.float32(1)) == "numpy"


def test_unknown_backends_are_refused_with_the_known_ones():
    with pytest.raises(BackendError, match=r"'torch'.*'numpy', 'cupy' or 'auto'"):
        backend.use("torch")
    with pytest.raises(BackendError, match="'torch'"):
        backend.to_backend(np.ones(2), "torch")


def test_the_environment_variable_chooses(monkeypatch):
    monkeypatch.setattr(backend, "_current", None)
    monkeypatch.setenv("MINIVAE_BACKEND", "numpy")
    assert backend.current_backend() == "numpy"
    monkeypatch.setattr(backend, "_current", None)
    monkeypatch.setenv("MINIVAE_BACKEND", "abacus")
    with pytest.raises(BackendError, match="abacus"):
        backend.current_backend()


def fake_cupy(device_count):
    """A module with the one call that `why_no_cupy` makes."""
    cupy = types.ModuleType("cupy")
    cupy.ndarray = type("ndarray", (), {})
    error = type("CUDARuntimeError", (RuntimeError,), {})
    cupy.cuda = types.SimpleNamespace(
        runtime=types.SimpleNamespace(getDeviceCount=lambda: device_count(error), CUDARuntimeError=error)
    )
    return cupy


def no_driver(error):
    raise error("cudaErrorInsufficientDriver")


def test_without_the_package_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)  # `import cupy` now fails
    with pytest.raises(BackendError, match=r'pip install "minivae\[cuda13\]"'):
        backend.use("cupy")
    assert backend.use("auto") == "numpy"


def test_a_folder_that_is_called_cupy_is_not_cupy(monkeypatch, tmp_path):
    (tmp_path / "cupy").mkdir()
    monkeypatch.setitem(sys.modules, "cupy", None)  # so that what was there is put back
    del sys.modules["cupy"]
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    with pytest.raises(BackendError, match=r"not installed.*pip install"):
        backend.use("cupy")
    assert "cupy" in sys.modules  # Python took the folder for a package
    assert backend.array_module(np.ones(2)) is np


def test_without_a_driver_the_error_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", fake_cupy(no_driver))
    with pytest.raises(BackendError, match=r"InsufficientDriver.*nvidia-smi"):
        backend.use("cupy")


def test_without_a_device_the_error_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", fake_cupy(lambda error: 0))
    with pytest.raises(BackendError, match="no device"):
        backend.use("cupy")
    assert backend.use("auto") == "numpy"


def test_with_a_device_auto_takes_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", fake_cupy(lambda error: 1))
    assert backend.use("auto") == "cupy"
