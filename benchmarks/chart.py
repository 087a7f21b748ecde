"""The chart of docs/speed.md."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt

from benchmarks.page import FLOOR


def draw(results: dict[str, Any], path: Path) -> None:
    """Bars: a step of each library, one thread. Lines: how a step grows with the batch, beside PyTorch."""
    figure, axes = plt.subplots(1, 3, figsize=(13, 3.8), layout="constrained")
    one_thread = [(work, found) for (work, threads), found in results["steps"].items() if threads == 1]
    for axis, (work, found) in zip(axes, one_thread, strict=False):
        medians = {name: statistics.median(times.seconds) * 1e3 for name, times in found.items()}
        colours = ["#d55e00" if n == "minivae" else "#999999" if n == FLOOR else "#0072b2" for n in medians]
        bars = axis.barh(list(medians), list(medians.values()), color=colours)
        axis.bar_label(bars, fmt="%.1f", padding=3)
        axis.invert_yaxis()
        axis.set(title=work, xlabel="ms a step, one core")
        axis.margins(x=0.2)
    axis = axes[2]
    for title, points in results["growth"].items():
        if title.startswith("batch"):
            for name, colour in (("minivae", "#d55e00"), ("PyTorch", "#0072b2")):
                y = [statistics.median(found[name].seconds) * 1e3 for found in points.values()]
                style = "-" if "Conv" in title else "--"
                axis.plot(list(points), y, style, marker="o", color=colour, label=f"{name}, {title[7:]}")
    axis.set(xscale="log", yscale="log", xlabel="batch", ylabel="ms a step", title="growth with the batch")
    axis.legend(fontsize=8)
    figure.savefig(path, dpi=120)
    plt.close(figure)
