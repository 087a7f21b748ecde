"""Pictures, each a matplotlib figure: image grids, reconstructions, samples, interpolations, curves, the latent map."""

from minivae.plots.curves import loss_curves
from minivae.plots.images import image_grid, interpolation, reconstructions, samples
from minivae.plots.latent import latent_map, quantile_grid
from minivae.plots.style import house_style, new_figure, save

__all__ = [
    "house_style",
    "image_grid",
    "interpolation",
    "latent_map",
    "loss_curves",
    "new_figure",
    "quantile_grid",
    "reconstructions",
    "samples",
    "save",
]
