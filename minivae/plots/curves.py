"""Learning curves: what the loss is made of, epoch by epoch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from minivae.errors import DataError
from minivae.plots.style import MUTED, TEST, TRAIN, house_style, new_figure, save

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = {"train": TRAIN, "test": TEST}
MANY_EPOCHS = 12  # from here on the first epochs need not be in the frame
TERMS = ("loss", "reconstruction", "kl")


def loss_curves(
    history: Any, *, title: str = "", unit: str = "nats per image", path: str | Path | None = None
) -> Figure:
    """Loss, reconstruction and KL divergence against the epoch, train and test.

    Args:
        history: a `minivae.training.History`, of one epoch or more.
        title: a line above all three panels.
        unit: of the vertical axes.
        path: where to save the picture, if anywhere.

    Raises:
        DataError: the history is empty.
    """
    if not len(history):
        raise DataError("loss_curves: the history has no epoch yet; train for at least one")
    epochs = history.epoch
    with house_style():
        figure = new_figure(10.2, 3.3 if title else 3.0)
        panels = figure.subplots(1, 3)
        for axes, term in zip(panels, TERMS, strict=True):
            curves = {name: getattr(history, f"{name}_{term}") for name in COLOURS}
            curves = {name: values for name, values in curves.items() if values[-1] is not None}
            for name, values in curves.items():
                axes.plot(
                    epochs, values, color=COLOURS[name], label=name, marker="o", markersize=3 if len(epochs) < 60 else 0
                )
            axes.set_title(_title(term, history.labels[term]))
            axes.set_xlabel("epoch")
            axes.margins(x=0.03)
            axes.xaxis.get_major_locator().set_params(integer=True)
            _focus(axes, list(curves.values()))
        panels[0].set_ylabel(unit)
        if history.has_test():
            panels[0].legend(loc="upper right")
        figure.text(
            0.99,
            0.012,
            "train: average over the epoch, while the parameters moved; test: at the end of the epoch",
            ha="right",
            color=MUTED,
            fontsize=7.5,
        )
        if title:
            figure.suptitle(title, x=0.012, ha="left", weight="bold", fontsize=11)
        figure.tight_layout(rect=(0, 0.03, 1, 1))
    return save(figure, path)


def _title(term: str, label: str) -> str:
    return {"loss": label, "reconstruction": f"reconstruction: {label}", "kl": "KL(q(z|x) ‖ p(z))"}[term]


def _focus(axes: Any, curves: list[list[float]]) -> None:
    """Let the first epochs leave the frame, visibly, where they would flatten all that follows."""
    length = max(len(curve) for curve in curves)
    if length < MANY_EPOCHS:
        return
    settled = [value for curve in curves for value in curve[length // 6 :]]
    low, high = min(settled), max(settled)
    room, margin = 0.6 * (high - low), 0.1 * (high - low)
    everything = [value for curve in curves for value in curve]
    bottom, top = max(min(everything), low - room), min(max(everything), high + room)
    if (bottom, top) != (min(everything), max(everything)):
        axes.set_ylim(bottom - margin, top + margin)
