"""minivae with one of its tricks taken away, to see what the trick buys."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.libraries import minivae_step
from benchmarks.work import Work
from minivae.autodiff import Tensor
from minivae.ops import columns
from minivae.optim import chunks

WHOLE = 1 << 60


def no_tiles() -> None:
    """All windows of a batch are copied before the product begins."""
    columns.TILE_BYTES = WHOLE


def no_short_runs() -> None:
    """Windows are copied window by window, even where a row of one has only four numbers."""
    columns.SHORT_RUN = 0


def no_pieces() -> None:
    """Each pass of Adam runs over the whole array."""
    chunks.CHUNK_BYTES = WHOLE


def nothing() -> None:
    """For what is taken away by the environment."""


def input_gradient(work: Work) -> Callable[[], float]:
    """A step that also computes the gradient of the images, which nobody needs."""
    model, (x, eps) = work.model(), work.batch_and_noise()
    return minivae_step.train(model, Tensor(x, requires_grad=True), eps)


def double(work: Work) -> Callable[[], float]:
    """The same step in float64."""
    model, (x, eps) = work.model(), work.batch_and_noise()
    model.to(np.float64)
    return minivae_step.train(model, x.astype(np.float64), eps.astype(np.float64))


FRESH_MEMORY = {"MALLOC_TRIM_THRESHOLD_": "131072", "MALLOC_MMAP_THRESHOLD_": "131072"}  # read by glibc at its start
VARIANTS: dict[str, tuple[str, Callable[[], None], dict[str, str]]] = {
    "tiles": ("windows copied a few images at a time, not all at once", no_tiles, {}),
    "short runs": ("windows of one channel copied entry by entry", no_short_runs, {}),
    "kept memory": ("memory reused, not given back and fetched again", nothing, FRESH_MEMORY),
    "pieces": ("Adam in pieces that fit in the cache", no_pieces, {}),
    "no input gradient": ("no gradient for the images", nothing, {}),
    "float32": ("float32 everywhere, not a float64 that slipped in", nothing, {}),
}
"""Name -> (the trick in words, what takes it away, or the environment that does)."""


def step(name: str, work: Work) -> Callable[[], float]:
    """The step without the trick of that name."""
    VARIANTS[name][1]()
    return {"no input gradient": input_gradient, "float32": double}.get(name, minivae_step.step)(work)
