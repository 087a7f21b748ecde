"""Libraries that take turns, each in a process of its own, all on the same core.

A machine has fast and slow minutes. Taking turns lets every library have its share of both, and a ratio is formed
within a round, between neighbours in time. While one steps, the others wait for a line of input and cost nothing. In
one process they would share a heap and thread pools, and would not be measured as they are used.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from benchmarks.work import Work

THREAD_SETTINGS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


@dataclass
class Times:
    """What one library took."""

    first_loss: float | None
    seconds: list[float] = field(default_factory=list)  # one median a round
    peak: float = math.nan  # MB
    now: float = math.nan  # MB


def measure(
    work: Work,
    libraries: list[str],
    threads: int,
    rounds: int,
    steps: int,
    environments: Mapping[str, dict[str, str]] | None = None,
) -> dict[str, Times]:
    """Times and memory of each library that can do this work; `environments` has further settings for some of them.

    Raises:
        SystemExit: the first losses differ, so the libraries do not do the same work.
    """
    with contextlib.ExitStack() as stack:
        more = environments or {}
        workers = {name: stack.enter_context(worker(name, work, threads, more.get(name, {}))) for name in libraries}
        found = {name: Times(**tell(process)) for name, process in workers.items()}
        found = {name: times for name, times in found.items() if times.first_loss is not None}
        losses = {name: t.first_loss for name, t in found.items() if not math.isnan(t.first_loss or 0)}
        if losses and max(losses.values()) - min(losses.values()) > 1e-4 * max(losses.values()):
            raise SystemExit(f"not the same work: the first losses are {losses}")
        for _ in range(rounds):
            for name, times in found.items():
                tell(workers[name], "time 3")  # warms the cache up
                times.seconds.append(tell(workers[name], f"time {steps}")["seconds"])
        for name, times in found.items():
            times.__dict__.update(tell(workers[name], "memory"))
    return found


@contextlib.contextmanager
def worker(library: str, work: Work, threads: int, environment: dict[str, str]) -> Iterator[subprocess.Popen]:
    """The process of one library, pinned to as many cores as it has threads."""
    request = json.dumps({"library": library, "work": work.as_dict()})
    xla = f"--xla_cpu_multi_thread_eigen={str(threads > 1).lower()} intra_op_parallelism_threads={threads}"
    settings = dict.fromkeys(THREAD_SETTINGS, str(threads)) | {"XLA_FLAGS": xla, "JAX_PLATFORMS": "cpu"} | environment
    command = [sys.executable, "-m", "benchmarks.worker", request]
    process = subprocess.Popen(
        pinned(command, threads), env=os.environ | settings, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def pinned(command: list[str], cores: int) -> list[str]:
    """The command on the first `cores` cores, by taskset where there is one."""
    if not hasattr(os, "sched_getaffinity"):
        return command
    chosen = sorted(os.sched_getaffinity(0))[-cores:]
    return ["taskset", "-c", ",".join(map(str, chosen)), *command]


def tell(process: subprocess.Popen, line: str = "") -> dict:
    """The next answer of a worker, after giving it a line."""
    assert process.stdin
    assert process.stdout
    if line:
        process.stdin.write(line + "\n")
        process.stdin.flush()
    reply = process.stdout.readline()
    if not reply:
        raise SystemExit("a worker ended early; its error stands above")
    return json.loads(reply)
