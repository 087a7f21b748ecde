"""minivae beside the libraries a user would take instead.

    python -m benchmarks.compare                 all tables, about 10 minutes; writes docs/speed.md and its chart
    python -m benchmarks.compare --quick         fewer rounds, no growth table, nothing is written

Compares with whatever is installed: pip install -e ".[bench]" brings PyTorch; JAX, autograd and DeZero join when they
are there. The machine should have nothing else to do.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

from tqdm import tqdm

from benchmarks import page
from benchmarks.libraries import installed
from benchmarks.lockstep import Times, measure, pinned
from benchmarks.work import CONVOLUTIONAL, DENSE, Work

GROWTH: dict[str, list[Work]] = {
    "batch, VAE 784-400-20": [replace(DENSE, batch=n) for n in (16, 64, 256, 1024)],
    "width, VAE 784-h-20": [replace(DENSE, hidden=(n,)) for n in (100, 400, 1600)],
    "depth, VAE 784-400-…-20": [replace(DENSE, hidden=(400,) * n) for n in (1, 2, 4, 8)],
    "batch, ConvVAE 32-64": [replace(CONVOLUTIONAL, batch=n) for n in (16, 64, 256, 1024)],
    "width, ConvVAE c-2c": [replace(CONVOLUTIONAL, channels=(n, 2 * n)) for n in (8, 16, 32, 64)],
    "image size, ConvVAE 32-64": [replace(CONVOLUTIONAL, size=n, batch=32) for n in (28, 64, 128)],
}
VARIED = {"batch": lambda w: w.batch, "width": lambda w: (*w.hidden, *w.channels)[0]}
VARIED |= {"depth": lambda w: len(w.hidden), "image size": lambda w: w.size}


def main(arguments: list[str] | None = None) -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, no growth table, nothing is written")
    quick = parser.parse_args(arguments).quick
    rounds, steps = (5, 5) if quick else (15, 6)
    names = installed()
    results: dict[str, Any] = {"steps": {}, "growth": {}}
    todo = [(work, threads) for threads in (1, 2) for work in (DENSE, CONVOLUTIONAL)]
    for work, threads in tqdm(todo, "steps"):
        results["steps"][work.name, threads] = measure(work, names, threads, rounds, steps)
    print(page.steps_tables(results["steps"]))
    results["recording"] = recording()
    print(page.recording_table(results["recording"]))
    if quick:
        return
    pair = ["minivae", "PyTorch"]
    for title, works in tqdm(GROWTH.items(), "growth"):
        vary = VARIED[title.partition(",")[0]]
        results["growth"][title] = {vary(work): measure(work, pair, 1, 5, 5) for work in works}
    print(page.growth_table(results["growth"]))
    results["longer"] = longer()
    print(page.longer_line(results["longer"]))
    page.write(results)


def recording() -> dict[str, Any]:
    """`benchmarks.recording` on one core."""
    command = pinned([sys.executable, "-m", "benchmarks.recording"], 1)
    return json.loads(subprocess.run(command, text=True, stdout=subprocess.PIPE, check=True).stdout)


def longer() -> dict[str, list[Times]]:
    """Memory after about 10 and about 1,000 steps."""
    return {
        work.name: [measure(work, ["minivae"], 1, 1, steps)["minivae"] for steps in (6, 996)]
        for work in (DENSE, CONVOLUTIONAL)
    }


if __name__ == "__main__":
    main()
