"""Pooling and upsampling. Values and gradients are made of slices, one for each entry of the window.

The slice of entry (i, j) holds that entry of every window at once. Summing windows is a linear map, S, and its
transpose Sᵀ spreads values over windows. Average pooling is S/(kh·kw), with the gradient Sᵀ/(kh·kw); upsampling is Sᵀ
over windows that touch and do not overlap, with the gradient S.
"""

from __future__ import annotations

from collections.abc import Iterator

from minivae.autodiff import Forward, primitive
from minivae.backend import Array, array_module
from minivae.errors import ShapeError
from minivae.ops.channels import channels_first
from minivae.ops.windows import Grid, IntOrPair, lay, pair


@primitive
def max_pool2d(
    x: Array,
    kernel_size: IntOrPair,
    stride: IntOrPair | None = None,
    padding: IntOrPair = 0,
    dilation: IntOrPair = 1,
) -> Forward:
    """The largest entry of each window: x (N, C, H, W) -> (N, C, H', W').

    H' = ⌊(H + 2·padding − dilation·(kernel_size − 1) − 1) / stride⌋ + 1, and the same for W'.

    Args:
        kernel_size: the window.
        stride: the distance of neighbouring windows; by default kernel_size, so that they do not overlap.
        padding: on each side, at most half the window. It counts as −∞ and never wins.
        dilation: the distance between the entries of a window.

    Raises:
        ShapeError: the window is larger than the padded image, the padding than half the window, or a window of
            wide dilation lies in the padding alone.
        ConfigError: an option that is not a whole number, or a pair of them, in its range.

    d/dx: the cotangent of a window goes to its largest entry; among equals to the first in reading order.
    """
    xp = array_module(x)
    grid = _grid("max_pool2d", x, kernel_size, stride, padding, dilation)
    padded = _pad(x, grid, -xp.inf)
    entries = _entries(grid)
    y = padded[next(entries)].copy(order="K")
    for entry in entries:
        xp.maximum(y, padded[entry], out=y)

    def pull(g: Array) -> Array:
        dx = xp.zeros_like(padded)
        left = g.copy(order="K")  # of each window's cotangent, what no entry has taken yet
        for entry in _entries(grid):
            taken = (padded[entry] == y).astype(g.dtype)
            taken *= left
            dx[entry] += taken
            left -= taken
        return _crop(dx, grid)

    return y, pull


@primitive
def avg_pool2d(x: Array, kernel_size: IntOrPair, stride: IntOrPair | None = None, padding: IntOrPair = 0) -> Forward:
    """The mean of each window: x (N, C, H, W) -> (N, C, H', W').

    H' = ⌊(H + 2·padding − kernel_size) / stride⌋ + 1, and the same for W'.

    Args:
        kernel_size: the window.
        stride: the distance of neighbouring windows; by default kernel_size, so that they do not overlap.
        padding: on each side, at most half the window. It counts as zeros, and is counted in the mean.

    Raises:
        ShapeError: the window is larger than the padded image, or the padding than half the window.
        ConfigError: an option that is not a whole number, or a pair of them, in its range.

    d/dx: each entry of a window gets an equal share of its cotangent, g / (kh·kw).
    """
    grid = _grid("avg_pool2d", x, kernel_size, stride, padding, 1)
    share = 1 / (grid.kernel[0] * grid.kernel[1])
    y = _sum_windows(_pad(x, grid, 0), grid)
    y *= share
    return y, lambda g: _crop(_spread(g * share, grid), grid)


@primitive
def upsample_nearest(x: Array, scale_factor: IntOrPair) -> Forward:
    """Each pixel repeated as a block of scale_factor pixels: x (N, C, H, W) -> (N, C, H·s, W·s).

    Args:
        scale_factor: a whole number, or a pair for (height, width).

    Raises:
        ShapeError: x is not (N, C, H, W).
        ConfigError: scale_factor is not a whole number of at least 1, or a pair of them.

    d/dx: the sum of the cotangent over each block.
    """
    scale = pair("upsample_nearest", "scale_factor", scale_factor, 1)
    if x.ndim != 4:
        raise ShapeError(f"upsample_nearest: x has shape {x.shape}; expected images as (N, C, H, W)")
    n, channels, height, width = x.shape
    size = (height * scale[0], width * scale[1])
    blocks = Grid(size, (height, width), kernel=scale, stride=scale, padding=(0, 0), dilation=(1, 1))
    pixels = x.transpose(0, 2, 3, 1)[:, :, None, :, None]
    repeated = array_module(x).broadcast_to(pixels, (n, height, scale[0], width, scale[1], channels))
    return channels_first(repeated.reshape(n, *size, channels)), lambda g: _sum_windows(g, blocks)


def _sum_windows(padded: Array, grid: Grid) -> Array:
    """The sum of each window of padded images: a linear map, the transpose of `_spread`."""
    entries = _entries(grid)
    y = padded[next(entries)].copy(order="K")
    for entry in entries:
        y += padded[entry]
    return y


def _spread(y: Array, grid: Grid) -> Array:
    """Padded images onto which each pixel of y has put its value, on its whole window: transpose of `_sum_windows`."""
    padded = channels_first(array_module(y).zeros((len(y), *grid.padded, y.shape[1]), y.dtype))
    for entry in _entries(grid):
        padded[entry] += y
    return padded


def _grid(
    op: str, x: Array, kernel_size: IntOrPair, stride: IntOrPair | None, padding: IntOrPair, dilation: IntOrPair
) -> Grid:
    """The options, checked and laid on x."""
    kernel = pair(op, "kernel_size", kernel_size, 1)
    border = pair(op, "padding", padding, 0)
    if any(2 * p > k for p, k in zip(border, kernel, strict=True)):
        raise ShapeError(f"{op}: padding = {border} must be at most half of kernel_size = {kernel}")
    steps = kernel if stride is None else pair(op, "stride", stride, 1)
    grid = lay(op, x, kernel, steps, border, pair(op, "dilation", dilation, 1))
    if _misses_the_image(grid):
        raise ShapeError(
            f"{op}: a window lies in the padding alone, and has no largest entry. x has shape {x.shape}, kernel_size "
            f"= {kernel}, padding = {border}, dilation = {grid.dilation}: take less padding or dilation."
        )
    return grid


def _misses_the_image(grid: Grid) -> bool:
    """Whether some window has all its entries in the padding. That takes a dilation beside the padding."""
    if grid.padding == (0, 0) or grid.dilation == (1, 1):
        return False
    for n, count, k, s, p, d in zip(
        grid.size, grid.count, grid.kernel, grid.stride, grid.padding, grid.dilation, strict=True
    ):
        if any(all(not 0 <= o * s + i * d - p < n for i in range(k)) for o in range(count)):
            return True
    return False


def _entries(grid: Grid) -> Iterator[tuple]:
    """For each entry of the window, in reading order, the slice of padded images that it is in all windows."""
    for i in range(grid.kernel[0]):
        for j in range(grid.kernel[1]):
            yield (slice(None), slice(None), *grid.met_by(i, j))


def _pad(x: Array, grid: Grid, value: float) -> Array:
    """x with a border of this value; x itself, where there is no border."""
    if grid.padding == (0, 0):
        return x
    padded = channels_first(array_module(x).full((len(x), *grid.padded, x.shape[1]), value, x.dtype))
    _crop(padded, grid)[...] = x
    return padded


def _crop(padded: Array, grid: Grid) -> Array:
    """The images without their border, a view."""
    (top, left), (height, width) = grid.padding, grid.size
    return padded[:, :, top : top + height, left : left + width]
