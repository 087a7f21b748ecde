"""Checkpoints: everything that a training run is at one step, in two files.

    checkpoint.json                    what a person reads: model, data, settings, step, history, versions
    checkpoint-00001234.safetensors    the arrays: parameters, buffers, optimiser state

The JSON names the tensors file and its SHA-256, and is replaced last. So whenever the program is killed, the JSON
that is there belongs to a complete tensors file: a new tensors file that no JSON names yet is ignored, and the
old one is deleted only after the new JSON is in place.
"""

from __future__ import annotations

import hashlib
import json
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minivae.backend import Array
from minivae.errors import CheckpointError, require
from minivae.training.files import remove_leftovers, write_atomically

FORMAT = 1
JSON_NAME = "checkpoint.json"
TENSORS_PATTERN = "checkpoint-*.safetensors"
_ARRAY = "@array"  # {"@array": "optimizer.state.0.decayed_sum"} stands in the JSON for that array in the tensors file


@dataclass
class Checkpoint:
    """A training run at one step.

    Attributes:
        model: what `minivae.models.build` needs to make the model again (None for a model without a config).
        data: what the run was trained on (see `describe_data`).
        settings: the arguments of `fit` that decide the numbers.
        progress: step, epoch, batch within the epoch, running sums, seconds.
        history: the rows of the epochs that are complete.
        parameters: the model's `state_dict()`.
        optimizer: the optimiser's `state_dict()`.
        versions: of minivae, NumPy and Python at the time of writing.
    """

    model: dict[str, Any] | None
    data: dict[str, Any]
    settings: dict[str, Any]
    progress: dict[str, Any]
    history: list[dict[str, Any]]
    parameters: dict[str, Array]
    optimizer: dict[str, Any]
    versions: dict[str, str] | None = None


def save_checkpoint(folder: str | Path, checkpoint: Checkpoint) -> Path:
    """Write a checkpoint and remove the one before it; returns the path of the JSON.

    Raises:
        MissingExtraError: safetensors is not installed.
        OSError: the folder cannot be written to; the checkpoint before is then intact.
    """
    safetensors = require("safetensors.numpy", "train")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Array] = {}
    parameters = _take_arrays(checkpoint.parameters, "model", arrays)
    optimizer = _take_arrays(checkpoint.optimizer, "optimizer", arrays)
    blob = safetensors.save(arrays)

    tensors_path = folder / f"checkpoint-{checkpoint.progress['step']:08d}.safetensors"
    write_atomically(tensors_path, blob)
    description = {
        "format": FORMAT,
        "tensors": tensors_path.name,
        "sha256": hashlib.sha256(blob).hexdigest(),
        "model": checkpoint.model,
        "data": checkpoint.data,
        "settings": checkpoint.settings,
        "progress": checkpoint.progress,
        "history": checkpoint.history,
        "parameters": parameters,
        "optimizer": optimizer,
        "versions": checkpoint.versions or _versions(),
    }
    path = folder / JSON_NAME
    write_atomically(path, json.dumps(description, indent=2, allow_nan=False) + "\n")
    for old in folder.glob(TENSORS_PATTERN):
        if old != tensors_path:
            old.unlink(missing_ok=True)
    remove_leftovers(folder)
    return path


def load_checkpoint(folder: str | Path) -> Checkpoint:
    """Read the checkpoint of a run folder.

    Raises:
        CheckpointError: there is none, or it is damaged or from a newer minivae.
        MissingExtraError: safetensors is not installed.
    """
    safetensors = require("safetensors.numpy", "train")
    description = read_description(folder)
    path = Path(folder) / description["tensors"]
    if not path.is_file():
        raise CheckpointError(f"{path} is missing, though {JSON_NAME} names it. Copy run folders as a whole.")
    blob = path.read_bytes()
    if hashlib.sha256(blob).hexdigest() != description["sha256"]:
        raise CheckpointError(
            f"{path} is damaged: its SHA-256 is not the one in {JSON_NAME}. "
            "Restore the folder from a copy, or train again with --overwrite."
        )
    arrays = safetensors.load(blob)
    return Checkpoint(
        model=description["model"],
        data=description["data"],
        settings=description["settings"],
        progress=description["progress"],
        history=description["history"],
        parameters=_put_arrays(description["parameters"], arrays),
        optimizer=_put_arrays(description["optimizer"], arrays),
        versions=description["versions"],
    )


def read_description(folder: str | Path) -> dict[str, Any]:
    """The JSON half of a checkpoint, as it is in the file.

    Raises:
        CheckpointError: there is none, or it is not one.
    """
    path = Path(folder) / JSON_NAME
    if not path.is_file():
        missing = "there is no such folder" if not Path(folder).exists() else f"it has no {JSON_NAME}"
        what = "it is a file, not a folder" if Path(folder).is_file() else missing
        raise CheckpointError(
            f"no checkpoint in {str(folder)!r}: {what}. Give the run folder that `minivae train` made "
            "(it prints its name; by default they are under runs/)."
        )
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
        version = description["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path} is not a checkpoint of minivae: {error!r}") from error
    if version != FORMAT:
        raise CheckpointError(
            f"{path} has format {version!r}; this version of minivae reads format {FORMAT}. "
            f"It was written by minivae {description.get('versions', {}).get('minivae', '?')}."
        )
    return description


def delete_checkpoint(folder: str | Path) -> None:
    """Remove the checkpoint of a folder, the JSON first, and nothing else."""
    folder = Path(folder)
    for path in [folder / JSON_NAME, *folder.glob(TENSORS_PATTERN)]:
        path.unlink(missing_ok=True)
    if folder.is_dir():
        remove_leftovers(folder)


def compare(what: str, saved: dict[str, Any], given: dict[str, Any], fix: str) -> None:
    """Check that a checkpoint belongs to what is there now, setting by setting.

    Raises:
        CheckpointError: they differ; names each difference, both values and `fix`.
    """
    missing = object()
    differences = [
        f"{key}: {_shown(saved.get(key, missing), missing)} in the checkpoint, "
        f"{_shown(given.get(key, missing), missing)} now"
        for key in sorted(saved.keys() | given.keys())
        if saved.get(key, missing) != given.get(key, missing)
    ]
    if differences:
        raise CheckpointError(f"the checkpoint belongs to {what}:\n  " + "\n  ".join(differences) + f"\n{fix}")


def _shown(value: Any, missing: object) -> str:
    return "not set" if value is missing else repr(value)


def _take_arrays(tree: Any, path: str, arrays: dict[str, Array]) -> Any:
    """The tree with every array put into `arrays` and its name left in its place."""
    if isinstance(tree, dict):
        if not all(isinstance(key, str) for key in tree):
            # JSON has no other keys, so these are kept as pairs.
            return {"@items": [[key, _take_arrays(v, f"{path}.{key}", arrays)] for key, v in tree.items()]}
        return {key: _take_arrays(value, f"{path}.{key}", arrays) for key, value in tree.items()}
    if isinstance(tree, tuple):
        return {"@tuple": [_take_arrays(value, f"{path}.{i}", arrays) for i, value in enumerate(tree)]}
    if isinstance(tree, list):
        return [_take_arrays(value, f"{path}.{i}", arrays) for i, value in enumerate(tree)]
    if isinstance(tree, np.ndarray):
        arrays[path] = np.array(tree, order="C")  # safetensors writes memory as it lies
        return {_ARRAY: path}
    if isinstance(tree, np.generic):
        return tree.item()
    return tree


def _put_arrays(tree: Any, arrays: dict[str, Array]) -> Any:
    """The inverse of `_take_arrays`."""
    if isinstance(tree, list):
        return [_put_arrays(value, arrays) for value in tree]
    if not isinstance(tree, dict):
        return tree
    if tree.keys() == {_ARRAY}:
        if tree[_ARRAY] not in arrays:
            raise CheckpointError(f"the checkpoint has no array {tree[_ARRAY]!r}, though {JSON_NAME} names it")
        return arrays[tree[_ARRAY]]
    if tree.keys() == {"@tuple"}:
        return tuple(_put_arrays(value, arrays) for value in tree["@tuple"])
    if tree.keys() == {"@items"}:
        return {key: _put_arrays(value, arrays) for key, value in tree["@items"]}
    return {key: _put_arrays(value, arrays) for key, value in tree.items()}


def _versions() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    try:
        own = version("minivae")
    except PackageNotFoundError:
        own = "unknown"
    return {"minivae": own, "numpy": np.__version__, "python": platform.python_version()}
