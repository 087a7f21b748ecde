"""Training leaves nothing behind: no memory that grows with the steps, no reference cycles for the collector."""

from __future__ import annotations

import gc
import sys
import tracemalloc
import weakref

import numpy as np
import pytest

import minivae as mv
from minivae import ops
from minivae.autodiff import Tensor
from minivae.data import DataLoader, Dataset
from minivae.layers import (
    AvgPool2d,
    BatchNorm,
    Conv2d,
    Dense,
    Dropout,
    Flatten,
    GroupNorm,
    LayerNorm,
    MaxPool2d,
    ReLU,
    Sequential,
)
from minivae.models import VAE, ConvVAE
from minivae.random import stream

pytestmark = pytest.mark.no_debug

IMAGES = (stream(1, "images").random((64, 1, 8, 8)) < 0.4).astype(np.float32)
LABELS = np.arange(64) % 3


def of_model(model):
    def loss(x, labels):
        return model.elbo(x).loss

    return model.parameters(), loss


def vae():
    return of_model(VAE(image_shape=(1, 8, 8), hidden=(16,), latent_dim=3, likelihood="gaussian-learned"))


def conv_vae():
    return of_model(ConvVAE(image_shape=(1, 8, 8), channels=(4, 6), latent_dim=3))


def classifier():
    """Every kind of layer with a state or a window, and the loss over classes."""
    network = Sequential(
        Conv2d(1, 4, 3, padding=1),
        BatchNorm(4),
        ReLU(),
        MaxPool2d(2),
        GroupNorm(2, 4),
        AvgPool2d(2),
        Dropout(0.2),
        Flatten(),
        LayerNorm(16),
        Dense(16, 3),
    )
    return network.parameters(), lambda x, labels: ops.cross_entropy(network(x), labels).mean()


def importance_weighted():
    model = VAE(image_shape=(1, 8, 8), hidden=(16,), latent_dim=3)

    def loss(x, labels):
        q = model.encode(x)
        draws = []
        for _ in range(3):
            z = q.rsample()
            draws.append(mv.objectives.log_weight(x, model.decode(z), q, z))
        return -mv.objectives.iwae(ops.stack(draws)).mean()

    return model.parameters(), loss


class Training:
    """Steps of a training loop, one at a time."""

    def __init__(self, make, optimizer=mv.optim.Adam):
        self.parameters, self.loss = make()
        self.optimizer = optimizer(self.parameters, lr=1e-3)
        self.schedule = mv.optim.CosineAnnealingLR(self.optimizer, T_max=500)
        self.loader = DataLoader(Dataset(IMAGES, LABELS), batch_size=16, binarise="dynamic")
        self.batches = iter(())

    def step(self):
        batch = next(self.batches, None)
        if batch is None:
            self.batches = iter(self.loader)
            batch = next(self.batches)
        self.optimizer.zero_grad()
        loss = self.loss(batch.x, batch.labels)
        loss.backward()
        mv.optim.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()
        self.schedule.step()
        return float(loss)


every_kind = pytest.mark.parametrize("make", [vae, conv_vae, classifier, importance_weighted])


@every_kind
def test_memory_after_200_steps_is_that_after_10(make):
    """By tracemalloc, which sees every byte that Python and NumPy allocate."""
    training = Training(make)

    def memory_after(steps):
        for _ in range(steps):
            training.step()
        gc.collect()  # empties the lists of freed objects that Python keeps for reuse; cycles have their own test
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    after_10 = memory_after(10)
    after_200 = memory_after(190)
    tracemalloc.stop()
    assert after_200 - after_10 < 190 * sys.getsizeof(np.empty(5)), "no step leaves even an array of five numbers"


def cycles_of(action):
    """What the collector finds after this, that reference counts did not free."""
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        action()
        gc.collect()
        return list(gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


def ours(objects):
    """Those that minivae made: Python's own `inspect` and `json` leave some cycles, too."""
    return [x for x in objects if str(getattr(x, "__module__", type(x).__module__)).startswith("minivae")]


def test_this_file_would_see_a_cycle():
    def makes_one():
        x = Tensor(np.ones(1), requires_grad=True)
        x.graph_node().tensor = lambda: x  # in place of the weak reference

    assert any(isinstance(x, Tensor) for x in ours(cycles_of(makes_one)))


@every_kind
@pytest.mark.parametrize("optimizer", [mv.optim.Adam, mv.optim.SGD])
def test_a_training_step_leaves_no_cycle(make, optimizer):
    training = Training(make, optimizer)
    training.step()  # which also fills caches, once for all
    found = cycles_of(training.step)
    assert found == []


@every_kind
def test_a_loss_that_is_thrown_away_leaves_no_cycle(make):
    training = Training(make)
    training.step()
    x = IMAGES[:4]
    assert cycles_of(lambda: training.loss(x, LABELS[:4])) == []


@pytest.mark.parametrize(
    "action",
    [
        lambda model: model.sample(3),
        lambda model: model.reconstruct(IMAGES[:3]),
        lambda model: model.state_dict(),
        lambda model: model.load_state_dict(model.state_dict()),
        lambda model: model.eval().train(),
        lambda model: repr(model),
        lambda model: mv.metrics.evaluate(model, Dataset(IMAGES)),
        lambda model: model.elbo(IMAGES[:2]).loss.graph(),
    ],
    ids=["sample", "reconstruct", "state_dict", "load_state_dict", "train", "repr", "evaluate", "graph"],
)
def test_nothing_that_is_done_with_a_model_leaves_a_cycle(action):
    model = VAE(image_shape=(1, 8, 8), hidden=(16,), latent_dim=3)
    action(model)
    assert ours(cycles_of(lambda: action(model))) == []


def test_an_epoch_of_fit_leaves_no_cycle_of_ours(tmp_path):
    data = Dataset(IMAGES)

    def train(name):
        model = VAE(image_shape=(1, 8, 8), hidden=(16,), latent_dim=3)
        mv.training.fit(model, data, data, epochs=1, batch_size=16, run_dir=tmp_path / name, progress=False)

    train("first")
    assert ours(cycles_of(lambda: train("second"))) == []


def test_after_backward_the_loss_keeps_no_intermediate_alive():
    """A list of losses, kept for a plot, must not keep every step's activations."""
    x = Tensor(np.ones(5), requires_grad=True)
    hidden = ops.exp(x)
    watch = weakref.ref(hidden)
    values = weakref.ref(hidden.data)
    loss = (hidden * hidden).sum()
    del hidden
    assert watch() is None, "the graph has no use for the Tensor, only for its array"
    assert values() is not None
    loss.backward()
    assert values() is None


def test_a_graph_does_not_keep_its_leaf_alive_nor_the_leaf_its_graphs():
    x = Tensor(np.ones(5), requires_grad=True)
    y = (x + 1).sum()
    leaf = weakref.ref(x)
    del x
    assert leaf() is None
    y.backward()  # goes to nobody, and is no error

    x = Tensor(np.ones(5), requires_grad=True)
    hidden = ops.exp(x)
    values = weakref.ref(hidden.data)
    del hidden
    assert values() is None
    assert x.graph_node().op == "leaf"
