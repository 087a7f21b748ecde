"""Every layer against PyTorch's, with the same weights, moved by name."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch_cases_networks import image_sizes, normalized_shapes
from torch_compare import (
    DTYPES,
    agree,
    dropout_mask,
    examples,
    int_or_pair,
    kinky,
    shapes,
    standard,
    torch,
    torch_dtype,
)
from torch_move import compare_modules, from_torch, randomise, to_torch

from minivae import layers
from minivae.layers import initialisers
from minivae.random import stream

nn = torch.nn
both_dtypes = pytest.mark.parametrize("dtype", DTYPES, ids=["float64", "float32"])

seeds = st.integers(0, 2**32 - 1)


# --- one at a time --------------------------------------------------------------------------------------------
# Each draws (our layer, PyTorch's, x). Arguments are given to both alike, by name where they are options.


@st.composite
def dense(draw):
    i, o, bias = draw(st.integers(1, 7)), draw(st.integers(1, 7)), draw(st.booleans())
    return layers.Dense(i, o, bias), nn.Linear(i, o, bias), draw(standard((*draw(shapes(0, 3)), i)))


def channels_and_image(draw, groups, kernel, padding, dilation):
    into, out = groups * draw(st.integers(1, 3)), groups * draw(st.integers(1, 3))
    size = image_sizes(draw, kernel, padding, dilation)
    return into, out, draw(standard((draw(st.integers(1, 3)), into, *size)))


@st.composite
def conv2d(draw):
    kernel, stride, padding, dilation = (draw(int_or_pair(*r)) for r in ((1, 4), (1, 3), (0, 2), (1, 3)))
    groups, bias = draw(st.integers(1, 3)), draw(st.booleans())
    into, out, x = channels_and_image(draw, groups, kernel, padding, dilation)
    arguments = (into, out, kernel, stride, padding, dilation, groups, bias)
    return layers.Conv2d(*arguments), nn.Conv2d(*arguments), x


@st.composite
def conv_transpose2d(draw):
    kernel, stride, dilation = (draw(st.tuples(st.integers(1, n), st.integers(1, n))) for n in (4, 3, 3))
    padding = tuple(draw(st.integers(0, d * (k - 1) // 2)) for k, d in zip(kernel, dilation, strict=True))
    extra = tuple(draw(st.integers(0, max(s, d) - 1)) for s, d in zip(stride, dilation, strict=True))
    groups, bias = draw(st.integers(1, 3)), draw(st.booleans())
    into, out, x = channels_and_image(draw, groups, 1, 0, 1)
    arguments = (into, out, kernel, stride, padding, extra, groups, bias, dilation)
    return layers.ConvTranspose2d(*arguments), nn.ConvTranspose2d(*arguments), x


@st.composite
def layer_norm(draw):
    normalized = draw(normalized_shapes)
    shape = normalized[0] if len(normalized) == 1 and draw(st.booleans()) else normalized
    arguments = (shape, draw(st.sampled_from([1e-5, 0.1])), draw(st.booleans()), draw(st.booleans()))
    return layers.LayerNorm(*arguments), nn.LayerNorm(*arguments), draw(standard((*draw(shapes(0, 2)), *normalized)))


@st.composite
def group_norm(draw):
    groups = draw(st.integers(1, 3))
    channels = groups * draw(st.integers(4, 5))
    arguments = (groups, channels, draw(st.sampled_from([1e-5, 0.1])), draw(st.booleans()))
    x = draw(standard((draw(st.integers(1, 4)), channels, *draw(shapes(0, 2)))))
    return layers.GroupNorm(*arguments), nn.GroupNorm(*arguments), x


@st.composite
def pooling(draw, ours, theirs, dilated):
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    dilation = [draw(int_or_pair(1, 3))] if dilated else []
    arguments = (kernel, draw(st.one_of(st.none(), int_or_pair(1, 3))), padding, *dilation)
    x = draw(standard((*draw(shapes(2, 2)), *image_sizes(draw, kernel, padding, *(dilation or [1]), least=3))))
    return ours(*arguments), theirs(*arguments), x


@st.composite
def upsample(draw):
    factor = draw(int_or_pair(1, 3))
    return layers.Upsample(scale_factor=factor), nn.Upsample(scale_factor=factor), draw(standard(draw(shapes(4, 4))))


@st.composite
def flatten(draw):
    x = draw(standard(draw(shapes(2, 4))))
    start = draw(st.integers(0, x.ndim - 1))
    arguments = draw(st.sampled_from([(), (start,), (start, draw(st.integers(start, x.ndim - 1)))]))
    return layers.Flatten(*arguments), nn.Flatten(*arguments), x


@st.composite
def reshape(draw):
    """PyTorch's layer for it is Unflatten."""
    shape = draw(shapes(1, 3))
    x = draw(standard((draw(st.integers(1, 3)), math.prod(shape))))
    return layers.Reshape(*shape), nn.Unflatten(1, shape), x


@st.composite
def no_weights(draw, ours, theirs, **options):
    given = {name: draw(strategy) for name, strategy in options.items()}
    return ours(**given), theirs(**given), draw(kinky(draw(shapes())))


LAYERS = {
    "Dense": dense(),
    "Conv2d": conv2d(),
    "ConvTranspose2d": conv_transpose2d(),
    "LayerNorm": layer_norm(),
    "GroupNorm": group_norm(),
    "MaxPool2d": pooling(layers.MaxPool2d, nn.MaxPool2d, dilated=True),
    "AvgPool2d": pooling(layers.AvgPool2d, nn.AvgPool2d, dilated=False),
    "Upsample": upsample(),
    "Flatten": flatten(),
    "Reshape": reshape(),
    "Identity": no_weights(layers.Identity, nn.Identity),
    "ReLU": no_weights(layers.ReLU, nn.ReLU),
    "LeakyReLU": no_weights(layers.LeakyReLU, nn.LeakyReLU, negative_slope=st.floats(0, 0.5)),
    "ELU": no_weights(layers.ELU, nn.ELU, alpha=st.floats(0.2, 3)),
    "GELU": no_weights(layers.GELU, nn.GELU),
    "SiLU": no_weights(layers.SiLU, nn.SiLU),
    "Tanh": no_weights(layers.Tanh, nn.Tanh),
    "Sigmoid": no_weights(layers.Sigmoid, nn.Sigmoid),
    "Softplus": no_weights(layers.Softplus, nn.Softplus),
}

ELSEWHERE = {
    "BatchNorm": "test_batch_norm_agrees_in_training_and_in_evaluation, as it has a history",
    "Dropout": "test_dropout_agrees_for_the_same_mask, as PyTorch draws the mask itself",
    "Sequential": "test_a_whole_network_agrees",
    "Module": "the base of all layers",
}


def test_every_layer_is_compared():
    ours = {name for name in layers.__all__ if isinstance(getattr(layers, name), type)} - {"Parameter", "Buffer"}
    assert ours == set(LAYERS) | set(ELSEWHERE)


@both_dtypes
@pytest.mark.parametrize("name", LAYERS)
@examples
@given(data=st.data())
def test_layer_agrees_with_torch(name, dtype, data):
    ours, theirs, x = data.draw(LAYERS[name])
    ours.to(dtype)
    theirs.to(torch_dtype(dtype))
    randomise(ours, data.draw(seeds))
    to_torch(ours, theirs)
    compare_modules(name, ours, theirs, x, dtype)


# --- those with a state of their own --------------------------------------------------------------------------


@both_dtypes
@examples
@given(data=st.data())
def test_batch_norm_agrees_in_training_and_in_evaluation(dtype, data):
    """A history: batches in training, then in evaluation, then in training again; running statistics after each."""
    channels, axes = data.draw(st.integers(1, 4)), data.draw(st.integers(0, 2))
    arguments = (
        channels,
        data.draw(st.sampled_from([1e-5, 1e-2])),
        data.draw(st.sampled_from([0.1, 0.5, 1.0])),
        data.draw(st.booleans()),
        data.draw(st.booleans()),
    )
    ours = layers.BatchNorm(*arguments, dtype=dtype)
    theirs = (nn.BatchNorm2d if axes == 2 else nn.BatchNorm1d)(*arguments)
    theirs.to(torch_dtype(dtype))
    randomise(ours, data.draw(seeds))
    to_torch(ours, theirs)
    for training in data.draw(st.lists(st.booleans(), min_size=2, max_size=5)):
        ours.train(training)
        theirs.train(training)
        x = 3 + 2 * data.draw(standard((data.draw(st.integers(4, 7)), channels, *data.draw(shapes(axes, axes)))))
        compare_modules("BatchNorm", ours, theirs, x, dtype)


@both_dtypes
@pytest.mark.parametrize("training", [True, False])
@examples
@given(x=shapes().flatmap(standard), p=st.floats(0, 0.9), seed=seeds)
def test_dropout_agrees_for_the_same_mask(dtype, training, x, p, seed):
    ours, theirs = layers.Dropout(p).train(training), nn.Dropout(p).train(training)
    mask = dropout_mask(x.shape, p, dtype, seed)
    torch.manual_seed(seed)
    compare_modules("Dropout", ours, theirs, x, dtype, call=lambda x: ours(x, mask))


# --- together -------------------------------------------------------------------------------------------------


def networks(dtype):
    """A small image classifier, twice; the modules have the same places in it, and so the same names."""
    rng = stream(3, "network")
    ours = layers.Sequential(
        layers.Conv2d(2, 6, 3, padding=1, bias=False, rng=rng),
        layers.BatchNorm(6),
        layers.ReLU(),
        layers.MaxPool2d(2),
        layers.Conv2d(6, 8, 3, stride=2, padding=1, groups=2, rng=rng),
        layers.GroupNorm(4, 8),
        layers.SiLU(),
        layers.Sequential(layers.ConvTranspose2d(8, 4, 4, stride=2, padding=1, rng=rng), layers.LeakyReLU(0.2)),
        layers.Flatten(),
        layers.LayerNorm(64),
        layers.Dense(64, 20, rng=rng),
        layers.Tanh(),
        layers.Dense(20, 10, rng=rng),
    ).to(dtype)
    theirs = nn.Sequential(
        nn.Conv2d(2, 6, 3, padding=1, bias=False),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 8, 3, stride=2, padding=1, groups=2),
        nn.GroupNorm(4, 8),
        nn.SiLU(),
        nn.Sequential(nn.ConvTranspose2d(8, 4, 4, stride=2, padding=1), nn.LeakyReLU(0.2)),
        nn.Flatten(),
        nn.LayerNorm(64),
        nn.Linear(64, 20),
        nn.Tanh(),
        nn.Linear(20, 10),
    ).to(torch_dtype(dtype))
    return ours, theirs


@both_dtypes
@pytest.mark.parametrize("training", [True, False])
def test_a_whole_network_agrees(dtype, training):
    ours, theirs = networks(dtype)
    randomise(ours)
    to_torch(ours, theirs)
    x = np.random.default_rng(5).normal(size=(7, 2, 8, 8))
    compare_modules("network", ours.train(training), theirs.train(training), x, dtype)


def test_a_state_goes_to_torch_and_back_unchanged():
    ours, theirs = networks(np.float32)
    randomise(ours)
    before = ours.state_dict()
    to_torch(ours, theirs)
    randomise(ours, 1)
    from_torch(theirs, ours)
    for name, array in ours.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_names_and_shapes_are_torchs():
    """But for Dense, which is transposed, and for the count of batches, which ours does not keep."""
    ours, theirs = networks(np.float32)
    own = {name: array.shape for name, array in ours.state_dict().items()}
    others = {name: tuple(tensor.shape) for name, tensor in theirs.state_dict().items()}
    differ = {name for name in own.keys() | others.keys() if own.get(name) != others.get(name)}
    assert differ == {"10.weight", "12.weight", "1.num_batches_tracked"}
    assert own["10.weight"] == others["10.weight"][::-1]


# --- how weights start ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (lambda rng: layers.Dense(150, 300, rng=rng), lambda: nn.Linear(150, 300)),
        (lambda rng: layers.Conv2d(24, 120, (3, 5), groups=4, rng=rng), lambda: nn.Conv2d(24, 120, (3, 5), groups=4)),
        (
            lambda rng: layers.ConvTranspose2d(120, 24, (3, 5), groups=4, rng=rng),
            lambda: nn.ConvTranspose2d(120, 24, (3, 5), groups=4),
        ),
    ],
    ids=["Dense", "Conv2d", "ConvTranspose2d"],
)
def test_default_weights_are_drawn_from_torchs_distribution(ours, theirs):
    torch.manual_seed(0)
    ours, theirs = ours(stream(0, "weights")), theirs()
    for name in ("weight", "bias"):
        _same_distribution(getattr(ours, name).data, getattr(theirs, name).detach().numpy())


@pytest.mark.parametrize(
    ("name", "torchs", "options"),
    [
        ("glorot_uniform", "xavier_uniform_", {}),
        ("glorot_normal", "xavier_normal_", {}),
        ("he_uniform", "kaiming_uniform_", {"nonlinearity": "relu"}),
        ("he_normal", "kaiming_normal_", {"nonlinearity": "relu"}),
        ("lecun_normal", "kaiming_normal_", {"nonlinearity": "linear"}),
        ("orthogonal", "orthogonal_", {}),
    ],
)
@pytest.mark.parametrize("shape", [(60, 20, 3, 3), (40, 200)])
def test_initialisers_draw_from_torchs_distribution(name, torchs, options, shape):
    """On the weight of a convolution; that of a Dense layer is transposed, but its fans are told, not guessed."""
    torch.manual_seed(0)
    area = math.prod(shape[2:])
    ours = getattr(initialisers, name)(shape, shape[1] * area, shape[0] * area, stream(0, "weights"))
    theirs = getattr(nn.init, torchs)(torch.empty(shape), **options).numpy()
    _same_distribution(ours, theirs)
    if name == "orthogonal":
        for weight in (ours, theirs):
            rows = weight.reshape(shape[0], -1)
            agree("orthogonal: W Wᵀ", rows @ rows.T, np.eye(shape[0], dtype=np.float32), np.float32)


def _same_distribution(ours, theirs):
    """Kolmogorov's and Smirnov's test: equal distributions fail with probability 1e-3, were the seeds not fixed. Of
    8,000 numbers or more, a scale wrong by a factor of 1.2 is noticed; confusing fan in and fan out is more."""
    assert ours.shape in (theirs.shape, theirs.shape[::-1])
    ours, theirs = np.sort(ours, axis=None), np.sort(theirs, axis=None)
    everywhere = np.concatenate([ours, theirs])
    below = [np.searchsorted(numbers, everywhere, "right") / len(numbers) for numbers in (ours, theirs)]
    assert np.abs(below[0] - below[1]).max() < 1.95 * math.sqrt(2 / len(ours))
