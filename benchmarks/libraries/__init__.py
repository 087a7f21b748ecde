"""One file a library. Each has `step(work)`, which gives a function: it does one step and returns the loss.

All start from the same weights, so their first losses agree; `benchmarks.lockstep` checks that.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable

from benchmarks.work import Work

FILES = {
    "minivae": ("minivae_step", "minivae"),
    "PyTorch": ("torch_step", "torch"),
    "PyTorch, fused Adam": ("torch_fused_step", "torch"),
    "JAX jit": ("jax_step", "jax"),
    "autograd": ("autograd_step", "autograd"),
    "DeZero": ("dezero_step", "dezero"),
    "NumPy by hand": ("by_hand", "numpy"),
    "matrix products alone": ("floor", "numpy"),
}
"""Name -> (the file here, the package that it needs)."""


def installed() -> list[str]:
    """The names whose package is there."""
    return [name for name, (_, package) in FILES.items() if importlib.util.find_spec(package)]


def make_step(name: str, work: Work) -> Callable[[], float] | None:
    """The step of one library, or of minivae "without" a trick; None where it cannot do this work."""
    if name.startswith("without "):
        return importlib.import_module("benchmarks.libraries.without").step(name.removeprefix("without "), work)
    return importlib.import_module(f"benchmarks.libraries.{FILES[name][0]}").step(work)
