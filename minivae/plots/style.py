"""The house style of every picture: what a figure looks like, and how it is saved.

Figures are made without pyplot, so no global state is touched, no window opens, and a server without a display
will do. A notebook shows a figure that is the value of a cell.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from minivae.errors import ConfigError, require

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK = "#222222"
MUTED = "#6b6b6b"
GRID = "#e3e3e3"
TRAIN = "#0072b2"  # blue and vermilion of Okabe & Ito (2008): told apart by every kind of colour vision
TEST = "#d55e00"

STYLE: dict[str, Any] = {
    "figure.dpi": 100,
    "savefig.dpi": 160,
    "font.family": ["DejaVu Sans"],
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "lines.linewidth": 1.8,
    "legend.frameon": False,
}


def house_style() -> Any:
    """A context in which matplotlib draws in this style: `with house_style(): ...`."""
    return require("matplotlib", "plot").rc_context(STYLE)


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of this size in inches, which a notebook displays by itself."""
    require("matplotlib", "plot")
    from minivae.plots.figure import NotebookFigure

    return NotebookFigure(figsize=(width, height), facecolor="white")


def save(figure: Figure, path: str | Path | None) -> Figure:
    """Write the figure to `path` (its ending says PNG, PDF or SVG), making the folder; None: do not. Returns it.

    Raises:
        ConfigError: no picture has that ending.
    """
    if path is not None:
        path = Path(path)
        kinds = figure.canvas.get_supported_filetypes()
        if path.suffix and path.suffix[1:].lower() not in kinds:
            raise ConfigError(f"{path}: no picture is written as {path.suffix!r}; expected one of {', '.join(kinds)}")
        path.parent.mkdir(parents=True, exist_ok=True)
        with house_style():
            figure.savefig(path, dpi=STYLE["savefig.dpi"])
    return figure
