"""What it costs to record an op, beyond the bare NumPy call, and to walk back through many.

python -m benchmarks.recording      prints JSON
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable

import numpy as np

from minivae import ops
from minivae.autodiff import Tensor


def microseconds(f: Callable[[], object], count: int = 2000, repeats: int = 15) -> float:
    """The median over repeats of the mean time of one call."""
    means = []
    for _ in range(repeats):
        start = time.perf_counter()
        for _ in range(count):
            f()
        means.append((time.perf_counter() - start) / count)
    return statistics.median(means) * 1e6


def main() -> dict[str, list[float] | float]:
    """For each op [bare, recorded] in microseconds; and milliseconds for backward through 10,000 scalar ops."""
    rng = np.random.default_rng(0)
    a, b = rng.random((2, 4, 4), dtype=np.float32)
    x, y = Tensor(a, requires_grad=True), Tensor(b, requires_grad=True)
    pairs: dict[str, tuple[Callable, Callable]] = {
        "x + y": (lambda: np.add(a, b), lambda: ops.add(x, y)),
        "x * y": (lambda: np.multiply(a, b), lambda: ops.mul(x, y)),
        "exp(x)": (lambda: np.exp(a), lambda: ops.exp(x)),
        "x @ y": (lambda: np.matmul(a, b), lambda: ops.matmul(x, y)),
        "sum(x)": (lambda: a.sum(), lambda: ops.sum(x)),
    }
    result: dict[str, list[float] | float] = {
        name: [microseconds(bare), microseconds(recorded)] for name, (bare, recorded) in pairs.items()
    }
    result["backward, 10,000 scalar ops (ms)"] = statistics.median(chain(10_000) for _ in range(9))
    return result


def chain(length: int) -> float:
    """Milliseconds of backward() through x·c·c·c…"""
    x = Tensor(np.float32(1.0), requires_grad=True)
    y = x
    for _ in range(length):
        y = y * 1.0001
    start = time.perf_counter()
    y.backward()
    return (time.perf_counter() - start) * 1e3


if __name__ == "__main__":
    print(json.dumps(main()))
