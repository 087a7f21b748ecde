"""Training on CuPy: the same losses as on NumPy, no hidden waiting, a bounded number of launches."""

from __future__ import annotations

import numpy as np
import pytest

import minivae as mv
from minivae.backend import to_backend
from minivae.models import VAE, ConvVAE

MODELS = {
    "VAE": lambda: VAE(image_shape=(1, 8, 8), hidden=(16,), latent_dim=3),
    "ConvVAE": lambda: ConvVAE(image_shape=(1, 8, 8), channels=(4, 6), latent_dim=3),
}
STEPS = 20


def batches():
    images = mv.data.fashion_mnist()[0][: STEPS * 16].x[:, :, 2:26:3, 2:26:3]
    return (images > 0.5).astype(np.float32).reshape(STEPS, 16, 1, 8, 8)


def losses(name, backend):
    """The loss of each of 20 Adam steps, the same seed and data on either backend."""
    mv.use(backend)
    mv.manual_seed(3)
    model = MODELS[name]()
    optimizer = mv.optim.Adam(model.parameters(), lr=1e-2)
    found = []
    for x in batches():
        terms = model.elbo(to_backend(x))
        optimizer.zero_grad()
        terms.loss.backward()
        optimizer.step()
        found.append(terms.loss)
    return np.array([float(loss) for loss in found])


@pytest.mark.parametrize("name", MODELS)
def test_twenty_steps_give_numpys_losses(name):
    np.testing.assert_allclose(losses(name, "cupy"), losses(name, "numpy"), rtol=1e-4)


@pytest.mark.no_debug  # debug mode looks at every value, which waits for the device
@pytest.mark.parametrize(("name", "most_launches"), [("VAE", 190), ("ConvVAE", 355)])
def test_a_step_waits_for_nothing_and_copies_only_batch_and_noise(name, most_launches, counters, record_property):
    model = MODELS[name]()
    optimizer = mv.optim.Adam(model.parameters(), lr=1e-2)
    data = batches()

    def step(x):
        terms = model.elbo(to_backend(x))
        optimizer.zero_grad()
        terms.loss.backward()
        optimizer.step()
        return terms.loss

    step(data[0])  # the first one compiles kernels and makes Adam's state
    counters.reset()
    step(data[1])
    counts = counters.read()
    record_property("counts", counts)
    print(f"{name}: one training step on the device: {counts}")
    assert counts["synchronisations"] == 0
    assert counts["downloads"] == 0
    assert counts["uploads"] == 2, "the batch and the noise"
    assert counts["launches"] <= most_launches


@pytest.mark.gpu
@pytest.mark.no_debug
@pytest.mark.parametrize("name", MODELS)
def test_time_of_a_step_by_events(name, record_property):
    """No assertion on speed: the time is recorded, the loss must be finite."""
    import cupy

    model = MODELS[name]()
    optimizer = mv.optim.Adam(model.parameters(), lr=1e-2)
    x = to_backend(batches()[0])
    times = []
    for _ in range(50):
        start, end = cupy.cuda.Event(), cupy.cuda.Event()
        start.record()
        terms = model.elbo(x)
        optimizer.zero_grad()
        terms.loss.backward()
        optimizer.step()
        end.record()
        end.synchronize()
        times.append(cupy.cuda.get_elapsed_time(start, end))
    record_property("milliseconds", float(np.median(times[10:])))
    print(f"{name}: {np.median(times[10:]):.3f} ms a step, by events")
    assert np.isfinite(float(terms.loss))
