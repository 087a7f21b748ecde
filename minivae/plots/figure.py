"""A matplotlib figure that a notebook displays by itself. No other file imports matplotlib at its top."""

from __future__ import annotations

import io

from matplotlib.figure import Figure


class NotebookFigure(Figure):
    """A `Figure` with the method by which IPython asks for a picture (without pyplot it would show its name only)."""

    def _repr_png_(self) -> bytes:
        picture = io.BytesIO()
        self.savefig(picture, format="png", dpi=110)
        return picture.getvalue()
