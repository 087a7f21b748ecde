"""Random streams that depend only on a seed and a name, never on what was drawn before.

A stream is NumPy's counter-based Philox generator (Salmon et al. 2011), keyed by the seed and by where in the
program it is used, for instance (seed, "noise", step 17). So a run that resumes at step 17 draws what the
uninterrupted run drew, without storing any generator's state. Everything is drawn on the host and then moved,
which gives one seed the same numbers on both backends.
"""

from __future__ import annotations

import threading
import zlib

import numpy as np

from minivae.backend import Array

Rng = np.random.Generator


def stream(seed: int, *path: str | int) -> Rng:
    """The generator for this place in the program: same seed and path, same numbers."""
    words = [zlib.crc32(part.encode()) if isinstance(part, str) else part for part in path]
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, *words])))


def normal(rng: Rng, shape: tuple[int, ...], dtype: np.dtype | type = np.float32) -> Array:
    """Standard normal noise on the host, drawn in float32 so that the numbers do not depend on `dtype`."""
    return rng.standard_normal(shape, dtype=np.float32).astype(dtype, copy=False)


def uniform(rng: Rng, shape: tuple[int, ...], dtype: np.dtype | type = np.float32) -> Array:
    """Uniform noise in [0, 1) on the host, drawn in float32."""
    return rng.random(shape, dtype=np.float32).astype(dtype, copy=False)


class _Default(threading.local):
    """The generator of a thread that was not handed one."""

    rng: Rng | None = None


_default = _Default()


def manual_seed(seed: int, *path: str | int) -> Rng:
    """Set this thread's default generator to `stream(seed, *path)`, and return it."""
    _default.rng = stream(seed, *path)
    return _default.rng


def default_rng() -> Rng:
    """This thread's default generator; seeded with 0 unless `manual_seed` said otherwise."""
    return _default.rng or manual_seed(0)
