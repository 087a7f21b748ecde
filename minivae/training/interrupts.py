"""Ctrl-C, politely: the step at hand is finished and saved before the program stops."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

from minivae.training.history import History

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class TrainingInterrupted(KeyboardInterrupt):
    """Training was stopped by Ctrl-C or SIGTERM after a complete step.

    Attributes:
        history: the epochs that were completed.
    """

    def __init__(self, message: str, history: History) -> None:
        super().__init__(message)
        self.history = history


class StopRequest:
    """Inside this block Ctrl-C and SIGTERM set `requested` instead of stopping the program at once.

    A second Ctrl-C does stop it at once. Outside the main thread, where Python allows no signal handlers, nothing
    changes.
    """

    def __init__(self) -> None:
        self.requested = False
        self._previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            self._previous = {number: signal.signal(number, self._on_signal) for number in SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt("stopped at once; what was saved before is intact")
        self.requested = True
