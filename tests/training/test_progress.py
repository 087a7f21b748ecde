"""What one sees while training."""

from __future__ import annotations

import pytest

import minivae.training.loop as loop
import minivae.training.progress as progress
from minivae.training import fit


class Bar:
    """Stands in for tqdm and remembers what it was told."""

    made: list[Bar]

    def __init__(self, **options):
        self.options, self.done, self.text, self.closed = options, options["initial"], [], False
        Bar.made.append(self)

    def update(self, n):
        self.done += n

    def set_postfix_str(self, text, refresh):
        self.text.append(text)

    def close(self):
        self.closed = True


@pytest.fixture
def bars_drawn(monkeypatch):
    Bar.made = []
    monkeypatch.setattr(progress, "_find_tqdm", lambda: Bar)
    monkeypatch.setattr(loop, "LOOK_EVERY", 0.0)
    return Bar.made


def test_a_bar_an_epoch_counts_examples_and_shows_the_terms_by_name(bars, small_vae, bars_drawn, capsys):
    history = fit(small_vae("grey-bce"), *bars, epochs=2, batch_size=20, beta=2.0)
    assert [bar.options["desc"] for bar in bars_drawn] == ["epoch 1/2", "epoch 2/2"]
    assert all((bar.options["total"], bar.done, bar.closed) == (50, 50, True) for bar in bars_drawn)
    last = history.train_loss[-1], history.train_reconstruction[-1], history.train_kl[-1]
    assert bars_drawn[-1].text[-1] == "loss, β=2 {:.2f}, grey BCE {:.2f}, KL {:.2f}".format(*last)
    assert len(capsys.readouterr().out.splitlines()) == 2 + 2


def test_a_resumed_epoch_begins_where_it_was(bars, small_vae, bars_drawn, tmp_path):
    fit(small_vae(), *bars, steps=4, batch_size=20, run_dir=tmp_path)
    fit(small_vae(), *bars, steps=6, batch_size=20, run_dir=tmp_path, resume=True)
    assert bars_drawn[-1].options["desc"] == "epoch 2/2"
    assert bars_drawn[-1].options["initial"] == 20


def test_the_loss_is_read_back_at_intervals_and_not_every_step(bars, small_vae, monkeypatch):
    """Each look would make the program wait for a GPU."""
    looks = []
    means = loop.Run.means
    monkeypatch.setattr(loop.Run, "means", lambda run: looks.append(run.step) or means(run))
    monkeypatch.setattr(loop, "LOOK_EVERY", 1000.0)
    fit(small_vae(), *bars, epochs=2, batch_size=2, progress=False)
    assert set(looks) == {25, 50}, "at the end of each epoch"


def test_without_a_terminal_there_is_no_bar(bars, small_vae, capsys):
    fit(small_vae(), *bars, epochs=1, batch_size=20)
    shown = capsys.readouterr()
    assert shown.err == ""
    assert "\r" not in shown.out


def test_without_tqdm_there_is_the_table_alone(bars, small_vae, monkeypatch, capsys):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(progress.sys, "stderr", type("Terminal", (), {"isatty": lambda self: True})())
    monkeypatch.setattr(progress.importlib, "import_module", missing)
    fit(small_vae(), *bars, epochs=1, batch_size=20)
    assert len(capsys.readouterr().out.splitlines()) == 2 + 1
