"""Checkpoints: what is written is read back, to the bit; and a write that is cut short does no harm."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minivae.errors import CheckpointError
from minivae.training import Checkpoint, delete_checkpoint, load_checkpoint, read_description, save_checkpoint
from minivae.training import checkpoint as module
from minivae.training.files import TEMPORARY, write_atomically


def checkpoint(step, **changes):
    values = {
        "model": {"type": "VAE", "hidden": [3]},
        "data": {"train": {"name": "toy"}},
        "settings": {"lr": 0.1, "binarise": None},
        "progress": {"step": step},
        "history": [{"epoch": 1, "train_loss": 1 / 3}],
        "parameters": {"weight": np.full((2, 3), step, np.float32), "scalar": np.array(0.5)},
        "optimizer": {"lr": 0.1, "steps": np.array([step]), "decayed_sum.0": np.full((2, 3), 1 / 3, np.float32)},
    }
    return Checkpoint(**(values | changes))


def tensors(folder):
    return sorted(path.name for path in folder.glob("*.safetensors"))


@given(
    hnp.arrays(
        st.sampled_from([np.float32, np.float64, np.int64]),
        hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
    ),
    st.booleans(),
)
@settings(deadline=None, max_examples=40)
def test_arrays_come_back_to_the_bit_whatever_their_shape_and_strides(tmp_path_factory, array, transpose):
    array = array.T if transpose else array
    folder = tmp_path_factory.mktemp("run")
    save_checkpoint(folder, checkpoint(1, parameters={"a": array}))
    back = load_checkpoint(folder).parameters["a"]
    assert back.dtype == array.dtype
    assert back.shape == array.shape
    assert back.tobytes() == np.ascontiguousarray(array).tobytes()


def test_numbers_nested_dicts_and_tuples_come_back(tmp_path):
    state = {"betas": (0.9, 0.999), "state": {0: {"step": 3, "m": np.arange(2.0)}}, "list": [np.ones(1), "x", None]}
    save_checkpoint(tmp_path, checkpoint(1, optimizer=state))
    back = load_checkpoint(tmp_path).optimizer
    assert back["betas"] == (0.9, 0.999)
    assert back["state"][0]["step"] == 3
    assert back["state"][0]["m"].tolist() == [0.0, 1.0]
    assert back["list"][1:] == ["x", None]


def test_the_json_is_for_people(tmp_path):
    save_checkpoint(tmp_path, checkpoint(7))
    description = json.loads((tmp_path / "checkpoint.json").read_text())
    assert description["settings"] == {"lr": 0.1, "binarise": None}
    assert description["versions"].keys() == {"minivae", "numpy", "python"}
    assert description["tensors"] == "checkpoint-00000007.safetensors"


def test_a_new_checkpoint_replaces_the_old_one(tmp_path):
    for step in (1, 2, 3):
        save_checkpoint(tmp_path, checkpoint(step))
    assert tensors(tmp_path) == ["checkpoint-00000003.safetensors"]
    assert load_checkpoint(tmp_path).progress["step"] == 3


@pytest.mark.parametrize("replaced_before_the_end", [0, 1])
def test_a_kill_between_the_two_files_leaves_the_old_checkpoint_whole(tmp_path, monkeypatch, replaced_before_the_end):
    """The process dies at a rename: the first (tensors) or the second (JSON). What was there is still there."""
    save_checkpoint(tmp_path, checkpoint(1))
    calls = []

    def dies(source, target):
        if len(calls) == replaced_before_the_end:
            raise SystemExit("killed")
        calls.append(target)
        os.rename(source, target)

    with monkeypatch.context() as patch:
        patch.setattr("minivae.training.files.os.replace", dies)
        with pytest.raises(SystemExit):
            save_checkpoint(tmp_path, checkpoint(2))
    back = load_checkpoint(tmp_path)
    assert back.progress["step"] == 1
    assert (back.parameters["weight"] == 1).all()

    save_checkpoint(tmp_path, checkpoint(3))
    assert tensors(tmp_path) == ["checkpoint-00000003.safetensors"], "an orphan is cleared away"


def test_a_kill_before_the_old_tensors_are_deleted_leaves_the_new_checkpoint_whole(tmp_path, monkeypatch):
    save_checkpoint(tmp_path, checkpoint(1))

    def dies(folder):
        raise SystemExit("killed")

    with monkeypatch.context() as patch:
        patch.setattr(module.Path, "glob", lambda self, pattern: dies(self))
        with pytest.raises(SystemExit):
            save_checkpoint(tmp_path, checkpoint(2))
    assert len(tensors(tmp_path)) == 2
    assert load_checkpoint(tmp_path).progress["step"] == 2


def test_a_full_disk_leaves_the_old_file_and_no_rubbish(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomically(path, "old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("minivae.training.files.os.fsync", full)
        with pytest.raises(OSError, match="No space"):
            write_atomically(path, "new")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_leftovers_of_a_killed_write_are_removed_by_the_next(tmp_path):
    (tmp_path / f"{TEMPORARY}123-checkpoint.json").write_text("half")
    save_checkpoint(tmp_path, checkpoint(1))
    assert not list(tmp_path.glob(TEMPORARY + "*"))


def test_damaged_tensors_are_noticed(tmp_path):
    save_checkpoint(tmp_path, checkpoint(1))
    path = tmp_path / tensors(tmp_path)[0]
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"damaged.*SHA-256.*--overwrite"):
        load_checkpoint(tmp_path)


def test_missing_tensors_are_noticed(tmp_path):
    save_checkpoint(tmp_path, checkpoint(1))
    (tmp_path / tensors(tmp_path)[0]).unlink()
    with pytest.raises(CheckpointError, match=r"checkpoint-00000001.*missing"):
        load_checkpoint(tmp_path)


def test_a_folder_without_checkpoint_says_what_is_expected(tmp_path):
    with pytest.raises(CheckpointError, match=r"no checkpoint in .*no checkpoint.json.*minivae train"):
        load_checkpoint(tmp_path)
    with pytest.raises(CheckpointError, match="no such folder"):
        read_description(tmp_path / "elsewhere")


@pytest.mark.parametrize("text", ["{", "[]", '{"no": "format"}'])
def test_a_json_that_is_no_checkpoint_is_an_error(tmp_path, text):
    (tmp_path / "checkpoint.json").write_text(text)
    with pytest.raises(CheckpointError, match="not a checkpoint"):
        load_checkpoint(tmp_path)


def test_another_format_says_which_is_read(tmp_path):
    (tmp_path / "checkpoint.json").write_text('{"format": 99, "versions": {"minivae": "7.0"}}')
    with pytest.raises(CheckpointError, match=r"format 99; this version of minivae reads format 1.*7\.0"):
        load_checkpoint(tmp_path)


def test_deleting_removes_the_checkpoint_and_nothing_else(tmp_path):
    save_checkpoint(tmp_path, checkpoint(1))
    (tmp_path / "notes.txt").write_text("mine")
    delete_checkpoint(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
