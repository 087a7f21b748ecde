"""A run folder, opened: its model, its data, its settings."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from minivae.errors import ConfigError, ShapeError


class OpenRun:
    """What the commands that take a RUN work with: the trained model, and the test data once they are asked for.

    Args:
        folder: the run folder.
        data: the name of the data set to use instead of the run's own.

    Attributes:
        model: with its trained parameters, in evaluation mode.
        description: the JSON half of the checkpoint.

    Raises:
        CheckpointError: there is no checkpoint, or it is damaged.
    """

    def __init__(self, folder: str | Path, data: str | None = None) -> None:
        from minivae.training import load_model, read_description

        self.folder = Path(folder)
        self.description = read_description(folder)
        self.model = load_model(folder)
        self.data = data or self.description["data"]["train"]["name"]

    @cached_property
    def test(self) -> Any:
        """The test data.

        Raises:
            DataError: they cannot be found.
            ShapeError: their images do not fit the model.
        """
        _, test = load_data(self.data)
        expected = tuple(self.model.config["image_shape"])
        if test.image_shape != expected:
            raise ShapeError(
                f"the data set {self.data} has images of shape {test.image_shape}, this model was trained on "
                f"{expected}. Choose data of that shape with --data, or leave --data out."
            )
        return test

    @property
    def binarise(self) -> str | None:
        """How the run binarised its data."""
        return self.description["settings"]["binarise"]

    def title(self, what: str) -> str:
        """A title for a picture: what it shows, of which run."""
        return f"{what} · {self.folder.name}, step {self.description['progress']['step']:,}"


def load_data(name: str) -> tuple[Any, Any]:
    """Training and test data by their name on the command line, which they then bear.

    Raises:
        DataError: the name is unknown, or the data cannot be found.
    """
    from minivae.data import load

    train, test = load(name)
    return replace(train, name=name), replace(test, name=name)


def picture_inputs(images: Any, binarise: str | None, seed: int = 0) -> Any:
    """What the encoder is given for these images: themselves, or binarised as in training (None: themselves)."""
    if binarise is None:
        return None
    from minivae.metrics.evaluation import batches

    return next(batches(images, len(images), binarise, seed))


def choose(test: Any, numbers: list[int]) -> Any:
    """The test images of these numbers.

    Raises:
        ConfigError: a number is out of range.
    """
    wrong = [i for i in numbers if not 0 <= i < len(test)]
    if wrong:
        raise ConfigError(
            f"there is no test image {wrong[0]}; {test.name} has {len(test)}, numbered 0 to {len(test) - 1}"
        )
    return test[numbers]


def spread(test: Any, n: int) -> list[int]:
    """n image numbers, class after class in turn where there are labels, so that a picture shows all sorts."""
    n = min(n, len(test))
    if test.labels is None or test.labels.dtype.kind not in "iu":
        return list(range(n))
    by_class: dict[int, list[int]] = {}
    for i, label in enumerate(test.labels.tolist()):
        by_class.setdefault(label, []).append(i)
    queues = [by_class[label] for label in sorted(by_class)]
    longest = max(map(len, queues))
    in_turn = [queue[i] for i in range(longest) for queue in queues if i < len(queue)]
    return in_turn[:n]
