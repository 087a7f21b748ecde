"""The linear map behind convolutions: A_w, its transpose A_wᵀ, and the gradient of its kernel.

Laying a kernel w over every window of an image x and multiplying is a linear map: y = A_w x. A_w is a large matrix,
mostly zeros, with the same few weights in every row. It is never formed; what is here are the three products that
a convolution and its gradients need. They are tied together by  ⟨y, A_w x⟩ = ⟨A_wᵀ y, x⟩ = ⟨W(x, y), w⟩.

Shapes: x (N, I, H, W), w (O, I/groups, kh, kw), y (N, O, H', W'); with groups, the channels of x and y fall into
that many groups that do not see each other.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from minivae.backend import Array, array_module
from minivae.ops.channels import channels_first, channels_last
from minivae.ops.columns import column_tiles
from minivae.ops.scratch import borrowed
from minivae.ops.windows import Grid, reach_along


def correlate(x: Array, w: Array, grid: Grid) -> Array:
    """A_w x: y[n, o, u, v] = Σ_{c,i,j} x[n, c, u·stride + i·dilation − padding, v·... + j·...] · w[o, c, i, j].

    Each output pixel is a window of x times the kernel. With the windows as the rows of a matrix (column_tiles) and
    the kernel as another, that is one matrix product.
    """
    if grid.groups > 1:
        return _by_group(correlate, (x, 1), (w, 0), 1, grid)
    xp = array_module(x)
    channels = w.shape[0]
    matrix = _as_matrix(w)
    y = xp.empty((len(x), *grid.count, channels), x.dtype)
    for tile, columns in column_tiles(x, grid):
        xp.matmul(columns, matrix, out=y[tile].reshape(-1, channels))
    return channels_first(y)


def correlate_weight(x: Array, y: Array, grid: Grid) -> Array:
    """W(x, y): the w-shaped array with ⟨y, A_w x⟩ = ⟨W(x, y), w⟩ for every w, linear in x and in y.

    w[o, c, i, j] multiplies the entry (c, i, j) of every window into output channel o, so
    W[o, c, i, j] = Σ over windows of (the window's entry) · (y there): the matrix of windows, transposed, times y.
    """
    if grid.groups > 1:
        return _by_group(correlate_weight, (x, 1), (y, 1), 0, grid)
    xp = array_module(x)
    (kh, kw), inputs, outputs = grid.kernel, x.shape[1], y.shape[1]
    y = channels_last(y)
    total = xp.zeros((kh * kw * inputs, outputs), x.dtype)
    for tile, columns in column_tiles(x, grid):
        total += columns.T @ y[tile].reshape(-1, outputs)
    return xp.ascontiguousarray(total.reshape(kh, kw, inputs, outputs).transpose(3, 2, 0, 1))


def correlate_transpose(y: Array, w: Array, grid: Grid) -> Array:
    """A_wᵀ y: the image x onto which each pixel of y has put w · (its value), on the window it belongs to.

    A_w reads x[u·stride + i] for y[u], so the transpose writes x[u·stride + i] += w[i] · y[u]. Nothing needs to be
    scattered. Cut x into blocks of stride × stride pixels: with i = q·stride + r and P = b·stride + r,

        x[P] = Σ_q y[b − q] · w[q·stride + r]

    reads a window of y for each block b, the same for all places r in the block. It is a correlation with
    stride² · I output channels, one for each place, whose pixels are then put side by side (Shi et al. 2016).
    """
    if grid.groups > 1:
        return _by_group(correlate_transpose, (y, 1), (w, 0), 1, grid)
    xp = array_module(y)
    (sh, sw), (height, width), inputs = grid.stride, grid.size, w.shape[1]
    axes = zip(grid.size, grid.stride, grid.padding, grid.kernel, grid.dilation, strict=True)
    rows, columns = (_blocks(*axis) for axis in axes)
    windows = Grid(
        size=grid.count,
        count=(rows.count, columns.count),
        kernel=(rows.taps, columns.taps),
        stride=(1, 1),
        padding=(rows.before, columns.before),
        dilation=(rows.spacing, columns.spacing),
    )
    kernel = _by_place(w, grid, rows, columns)
    if grid.stride == (1, 1):
        return correlate(y, kernel, windows)
    matrix = _as_matrix(kernel)
    places = [(rows.place(r), columns.place(c)) for r in range(sh) for c in range(sw)]
    x = xp.empty((len(y), height, width, inputs), y.dtype)
    for tile, entries in column_tiles(y, windows):
        with borrowed(xp, (len(entries), len(places) * inputs), y.dtype) as product:
            xp.matmul(entries, matrix, out=product)
            blocks = product.reshape(tile.stop - tile.start, *windows.count, len(places), inputs)
            for i, ((to_row, from_row), (to_column, from_column)) in enumerate(places):
                x[tile, to_row, to_column] = blocks[:, from_row, from_column, i]
    return channels_first(x)


@dataclasses.dataclass(frozen=True)
class _Blocks:
    """One axis of x in blocks of `stride` pixels, and the window of y that each block reads."""

    size: int  # of x
    stride: int
    first: int  # pixels of the first block that lie before x
    count: int  # of blocks
    taps: int  # entries of the window
    spacing: int  # between them
    before: int  # how far the first window begins before y

    def place(self, r: int) -> tuple[slice, slice]:
        """Where in x the pixels at place r of their blocks go, and which blocks have such a pixel."""
        block = 0 if r >= self.first else 1
        start = block * self.stride + r - self.first
        pixels = len(range(start, self.size, self.stride))
        return slice(start, None, self.stride), slice(block, block + pixels)


def _blocks(size: int, stride: int, padding: int, kernel: int, dilation: int) -> _Blocks:
    """With stride 1 a block is a pixel, and the window of y may have holes; else the holes are zeros in the kernel."""
    spacing = dilation if stride == 1 else 1
    taps = kernel if stride == 1 else -(-reach_along(kernel, dilation) // stride)
    skipped, first = divmod(padding, stride)
    count = -(-(first + size) // stride)
    return _Blocks(size, stride, first, count, taps, spacing, before=(taps - 1) * spacing - skipped)


def _by_place(w: Array, grid: Grid, rows: _Blocks, columns: _Blocks) -> Array:
    """The kernel (O, I, kh, kw) turned by 180°, for each place in a block: (stride² · I, O, taps, taps)."""
    xp = array_module(w)
    outputs, inputs = w.shape[:2]
    (sh, sw), (th, tw) = grid.stride, (rows.taps, columns.taps)
    entries = xp.zeros((outputs, inputs, th * sh, tw * sw), w.dtype)
    holes = [1 if s == 1 else d for s, d in zip(grid.stride, grid.dilation, strict=True)]
    ends = [(k - 1) * step + 1 for k, step in zip(grid.kernel, holes, strict=True)]
    entries[:, :, : ends[0] : holes[0], : ends[1] : holes[1]] = w
    turned = entries.reshape(outputs, inputs, th, sh, tw, sw)[:, :, ::-1, :, ::-1]
    return turned.transpose(3, 5, 1, 0, 2, 4).reshape(sh * sw * inputs, outputs, th, tw)


def _as_matrix(w: Array) -> Array:
    """The kernel (O, I, kh, kw) as (kh·kw·I, O), in the order of the columns."""
    return w.transpose(2, 3, 1, 0).reshape(-1, len(w))


def _by_group(
    product: Callable[..., Array], first: tuple[Array, int], second: tuple[Array, int], joined: int, grid: Grid
) -> Array:
    """The product for each group by itself. Operands come with the axis to split; the results join along `joined`."""
    xp = array_module(first[0])
    one_group = dataclasses.replace(grid, groups=1)
    operands: Any = (xp.split(array, grid.groups, axis) for array, axis in (first, second))
    return xp.concatenate([product(a, b, one_group) for a, b in zip(*operands, strict=True)], axis=joined)
