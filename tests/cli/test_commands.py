"""Each command does what its help says."""

from __future__ import annotations

import json

import pytest
from matplotlib.image import imread

import minivae.metrics
import minivae.selfcheck
import minivae.training.progress
from minivae.training import COLUMNS, History, read_description

TRAIN = ["train", "--data", "digits", "--model", "vae", "--hidden", "8", "--latent-dim", "2", "--batch-size", "20"]


def shows_something(path):
    return imread(path)[..., :3].std() > 0.05


# --- train ------------------------------------------------------------------------------------------------


def test_train_leaves_checkpoint_metrics_and_pictures_and_says_where(command, tmp_path):
    folder = tmp_path / "run"
    code, out, err = command(*TRAIN, "--epochs", 2, "--run-dir", folder)
    assert (code, err) == (0, "")
    pictures = {"loss_curves.png", "reconstructions.png", "samples.png", "latent_map.png"}
    names = {path.name for path in folder.iterdir()}
    assert names == pictures | {"checkpoint.json", "checkpoint-00000006.safetensors", "metrics.csv"}
    assert all(shows_something(folder / name) for name in pictures)
    for said in (*pictures, "metrics.csv", "checkpoint.json", f"minivae sample {folder}", f"--resume {folder}"):
        assert said in out
    assert "60 training and 30 test examples" in out
    assert "test −ELBO" in out
    assert "nats per example" in out


def test_the_metrics_file_has_a_row_an_epoch(trained):
    text = (trained / "metrics.csv").read_text()
    assert text.splitlines()[0] == ",".join(COLUMNS)
    assert History.from_csv(text).epoch == [1, 2]


def test_three_latent_dimensions_have_no_map(command, tmp_path):
    code, _, _ = command(*TRAIN, "--latent-dim", 3, "--epochs", 1, "--run-dir", tmp_path / "r", "--quiet")
    assert code == 0
    assert not (tmp_path / "r" / "latent_map.png").exists()


@pytest.mark.usefixtures("no_pictures")
def test_the_run_folder_is_named_after_data_and_model(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert command(*TRAIN, "--epochs", 1, "--quiet")[0] == 0
    assert (tmp_path / "runs" / "digits-vae" / "metrics.csv").exists()


@pytest.mark.usefixtures("no_pictures")
def test_the_options_reach_model_and_loop(command, tmp_path):
    options = {
        "--likelihood": "gaussian-learned",
        "--activation": "elu",
        "--beta": 2.5,
        "--lr": 0.01,
        "--schedule": "cosine",
        "--clip-norm": 3,
        "--seed": 7,
        "--steps": 4,
    }
    words = [word for pair in options.items() for word in pair]
    assert command(*TRAIN, *words, "--run-dir", tmp_path / "r", "--quiet")[0] == 0
    description = read_description(tmp_path / "r")
    assert description["model"] == {
        "type": "VAE",
        "image_shape": [1, 8, 8],
        "hidden": [8],
        "latent_dim": 2,
        "activation": "elu",
        "likelihood": "gaussian-learned",
        "seed": 7,
        "sigma": None,
    }
    settings = description["settings"]
    expected = {
        "beta": 2.5,
        "lr": 0.01,
        "schedule": "cosine",
        "clip_norm": 3.0,
        "seed": 7,
        "steps": 4,
        "batch_size": 20,
    }
    assert expected.items() <= settings.items()
    assert settings["binarise"] is None
    assert description["progress"]["step"] == 4


@pytest.mark.usefixtures("no_pictures")
def test_a_convolutional_model_is_the_default(command, tmp_path):
    words = [word for word in TRAIN if word not in ("--model", "vae", "--hidden", "8")]
    assert command(*words, "--channels", "2,3", "--epochs", 1, "--run-dir", tmp_path / "r", "--quiet")[0] == 0
    assert read_description(tmp_path / "r")["model"]["type"] == "ConvVAE"
    assert read_description(tmp_path / "r")["model"]["channels"] == [2, 3]


def test_grey_bce_is_labelled_in_print_and_picture(command, tmp_path):
    code, out, _ = command(*TRAIN, "--likelihood", "grey-bce", "--epochs", 1, "--run-dir", tmp_path / "r")
    assert code == 0
    assert "grey BCE" in out
    assert "NLL" not in out
    assert "ELBO" not in out


def test_points_in_the_plane_can_be_trained_on_though_there_is_no_picture_of_them(command, tmp_path):
    folder = tmp_path / "r"
    words = ["train", "--data", "moons", "--model", "vae", "--hidden", 8, "--latent-dim", 1, "--likelihood", "gaussian"]
    assert command(*words, "--steps", 3, "--run-dir", folder, "--quiet")[0] == 0
    assert {path.name for path in folder.glob("*.png")} == {"loss_curves.png"}
    code, out, _ = command("train", "--resume", folder, "--steps", 4)
    assert f"minivae evaluate {folder}" in out
    assert "minivae sample" not in out, "which draws, and here nothing can be drawn"
    code, _, err = command("sample", folder)
    assert code == 2
    assert "not images; there is no picture" in err


# --- resume -----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_pictures")
def test_resume_takes_its_settings_from_the_run_and_can_make_it_longer(command, trained, tmp_path):
    code, out, _ = command("train", "--resume", trained, "--epochs", 4)
    assert code == 0
    assert "(resumed)" in out
    straight = tmp_path / "straight"
    assert command(*TRAIN, "--epochs", 4, "--run-dir", straight, "--quiet")[0] == 0
    a, b = read_description(trained), read_description(straight)
    assert a["sha256"] == b["sha256"], "the tensors are the same to the bit"
    assert a["settings"] == b["settings"]


@pytest.mark.usefixtures("no_pictures")
def test_resuming_a_finished_run_says_so(command, trained):
    code, out, _ = command("train", "--resume", trained)
    assert code == 0
    assert "Nothing was left to do. To make this run longer, give more --epochs" in out


def test_resume_refuses_other_settings(command, trained):
    code, _, err = command("train", "--resume", trained, "--lr", 1, "--latent-dim", 3)
    assert code == 2
    assert "--lr, --latent-dim would change them" in err or "--latent-dim, --lr would change them" in err
    assert "Only --epochs or --steps can be changed" in err


@pytest.mark.usefixtures("no_pictures")
def test_overwrite_replaces_the_run_but_no_other_file(command, trained):
    (trained / "notes.txt").write_text("mine")
    assert command(*TRAIN, "--epochs", 1, "--run-dir", trained, "--overwrite", "--quiet")[0] == 0
    assert read_description(trained)["progress"]["step"] == 3
    assert len(list(trained.glob("*.safetensors"))) == 1
    assert (trained / "notes.txt").read_text() == "mine"


# --- pictures ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["sample"], "samples.png"),
        (["sample", "-n", "5", "--seed", "4"], "samples.png"),
        (["reconstruct", "-n", "7"], "reconstructions.png"),
        (["interpolate"], "interpolations.png"),
        (["interpolate", "--pairs", "0-1,5-9", "--points", "3"], "interpolations.png"),
    ],
)
def test_a_picture_is_written_where_the_command_says(command, trained, tmp_path, words, name):
    (trained / name).unlink(missing_ok=True)
    code, out, err = command(words[0], trained, *words[1:])
    assert (code, err) == (0, "")
    assert str(trained / name) in out
    assert shows_something(trained / name)
    assert command(words[0], trained, *words[1:], "--out", tmp_path / "x.png")[0] == 0
    assert shows_something(tmp_path / "x.png")


@pytest.mark.parametrize(("given", "written"), [("", "samples.png"), ("x", "x.png"), ("x.PNG", "x.PNG")])
def test_a_folder_and_a_name_without_an_ending_will_do_for_a_picture(command, trained, tmp_path, given, written):
    code, out, _ = command("sample", trained, "-n", 2, "--out", tmp_path / given)
    assert code == 0
    assert out == f"2 samples in {tmp_path / written}\n"
    assert shows_something(tmp_path / written)


def test_reconstruct_shows_all_classes_in_turn(tiny):
    from minivae.cli.runs import spread

    _, test = tiny
    picked = spread(test, 16)
    assert test.labels[picked[:8]].tolist() == list(range(8))
    assert len(set(picked)) == 16
    assert len(spread(test, 1000)) == 30


# --- evaluate, gradcheck, info ----------------------------------------------------------------------------


def test_evaluate_prints_numbers_with_errors_units_and_protocol(command, trained):
    code, out, _ = command("evaluate", trained, "--samples", 2, "--iwae", 5, "--limit", 20)
    assert code == 0
    assert "first 20 of 30 test examples" in out
    for said in ("−ELBO", "reconstruction (NLL)", "KL(q(z|x)", "±", "nats per example", "bits per dimension"):
        assert said in out
    assert "2 draws of z each" in out
    assert "IWAE-5 bound" in out
    assert "5 weighted draws of z each" in out
    assert "latent dimensions in use" in out


def test_the_importance_weighted_bound_has_a_bar(command, trained, monkeypatch):
    made = []

    class Bar:
        def __init__(self, **options):
            self.total, self.done, self.closed = options["total"], 0, False
            made.append(self)

        def update(self, n):
            self.done += n

        def close(self):
            self.closed = True

    monkeypatch.setattr(minivae.training.progress, "_find_tqdm", lambda: Bar)
    assert command("evaluate", trained, "--iwae", 2)[0] == 0
    assert [(bar.total, bar.done, bar.closed) for bar in made] == [(30, 30, True)]


def test_ctrl_c_is_answered_in_words(command, trained, monkeypatch):
    def interrupt(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(minivae.metrics, "evaluate", interrupt)
    code, _, err = command("evaluate", trained)
    assert (code, err) == (130, "\ninterrupted\n")


def test_evaluate_agrees_with_the_last_row_of_the_metrics(command, trained):
    _, out, _ = command("evaluate", trained)
    assert f"{History.from_csv((trained / 'metrics.csv').read_text()).test_loss[-1]:.2f}" in out


@pytest.mark.parametrize("code", [0, 1])
def test_gradcheck_hands_on_pattern_seed_and_exit_code(command, monkeypatch, code):
    asked = []

    def main(pattern, seed):
        asked.append((pattern, seed))
        return code

    monkeypatch.setattr(minivae.selfcheck, "main", main)
    assert command("gradcheck", "conv", "--seed", 3)[0] == code
    assert command("gradcheck")[0] == code
    assert asked == [("conv", 3), (None, 0)]


@pytest.mark.parametrize("code", [0, 1])
def test_gradcheck_mutants_hands_on_pattern_seed_and_exit_code(command, monkeypatch, code):
    asked = []

    def main(pattern, seed):
        asked.append((pattern, seed))
        return code

    monkeypatch.setattr("minivae.selfcheck.zoo.main", main)
    assert command("gradcheck", "conv", "--mutants", "--seed", 3)[0] == code
    assert command("gradcheck", "--mutants")[0] == code
    assert asked == [("conv", 3), (None, 0)]


def test_info_names_versions_backend_threads_and_data(command):
    code, out, _ = command("info")
    assert code == 0
    for said in ("minivae", "NumPy", "BLAS", "thread", "backend", "fashion-mnist", "mnist", "comes with minivae"):
        assert said in out


def test_threads_are_told_without_threadpoolctl_too(monkeypatch):
    from minivae.cli import info

    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(info.importlib, "import_module", missing)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    assert "3 threads (OPENBLAS_NUM_THREADS)" in info.describe_blas()
    for name in info.THREAD_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert "one a core" in info.describe_blas()


# --- help -------------------------------------------------------------------------------------------------

COMMANDS = ("train", "sample", "reconstruct", "interpolate", "evaluate", "gradcheck", "info")


def test_no_argument_shows_the_commands_and_where_to_begin(command):
    code, out, _ = command()
    assert code == 0
    assert "Begin with:  minivae train" in out
    assert all(name in out for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_in_which_no_option_is_without_words(command, name):
    code, out, _ = command(name, "--help")
    assert code == 0
    assert "examples:" in out or name == "info"
    assert all(len(line) <= 110 for line in out.splitlines())

    from minivae.cli.main import build_parser

    (commands,) = (action for action in build_parser()._actions if hasattr(action, "choices") and action.choices)
    for action in commands.choices[name]._actions:
        assert action.help, f"{name} {action.option_strings} has no help"


def test_the_help_of_train_shows_the_defaults(command):
    from minivae.cli.train import DEFAULTS

    _, out, _ = command("train", "--help")
    text = " ".join(out.split())
    for name in ("data", "model", "latent_dim", "epochs", "batch_size", "lr", "likelihood", "seed"):
        assert f"(default: {DEFAULTS[name]})" in text, name


def test_version(command):
    code, out, _ = command("--version")
    assert code == 0
    assert out.startswith("minivae 0.")


def test_the_description_of_a_run_is_json_that_others_can_read(trained):
    assert json.loads((trained / "checkpoint.json").read_text())["model"]["type"] == "VAE"
