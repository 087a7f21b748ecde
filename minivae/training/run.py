"""`Run`: where a training run stands, and how it is written down and taken up again."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from minivae.backend import Array, array_module, to_numpy
from minivae.errors import CheckpointError, ConfigError, NonFiniteError, require
from minivae.optim import Optimizer
from minivae.training.checkpoint import JSON_NAME, Checkpoint, compare, load_checkpoint, save_checkpoint
from minivae.training.files import TEMPORARY, write_atomically
from minivae.training.history import History

TERMS = ("loss", "reconstruction", "kl")
METRICS_NAME = "metrics.csv"
PROBE_NAME = f"{TEMPORARY}probe"


@dataclass
class Run:
    """A training run between two steps.

    Attributes:
        model, optimizer: what is trained, by what.
        data, settings: what decides the numbers besides; compared when a run is resumed (its length may change).
        history: the epochs that are complete.
        folder: where checkpoints and metrics go; None: nowhere.
        step: steps made so far; also the number of the next step, counted from 0.
        epoch: the epoch at hand, counted from 0.
        batch: how many of its batches are done.
        examples: how many examples these batches had.
        seconds: time spent before this session.
    """

    model: Any
    optimizer: Optimizer
    data: dict[str, Any]
    settings: dict[str, Any]
    history: History
    folder: Path | None = None
    step: int = 0
    epoch: int = 0
    batch: int = 0
    examples: int = 0
    seconds: float = 0.0
    _sums: Array = field(default_factory=lambda: np.zeros(4))  # three terms, and a count of finite steps
    _started: float = field(default_factory=time.monotonic)
    _saved: float = field(default_factory=time.monotonic)
    _saved_step: int | None = None

    # --- counting -----------------------------------------------------------------------------------------

    def count(self, terms: Any, examples: int) -> None:
        """One more step is done. Its loss is added up where it is; nothing waits for a GPU."""
        values = [getattr(terms, term).data.astype(np.float64) for term in TERMS]
        xp = array_module(*values)
        total = xp.asarray(self._sums)[:3] + examples * xp.stack(values)
        # Once a sum is not finite it stays so. The count of finite sums is therefore the first bad step.
        good = xp.asarray(self._sums)[3:] + xp.isfinite(total).all()
        self._sums = xp.concatenate([total, good])
        self.step += 1
        self.batch += 1
        self.examples += examples

    def means(self) -> dict[str, float]:
        """The epoch's loss, reconstruction and KL so far, nats per example (waits for a GPU).

        Raises:
            NonFiniteError: the loss became NaN or infinite in this epoch; says at which step.
        """
        *sums, good = to_numpy(self._sums).tolist()
        if int(good) < self.batch:
            self.stop_because("the loss is not finite", step=self.step - self.batch + int(good) + 1)
        return {term: total / max(1, self.examples) for term, total in zip(TERMS, sums, strict=True)}

    def next_epoch(self) -> None:
        """The epoch at hand is complete."""
        self.epoch += 1
        self.batch = self.examples = 0
        self._sums = np.zeros(4)

    def elapsed(self) -> float:
        """Seconds spent on this run, all sessions together."""
        return self.seconds + time.monotonic() - self._started

    def since_saved(self) -> float:
        """Seconds since the last checkpoint, or since the start."""
        return time.monotonic() - self._saved

    def stop_because(self, what: str, step: int) -> None:
        """Raise NonFiniteError with advice."""
        last = "no checkpoint was written"
        if self.folder is not None and self._saved_step is not None:
            last = f"the last good checkpoint is that of step {self._saved_step}, in {self.folder}"
        lr = self.optimizer.lr
        raise NonFiniteError(
            f"training stopped: {what} at step {step} (epoch {self.epoch + 1}); {last}.\n"
            f"Try a lower learning rate (it is {lr:g}; try {lr / 10:g}), or gradient clipping (clip_norm=...), or look "
            "for extreme values in the data. Debug mode names the op that made the first bad value: "
            "minivae.set_debug(True), or --debug on the command line."
        )

    # --- writing down -------------------------------------------------------------------------------------

    def save(self) -> None:
        """Write a checkpoint and the metrics, if the run has a folder.

        Raises:
            NonFiniteError: the loss or a parameter is not finite; the checkpoint before is then kept.
        """
        self.means()
        if self.folder is None:
            return
        parameters = self.model.state_dict()
        for name, array in parameters.items():
            if not np.isfinite(array).all():
                self.stop_because(f"the parameter {name} is not finite", step=self.step)
        progress = {
            "step": self.step,
            "epoch": self.epoch,
            "batch": self.batch,
            "examples": self.examples,
            "sums": to_numpy(self._sums).tolist(),
            "seconds": self.elapsed(),
        }
        checkpoint = Checkpoint(
            model=getattr(self.model, "config", None),
            data=self.data,
            settings=self.settings,
            progress=progress,
            history=self.history.rows,
            parameters=parameters,
            optimizer=self.optimizer.state_dict(),
        )
        save_checkpoint(self.folder, checkpoint)
        write_atomically(self.folder / METRICS_NAME, self.history.to_csv())
        self._saved, self._saved_step = time.monotonic(), self.step

    def prepare_folder(self) -> None:
        """Find out now, not after the first epoch, whether checkpoints can be written.

        Raises:
            MissingExtraError: safetensors is not installed.
            ConfigError: the folder has a checkpoint of an earlier run, or cannot be written to.
        """
        if self.folder is None:
            return
        require("safetensors.numpy", "train")
        if (self.folder / JSON_NAME).exists():
            raise ConfigError(
                f"run_dir {str(self.folder)!r} holds the checkpoint of an earlier run. Continue that run with "
                "resume=True, choose another run_dir, or remove the old one with minivae.training.delete_checkpoint."
            )
        self._check_writable(self.folder)

    @staticmethod
    def _check_writable(folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_atomically(folder / PROBE_NAME, "")
            (folder / PROBE_NAME).unlink()
        except OSError as error:
            raise ConfigError(f"run_dir {str(folder)!r} cannot be written to: {error}. Choose another one.") from error

    def restore(self) -> None:
        """Take up the run of the folder where its checkpoint stands.

        Raises:
            CheckpointError: there is none, or it belongs to another model, other data or other settings.
            ConfigError: there is no folder, or it cannot be written to.
        """
        if self.folder is None:
            raise ConfigError("resume=True needs run_dir, the folder of the run to go on with")
        saved = load_checkpoint(self.folder)
        self._check_writable(self.folder)
        config = getattr(self.model, "config", None)
        compare(
            "another architecture",
            _plain(saved.model or {}),
            _plain(config or {}),
            "Build the model with the checkpoint's configuration: minivae.training.load_model(run_dir).",
        )
        fix = "Give what the checkpoint was made with, or begin a new run in another run_dir."
        for name in ("train", "test"):
            then, now = saved.data.get(name) or {}, self.data.get(name) or {}
            compare(f"other {name} data", _identity(then), _identity(now), fix)
        compare("a run with other settings", _deciding(saved.settings), _deciding(self.settings), fix)
        self.model.load_state_dict(saved.parameters)
        self.optimizer.load_state_dict(saved.optimizer)
        self.history.rows[:] = saved.history
        place = saved.progress
        try:
            self.step, self.epoch, self.batch = place["step"], place["epoch"], place["batch"]
            self.examples, self.seconds = place["examples"], place["seconds"]
            self._sums = np.array(place["sums"], np.float64)
        except KeyError as error:
            raise CheckpointError(f"{self.folder}: the checkpoint lacks {error} under 'progress'") from error
        self._saved_step = self.step


def _identity(data: dict[str, Any]) -> dict[str, Any]:
    """What makes data the same, wherever they were found."""
    return {key: value for key, value in data.items() if key != "source"}


def _deciding(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings that must not change when a run is resumed: all but its length."""
    return _plain({key: value for key, value in settings.items() if key not in ("epochs", "steps")})


def _plain(tree: dict[str, Any]) -> dict[str, Any]:
    """As it comes back from JSON: tuples are lists there."""
    return {key: list(value) if isinstance(value, tuple) else value for key, value in tree.items()}
