"""One file from the first of several mirrors that has it, checked before it is kept."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from minivae.errors import DataError, require

TIMEOUT = 30  # seconds to connect, and between two pieces


def fetch(urls: Sequence[str], target: Path, check: Callable[[Path], object]) -> str:
    """Download to `target` from the first URL that works; returns that URL.

    The file is written under a temporary name beside the target and takes its place only when `check` (which
    raises DataError on a wrong file) is content, so neither a broken download nor a wrong file stays behind.

    Raises:
        DataError: no URL worked; the message has one line for each, and why.
        MissingExtraError: pooch or tqdm is not installed.
    """
    pooch, tqdm = require("pooch", "data"), require("tqdm", "data")
    failures = []
    for url in urls:
        part: Path | None = None
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
            os.close(handle)
            part = Path(name)
            # total=1 until pooch knows the size: a bar without a total counts as no bar
            with tqdm.tqdm(total=1, desc=target.name, unit="B", unit_scale=True, leave=False) as bar:
                pooch.HTTPDownloader(progressbar=bar, chunk_size=1 << 16, timeout=TIMEOUT)(url, name, None)
            check(part)
            os.replace(part, target)
            return url
        except (OSError, DataError) as error:  # the errors of requests are OSErrors
            failures.append(f"{url}: {error}")
        finally:
            if part is not None:
                part.unlink(missing_ok=True)
    raise DataError("\n".join(failures))
