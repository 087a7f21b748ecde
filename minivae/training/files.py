"""Files that are either the old one or the new one, never half of one, whenever the program or the machine stops."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

TEMPORARY = ".minivae-tmp-"


def write_atomically(path: str | Path, content: bytes | str) -> None:
    """Write a file by way of a temporary one beside it: write, flush to the disk, rename over the target.

    Renaming within a folder is atomic, so a reader sees the old content or the new one. The folder is
    flushed too, so that the new name survives a power cut.

    Raises:
        OSError: the folder is missing, not writable, or full; the old file is then untouched.
    """
    path = Path(path)
    data = content.encode() if isinstance(content, str) else content
    temporary = path.with_name(f"{TEMPORARY}{os.getpid()}-{path.name}")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    _flush_folder(path.parent)


def remove_leftovers(folder: str | Path) -> None:
    """Remove the temporary files of writes that were killed."""
    for path in Path(folder).glob(TEMPORARY + "*"):
        path.unlink(missing_ok=True)


def _flush_folder(folder: Path) -> None:
    if os.name != "posix":
        return  # other systems cannot open a folder
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
