"""The same loop on the other backend; where CuPy cannot run, this is skipped."""

from __future__ import annotations

import pytest

import minivae.backend as backend
from minivae.training import fit

pytestmark = pytest.mark.skipif(backend.why_no_cupy() is not None, reason="CuPy cannot run here")


def run(small_vae, bars, name, **options):
    backend.use(name)
    model = small_vae()
    how = {"epochs": 3, "batch_size": 10, "clip_norm": 5.0, "progress": False} | options
    return model, fit(model, *bars, **how)


def test_both_backends_learn_the_same_up_to_rounding(small_vae, bars):
    histories = [run(small_vae, bars, name)[1] for name in ("numpy", "cupy")]
    for column in ("train_loss", "train_kl", "test_loss", "test_kl"):
        assert getattr(histories[0], column) == pytest.approx(getattr(histories[1], column), rel=1e-4)


def test_a_checkpoint_moves_from_one_backend_to_the_other(small_vae, bars, tmp_path):
    _, expected = run(small_vae, bars, "numpy")
    run(small_vae, bars, "cupy", steps=8, run_dir=tmp_path)
    model, history = run(small_vae, bars, "numpy", run_dir=tmp_path, resume=True)
    assert history.test_loss == pytest.approx(expected.test_loss, rel=1e-4)
    assert all(parameter.device == "numpy" for parameter in model.parameters())
