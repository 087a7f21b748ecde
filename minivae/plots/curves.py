"""Learning curves: what the loss is made of, epoch by epoch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from minivae.errors import DataError
from minivae.plots.style import MUTED, TEST, TRAIN, house_style, new_figure, save

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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
            for name, colour in (("train", TRAIN), ("test", TEST)):
                values = getattr(history, f"{name}_{term}")
                if all(value is None for value in values):
                    continue
                axes.plot(epochs, values, color=colour, label=name, marker="o", markersize=3 if len(epochs) < 60 else 0)
            axes.set_title(_title(term, history.labels[term]))
            axes.set_xlabel("epoch")
            axes.margins(x=0.03)
            axes.xaxis.get_major_locator().set_params(integer=True)
            _focus(axes, [v for name in ("train", "test") for v in getattr(history, f"{name}_{term}") if v is not None])
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


def _focus(axes: Any, values: list[float]) -> None:
    """Cut the first epoch off at the top where it would flatten all that follows; a curve leaves the frame, visibly."""
    settled = sorted(values)[: max(2, int(0.9 * len(values)))]
    if len(values) < 12:
        return
    low, high = settled[0], settled[-1]
    margin = 0.12 * (high - low) or 1.0
    if max(values) > high + 3 * (high - low):
        axes.set_ylim(low - margin, high + margin)
