"""A user's mistakes: one message that says what was given, what is expected, what to do; exit code 2; no traceback."""

from __future__ import annotations

import builtins
import sys
import types

import numpy as np
import pytest

import minivae.data
from minivae.data import Dataset

TRAIN = ["train", "--data", "digits", "--model", "vae", "--hidden", "8", "--latent-dim", "2", "--batch-size", "20"]


@pytest.fixture
def refused(command, tmp_path):
    """Runs a command line that must be refused; returns the message."""

    def run(*words):
        code, out, err = command(*words)
        assert code == 2, f"exit code {code}\n{out}\n{err}"
        assert "Traceback" not in err
        assert err.startswith("minivae")
        assert "error: " in err
        assert len(err) < 1500
        return err

    return run


@pytest.fixture
def train(refused, tmp_path):
    """`minivae train` on the tiny data, with something wrong."""
    return lambda *words: refused(*TRAIN, "--epochs", 1, "--run-dir", tmp_path / "run", *words)


def says(message, *parts):
    for part in parts:
        assert part in message, f"{part!r} is not in: {message}"


# --- unknown names ----------------------------------------------------------------------------------------


def test_unknown_option(refused):
    says(
        refused("train", "--latent-dims", "3"), "'--latent-dims'", "Did you mean --latent-dim?", "minivae train --help"
    )


def test_unknown_option_that_resembles_none(refused):
    says(refused("info", "--frobnicate"), "'--frobnicate'", "--backend", "minivae info --help")


def test_an_option_before_the_command(refused):
    says(refused("--debug", "info"), "'--debug'", "It goes after the command: minivae info --debug")


def test_unknown_argument(refused):
    says(refused("train", "mnist"), "'mnist'", "minivae train --help")


def test_unknown_command(refused):
    says(refused("trian"), "'trian'", "train", "evaluate")


def test_unknown_data_set(train):
    says(train("--data", "mnits"), "unknown data set 'mnits'", "fashion-mnist", "Did you mean 'mnist'?")


def test_data_of_ones_own(refused, trained):
    path = trained / "checkpoint.json"
    path.write_text(path.read_text().replace('"digits"', '"photos"'))
    says(refused("evaluate", trained), "unknown data set 'photos'", "Data of your own are for Python")


def test_unknown_backend(train):
    says(train("--backend", "torch"), "'torch'", "numpy", "cupy", "auto")


def test_unknown_backend_in_the_environment(train, monkeypatch):
    monkeypatch.setattr(minivae.backend, "_current", None)
    monkeypatch.setenv("MINIVAE_BACKEND", "tpu")
    says(train(), "unknown backend 'tpu'", "'numpy', 'cupy' or 'auto'")


@pytest.mark.parametrize(
    ("option", "value"), [("--model", "gan"), ("--likelihood", "poisson"), ("--binarise", "often")]
)
def test_unknown_choice(train, option, value):
    says(train(option, value), f"argument {option}", f"'{value}'", "choose from")


def test_unknown_activation(train):
    says(train("--activation", "swoosh"), "'swoosh'", "relu", "elu")


# --- CuPy -------------------------------------------------------------------------------------------------


def test_cupy_asked_for_but_absent(train, monkeypatch):
    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    real = builtins.__import__

    def without_cupy(name, *args, **options):
        if name == "cupy":
            raise ImportError("No module named 'cupy'")
        return real(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", without_cupy)
    says(train("--backend", "cupy"), "needs the package CuPy, which is not installed", "minivae[cuda13]", "'numpy'")


def test_cupy_without_a_device(train, monkeypatch):
    class CUDARuntimeError(RuntimeError):
        pass

    cupy = types.ModuleType("cupy")
    runtime = types.SimpleNamespace(CUDARuntimeError=CUDARuntimeError, getDeviceCount=lambda: 0)
    cupy.cuda = types.SimpleNamespace(runtime=runtime)
    cupy.ndarray = type("ndarray", (), {})
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    says(train("--backend", "cupy"), "no device is visible", "nvidia-smi", "'numpy'")


# --- the model --------------------------------------------------------------------------------------------


def test_image_size_that_the_strides_do_not_fit(refused, monkeypatch, tmp_path):
    odd = Dataset(np.zeros((40, 1, 9, 9), np.uint8), name="odd")
    monkeypatch.setattr(minivae.data, "load", lambda name: (odd, odd))
    message = refused("train", "--data", "digits", "--run-dir", tmp_path / "r")
    says(message, "9 × 9", "channels=(32, 64)", "multiples of 4", "12 × 12")


def test_latent_dimension_zero(train):
    says(train("--latent-dim", 0), "--latent-dim", "'0' is not a whole number of 1 or more")


def test_an_option_of_the_other_model(train):
    says(train("--channels", "3,4"), "--channels belongs to --model conv, but the model is vae")


@pytest.mark.parametrize("value", ["", "a", "3,", "3,0", "-3"])
def test_widths_that_are_no_list_of_whole_numbers(train, value):
    says(train(f"--hidden={value}"), "--hidden", f"'{value}' is not a list like 300,300")


# --- the data ---------------------------------------------------------------------------------------------


def with_images(monkeypatch, images):
    data = Dataset(images, name="made up")
    monkeypatch.setattr(minivae.data, "load", lambda name: (data, data))


def test_wrong_channel_count(command, trained, monkeypatch):
    """A run on grey images, evaluated on colour ones."""
    with_images(monkeypatch, np.zeros((40, 3, 8, 8), np.uint8))
    code, _, err = command("evaluate", trained, "--data", "digits")
    assert code == 2
    says(err, "(3, 8, 8)", "(1, 8, 8)", "--data")


def test_values_outside_the_unit_interval_under_bernoulli(train, monkeypatch):
    with_images(monkeypatch, np.linspace(0, 255, 40, dtype=np.float32).repeat(64).reshape(40, 1, 8, 8))
    says(train(), "values from 0 to 255", "expected [0, 1]", "divide by 255")


def test_nan_in_the_data(train, monkeypatch):
    images = np.zeros((40, 1, 8, 8), np.float32)
    images[3, 0, 2, 1] = np.nan
    with_images(monkeypatch, images)
    says(train(), "NaN", "index (3, 0, 2, 1)", "Expected finite")


def test_empty_data(train, monkeypatch):
    with_images(monkeypatch, np.zeros((0, 1, 8, 8), np.float32))
    says(train(), "empty", "at least one example")


def test_a_batch_larger_than_the_data(train):
    says(train("--batch-size", 64), "batch_size 64 is larger", "60 examples", "batch_size=60 or less")


@pytest.mark.parametrize("value", ["0", "-5", "2.5", "many"])
def test_a_batch_size_that_is_none(train, value):
    says(train("--batch-size", value), "--batch-size", f"'{value}' is not a whole number of 1 or more")


@pytest.mark.usefixtures("no_pictures")
def test_batch_size_one_works(command, tmp_path):
    words = [*TRAIN, "--batch-size", 1, "--steps", 3, "--run-dir", tmp_path / "r", "--quiet"]
    assert command(*words)[0] == 0


def test_data_that_are_not_on_this_machine_and_cannot_be_downloaded(train, monkeypatch, tmp_path):
    from minivae.data import mnist_files
    from minivae.errors import DataError

    def offline(urls, target, check):
        raise DataError(f"{urls[0]}: no network")

    monkeypatch.setenv("MINIVAE_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(mnist_files, "fetch", offline)
    says(train("--data", "mnist"), "mnist is not on this machine", "MINIVAE_DATA", "no network")


# --- numbers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "fast"])
def test_a_learning_rate_that_is_none(train, value):
    says(train("--lr", value), "--lr", f"'{value}' is not a number above 0")


def test_a_negative_beta(train):
    says(train("--beta=-1"), "--beta", "'-1' is not a number of 0 or more")


def test_steps_and_epochs_together(train):
    says(train("--steps", 5), "--steps and --epochs both", "one of them")


# --- run folders ------------------------------------------------------------------------------------------


def test_a_run_folder_that_exists(refused, trained):
    message = refused(*TRAIN, "--run-dir", trained)
    says(message, f"the run folder {trained} exists already", f"--resume {trained}", "--overwrite", "--run-dir RUN")


def test_a_run_folder_that_is_a_file(train, tmp_path):
    (tmp_path / "run").write_text("")
    says(train(), "is a file", "--run-dir")


def test_a_folder_of_other_things(train, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.tex").write_text("")
    says(train(), "holds other files, and no run", "--run-dir")


def test_a_run_folder_that_cannot_be_made(refused, tmp_path):
    (tmp_path / "file").write_text("")
    says(refused(*TRAIN, "--run-dir", tmp_path / "file" / "run"), "file")


@pytest.mark.parametrize("words", [["sample"], ["reconstruct"], ["interpolate"], ["evaluate"], ["train", "--resume"]])
def test_a_folder_without_a_run(refused, tmp_path, words):
    says(refused(*words, tmp_path / "nowhere"), "no checkpoint in", "nowhere", "no such folder", "minivae train")


def test_a_file_where_a_run_folder_is_expected(refused, trained):
    says(refused("sample", trained / "checkpoint.json"), "it is a file, not a folder", "Give the run folder")


def test_a_picture_of_an_unknown_kind(refused, trained, tmp_path):
    says(refused("sample", trained, "--out", tmp_path / "x.foo"), "no picture is written as '.foo'", "png")


def test_a_damaged_checkpoint(refused, trained):
    (path,) = trained.glob("*.safetensors")
    path.write_bytes(path.read_bytes()[:-4])
    says(refused("sample", trained), "damaged", "SHA-256")


def test_a_checkpoint_whose_parameters_belong_to_another_architecture(refused, trained):
    """Somebody has edited the JSON: the model that it describes is not the one in the tensors file."""
    path = trained / "checkpoint.json"
    path.write_text(path.read_text().replace('"latent_dim": 2', '"latent_dim": 5'))
    says(refused("sample", trained), "encoder.mu.weight", "(8, 2)", "(8, 5)", "the options with which it was saved")


def test_resuming_on_other_data(refused, trained, monkeypatch, tiny):
    with_images(monkeypatch, tiny[0].images[::-1])
    says(refused("train", "--resume", trained, "--epochs", 3), "other train data", "crc32")


@pytest.mark.parametrize("option", ["--overwrite", "--run-dir=x"])
def test_resuming_into_another_folder_makes_no_sense(refused, trained, option):
    says(refused("train", "--resume", trained, option), "--resume goes on with", option.partition("=")[0])


# --- what is asked of a run -------------------------------------------------------------------------------


def test_a_test_image_that_does_not_exist(refused, trained):
    says(refused("interpolate", trained, "--pairs", "0-99"), "no test image 99", "0 to 29")


@pytest.mark.parametrize("value", ["0", "0-1-2", "a-b", ""])
def test_pairs_that_are_none(refused, trained, value):
    says(
        refused("interpolate", trained, f"--pairs={value}"), "--pairs", f"'{value}' is not a list of pairs like 0-1,5-9"
    )


@pytest.mark.usefixtures("no_pictures")
def test_the_importance_weighted_bound_of_grey_bce(refused, command, tmp_path):
    folder = tmp_path / "r"
    assert command(*TRAIN, "--likelihood", "grey-bce", "--epochs", 1, "--run-dir", folder, "--quiet")[0] == 0
    says(refused("evaluate", folder, "--iwae", 3), "needs a likelihood, and 'grey BCE' is none", "bernoulli")


def test_a_missing_package_names_the_extra(train, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    says(train(), "package 'safetensors'", 'pip install "minivae[train]"')


def test_debug_shows_the_traceback(command, tmp_path):
    code, _, err = command("sample", tmp_path / "nowhere", "--debug")
    assert code == 2
    assert "Traceback" in err
    assert "no checkpoint in" in err
