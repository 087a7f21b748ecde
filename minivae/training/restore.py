"""A trained model out of its run folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from minivae.errors import CheckpointError
from minivae.training.checkpoint import load_checkpoint


def load_model(run_dir: str | Path, model: Any = None) -> Any:
    """The model of a run folder, with its trained parameters, in evaluation mode.

    Args:
        run_dir: the folder that `fit(run_dir=...)` or `minivae train` wrote.
        model: an untrained model of your own class to load the parameters into; by default it is built from the
            checkpoint's configuration.

    Raises:
        CheckpointError: there is no checkpoint, it is damaged, or it belongs to another architecture.
    """
    saved = load_checkpoint(run_dir)
    if model is None:
        if saved.model is None:
            raise CheckpointError(
                f"the checkpoint in {str(run_dir)!r} has no configuration to build the model from, because its class "
                "has none. Make the model yourself: load_model(run_dir, model=...)."
            )
        from minivae.models import build

        model = build(saved.model)
    model.load_state_dict(saved.parameters)
    return model.eval()
