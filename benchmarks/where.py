"""Where the time of a training step goes, and what each trick buys.

python -m benchmarks.where        about three minutes; writes docs/step.md's tables and its picture
"""

from __future__ import annotations

import cProfile
import os
import pstats
import statistics
from collections import Counter
from pathlib import Path

from benchmarks import page
from benchmarks.libraries import without
from benchmarks.lockstep import measure
from benchmarks.work import CONVOLUTIONAL, DENSE, Work

PARTS = {
    "ops/linalg.py": "dense layers",
    "ops/correlation.py": "convolutions: products",
    "ops/columns.py": "convolutions: copying windows",
    "ops/activations.py": "ReLU",
    "ops/likelihoods.py": "cross-entropy",
    "optim/": "Adam",
    "autodiff/": "the graph",
    "backend.py": "the graph",
}
"""Part of a file's path -> what its time is called."""
REST = "all else"
COLOURS = ["#d55e00", "#e69f00", "#f0e442", "#009e73", "#56b4e9", "#0072b2", "#999999", "#cccccc"]


def profile(work: Work, steps: int = 20) -> dict[str, float]:
    """Milliseconds of one step by part. NumPy's own functions count for the file that calls them."""
    from benchmarks.libraries.minivae_step import step

    run = step(work)
    for _ in range(5):
        run()
    profiler = cProfile.Profile()
    profiler.enable()
    for _ in range(steps):
        run()
    profiler.disable()
    found: Counter[str] = Counter()
    for (file, _, _), (_, _, own, _, callers) in pstats.Stats(profiler).stats.items():  # type: ignore[attr-defined]
        if "minivae" in file or not callers:
            found[part(file)] += own
            continue
        for (calling, _, _), (_, _, by_caller, _) in callers.items():
            found[part(calling)] += by_caller
    return {name: found[name] * 1e3 / steps for name in [*dict.fromkeys(PARTS.values()), REST] if found[name] > 0}


def part(file: str) -> str:
    """What the time spent in a file is called."""
    return next((name for path, name in PARTS.items() if f"minivae/{path}" in file), REST)


def tricks(work: Work, rounds: int = 9, steps: int = 6) -> dict[str, tuple[float, float]]:
    """Milliseconds of a step with all tricks, and without each: (with, without)."""
    names = {f"without {name}": environment for name, (_, _, environment) in without.VARIANTS.items()}
    found = measure(work, ["minivae", *names], 1, rounds, steps, names)
    ours = statistics.median(found["minivae"].seconds) * 1e3
    ratios = {
        name: statistics.median(b / a for a, b in zip(found["minivae"].seconds, found[name].seconds, strict=True))
        for name in names
    }
    return {name.removeprefix("without "): (ours, ours * ratio) for name, ratio in ratios.items()}


def draw(profiles: dict[str, dict[str, float]], path: Path) -> None:
    """One bar a model, cut into parts."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(len(profiles), 1, figsize=(10, 1.6 * len(profiles)), layout="constrained")
    colours = dict(zip([*dict.fromkeys(PARTS.values()), REST], COLOURS, strict=False))
    for axis, (name, parts) in zip(axes, profiles.items(), strict=True):
        start = 0.0
        for label, time in parts.items():
            axis.barh(0, time, left=start, color=colours[label], label=f"{label} {time:.1f}")
            start += time
        axis.set(title=f"{name}: ms of a step by part", yticks=[], xlim=(0, start))
        axis.legend(ncols=4, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.25), frameon=False)
        axis.spines[["top", "right", "left"]].set_visible(False)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main() -> None:
    """Measure; write the picture, and the tables between the markers of docs/step.md."""
    works = {"VAE 784-400-20": DENSE, "ConvVAE 32-64": CONVOLUTIONAL}
    draw({name: profile(work) for name, work in works.items()}, page.DOCS / "images" / "step.png")
    columns = {name: tricks(work) for name, work in works.items()}
    rows = [
        [words, *(f"{column[name][1] / column[name][0]:.2f}" for column in columns.values())]
        for name, (words, _, _) in without.VARIANTS.items()
    ]
    text = page.table(["without this, a step takes … times as long", *works], rows)
    document = page.DOCS / "step.md"
    before, _, rest = document.read_text().partition("<!-- tricks -->\n")
    after = rest.partition("<!-- end -->")[2]
    document.write_text(f"{before}<!-- tricks -->\n{text}<!-- end -->{after}")
    print(text)


if __name__ == "__main__":
    if "OPENBLAS_NUM_THREADS" not in os.environ:
        raise SystemExit("set the threads first:  OPENBLAS_NUM_THREADS=1 python -m benchmarks.where")
    main()
