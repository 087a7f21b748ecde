"""The results as text, as a page of the docs and as a chart."""

from __future__ import annotations

import datetime
import platform
import statistics
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent.parent / "docs"
FLOOR = "matrix products alone"


def ratio(ours: list[float], theirs: list[float]) -> str:
    """Median of the ratios within rounds, and the middle half of them."""
    ratios = sorted(a / b for a, b in zip(ours, theirs, strict=True))
    low, middle, high = statistics.quantiles(ratios, n=4)
    return f"{middle:.2f} ({low:.2f}–{high:.2f})"


def table(header: list[str], rows: list[list[str]]) -> str:
    """Markdown."""
    lines = ["| " + " | ".join(row) + " |" for row in [header, ["---"] * len(header), *rows]]
    return "\n".join(lines) + "\n"


def steps_tables(steps: dict[tuple[str, int], dict[str, Any]]) -> str:
    """One table for each model and number of threads."""
    parts = []
    for (work, threads), found in steps.items():
        ours, floor = found["minivae"].seconds, found[FLOOR].seconds
        rows = [
            [
                name,
                f"{statistics.median(times.seconds) * 1e3:.2f}",
                ratio(ours, times.seconds),
                ratio(times.seconds, floor),
                f"{times.peak:.0f}",
            ]
            for name, times in found.items()
        ]
        title = f"### {work}, {threads} thread{'s' * (threads > 1)}\n\n"
        header = ["", "ms a step", "minivae's time ÷ this", "this ÷ floor", "peak memory, MB"]
        parts.append(title + table(header, rows))
    return "\n".join(parts)


def recording_table(found: dict[str, Any]) -> str:
    """Microseconds of bare and recorded calls."""
    found = dict(found)
    backward = found.pop("backward, 10,000 scalar ops (ms)")
    rows = [[f"`{name}`", f"{bare:.2f}", f"{ours:.2f}", f"{ours - bare:.2f}"] for name, (bare, ours) in found.items()]
    text = table(["4 × 4 arrays, µs a call", "bare NumPy", "recorded", "difference"], rows)
    return f"{text}\nbackward() through 10,000 scalar ops: {backward:.1f} ms\n"


def growth_table(growth: dict[str, dict[int, dict[str, Any]]]) -> str:
    """Time and peak memory, ours and PyTorch's."""
    rows = []
    for title, points in growth.items():
        for value, found in points.items():
            ours, torch = found["minivae"], found["PyTorch"]
            rows.append(
                [
                    title,
                    str(value),
                    f"{statistics.median(ours.seconds) * 1e3:.1f}",
                    f"{statistics.median(torch.seconds) * 1e3:.1f}",
                    ratio(ours.seconds, torch.seconds),
                    f"{ours.peak:.0f}",
                    f"{torch.peak:.0f}",
                ]
            )
    header = ["what grows", "to", "minivae, ms", "PyTorch, ms", "ratio", "minivae, MB", "PyTorch, MB"]
    return table(header, rows)


def longer_line(found: dict[str, Any]) -> str:
    """Memory after 10 and after 1,000 steps."""
    return "\n".join(
        f"- {name}: {few.now:.0f} MB after 10 steps, {many.now:.0f} MB after 1,000"
        for name, (few, many) in found.items()
    )


def write(results: dict[str, Any]) -> None:
    """docs/speed.md and docs/images/speed.png."""
    from benchmarks.chart import draw

    draw(results, DOCS / "images" / "speed.png")
    DOCS.joinpath("speed.md").write_text(
        f"""# Speed

Written by `python -m benchmarks.compare` on {datetime.date.today():%d %B %Y}: {machine()}.

A step is forward, backward and Adam, in float32, batch 128, the same weights, data and noise for every library (their
first losses agree). Every library has a process of its own, pinned to the same core, and they take turns; a ratio is
the median over rounds, with the middle half of them in brackets. The floor is the step's matrix products alone, as
bare NumPy calls. Peak memory is what a step adds to the process, weights and optimiser included.

![Time of a step relative to minivae, and how it grows]({"images/speed.png"})

## A step

{steps_tables(results["steps"])}
## How it grows

{growth_table(results["growth"])}
## Recording an op

{recording_table(results["recording"])}
## Memory that stays

{longer_line(results["longer"])}
"""
    )


def machine() -> str:
    """Processor and versions."""
    names = ["numpy", "torch", "jax", "autograd", "dezero"]
    found = [f"{name} {version(name)}" for name in names if _installed(name)]
    return f"{processor()}; Python {platform.python_version()}, {', '.join(found)}"


def processor() -> str:
    """Its name, where Linux tells."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if "model name" in line), platform.processor())


def _installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True
