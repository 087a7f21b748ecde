"""A run that is killed, or stopped by Ctrl-C, and then resumed ends as if nothing had happened: the same bits."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

ENVIRONMENT = os.environ | {"OPENBLAS_NUM_THREADS": "1", "MINIVAE_DEBUG": ""}
MINIVAE = [sys.executable, "-m", "minivae"]
TRAIN = [*MINIVAE, "train", "--model", "vae", "--hidden", "16", "--latent-dim", "3", "--batch-size", "50", "--quiet"]
MORE = 7  # steps after the interruption


def start(*words):
    return subprocess.Popen(
        [*TRAIN, *words], env=ENVIRONMENT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def finish(*words):
    done = subprocess.run([str(word) for word in words], env=ENVIRONMENT, text=True, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr


def wait_for_step(folder, step, process):
    """Wait until a checkpoint of this step or a later one is there."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert process.poll() is None, process.stderr.read()
        if (folder / "checkpoint.json").exists() and description(folder)["progress"]["step"] >= step:
            return
        time.sleep(0.005)
    raise TimeoutError("no checkpoint came")


def description(folder):
    return json.loads((folder / "checkpoint.json").read_text())


def metrics(folder):
    """The rows of metrics.csv without their last column, the time."""
    return [line.rpartition(",")[0] for line in (folder / "metrics.csv").read_text().splitlines()]


def assert_same_run(folder, straight):
    a, b = description(folder), description(straight)
    assert a["progress"]["step"] == b["progress"]["step"]
    assert a["sha256"] == b["sha256"], "parameters and optimiser state, all bits"
    assert (folder / a["tensors"]).read_bytes() == (straight / b["tensors"]).read_bytes()
    assert a["progress"]["sums"] == b["progress"]["sums"]
    assert metrics(folder) == metrics(straight)


@pytest.mark.skipif(os.name != "posix", reason="signals as on POSIX")
@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)])
def test_an_interrupted_run_is_resumed_to_the_bit(tmp_path, number, exit_code):
    stopped, straight = tmp_path / "stopped", tmp_path / "straight"
    process = start("--run-dir", str(stopped), "--checkpoint-every", "0", "--epochs", "100000")
    wait_for_step(stopped, 103, process)  # 100 steps are an epoch
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == exit_code
    assert "Traceback" not in said
    if number == signal.SIGINT:
        assert f"all is saved in {stopped}" in said
        assert f"minivae train --resume {stopped}" in said

    total = description(stopped)["progress"]["step"] + MORE
    finish(*MINIVAE, "train", "--resume", stopped, "--steps", total, "--quiet")
    finish(*TRAIN, "--run-dir", straight, "--steps", total)
    assert_same_run(stopped, straight)
