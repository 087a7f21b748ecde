"""The switch: NumPy on the CPU, CuPy on the GPU.

The data decide. An op asks `array_module(x)` which library its input belongs to and calls that; no op knows
what a GPU is. The switch only says where *new* arrays go (batches from a loader, the weights of a layer):

    minivae.use("numpy" | "cupy" | "auto")      in a program
    MINIVAE_BACKEND=cupy                        in the environment
    minivae train --backend cupy                on the command line
"""

from __future__ import annotations

import os
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minivae.errors import BackendError

Array = NDArray[Any]  # or a cupy.ndarray, which has the same methods
BACKENDS = ("numpy", "cupy")

_current: str | None = None  # None until somebody chooses, or until the environment has been read


def array_module(*arrays: Any) -> Any:
    """The library, `numpy` or `cupy`, that these arrays belong to (Python and NumPy scalars count as NumPy)."""
    cupy: Any = sys.modules.get("cupy")
    if cupy is not None and hasattr(cupy, "ndarray") and any(isinstance(array, cupy.ndarray) for array in arrays):
        return cupy
    return np


def backend_of(array: Any) -> str:
    """'numpy' or 'cupy': where this array lives."""
    return array_module(array).__name__


def current_backend() -> str:
    """The backend on which new arrays are made: what `use` chose, else `MINIVAE_BACKEND`, else 'numpy'."""
    if _current is None:
        use(os.environ.get("MINIVAE_BACKEND") or "numpy")
    assert _current is not None
    return _current


def use(name: str) -> str:
    """Choose where new arrays are made; returns the backend chosen.

    Args:
        name: 'numpy' (CPU), 'cupy' (GPU), or 'auto' (the GPU where there is one, otherwise the CPU).

    Raises:
        BackendError: the name is unknown, or CuPy, its driver or a device is missing.
    """
    global _current
    if name == "auto":
        name = "numpy" if why_no_cupy() else "cupy"
    if name not in BACKENDS:
        raise BackendError(f"unknown backend {name!r}; expected 'numpy', 'cupy' or 'auto'")
    if name == "cupy" and (reason := why_no_cupy()):
        raise BackendError(reason)
    _current = name
    return name


def why_no_cupy() -> str | None:
    """None if CuPy can run here; otherwise one sentence: what is missing, and how to get it."""
    try:
        from cupy import cuda  # not `import cupy`: any folder of that name would do for it
    except ImportError as error:
        return (
            f"the backend 'cupy' needs the package CuPy, which is not installed ({error}). On a machine with an NVIDIA "
            'GPU:  pip install "minivae[cuda13]"  (CUDA 13), or "minivae[cuda12]" (CUDA 12). '
            "Without one, stay with the backend 'numpy'."
        )
    try:
        devices = cuda.runtime.getDeviceCount()
    except cuda.runtime.CUDARuntimeError as error:
        return (
            f"CuPy is installed, but CUDA does not start: {error}. Is an NVIDIA driver installed and new "
            "enough (nvidia-smi tells)? Without a GPU, stay with the backend 'numpy'."
        )
    if devices == 0:
        return (
            "CuPy and CUDA are installed, but no device is visible. Check nvidia-smi and CUDA_VISIBLE_DEVICES, "
            "or stay with the backend 'numpy'."
        )
    return None


def to_backend(array: Any, name: str | None = None) -> Array:
    """The array on the named backend (by default the current one); copies only if it is elsewhere."""
    name = name or current_backend()
    if name not in BACKENDS:
        raise BackendError(f"unknown backend {name!r}; expected 'numpy' or 'cupy'")
    if name == "numpy":
        return to_numpy(array)
    if reason := why_no_cupy():
        raise BackendError(reason)
    import cupy

    return cupy.asarray(array)


def to_numpy(array: Any) -> Array:
    """The array as a NumPy array; from a GPU this waits for the device and copies."""
    return array.get() if backend_of(array) == "cupy" else np.asarray(array)
