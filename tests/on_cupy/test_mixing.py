"""A host array and a device array in one expression raise our error, which names the op and the fix."""

from __future__ import annotations

import numpy as np
import pytest

from minivae import ops
from minivae.autodiff import Tensor
from minivae.errors import BackendError
from minivae.layers import Dense
from minivae.models import VAE


@pytest.fixture
def host():
    return Tensor(np.ones((2, 3), np.float32))


@pytest.fixture
def device(host):
    return host.to("cupy")


@pytest.mark.parametrize(
    "expression",
    [
        lambda host, device: host + device,
        lambda host, device: device * host.data,
        lambda host, device: host.data * device,
        lambda host, device: device @ host.T,
        lambda host, device: ops.concat([host, device]),
        lambda host, device: ops.binary_cross_entropy_with_logits(device, host),
    ],
)
def test_two_backends_in_one_expression(expression, host, device):
    with pytest.raises(BackendError, match=r"on numpy.*on cupy|on cupy.*on numpy"):
        expression(host, device)


def test_a_host_batch_into_a_model_on_the_device(host):
    with pytest.raises(BackendError, match=r"dense: .*\.to\('numpy'\) or \.to\('cupy'\)"):
        Dense(3, 4)(host)
    model = VAE(image_shape=(3,), hidden=(4,), latent_dim=2)
    with pytest.raises(BackendError):
        model.elbo(host)


def test_numbers_and_numpy_scalars_are_welcome(device):
    for number in (2, 2.0, np.float32(2), np.float64(2), np.array(2.0)):
        assert (device * number).device == "cupy"
        assert (number * device).dtype == np.float32


def test_a_tensor_prints_where_it_is(device):
    assert "cupy" in repr(device)
    assert device.to("numpy").device == "numpy"
