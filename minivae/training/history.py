"""`History`: what training measured, one row an epoch; and how it becomes `metrics.csv`."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

Row = dict[str, Any]

COLUMNS = (
    "epoch",
    "step",
    "train_loss",
    "train_reconstruction",
    "train_kl",
    "test_loss",
    "test_reconstruction",
    "test_kl",
    "seconds",
)
"""The columns of a row, in order. Losses are nats per example: summed over pixels and latent dimensions, averaged
over examples; loss = reconstruction + beta · kl. The `train_` ones are averages over the epoch, while the
parameters moved; the `test_` ones (None without test data) belong to the parameters at the end of the epoch.
`seconds` is the time spent on training so far. It alone depends on the machine: a resumed run repeats every other
column to the bit."""


class History(Sequence[Row]):
    """The rows of a training run, one an epoch.

    `history[-1]["test_loss"]` is a value, `history.test_loss` a column (a list), `print(history)` a table.

    Args:
        rows: dictionaries with the keys of `COLUMNS`.
        labels: what the columns 'loss' and 'reconstruction' are called in print, for instance
            {"loss": "−ELBO", "reconstruction": "NLL"}.
    """

    def __init__(self, rows: Sequence[Row] = (), labels: dict[str, str] | None = None) -> None:
        self.rows: list[Row] = list(rows)
        self.labels = {"loss": "loss", "reconstruction": "reconstruction", "kl": "KL"} | (labels or {})

    def append(self, row: Row) -> None:
        """Add the row of one more epoch."""
        self.rows.append({column: row.get(column) for column in COLUMNS})

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Any) -> Any:
        return self.rows[index]

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __getattr__(self, name: str) -> list[Any]:
        if name in COLUMNS:
            return [row[name] for row in self.rows]
        raise AttributeError(f"a History has no column {name!r}; it has {', '.join(COLUMNS)}")

    def has_test(self) -> bool:
        """Whether the test data were evaluated."""
        return any(row["test_loss"] is not None for row in self.rows)

    def __repr__(self) -> str:
        if not self.rows:
            return "History: no epoch yet"
        table = Table(self.labels, self.has_test())
        shown = self.rows if len(self.rows) <= 12 else [*self.rows[:3], None, *self.rows[-6:]]
        lines = ["  …" if row is None else table.line(row) for row in shown]
        return "\n".join([*table.head(), *lines])

    def to_csv(self) -> str:
        """The rows as CSV, with a header. Numbers are written so that reading them gives the same bits."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(["" if row[c] is None else row[c] for c in COLUMNS] for row in self.rows)
        return text.getvalue()

    @classmethod
    def from_csv(cls, text: str, labels: dict[str, str] | None = None) -> History:
        """The inverse of `to_csv`."""
        history = cls(labels=labels)
        for record in csv.DictReader(io.StringIO(text)):
            history.append({c: _number(value, int if c in ("epoch", "step") else float) for c, value in record.items()})
        return history


class Table:
    """The rows of a history as lines of text of fixed width, so that they can be printed one by one."""

    def __init__(self, labels: dict[str, str], with_test: bool) -> None:
        self.sets = ("train", "test") if with_test else ("train",)
        self.terms = {"loss": labels["loss"], "reconstruction": labels["reconstruction"], "kl": labels["kl"]}
        self.widths = [max(9, len(label) + 1) for label in self.terms.values()]

    def head(self) -> list[str]:
        """Two lines: which data, then which term (nats per example)."""
        block = sum(self.widths)
        sets = "  ".join(f"{name + ', nats per example':>{block}}" for name in self.sets)
        terms = "".join(f"{label:>{w}}" for label, w in zip(self.terms.values(), self.widths, strict=True))
        return [f"{'':15}{sets}", f"{'epoch':>6}{'step':>9}" + "  ".join([terms] * len(self.sets)) + f"{'seconds':>10}"]

    def line(self, row: Row) -> str:
        """One epoch."""
        blocks = []
        for name in self.sets:
            values = (row[f"{name}_{term}"] for term in self.terms)
            blocks.append("".join(f"{_decimals(v):>{w}}" for v, w in zip(values, self.widths, strict=True)))
        return f"{row['epoch']:>6}{row['step']:>9}" + "  ".join(blocks) + f"{row['seconds'] or 0:>10.1f}"


def _decimals(value: float | None) -> str:
    """Two decimals, or none where a column has no room for them."""
    if value is None:
        return ""
    text = f"{value:.2f}"
    return text if len(text) < 9 else f"{value:.0f}"


def _number(text: str, kind: type) -> Any:
    return kind(text) if text else None
