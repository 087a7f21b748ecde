"""What holds for every model: shapes, seeds, the ELBO of its parts, gradients, and what it refuses."""

from __future__ import annotations

import json

import numpy as np
import pytest

from minivae.autodiff import Tensor, no_grad
from minivae.distributions import Bernoulli, Normal
from minivae.errors import CheckpointError, ConfigError, DataError, ShapeError
from minivae.layers import Dropout, Sequential
from minivae.models import LIKELIHOODS, VAE, ConvVAE, build, evaluation
from minivae.objectives import elbo
from minivae.random import default_rng, manual_seed, normal, stream
from minivae.verify import gradcheck

SHAPE, L = (2, 8, 4), 3


def dense(**options):
    return VAE(**{"image_shape": SHAPE, "hidden": (11, 7), "latent_dim": L, "activation": "tanh", **options})


def convolutional(**options):
    return ConvVAE(**{"image_shape": SHAPE, "channels": (3, 5), "latent_dim": L, "activation": "tanh", **options})


every_model = pytest.mark.parametrize("make", [dense, convolutional])
every_likelihood = pytest.mark.parametrize("likelihood", list(LIKELIHOODS))


def batch(n=5, dtype=np.float32, seed=0):
    return (stream(seed, "x").random((n, *SHAPE)) < 0.4).astype(dtype)


@every_model
@every_likelihood
def test_shapes_from_image_to_latent_and_back(make, likelihood):
    model, x = make(likelihood=likelihood), batch()
    q = model.encode(x)
    assert isinstance(q, Normal)
    assert q.shape == (5, L)
    p = model.decode(q.rsample())
    assert p.shape == model(x).shape == x.shape
    assert p.label == model.likelihood.label
    assert model.reconstruct(x).shape == x.shape
    assert model.sample(4).shape == (4, *SHAPE)
    terms = model.elbo(x)
    assert terms.loss.shape == terms.kl.shape == terms.reconstruction.shape == ()


@pytest.mark.parametrize(
    ("make", "likelihood"), [*((dense, name) for name in LIKELIHOODS), (convolutional, "gaussian-learned")]
)
def test_every_parameter_gradient_passes_gradcheck(make, likelihood):
    sigma = 0.7 if likelihood.startswith("gaussian") else None
    widths = {"hidden": (3,)} if make is dense else {"channels": (2, 3)}
    model = make(image_shape=(1, 4, 4), latent_dim=2, likelihood=likelihood, sigma=sigma, **widths).to(np.float64)
    x = (stream(1).random((3, 1, 4, 4)) < 0.5).astype(np.float64)
    eps = stream(2).normal(size=(3, 2))
    names = [name for name, _ in model.named_parameters()]
    values = [parameter.data.copy() for parameter in model.parameters()]

    def loss(*parameters):
        for name, parameter in zip(names, parameters, strict=True):
            put(model, name, parameter)
        return model.elbo(x, eps=eps, beta=0.37).loss

    assert gradcheck(loss, *values)


def put(module, name, tensor):
    *path, last = name.split(".")
    for part in path:
        module = getattr(module, part)
    setattr(module, last, tensor)


@every_model
def test_elbo_is_encode_sample_decode(make, rng):
    model, x = make(), batch()
    eps = normal(rng, (5, L))
    q = model.encode(x)
    by_hand = elbo(x, model.decode(q.rsample(eps)), q, beta=0.5)
    terms = model.elbo(x, eps=eps, beta=0.5)
    assert [t.item() for t in (terms.loss, terms.reconstruction, terms.kl)] == [
        t.item() for t in (by_hand.loss, by_hand.reconstruction, by_hand.kl)
    ]
    assert terms.beta == 0.5


@every_model
def test_noise_comes_from_the_argument_the_generator_or_the_threads_default(make):
    model, x = make(), batch()
    eps = normal(stream(9), (5, L))
    manual_seed(9)
    losses = [model.elbo(x, eps=eps), model.elbo(x, rng=stream(9))]
    assert losses[0].loss.item() == losses[1].loss.item()
    manual_seed(4)
    first = model.elbo(x).loss.item()
    assert model.elbo(x).loss.item() != first
    manual_seed(4)
    assert model.elbo(x).loss.item() == first


@every_model
def test_arrays_tensors_and_integers_are_the_same_data(make):
    model, x = make(), batch()
    expected = model.encode(x).mean.numpy()
    for same in (Tensor(x), x.astype(np.uint8), x.astype(bool), x.tolist()):
        np.testing.assert_array_equal(model.encode(same).mean.numpy(), expected)
    double = make().to(np.float64)
    assert double.encode(x.astype(np.uint8)).mean.dtype == np.float64
    assert double.elbo(x.astype(np.float64)).loss.dtype == np.float64


@every_model
def test_each_example_is_encoded_on_its_own(make):
    model, x = make(), batch()
    together = model.encode(x).mean.numpy()
    one_by_one = np.concatenate([model.encode(x[i : i + 1]).mean.numpy() for i in range(5)])
    np.testing.assert_allclose(one_by_one, together, rtol=1e-4, atol=1e-6)


@every_model
def test_batch_of_one_trains(make):
    model = make()
    terms = model.elbo(batch(1))
    terms.loss.backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


@every_model
def test_loss_at_the_start_is_about_a_coin_toss_a_pixel(make):
    terms = make().elbo(batch(50))
    np.testing.assert_allclose(terms.reconstruction.item(), np.prod(SHAPE) * np.log(2), rtol=0.1)
    assert 0 <= terms.kl.item() < 3


# --- samples and reconstructions ----------------------------------------------------------------------------


@every_model
def test_samples_are_means_decoded_from_the_prior(make):
    model = make()
    images = model.sample(6, seed=3)
    assert isinstance(images, np.ndarray)
    assert images.dtype == np.float32
    assert ((images > 0) & (images < 1)).all()
    np.testing.assert_array_equal(images, model.sample(6, seed=3))
    assert not np.array_equal(images, model.sample(6, seed=4))
    with no_grad():
        z = normal(stream(3, "sample"), (6, L))
        np.testing.assert_array_equal(images, model.decode(z).mean.numpy())


@every_model
def test_first_samples_do_not_depend_on_how_many_are_asked_for(make):
    model = make()
    np.testing.assert_allclose(model.sample(2, seed=1), model.sample(7, seed=1)[:2], rtol=1e-5)


@every_model
def test_bytes_are_refused_where_floats_are_meant(make):
    """They would be pixels of up to 255, and no check of a gradient would notice."""
    model, bytes_ = make(), (batch() * 255).astype(np.uint8)
    for use in (model.encode, model.reconstruct, model.elbo):
        with pytest.raises(DataError, match="x holds bytes, up to 255; a model takes floats"):
            use(bytes_)


@every_model
def test_reconstruction_decodes_the_posterior_mean(make):
    model, x = make(), batch()
    np.testing.assert_array_equal(model.reconstruct(x), model.decode(model.encode(x).mean).mean.numpy(), strict=True)


@every_model
def test_pictures_leave_no_trace(make):
    """Sampling and reconstructing record no graph, draw nothing from the default stream, and put every mode back."""
    model = make()
    model.encoder.eval()
    expected = manual_seed(1).random()
    manual_seed(1)
    model.sample(2)
    model.reconstruct(batch())
    assert default_rng().random() == expected
    assert model.training
    assert model.decoder.training
    assert not model.encoder.training
    assert all(parameter.grad is None for parameter in model.parameters())


def test_dropout_is_off_in_pictures_and_on_again_after():
    model = dense()
    model.decoder.trunk = Sequential(Dropout(0.5), *model.decoder.trunk)
    np.testing.assert_array_equal(model.sample(3), model.sample(3))
    assert model.decoder.trunk[0].training


@every_model
def test_evaluation_records_nothing_and_ends_even_by_an_error(make):
    model = make()
    with evaluation(model):
        assert not any(module.training for module in model.modules())
        assert not model.elbo(batch()).loss.requires_grad
    with pytest.raises(ShapeError), evaluation(model):
        model.encode(np.zeros(3, np.float32))
    assert all(module.training for module in model.modules())
    assert model.elbo(batch()).loss.requires_grad


# --- seeds, configs, states ---------------------------------------------------------------------------------


@every_model
def test_seed_decides_the_weights(make):
    same, again, other = make(seed=1).state_dict(), make(seed=1).state_dict(), make(seed=2).state_dict()
    assert all(np.array_equal(same[name], again[name]) for name in same)
    assert not any(np.array_equal(same[name], other[name]) for name in same)


@every_model
@every_likelihood
def test_config_and_state_make_the_same_model(make, likelihood):
    model = make(likelihood=likelihood, seed=5)
    for parameter in model.parameters():
        parameter.data += 0.01
    config = json.loads(json.dumps(model.config))
    assert config == model.config
    twin = build(config)
    assert type(twin) is type(model)
    assert twin.config == config
    twin.load_state_dict(model.state_dict())
    np.testing.assert_array_equal(twin.reconstruct(batch()), model.reconstruct(batch()))
    np.testing.assert_array_equal(twin.sample(3), model.sample(3))
    assert repr(twin) == repr(model)


def test_a_state_of_another_architecture_is_refused():
    with pytest.raises(CheckpointError, match=r"wrong shape: encoder\.mu\.weight"):
        dense().load_state_dict(dense(latent_dim=L + 1).state_dict())
    with pytest.raises(CheckpointError, match="unexpected"):
        dense().load_state_dict(convolutional().state_dict())


def test_build_says_what_it_does_not_know():
    with pytest.raises(ConfigError, match="VAE, ConvVAE"):
        build({"type": "GAN"})
    with pytest.raises(ConfigError, match="'channels'; it has: image_shape, hidden"):
        build({"type": "VAE", "channels": [3]})
    with pytest.raises(ConfigError, match="unknown model None"):
        build({})
    assert build({"type": "VAE", "latent_dim": 2}).latent_dim == 2


@every_model
def test_printout_names_the_halves_and_counts(make):
    text = repr(make())
    for part in ("encoder", "decoder", "mu", "logvar", f"latent_dim={L}", "image_shape=(2, 8, 4)", "total parameters"):
        assert part in text
    assert f"{make().num_parameters():,}" in text


# --- what is refused ----------------------------------------------------------------------------------------


@every_model
@pytest.mark.parametrize("latent_dim", [0, -1, 2.5, "2", None, True])
def test_latent_dimension_must_be_a_positive_whole_number(make, latent_dim):
    with pytest.raises(ConfigError, match="latent_dim"):
        make(latent_dim=latent_dim)


@every_model
@pytest.mark.parametrize("image_shape", [(1, 0, 28), (1, -4, 4), (), 28, "28"])
def test_image_shape_must_be_positive_sizes(make, image_shape):
    with pytest.raises(ConfigError, match="image_shape"):
        make(image_shape=image_shape)


@every_model
def test_unknown_names_are_answered_with_the_known_ones(make):
    with pytest.raises(ConfigError, match="gaussian-learned"):
        make(likelihood="poisson")
    with pytest.raises(ConfigError, match="leaky_relu"):
        make(activation="swosh")


@every_model
@pytest.mark.parametrize(
    ("shape", "hint"),
    [
        ((5, 2, 8, 5), "expected (B, 2, 8, 4)"),
        ((5, 1, 8, 4), "x has 1 channels, the model 2"),
        ((2, 8, 4), "a batch of one: x[None]"),
        ((5, 64), "x.reshape(-1, 2, 8, 4)"),
        ((0, 2, 8, 4), "empty"),
        ((), "expected (B, 2, 8, 4)"),
    ],
)
def test_data_of_another_shape_are_refused(make, shape, hint):
    for method in ("encode", "elbo", "reconstruct", "check_data"):
        with pytest.raises(ShapeError) as error:
            getattr(make(), method)(np.zeros(shape, np.float32))
        assert hint in str(error.value)
        assert str(shape) in str(error.value)


@every_model
@pytest.mark.parametrize("shape", [(L,), (5, L + 1), (5, L, 1), ()])
def test_latents_of_another_shape_are_refused(make, shape):
    with pytest.raises(ShapeError, match=r"expected \(B, 3\)"):
        make().decode(np.zeros(shape, np.float32))


@every_model
@pytest.mark.parametrize("n", [0, -3, 1.5])
def test_number_of_samples_must_be_positive(make, n):
    with pytest.raises(ConfigError, match="sample: n is"):
        make().sample(n)


@every_model
@pytest.mark.parametrize(("likelihood", "bad"), [("bernoulli", 0.5), ("grey-bce", 1.5), ("gaussian", np.nan)])
def test_values_that_the_likelihood_cannot_produce_are_refused(make, likelihood, bad):
    model, x = make(likelihood=likelihood), batch()
    model.check_data(x)
    x[3, 0, 2, 1] = bad
    with pytest.raises(DataError):
        model.check_data(x)


@every_model
def test_noise_of_another_shape_is_refused(make):
    with pytest.raises(ShapeError, match=r"expected \(5, 3\)"):
        make().elbo(batch(), eps=np.zeros((5, 1), np.float32))


@every_model
def test_grey_pixels_under_bernoulli_are_refused_in_debug_mode(make):
    with pytest.raises(DataError, match="grey-bce"):
        make().elbo(batch() * np.float32(0.5))


@every_model
def test_bernoulli_output_is_logits(make):
    model = make()
    p = model.decode(np.zeros((1, L), np.float32))
    assert isinstance(p, Bernoulli)
    np.testing.assert_allclose(p.mean.numpy(), 1 / (1 + np.exp(-p.logits.numpy())), rtol=1e-6)
