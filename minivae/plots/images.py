"""Images in rows and columns: grids, samples, reconstructions beside their originals, paths through latent space."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minivae.backend import Array, to_numpy
from minivae.errors import ShapeError
from minivae.metrics import decoded_means, posterior_means, to_model
from minivae.plots.style import MUTED, STYLE, house_style, new_figure, save

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CELL = 0.62  # inches that an image takes in a figure
GAP = 0.08  # white space between images, as a fraction of their width


def image_grid(
    images: Any,
    ncols: int | None = None,
    *,
    title: str = "",
    caption: str = "",
    row_labels: Sequence[str] = (),
    band: int | None = None,
    path: str | Path | None = None,
) -> Figure:
    """Images side by side, row after row.

    Args:
        images: (N, C, H, W) with C = 1 or 3, (N, H, W), or (N, H, W, 3); floats in [0, 1] (clipped to it), uint8, or
            a Dataset.
        ncols: images in a row; by default as square as it gets.
        title: a line above, in bold.
        caption: a line below: what one sees, how it was made.
        row_labels: a name for each row, at its left.
        band: rows that belong together; after so many there is a wider gap.
        path: where to save the picture, if anywhere.

    Raises:
        ShapeError: these are not images.
    """
    pixels = as_pixels(images)
    ncols = ncols or math.ceil(math.sqrt(len(pixels)))
    mosaic, centres = tile(pixels, ncols, band)
    inch = max(CELL / (mosaic.shape[1] / ncols), 1 / STYLE["savefig.dpi"])  # of one pixel; none gets lost
    left = 0.12 + 0.075 * max((len(label) for label in row_labels), default=0)
    top, bottom = (0.42 if title else 0.12), (0.40 if caption else 0.12)
    body = (mosaic.shape[1] * inch, mosaic.shape[0] * inch)
    least = left + 0.072 * max(len(caption) * 0.9, len(title) * 1.15) + 0.2  # so that no line of text is cut off
    width, height = max(left + body[0] + 0.12, least), top + body[1] + bottom
    with house_style():
        figure = new_figure(width, height)
        axes = figure.add_axes((left / width, bottom / height, body[0] / width, body[1] / height))
        axes.imshow(mosaic, cmap="gray", vmin=0.0, vmax=1.0, interpolation="nearest", aspect="auto")
        axes.axis("off")
        for centre, label in zip(centres, row_labels, strict=False):
            axes.text(-0.08 / inch, centre, label, ha="right", va="center", fontsize=9)
        if title:
            figure.text(left / width, 1 - 0.16 / height, title, va="top", weight="bold", fontsize=11)
        if caption:
            figure.text(left / width, 0.13 / height, caption, va="bottom", color=MUTED, fontsize=9)
    return save(figure, path)


def samples(model: Any, n: int = 64, *, seed: int = 0, title: str = "", path: str | Path | None = None) -> Figure:
    """Images that the model makes up: z from the prior, then the mean of p(x|z).

    Args:
        model: a VAE with `sample(n, seed)`.
        n: how many.
        seed: of the latent noise.
        title: a line above; by default it says what this is.
        path: where to save the picture, if anywhere.
    """
    return image_grid(
        model.sample(n, seed=seed),
        title=title or f"{n} samples",
        caption=f"z from the prior N(0, I) with seed {seed}; shown is the mean of p(x|z)",
        path=path,
    )


def reconstructions(
    model: Any,
    images: Any,
    *,
    inputs: Any = None,
    title: str = "Reconstructions",
    caption: str = "",
    ncols: int = 12,
    path: str | Path | None = None,
) -> Figure:
    """Originals, and below each one what is left of it after the way through the latent space.

    Args:
        model: a VAE with `reconstruct(x)`.
        images: the originals, (N, C, H, W), uint8 or floats in [0, 1], or a Dataset.
        inputs: what the encoder is given, where that is not the original: binarised images; a row of its own.
        title: a line above.
        caption: a line below.
        ncols: images in a row; more than that and the picture has several bands.
        path: where to save the picture, if anywhere.
    """
    originals = as_pixels(images)
    given = originals if inputs is None else as_pixels(inputs)
    back = as_pixels(model.reconstruct(to_model(images if inputs is None else inputs)))
    bands = [originals, back] if inputs is None else [originals, given, back]
    names = ["original", "reconstruction"] if inputs is None else ["original", "binarised input", "reconstruction"]
    ncols = min(ncols, len(originals))
    blank = np.ones((ncols, *originals.shape[1:]), np.float32)
    rows, labels = [], []
    for start in range(0, len(originals), ncols):
        for name, band in zip(names, bands, strict=True):
            part = band[start : start + ncols]
            rows.append(np.concatenate([part, blank[len(part) :]]))
            labels.append(name)
    return image_grid(
        np.concatenate(rows), ncols, title=title, caption=caption, row_labels=labels, band=len(bands), path=path
    )


def interpolation(
    model: Any,
    starts: Any,
    ends: Any,
    *,
    inputs: tuple[Any, Any] | None = None,
    steps: int = 10,
    title: str = "From one image to another",
    path: str | Path | None = None,
) -> Figure:
    """A straight line through latent space, from the mean of q(z|start) to that of q(z|end), one row a pair.

    Args:
        model: a VAE with `encode(x).mean` and `decode(z).mean`.
        starts: images (N, C, H, W), uint8 or floats in [0, 1].
        ends: as many images.
        inputs: what the encoder is given for both, where that is not the images themselves: binarised ones.
        steps: decoded points on the line, both ends included.
        title: a line above.
        path: where to save the picture, if anywhere.

    Raises:
        ShapeError: these are not images, or not as many ends as starts.
    """
    first, last = as_pixels(starts), as_pixels(ends)
    if first.shape != last.shape:
        raise ShapeError(f"interpolation: starts are {first.shape}, ends {last.shape}; expected an end for each start")
    z0, z1 = (posterior_means(model, to_model(images)) for images in inputs or (starts, ends))
    weights = np.linspace(0.0, 1.0, steps, dtype=z0.dtype)[:, None]
    rows = []
    for i in range(len(z0)):
        between = as_pixels(decoded_means(model, (1 - weights) * z0[i] + weights * z1[i]))
        rows.append(np.concatenate([first[i : i + 1], between, last[i : i + 1]]))
    return image_grid(
        np.concatenate(rows),
        steps + 2,
        title=title,
        caption=f"outermost: the images; between them {steps} decoded points on the line between their codes",
        path=path,
    )


def as_pixels(images: Any) -> Array:
    """Images as floats in [0, 1], (N, H, W) for grey and (N, H, W, 3) for colour; such ones stay as they are.

    Raises:
        ShapeError: they are neither (N, H, W), (N, H, W, 3), nor (N, C, H, W) with one or three channels, or there are
            none.
    """
    pixels = np.asarray(to_numpy(getattr(images, "data", images) if hasattr(images, "numpy") else images))
    if pixels.ndim == 4 and pixels.shape[1] in (1, 3):
        pixels = pixels[:, 0] if pixels.shape[1] == 1 else pixels.transpose(0, 2, 3, 1)
    elif pixels.ndim != 3 and not (pixels.ndim == 4 and pixels.shape[3] == 3):
        raise ShapeError(
            f"images: got shape {pixels.shape}; expected (N, C, H, W) with C = 1 or 3, (N, H, W), or (N, H, W, 3). "
            "One image needs a batch axis: image[None]."
        )
    if pixels.size == 0:
        raise ShapeError(f"images: there are none in an array of shape {pixels.shape}")
    pixels = pixels.astype(np.float32) / (255 if pixels.dtype == np.uint8 else 1)
    return np.clip(pixels, 0.0, 1.0)


def tile(pixels: Array, ncols: int, band: int | None = None) -> tuple[Array, list[float]]:
    """Images as one image with white gaps.

    Args:
        pixels: (N, H, W) or (N, H, W, 3), in [0, 1].
        ncols: images in a row; the last row is filled up with white.
        band: after so many rows the gap is wider.

    Returns:
        The image (H', W') or (H', W', 3), and the vertical centre of each row in pixels.
    """
    n, h, w = pixels.shape[:3]
    nrows = -(-n // ncols)
    gap = max(1, round(GAP * w))
    tops = [row * (h + gap) + (3 * gap * (row // band) if band else 0) for row in range(nrows)]
    mosaic = np.ones((tops[-1] + h, ncols * (w + gap) - gap, *pixels.shape[3:]), np.float32)
    for i, image in enumerate(pixels):
        y, x = tops[i // ncols], (i % ncols) * (w + gap)
        mosaic[y : y + h, x : x + w] = image
    return mosaic, [y + h / 2 - 0.5 for y in tops]
