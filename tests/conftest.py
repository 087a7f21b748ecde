"""Every test runs in debug mode: non-finite values, wrong gradient shapes and writes to saved arrays are errors."""

from __future__ import annotations

import numpy as np
import pytest

import minivae.backend
from minivae.autodiff import debug
from minivae.random import manual_seed


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
