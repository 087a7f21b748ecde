"""What one sees while training: a table that gets a line an epoch, and below it a bar for the epoch at hand."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from minivae.training.history import History, Row, Table


class Progress:
    """The table goes to standard output; the bar (tqdm, on a terminal or in a notebook) is gone when its epoch is over.

    Where tqdm is not installed, or nobody watches a terminal, there is the table alone.

    Args:
        enabled: False prints nothing at all.
        labels: what the columns are called (see `History`).
        with_test: whether there are columns for test data.
    """

    def __init__(self, enabled: bool, labels: dict[str, str], with_test: bool) -> None:
        self.enabled = enabled
        self.labels = labels
        self.table = Table(labels, with_test)
        self.bar: Any = None
        self._headed = False

    def start(self, history: History) -> None:
        """Print the head of the table, and the epochs that a resumed run has behind it."""
        if self.enabled and not self._headed:
            self._headed = True
            print("\n".join([*self.table.head(), *(self.table.line(row) for row in history)]), flush=True)

    def start_epoch(self, epoch: int, epochs: int, examples: int, done: int) -> None:
        """A bar for epoch number `epoch` (from 1) of `epochs`; `done` of its examples are behind us."""
        if self.enabled:
            self.bar = new_bar(f"epoch {epoch}/{epochs}", examples, done)

    def advance(self, examples: int) -> None:
        """Some more examples are done."""
        if self.bar is not None:
            self.bar.update(examples)

    def show(self, means: dict[str, float]) -> None:
        """Write the running means (nats per example) beside the bar."""
        if self.bar is not None:
            self.bar.set_postfix_str(
                ", ".join(f"{self.labels[term]} {value:.2f}" for term, value in means.items()), refresh=False
            )

    def end_epoch(self, row: Row) -> None:
        """Remove the bar, print the line of the epoch."""
        self.close()
        if self.enabled:
            print(self.table.line(row), flush=True)

    def close(self) -> None:
        """Remove the bar, if there is one."""
        if self.bar is not None:
            self.bar.close()
            self.bar = None


def new_bar(text: str, total: int, done: int = 0) -> Any:
    """A bar that is gone once closed, with `done` of `total` behind it; None where none can be seen."""
    tqdm = _find_tqdm()
    return tqdm and tqdm(
        desc=text,
        total=total,
        initial=done,
        bar_format="{desc}: {percentage:3.0f}%|{bar}| {remaining} left{postfix}",
        leave=False,
        dynamic_ncols=True,
        file=sys.stderr if sys.stderr.isatty() else sys.stdout,
        mininterval=0.2,
    )


def _find_tqdm() -> Any:
    """tqdm's class where a bar can be seen and tqdm is installed, else None."""
    if not (sys.stderr.isatty() or "ipykernel" in sys.modules):
        return None
    try:
        return importlib.import_module("tqdm").tqdm
    except ImportError:
        return None
