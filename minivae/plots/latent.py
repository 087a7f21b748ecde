"""A latent space of two dimensions, drawn whole: where the images go, and what comes from where."""

from __future__ import annotations

from pathlib import Path
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from minivae.data import as_dataset
from minivae.errors import ShapeError
from minivae.metrics import decoded_means, posterior_means
from minivae.plots.images import as_pixels, tile
from minivae.plots.style import MUTED, house_style, new_figure, save

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = (  # ten that differ in lightness too
    *("#4e79a7", "#f28e2b", "#e15759", "#76b7b2", "#59a14f"),
    *("#edc948", "#b07aa1", "#ff9da7", "#9c755f", "#5b5b5b"),
)


def latent_map(
    model: Any,
    dataset: Any,
    *,
    grid: int = 15,
    limit: int = 2000,
    binarise: str | None = None,
    seed: int = 0,
    title: str = "The latent space",
    path: str | Path | None = None,
) -> Figure:
    """Left: the posterior means of images, coloured by class. Right: what the decoder makes of a grid of points.

    The grid is spaced by the prior's quantiles, z = Φ⁻¹((i + ½)/grid), so that each image stands for the same share of
    the prior (Kingma & Welling 2014, figure 4). Both panels have the same orientation: z₁ to the right, z₂ upwards.

    Args:
        model: a VAE with a latent space of two dimensions.
        dataset: images and labels (`minivae.data.Dataset`).
        grid: decoded points along each axis.
        limit: at most so many images on the left.
        binarise: what the model was trained on, as in `DataLoader`.
        seed: of the binarisation.
        title: a line above.
        path: where to save the picture, if anywhere.

    Raises:
        ShapeError: the latent space has another number of dimensions.
    """
    dataset = as_dataset(dataset)
    means = posterior_means(model, dataset[:limit], binarise=binarise, seed=seed)
    if means.shape[1] != 2:
        raise ShapeError(
            f"latent_map: the latent space has {means.shape[1]} dimensions, a map has 2. Train with latent_dim=2, "
            "or look at this model with interpolation()."
        )
    labels = None if dataset.labels is None else np.asarray(dataset.labels[:limit])
    mosaic, _ = tile(as_pixels(decoded_means(model, quantile_grid(grid, means.dtype))), grid)
    with house_style():
        figure = new_figure(11.4, 6.45)
        left, right = figure.subplots(1, 2)
        _scatter(left, means, labels, getattr(dataset, "class_names", None))
        right.imshow(mosaic, cmap="gray", vmin=0.0, vmax=1.0, interpolation="nearest")
        right.set_title("decoded grid: mean of p(x|z)")
        _quantile_axes(right, mosaic.shape, grid)
        figure.text(0.012, 0.985, title, va="top", weight="bold", fontsize=12)
        figure.tight_layout(rect=(0, 0.075, 1, 0.95), w_pad=3)
    return save(figure, path)


def quantile_grid(n: int, dtype: Any = np.float32) -> Any:
    """The n² points (z₁, z₂) with z = Φ⁻¹((i + ½)/n), row by row from the top left: (n², 2)."""
    z = [NormalDist().inv_cdf((i + 0.5) / n) for i in range(n)]
    return np.array([(z1, z2) for z2 in reversed(z) for z1 in z], dtype)


def _scatter(axes: Any, means: Any, labels: Any, names: Any) -> None:
    axes.set_title(f"posterior means of {len(means):,} images")
    if labels is None or np.ndim(labels) != 1:
        axes.scatter(means[:, 0], means[:, 1], s=7, color=COLOURS[0], linewidths=0)
    elif len(np.unique(labels)) > len(COLOURS):  # a scale of colours, and no room for names
        order = np.unique(labels, return_inverse=True)[1]
        axes.scatter(means[:, 0], means[:, 1], s=7, c=order, linewidths=0)
        axes.set_title(f"posterior means of {len(means):,} images in {order.max() + 1} classes")
    else:
        for i, label in enumerate(np.unique(labels)):
            of_class = means[labels == label]
            name = str(names[int(label)] if names else label)
            axes.scatter(of_class[:, 0], of_class[:, 1], s=7, color=COLOURS[i], label=name, linewidths=0)
        legend = axes.legend(
            loc="upper center",
            bbox_to_anchor=(0.5, -0.1),
            ncols=5,
            markerscale=2.2,
            fontsize=8.5,
            handletextpad=0.1,
            columnspacing=1.0,
        )
        legend.set_in_layout(False)  # it has its own room below
    reach = max(3.0, float(np.quantile(np.abs(means), 0.995)) * 1.05)
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), xlabel="z₁", ylabel="z₂", aspect="equal")


def _quantile_axes(axes: Any, shape: tuple[int, ...], grid: int) -> None:
    """Ticks that give z at a few columns and rows of the mosaic."""
    picks = np.linspace(0, grid - 1, 5).round().astype(int)
    names = [f"{NormalDist().inv_cdf((i + 0.5) / grid) + 0.0:.1f}".replace("-", "−") for i in picks]
    cell_y, cell_x = shape[0] / grid, shape[1] / grid
    axes.set_xticks([(i + 0.5) * cell_x for i in picks], names)
    axes.set_yticks([shape[0] - (i + 0.5) * cell_y for i in picks], names)
    axes.set(xlabel="z₁ (quantiles of the prior)", ylabel="z₂ (quantiles of the prior)")
    axes.grid(False)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.tick_params(length=0, colors=MUTED)
