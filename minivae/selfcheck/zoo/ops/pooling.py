"""Wrong versions of pooling and upsampling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minivae import ops
from minivae.autodiff import Tensor
from minivae.backend import Array
from minivae.selfcheck.zoo.definitions.networks import both
from minivae.selfcheck.zoo.sabotage import gradient, pullback
from minivae.selfcheck.zoo.trials import Edge


def windows(x: Array, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1) -> Any:
    """For each window (u, v): its pixels, as index arrays into x padded, and the padding."""
    (kh, kw), (ph, pw), (dh, dw) = both(kernel_size), both(padding), both(dilation)
    sh, sw = both(kernel_size if stride is None else stride)
    height = (x.shape[2] + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    width = (x.shape[3] + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    for u, v in np.ndindex(height, width):
        rows, columns = u * sh + dh * np.arange(kh), v * sw + dw * np.arange(kw)
        yield u, v, (slice(None), slice(None), rows[:, None], columns[None, :])


def pooling(op: str, share: Callable[[Array, Array, Array], Array], outside: float, add: bool = True) -> Any:
    """Pooling by loops, its pullback share(cotangents, the window's pixels (N, C, kh, kw), dx there) into dx."""

    def pull(g: Array, x: Array, *args: Any, **options: Any) -> Array:
        ph, pw = both(options.get("padding", 0))
        padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), constant_values=outside)
        dx = np.zeros_like(padded)
        for u, v, at in windows(x, *args, **options):
            pixels = padded[at]
            given = share(g[:, :, u, v][:, :, None, None], pixels, pixels == pixels.max((2, 3), keepdims=True))
            dx[at] = (dx[at] if add else 0) + given
        return dx[:, :, ph : ph + x.shape[2], pw : pw + x.shape[3]]

    return pullback(op, x=pull)


def _mean(g: Array, pixels: Array, largest: Array) -> Array:
    return g * np.ones_like(pixels) / (pixels.shape[2] * pixels.shape[3])


def zero_padded_max(x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1) -> Tensor:
    """The border filled with zeros."""
    ph, pw = both(padding)
    return ops.max_pool2d(ops.pad(x, (pw, pw, ph, ph)), kernel_size, stride, 0, dilation)


def mean_of_image_alone(x: Any, *args: Any, **options: Any) -> Tensor:
    """What lies in the border does not count."""
    ones = Tensor(np.ones(x.shape, x.dtype))
    return ops.avg_pool2d(x, *args, **options) / ops.avg_pool2d(ones, *args, **options)


def _stride_one_pool(op: Any) -> Any:
    return lambda x, kernel_size, stride=None, *args, **options: op(x, kernel_size, stride or 1, *args, **options)


def _of_block(f: Callable[[Array], Array]) -> Any:
    """upsample_nearest whose pullback takes f of each block, (..., sh, sw) -> (...)."""

    def pull(g: Array, x: Array, scale_factor: Any) -> Array:
        sh, sw = both(scale_factor)
        n, channels, height, width = x.shape
        return f(g.reshape(n, channels, height, sh, width, sw).swapaxes(3, 4))

    return pullback("upsample_nearest", x=pull)


def tiled(x: Any, scale_factor: Any) -> Tensor:
    """The whole image again and again, np.tile for np.repeat."""
    sh, sw = both(scale_factor)
    return ops.concat([ops.concat([x] * sw, 3)] * sh, 2)


MUTANTS: dict[str, dict[str, Any]] = {
    "max_pool2d": {
        "= for +=, windows that overlap overwrite each other": pooling(
            "max_pool2d", lambda g, pixels, largest: g * largest, -np.inf, add=False
        ),
        "the gradient spread evenly, as in avg_pool2d": pooling("max_pool2d", _mean, -np.inf),
        "entries that tie get the whole each": pooling("max_pool2d", lambda g, pixels, largest: g * largest, -np.inf),
        "the padding counts as 0 and may win": zero_padded_max,
        "stride 1 where none is given": _stride_one_pool(ops.max_pool2d),
    },
    "avg_pool2d": {
        "not divided by the window on the way back": pooling(
            "avg_pool2d", lambda g, pixels, largest: g * np.ones_like(pixels), 0.0
        ),
        "= for +=, windows that overlap overwrite each other": pooling("avg_pool2d", _mean, 0.0, add=False),
        "the padding not counted in the mean": mean_of_image_alone,
        "the sum, not the mean": lambda x, kernel_size, *args, **options: (
            ops.avg_pool2d(x, kernel_size, *args, **options) * float(np.prod(both(kernel_size)))
        ),
    },
    "upsample_nearest": {
        "the block's gradients averaged, not summed": _of_block(lambda blocks: blocks.mean(axis=(4, 5))),
        "the gradient of the block's first pixel": _of_block(lambda blocks: blocks[..., 0, 0]),
        "the image tiled, not its pixels repeated": tiled,
        "np.zeros without dtype on the way back": gradient("upsample_nearest", x=lambda dx: np.zeros(dx.shape) + dx),
    },
}

EDGES: dict[str, list[Edge]] = {
    "max_pool2d": [Edge("a tie", ([[[[2.0, 2.0]]]],), [[[[2]]]], ([[[[1, 0]]]],), {"kernel_size": (1, 2)})],
}
