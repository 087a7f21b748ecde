"""The windows of images as a matrix (known as im2col), made tile by tile. The only file that knows about tiles.

With the windows as one matrix and the kernel as another, a convolution is a matrix product, for which every machine
has a fast routine. The price is the copy: a window of 4×4 with stride 2 repeats each pixel four times. It is paid for
a few images at a time, so that the copy is still in the cache when the product reads it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from minivae.backend import Array, array_module, backend_of
from minivae.ops.scratch import borrowed
from minivae.ops.windows import Grid, reach

TILE_BYTES = 1 << 20
"""Roughly what one tile of a batch may occupy. Half of a core's L2 cache, typically."""

SHORT_RUN = 8
"""Fewer numbers in a row than this are copied one kernel entry at a time."""


def tiles(x: Array, bytes_per_image: int) -> Iterator[slice]:
    """Slices of the batch, as many images each as `TILE_BYTES` hold.

    A 4×4 convolution of (128, 32, 14, 14) to 64 channels with stride 2 needs 1 MB for its windows instead of 13, and
    on one core 4.4 ms instead of 5.6, of which 3.2 are the product. A GPU gets the batch at once: to start a kernel
    costs it more than its cache saves.
    """
    size = len(x) if backend_of(x) == "cupy" else max(1, TILE_BYTES // max(1, bytes_per_image))
    for start in range(0, len(x), max(1, size)):
        yield slice(start, min(len(x), start + size))


def column_tiles(x: Array, grid: Grid) -> Iterator[tuple[slice, Array]]:
    """Tile by tile, the windows of the images x (N, C, H, W) as rows of a matrix.

    Yields a slice of the batch, and its matrix: for each image and output position one row, the window's kh·kw·C
    entries. The matrix holds until the next one is asked for.
    """
    xp = array_module(x)
    images, channels = x.transpose(0, 2, 3, 1), x.shape[1]
    if grid == Grid(grid.size, grid.size, (1, 1), (1, 1), (0, 0), grid.dilation):  # each window is one pixel
        yield slice(0, len(x)), xp.ascontiguousarray(images).reshape(-1, channels)
        return
    (kh, kw), extent = grid.kernel, _extent(grid)
    rows, row = grid.count[0] * grid.count[1], kh * kw * channels
    batch = list(tiles(x, x.itemsize * (rows * row + extent[0] * extent[1] * channels)))
    most = batch[0].stop if batch else 0
    by_entry = kw * channels < SHORT_RUN
    shape = (kh, kw, channels, most, *grid.count) if by_entry else (most, *grid.count, kh, kw, channels)
    with borrowed(xp, (most, *extent, channels), x.dtype) as frame, borrowed(xp, shape, x.dtype) as columns:
        frame.fill(0)  # what lies outside the image stays 0 from tile to tile
        inside, met = _overlap(grid, extent)
        windows = _windows(xp, frame, grid)
        for tile in batch:
            n = tile.stop - tile.start
            frame[:n, inside[0], inside[1]] = images[tile, met[0], met[1]]
            if not by_entry:
                columns[:n] = windows[:n]
                yield tile, columns[:n].reshape(n * rows, row)
                continue
            for i in range(kh):
                for j in range(kw):
                    down, across = grid.met_by(i, j)
                    columns[i, j, :, :n] = frame[:n, down, across].transpose(3, 0, 1, 2)
            entries = columns if n == most else columns[:, :, :, :n]
            yield tile, entries.reshape(row, n * rows).T


def _extent(grid: Grid) -> tuple[int, int]:
    """Height and width of what the windows cover, from the first entry of the first to the last of the last."""
    height, width = (
        (n - 1) * s + r for n, s, r in zip(grid.count, grid.stride, reach(grid.kernel, grid.dilation), strict=True)
    )
    return height, width


def _overlap(grid: Grid, extent: tuple[int, int]) -> tuple[list[slice], list[slice]]:
    """Where the image lies within what the windows cover, and which part of the image that is."""
    inside, met = [], []
    for size, covered, padding in zip(grid.size, extent, grid.padding, strict=True):
        first = max(0, -padding)
        last = max(first, min(size, covered - padding))
        met.append(slice(first, last))
        inside.append(slice(first + padding, last + padding))
    return inside, met


def _windows(xp: Any, frame: Array, grid: Grid) -> Array:
    """All windows of (N, H, W, C) as (N, H', W', kh, kw, C): a view in which shared pixels appear many times."""
    n, h, w, c = frame.strides
    (sh, sw), (dh, dw) = grid.stride, grid.dilation
    shape = (len(frame), *grid.count, *grid.kernel, frame.shape[3])
    return xp.lib.stride_tricks.as_strided(frame, shape, (n, h * sh, w * sw, h * dh, w * dw, c))
