"""A step on a GPU, timed by events on the device, beside PyTorch where it has one too.

    python -m benchmarks.gpu

An event is a mark in the device's queue; the time between two of them is the device's, not the host's.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

import minivae as mv
from benchmarks import page
from benchmarks.libraries import minivae_step
from benchmarks.work import CONVOLUTIONAL, DENSE, Work
from minivae.backend import to_backend


def milliseconds(step: Callable[[], Any], event: Callable[[], Any], elapsed: Callable[[Any, Any], float]) -> float:
    """The median of 30 steps after 10; `event` puts a mark into the queue."""
    taken = []
    for i in range(40):
        start = event()
        step()
        end = event()
        if i >= 10:
            taken.append(elapsed(start, end))
    return statistics.median(taken)


def ours(work: Work) -> float:
    """minivae on CuPy."""
    import cupy

    def event() -> Any:
        mark = cupy.cuda.Event()
        mark.record()
        return mark

    def elapsed(start: Any, end: Any) -> float:
        end.synchronize()
        return cupy.cuda.get_elapsed_time(start, end)

    x, eps = (to_backend(array, "cupy") for array in work.batch_and_noise())
    model = work.model()
    model.to("cupy")
    return milliseconds(minivae_step.train(model, x, eps), event, elapsed)


def torchs(work: Work) -> float | None:
    """PyTorch, eager; None where it has no GPU."""
    try:
        import torch
    except ImportError:
        return None
    if not torch.cuda.is_available():
        return None
    from benchmarks.libraries.torch_step import train

    def event() -> Any:
        mark = torch.cuda.Event(enable_timing=True)
        mark.record()
        return mark

    def elapsed(start: Any, end: Any) -> float:
        end.synchronize()
        return start.elapsed_time(end)

    return milliseconds(train(work, "cuda"), event, elapsed)


def main() -> None:
    """Print the table; where there is no GPU, the reason."""
    mv.use("cupy")
    rows = []
    for work in (DENSE, CONVOLUTIONAL):
        mine, other = ours(work), torchs(work)
        rows.append([work.name, f"{mine:.2f}", f"{other:.2f}" if other else "–"])
    print(page.table(["step on the GPU, ms", "minivae", "PyTorch"], rows))


if __name__ == "__main__":
    main()
