"""Run a notebook from top to bottom in a fresh kernel, and keep what it shows, but nothing of the machine it ran on."""

from __future__ import annotations

import copy
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError

from lessons.machinery.source import ROOT, LessonError

CELL_SECONDS = 300
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def execute(notebook: Any, name: str, progress: Callable[[], Any] = lambda: None) -> Any:
    """A copy of the notebook with its outputs; `progress` is called after each code cell.

    Raises:
        LessonError: a cell raised an exception or took longer than five minutes.
    """
    notebook = copy.deepcopy(notebook)
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook,
            timeout=CELL_SECONDS,
            kernel_name="python3",
            record_timing=False,
            extra_arguments=["--IPKernelApp.log_level=40"],  # errors only
            resources={"metadata": {"path": folder}},
            on_cell_executed=lambda **_: progress(),
        )
        try:
            client.execute()
        except (CellExecutionError, CellTimeoutError) as error:
            raise LessonError(f"{name}: a cell did not run to its end\n{COLOUR.sub('', str(error))}") from error
    notebook.metadata["language_info"] = {"name": "python"}
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = _tidy(cell.outputs, cell.metadata.get("alt"))
    return notebook


def _tidy(outputs: list[Any], alt: str | None) -> list[Any]:
    """Outputs with printed pieces joined, and with each picture's description beside it."""
    tidy: list[Any] = []
    for output in outputs:
        last = tidy[-1] if tidy else None
        if output.output_type == "stream" and last is not None and last.get("name") == output.name:
            last.text += output.text
            continue
        if alt and "image/png" in output.get("data", {}):
            output.metadata["image/png"] = {"alt": alt}
        tidy.append(output)
    return tidy


def shown_text(cell: Any) -> str:
    """Everything that a cell's outputs show as text."""
    pieces: list[str] = []
    for output in cell.get("outputs", []):
        pieces += [output.get("text", ""), *output.get("traceback", [])]
        pieces += [value for mime, value in output.get("data", {}).items() if mime.startswith("text/")]
    return "".join(pieces)


def machine_paths(cell: Any) -> list[str]:
    """The folders of this machine that a cell's outputs mention."""
    text = shown_text(cell)
    folders = {str(ROOT), sys.prefix, sys.base_prefix + "/lib", str(Path.home()) + "/", tempfile.gettempdir() + "/"}
    return sorted(folder for folder in folders if folder in text)
