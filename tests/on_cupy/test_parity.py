"""Everything in the self-check catalogue gives on CuPy what it gives on NumPy, and stays on the device."""

from __future__ import annotations

import numpy as np
import pytest

import minivae as mv
from minivae.autodiff import Tensor
from minivae.backend import backend_of, to_backend, to_numpy
from minivae.random import stream
from minivae.selfcheck import catalogue

CASES = {f"{case.group} {case.name}": case for case in catalogue()}


def value_and_gradients(case, backend, dtype):
    """What the case's function and its backward pass give, as arrays on that backend."""
    mv.use(backend)
    check = case.build(case.target, stream(0, case.name))
    inputs = [Tensor(to_backend(x.astype(dtype), backend), requires_grad=True) for x in check.inputs.values()]
    y = check.f(*inputs)
    y.backward(to_backend(stream(1).standard_normal(y.shape).astype(dtype), backend))
    names = ["value", *check.inputs]
    return dict(zip(names, [y.data, *(x.grad for x in inputs)], strict=True))


@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients_equal_numpys_and_stay_on_the_device(name):
    expected = value_and_gradients(CASES[name], "numpy", np.float64)
    found = value_and_gradients(CASES[name], "cupy", np.float64)
    for part, array in found.items():
        if expected[part] is None:  # no gradient flows there on either
            assert array is None
            continue
        assert backend_of(array) == "cupy", part
        assert array.dtype == np.float64, part
        scale = np.abs(expected[part]).max() if expected[part].size else 0
        np.testing.assert_allclose(to_numpy(array), expected[part], rtol=1e-10, atol=1e-12 * scale, err_msg=part)


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("op ")])
def test_float32_stays_float32_on_the_device(name):
    for part, array in value_and_gradients(CASES[name], "cupy", np.float32).items():
        if array is not None:
            assert array.dtype == np.float32, part
            assert backend_of(array) == "cupy", part
