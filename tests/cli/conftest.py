"""A tiny data set under a name that the command line knows, and a tiny run on it."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

import minivae.data
from minivae.cli import main
from minivae.data import Dataset

TRAIN = ["train", "--data", "digits", "--model", "vae", "--hidden", "8", "--latent-dim", "2", "--batch-size", "20"]


def bars(n, seed):
    """Grey 8 × 8 images with a bright row each; the class is the row."""
    rng = np.random.Generator(np.random.Philox(seed))
    labels = rng.permutation(np.arange(n) % 8)
    images = rng.integers(0, 40, (n, 1, 8, 8), dtype=np.uint8)
    images[np.arange(n), 0, labels] = 230
    return Dataset(images, labels, "digits", "this test", class_names=tuple("abcdefgh"))


def small_load(monkeypatch):
    """Make `digits` 60 + 30 images of bars; every other name is as it was."""
    load = minivae.data.load
    sets = bars(60, 1), bars(30, 2)
    monkeypatch.setattr(minivae.data, "load", lambda name, seed=0: sets if name == "digits" else load(name, seed))
    return sets


@pytest.fixture
def tiny(monkeypatch):
    """The training and test images that `--data digits` means here."""
    return small_load(monkeypatch)


@pytest.fixture
def command(capsys, tiny):
    """Runs a command line; returns exit code, standard output, standard error."""

    def run(*words):
        try:
            code = main([str(word) for word in words])
        except SystemExit as stop:
            code = stop.code
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run


@pytest.fixture
def no_pictures(monkeypatch):
    """Training ends without drawing, which takes longer than to train on so little."""
    monkeypatch.setattr("minivae.cli.report.draw_pictures", lambda *args: {})


@pytest.fixture(scope="session")
def one_run(tmp_path_factory):
    """The folder of a run of two epochs; to be left as it is."""
    folder = tmp_path_factory.mktemp("runs") / "bars"
    with pytest.MonkeyPatch.context() as monkeypatch:
        small_load(monkeypatch)
        assert main([*TRAIN, "--epochs", "2", "--run-dir", str(folder), "--quiet"]) == 0
    return folder


@pytest.fixture
def trained(one_run, tmp_path):
    """A copy of that folder, to do with as one likes."""
    return shutil.copytree(one_run, tmp_path / "runs" / "bars")
