"""`DataLoader`: batches in a random order that depends on the seed and the epoch, and on nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from minivae.backend import Array, to_backend
from minivae.data.binarise import binarised, threshold, toss
from minivae.data.dataset import Dataset, as_dataset, check_images, to_floats
from minivae.errors import ConfigError
from minivae.random import stream

BINARISE = (None, "dynamic", "fixed", "threshold")


@dataclass(frozen=True, eq=False)
class Batch:
    """Some examples: float32 `x` (B, ...) and `labels` (B,) on the current backend; `index` (B,) on the host."""

    x: Array
    labels: Array | None
    index: Array


class DataLoader:
    """Cuts a data set into batches; every example once an epoch.

    Nothing is remembered between batches: order and binarisation are functions of (seed, epoch, batch). So
    `epoch(3)` gives the same batches each time, and `epoch(3, start=17)` continues as if the first 17 had been drawn.
    `for batch in loader` goes through epoch 0 the first time, epoch 1 the second, and so on.

    Args:
        dataset: a Dataset, or an array of examples.
        batch_size: examples in a batch.
        shuffle: a new order every epoch; otherwise the order of the data.
        seed: for the order and the dynamic binarisation.
        drop_last: leave out the last batch if it is smaller than the others.
        binarise: None, values as they are; 'dynamic', each pixel 1 with its value as probability, anew every epoch;
            'fixed', the same but once for good, and for every seed; 'threshold', 1 where x >= 0.5.

    Raises:
        DataError: the data are empty, or not finite, or (to be binarised) outside [0, 1].
        ConfigError: an option that cannot work, such as a batch larger than the data.
    """

    def __init__(
        self,
        dataset: Dataset | Array,
        batch_size: int = 128,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
        binarise: str | None = None,
    ) -> None:
        dataset = as_dataset(dataset)
        if binarise not in BINARISE:
            raise ConfigError(f"binarise={binarise!r}; expected None, 'dynamic', 'fixed' or 'threshold'")
        if binarise is None:
            check_images(dataset, low=None, high=None)
        else:
            check_images(dataset)
        _check_options(len(dataset), batch_size, seed)
        self.dataset = binarised(dataset) if binarise == "fixed" else dataset
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.seed = seed
        self.drop_last = drop_last
        self.binarise = binarise
        self.next_epoch = 0

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        whole, rest = divmod(len(self.dataset), self.batch_size)
        return whole + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[Batch]:
        """The next epoch."""
        number = self.next_epoch
        self.next_epoch += 1
        return self.epoch(number)

    def __repr__(self) -> str:
        order = f"shuffled with seed {self.seed}" if self.shuffle else "in order"
        how = f", binarise={self.binarise!r}" if self.binarise else ""
        return f"<DataLoader: {len(self):,} batches of {self.batch_size}, {order}{how}; {self.dataset!r}>"

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """The batches of this epoch, from batch `start` on.

        Raises:
            ConfigError: a negative epoch, or a start beyond the epoch's end.
        """
        if not 0 <= start <= len(self) or number < 0:
            raise ConfigError(
                f"epoch {number}, start {start}; expected an epoch >= 0 and a start from 0 to {len(self)}, "
                "the number of batches in an epoch"
            )
        return self._batches(number, start)

    def _batches(self, epoch: int, start: int) -> Iterator[Batch]:
        n = len(self.dataset)
        order = stream(self.seed, "shuffle", epoch).permutation(n) if self.shuffle else np.arange(n)
        for number in range(start, len(self)):
            index = order[number * self.batch_size : (number + 1) * self.batch_size]
            images = self.dataset.images.take(index, axis=0)
            if self.binarise == "dynamic":
                images = toss(images, stream(self.seed, "binarise", epoch, number))
            elif self.binarise == "threshold":
                images = threshold(images)
            labels = None if self.dataset.labels is None else to_backend(self.dataset.labels[index])
            yield Batch(to_floats(to_backend(images)), labels, index)  # moved as bytes: a quarter of the traffic


def _check_options(n: int, batch_size: Any, seed: int) -> None:
    if not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
        raise ConfigError(f"batch_size={batch_size!r}; expected a whole number of examples, at least 1")
    if batch_size > n:
        raise ConfigError(
            f"batch_size={batch_size} with {n:,} examples; expected a batch no larger than the data. "
            f"Use batch_size={n} or less, or more data."
        )
    if seed < 0:
        raise ConfigError(f"seed={seed}; expected a whole number >= 0")
