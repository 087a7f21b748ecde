"""A process that does the steps of one library, a few at a time, when it is told to.

    python -m benchmarks.worker '{"library": "minivae", "work": {...}}'

Prints a line of JSON with the first loss, then answers each line of its input: `time N` with the median seconds of N
steps, `memory` with what the steps needed, in MB.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path

from benchmarks.libraries import make_step
from benchmarks.work import DENSE, read


def main(request: dict) -> None:
    """Until the input ends."""
    make_step(request["library"], DENSE)  # so that the library is loaded before memory is counted
    before = resident("VmRSS")
    step = make_step(request["library"], read(request["work"]))
    answer({"first_loss": step() if step else None})
    for line in sys.stdin:
        command, _, number = line.strip().partition(" ")
        if command == "time":
            taken = []
            for _ in range(int(number)):
                start = time.perf_counter()
                step()
                taken.append(time.perf_counter() - start)
            answer({"seconds": statistics.median(taken)})
        elif command == "memory":
            answer({"peak": resident("VmHWM") - before, "now": resident("VmRSS") - before})


def answer(values: dict) -> None:
    """One line of JSON."""
    print(json.dumps(values), flush=True)


def resident(field: str) -> float:
    """Memory of this process in MB: VmRSS, now, or VmHWM, at its highest. Linux only; NaN elsewhere."""
    try:
        status = Path("/proc/self/status").read_text()
    except FileNotFoundError:
        return float("nan")
    return int(status.split(field + ":")[1].split()[0]) / 1024


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
