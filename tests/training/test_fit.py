"""The training loop: it learns, it is deterministic, and a stopped run goes on as if it had never stopped."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest

import minivae.training.loop as loop
from minivae.errors import CheckpointError, ConfigError, NonFiniteError
from minivae.layers import Dropout
from minivae.metrics import evaluate
from minivae.optim import SGD
from minivae.training import History, TrainingInterrupted, fit, load_model, loss_labels, read_description


def same_bits(a, b):
    """Whether two models have the same parameters and buffers, to the bit."""
    a, b = a.state_dict(), b.state_dict()
    return a.keys() == b.keys() and all(a[name].tobytes() == b[name].tobytes() for name in a)


def without_time(history):
    return [{key: value for key, value in row.items() if key != "seconds"} for row in history]


class StopAfter:
    """Stops training after some batches: by an exception, as a kill would, or by a signal."""

    def __init__(self, monkeypatch, steps, how):
        self.left, self.how, self.optimizer_step = steps, how, loop.Adam.step
        monkeypatch.setattr(loop.Adam, "step", lambda optimizer: self.step(optimizer))

    def step(self, optimizer):
        if self.left == 0 and self.how == "kill":
            raise SystemExit("killed")
        self.optimizer_step(optimizer)
        self.left -= 1
        if self.left == 0 and self.how != "kill":
            os.kill(os.getpid(), self.how)


def test_the_loss_falls_and_the_history_has_a_row_an_epoch(bars, small_vae):
    history = fit(small_vae(), *bars, epochs=40, batch_size=10, lr=1e-2, progress=False)
    assert history.epoch == list(range(1, 41))
    assert history.step == [5 * epoch for epoch in history.epoch]
    assert history.train_loss[-1] < history.train_loss[0] - 1
    assert history.test_loss[-1] < history.test_loss[0] - 1


def test_loss_is_reconstruction_plus_beta_times_kl(bars, small_vae):
    row = fit(small_vae(), *bars, epochs=1, beta=3.0, batch_size=10, progress=False)[-1]
    for name in ("train", "test"):
        total = row[f"{name}_reconstruction"] + 3.0 * row[f"{name}_kl"]
        assert row[f"{name}_loss"] == pytest.approx(total, rel=1e-6)


def test_the_training_loss_is_the_mean_over_examples_even_when_the_last_batch_is_smaller(bars, small_vae):
    """With lr = 0 the model stays, so an epoch in batches of 8 has the mean over all 50 (2 in the last batch)."""
    model = small_vae()
    losses, sizes = [], []
    elbo = model.elbo

    def spy(x, **options):
        terms = elbo(x, **options)
        losses.append(terms.loss.item())
        sizes.append(len(x))
        return terms

    model.elbo = spy
    history = fit(model, bars[0], epochs=1, batch_size=8, lr=0.0, progress=False)
    assert sizes == [8] * 6 + [2]
    assert history.train_loss[0] == pytest.approx(np.average(losses, weights=sizes), rel=1e-6)
    assert history.train_loss[0] != pytest.approx(np.mean(losses), rel=1e-6), "else this test could not fail"


def test_the_test_loss_is_that_of_evaluate(bars, small_vae):
    model = small_vae()
    history = fit(model, *bars, epochs=2, batch_size=10, seed=4, progress=False)
    expected = evaluate(model, bars[1], binarise="dynamic", seed=4).loss.mean
    assert history.test_loss[-1] == pytest.approx(expected, rel=1e-12)


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not(bars, small_vae):
    models = [small_vae() for _ in range(3)]
    for model, seed in zip(models, (5, 5, 6), strict=True):
        fit(model, bars[0], epochs=1, batch_size=10, seed=seed, progress=False)
    assert same_bits(models[0], models[1])
    assert not same_bits(models[0], models[2])


def test_evaluating_in_between_does_not_change_what_is_learned(bars, small_vae):
    with_test, without = small_vae(), small_vae()
    fit(with_test, *bars, epochs=3, batch_size=10, progress=False)
    fit(without, bars[0], epochs=3, batch_size=10, progress=False)
    assert same_bits(with_test, without)


def test_steps_end_a_run_within_an_epoch(bars, small_vae):
    history = fit(small_vae(), *bars, steps=7, batch_size=10, progress=False)
    assert history.step == [5, 7]
    assert history.epoch == [1, 2]


# --- resuming ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("schedule", ["constant", "warmup-cosine"])
@pytest.mark.parametrize("killed_after", [1, 5, 8, 12])
def test_a_killed_run_goes_on_to_the_bit(bars, small_vae, tmp_path, monkeypatch, killed_after, schedule):
    how = {
        "epochs": 3,
        "batch_size": 10,
        "schedule": schedule,
        "clip_norm": 5.0,
        "seed": 2,
        "progress": False,
        "checkpoint_every": 0.0,  # after every step
    }
    straight = small_vae()
    expected = fit(straight, *bars, **how)
    with monkeypatch.context() as patch:
        StopAfter(patch, killed_after, "kill")
        with pytest.raises(SystemExit):
            fit(small_vae(), *bars, run_dir=tmp_path, **how)
    assert 1 <= read_description(tmp_path)["progress"]["step"] <= killed_after

    resumed = small_vae()
    history = fit(resumed, *bars, run_dir=tmp_path, resume=True, **how)
    assert same_bits(straight, resumed)
    assert without_time(history) == without_time(expected)
    on_disk = History.from_csv((tmp_path / "metrics.csv").read_text())
    assert on_disk.rows == history.rows
    assert same_bits(load_model(tmp_path), straight)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("after", [3, 5])
def test_ctrl_c_finishes_the_step_saves_and_says_how_to_go_on(bars, small_vae, tmp_path, monkeypatch, number, after):
    how = {"epochs": 2, "batch_size": 10, "progress": False}
    straight = small_vae()
    expected = fit(straight, *bars, **how)
    before = signal.getsignal(number)
    with monkeypatch.context() as patch:
        StopAfter(patch, after, number)
        with pytest.raises(TrainingInterrupted, match=rf"after step {after} of 10(?s:.*)resume=True") as stop:
            fit(small_vae(), *bars, run_dir=tmp_path, **how)
    assert isinstance(stop.value, KeyboardInterrupt)
    assert len(stop.value.history) == after // 5
    assert read_description(tmp_path)["progress"]["step"] == after
    assert signal.getsignal(number) is before, "the handler is put back"

    resumed = small_vae()
    history = fit(resumed, *bars, run_dir=tmp_path, resume=True, **how)
    assert same_bits(straight, resumed)
    assert without_time(history) == without_time(expected)


def test_ctrl_c_without_a_folder_says_that_nothing_was_saved(bars, small_vae, monkeypatch):
    StopAfter(monkeypatch, 1, signal.SIGINT)
    with pytest.raises(TrainingInterrupted, match=r"Nothing was saved.*run_dir"):
        fit(small_vae(), bars[0], epochs=1, batch_size=10, progress=False)


def test_dropout_and_its_masks_are_resumed_to_the_bit(bars, small_vae, tmp_path, monkeypatch):
    def make():
        model = small_vae(hidden=(8,))
        model.encoder.trunk = loop_with_dropout(model.encoder.trunk)
        return model

    def loop_with_dropout(trunk):
        from minivae.layers import Sequential

        return Sequential(trunk, Dropout(0.5))

    how = {"epochs": 2, "batch_size": 10, "progress": False, "checkpoint_every": 0.0}
    straight = make()
    fit(straight, bars[0], **how)
    with monkeypatch.context() as patch:
        StopAfter(patch, 7, "kill")
        with pytest.raises(SystemExit):
            fit(make(), bars[0], run_dir=tmp_path, **how)
    resumed = make()
    fit(resumed, bars[0], run_dir=tmp_path, resume=True, **how)
    assert same_bits(straight, resumed)


def test_a_finished_run_can_be_made_longer_even_from_the_middle_of_an_epoch(bars, small_vae, tmp_path):
    how = {"batch_size": 10, "progress": False}
    straight = small_vae()
    expected = fit(straight, *bars, steps=13, **how)
    fit(small_vae(), *bars, steps=7, run_dir=tmp_path, **how)
    longer = small_vae()
    history = fit(longer, *bars, steps=13, run_dir=tmp_path, resume=True, **how)
    assert same_bits(straight, longer)
    assert without_time(history) == without_time(expected)


def test_resuming_a_finished_run_changes_nothing(bars, small_vae, tmp_path):
    how = {"epochs": 1, "batch_size": 10, "progress": False, "run_dir": tmp_path}
    model, again = small_vae(), small_vae()
    first = fit(model, *bars, **how)
    assert fit(again, *bars, resume=True, **how).rows == first.rows
    assert same_bits(model, again)


def test_another_architecture_is_refused_with_the_differences(bars, small_vae, tmp_path):
    fit(small_vae(), bars[0], epochs=1, batch_size=10, run_dir=tmp_path, progress=False)
    with pytest.raises(
        CheckpointError, match=r"another architecture(?s:.*)latent_dim: 2 in the checkpoint, 3 now"
    ) as error:
        fit(small_vae(latent_dim=3), bars[0], epochs=1, batch_size=10, run_dir=tmp_path, resume=True, progress=False)
    assert "load_model" in str(error.value), "says how to fix it"


def test_other_settings_are_refused(bars, small_vae, tmp_path):
    fit(small_vae(), bars[0], epochs=1, batch_size=10, run_dir=tmp_path, progress=False)
    with pytest.raises(CheckpointError, match=r"beta: 1.0 in the checkpoint, 2.0 now\n.*new run in another run_dir"):
        fit(small_vae(), bars[0], epochs=2, batch_size=10, beta=2.0, run_dir=tmp_path, resume=True, progress=False)


def test_other_data_are_refused_though_they_have_the_same_name_and_shape(bars, small_vae, tmp_path):
    train, _ = bars
    fit(small_vae(), train, epochs=1, batch_size=10, run_dir=tmp_path, progress=False)
    other = train[np.arange(50)[::-1]]
    with pytest.raises(CheckpointError, match=r"other train data.*\n  crc32"):
        fit(small_vae(), other, epochs=2, batch_size=10, run_dir=tmp_path, resume=True, progress=False)


def test_a_folder_with_a_run_is_not_overwritten_by_mistake(bars, small_vae, tmp_path):
    fit(small_vae(), bars[0], epochs=1, batch_size=10, run_dir=tmp_path, progress=False)
    with pytest.raises(ConfigError, match=r"earlier run.*resume=True.*another run_dir"):
        fit(small_vae(), bars[0], epochs=1, batch_size=10, run_dir=tmp_path, progress=False)


def test_resuming_without_a_folder_is_an_error(bars, small_vae):
    with pytest.raises(ConfigError, match="resume=True needs run_dir"):
        fit(small_vae(), bars[0], batch_size=10, resume=True, progress=False)


# --- what can go wrong ------------------------------------------------------------------------------------


@pytest.mark.no_debug
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_loss_that_becomes_nan_stops_the_run_and_says_at_which_step(bars, small_vae, tmp_path, monkeypatch):
    model = small_vae()
    elbo, calls = model.elbo, []

    def poisoned(x, **options):
        calls.append(1)
        if len(calls) == 7:
            next(iter(model.parameters())).data[...] = np.nan
        return elbo(x, **options)

    model.elbo = poisoned
    with pytest.raises(NonFiniteError, match=r"not finite at step 7 \(epoch 2\)") as error:
        fit(model, bars[0], epochs=3, batch_size=10, lr=1e-3, run_dir=tmp_path, progress=False)
    message = str(error.value)
    assert "last good checkpoint is that of step 5" in message
    assert "lower learning rate (it is 0.001; try 0.0001)" in message
    assert "set_debug" in message
    assert np.isfinite(load_model(tmp_path).state_dict()["encoder.mu.weight"]).all()


@pytest.mark.no_debug
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_parameters_that_are_not_finite_never_reach_a_checkpoint(bars, small_vae, tmp_path, monkeypatch):
    """The last update of an epoch spoils a parameter; the loss, computed before, is still finite."""
    model = small_vae()
    step, calls = loop.Adam.step, []

    def spoil(optimizer):
        step(optimizer)
        calls.append(1)
        if len(calls) == 10:
            model.encoder.mu.weight.data[0, 0] = np.inf

    monkeypatch.setattr(loop.Adam, "step", spoil)
    with pytest.raises(NonFiniteError, match=r"the parameter encoder.mu.weight is not finite at step 10"):
        fit(model, bars[0], epochs=3, batch_size=10, run_dir=tmp_path, progress=False)
    assert read_description(tmp_path)["progress"]["step"] == 5


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"epochs": 0}, "epochs is 0; expected a whole number, 1 or more"),
        ({"steps": 2.5}, "steps is 2.5; expected a whole number"),
        ({"beta": -1.0}, "beta is -1.0; expected a number, 0 or more"),
        ({"clip_norm": 0.0}, "clip_norm is 0.0; expected a number above 0"),
        ({"schedule": "linear"}, "unknown schedule 'linear'; expected one of constant, cosine"),
        ({"binarise": "often"}, "binarise='often'; expected None, 'dynamic'"),
        ({"lr": -1.0}, "lr is -1.0; expected a number, 0 or more"),
    ],
)
def test_a_setting_that_cannot_work_is_an_error_that_says_what_can(bars, small_vae, setting, message):
    with pytest.raises(ConfigError, match=message):
        fit(small_vae(), bars[0], progress=False, **({"batch_size": 10} | setting))


# --- names, options, output -------------------------------------------------------------------------------


def test_grey_bce_is_never_called_a_likelihood(small_vae):
    assert loss_labels(small_vae("bernoulli")) == {"loss": "−ELBO", "reconstruction": "NLL"}
    assert loss_labels(small_vae("gaussian")) == {"loss": "−ELBO", "reconstruction": "NLL"}
    assert loss_labels(small_vae("grey-bce")) == {"loss": "loss", "reconstruction": "grey BCE"}


def test_with_another_beta_the_loss_is_not_called_elbo(small_vae):
    assert loss_labels(small_vae("bernoulli"), beta=4.0)["loss"] == "loss, β=4"


def test_grey_pixels_under_a_bernoulli_likelihood_are_binarised_by_default_and_others_are_not(
    bars, small_vae, tmp_path
):
    black_and_white = bars[0][:]
    black_and_white = type(bars[0])(np.round(bars[0].images), name="black and white")
    cases = {
        "dynamic": ("bernoulli", bars[0]),
        None: ("bernoulli", black_and_white),
    }
    for expected, (likelihood, data) in cases.items():
        folder = tmp_path / str(expected)
        fit(small_vae(likelihood), data, epochs=1, batch_size=10, run_dir=folder, progress=False)
        assert read_description(folder)["settings"]["binarise"] == expected
    fit(small_vae("grey-bce"), bars[0], epochs=1, batch_size=10, run_dir=tmp_path / "g", progress=False)
    assert read_description(tmp_path / "g")["settings"]["binarise"] is None


def test_an_optimiser_of_ones_own_is_used_and_resumed(bars, small_vae, tmp_path):
    def train(model, epochs, **options):
        optimizer = SGD(model.parameters(), lr=1e-3, momentum=0.9)
        fit(model, bars[0], epochs=epochs, batch_size=10, optimizer=optimizer, progress=False, **options)
        return model

    straight = train(small_vae(), 4)
    train(small_vae(), 2, run_dir=tmp_path)
    assert read_description(tmp_path)["settings"]["optimizer"] == "SGD"
    assert same_bits(straight, train(small_vae(), 4, run_dir=tmp_path, resume=True))


def test_clipping_limits_the_step(bars, small_vae):
    """Plain gradient descent with the gradient's norm clipped to 1e-3 and lr = 1 moves at most 1e-3 a step."""
    model = small_vae()
    before = model.state_dict()
    optimizer = SGD(model.parameters(), lr=1.0)
    fit(model, bars[0], steps=1, batch_size=10, optimizer=optimizer, clip_norm=1e-3, progress=False)
    after = model.state_dict()
    moved = np.sqrt(sum(((after[name] - before[name]) ** 2).sum() for name in after))
    assert moved == pytest.approx(1e-3, rel=1e-2)


def test_the_schedule_sets_the_learning_rate_of_every_step(bars, small_vae, monkeypatch):
    rates = []
    step = loop.Adam.step

    def spy(optimizer):
        rates.append(optimizer.lr)
        step(optimizer)

    monkeypatch.setattr(loop.Adam, "step", spy)
    fit(small_vae(), bars[0], epochs=2, batch_size=10, lr=0.01, schedule="cosine", progress=False)
    assert rates == pytest.approx([0.01 * (1 + np.cos(np.pi * t / 10)) / 2 for t in range(10)])


def test_the_table_is_printed_and_progress_false_prints_nothing(bars, small_vae, capsys):
    fit(small_vae(), *bars, epochs=2, batch_size=10, progress=False)
    assert capsys.readouterr().out == ""
    history = fit(small_vae(), *bars, epochs=2, batch_size=10)
    assert capsys.readouterr().out.strip() == repr(history).strip()


def test_the_model_stays_in_training_mode(bars, small_vae):
    model = small_vae()
    fit(model, *bars, epochs=1, batch_size=10, progress=False)
    assert model.training
