"""The floor: the matrix products of a step and nothing else, bare calls of NumPy's matmul on arrays that lie ready.

A dense layer takes three: x @ w, xᵀ @ g, and g @ wᵀ where something before it learns. A convolution takes the same
three, with the windows of all images as the rows of x. Its products are done a tile of images at a time, always on the
same arrays, which so stay in the cache: for the whole batch at once they take a third longer. No library that calls
this BLAS can be faster than that.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.work import Work
from minivae.ops.columns import TILE_BYTES


def step(work: Work) -> Callable[[], float]:
    """All products of a step, one after the other, each into an array made before."""
    products = []
    for rows, inputs, outputs, has_input_gradient in layers(work):
        tiles = -(-rows * inputs * 4 // TILE_BYTES) if rows > work.batch else 1  # windows are more than images
        rows = -(-rows // tiles)
        x, w, g = np.ones((rows, inputs), "f"), np.ones((inputs, outputs), "f"), np.ones((rows, outputs), "f")
        products += [(x, w, g)] * tiles + [(x.T, g, np.empty_like(w))] * tiles
        if has_input_gradient:
            products += [(g, w.T, np.empty_like(x))] * tiles

    def run() -> float:
        for a, b, out in products:
            np.matmul(a, b, out=out)
        return math.nan

    return run


def layers(work: Work) -> Iterator[tuple[int, int, int, bool]]:
    """(rows, inputs, outputs, whether the gradient for its input is needed) of each layer as matrices."""
    batch, latent = work.batch, work.latent_dim
    if not work.channels:
        sizes = (work.size**2, *work.hidden)
        yield from ((batch, a, b, i > 0) for i, (a, b) in enumerate(itertools.pairwise(sizes)))
        yield from [(batch, sizes[-1], latent, True)] * 2
        yield from ((batch, a, b, True) for a, b in itertools.pairwise((latent, *sizes[::-1])))
        return
    maps = list(enumerate(itertools.pairwise((1, *work.channels)), start=1))
    for halvings, (a, b) in maps:
        yield batch * (work.size >> halvings) ** 2, 16 * a, b, halvings > 1
    features = work.channels[-1] * (work.size >> len(maps)) ** 2
    yield from [(batch, features, latent, True)] * 2
    yield batch, latent, features, True
    for halvings, (a, b) in reversed(maps):  # a transposed convolution: the same matrices, its output has the windows
        yield batch * (work.size >> halvings) ** 2, 16 * a, b, True
