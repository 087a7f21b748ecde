"""Options at their limits, and inputs at the edge of what an op takes."""

from __future__ import annotations

import numpy as np
import pytest

from minivae import ops
from minivae.autodiff import Tensor, debug
from minivae.errors import ConfigError, DataError, ShapeError


def test_elu_with_alpha_0_is_relu():
    """Below 0 it is flat: the slope there is α eˣ = 0, not eˣ."""
    x = Tensor(np.array([-2.0, -0.5, 0.5, 2.0]), requires_grad=True)
    y = ops.elu(x, alpha=0.0)
    y.sum().backward()
    np.testing.assert_array_equal(y.data, [0, 0, 0.5, 2])
    np.testing.assert_array_equal(x.grad, [0, 0, 1, 1])


@pytest.mark.no_debug
@pytest.mark.parametrize("label", [-1, 3, 255])
def test_a_label_that_is_no_class_is_refused_outside_debug_mode_too(label):
    """Its one-hot row would be all zeros, and the loss that of no class at all, silently."""
    for labels in (np.array([0, label]), np.array([label, 0])):
        with debug(False), pytest.raises(DataError, match=r"labels must lie in 0 \.\.\. 2"):
            ops.cross_entropy(np.zeros((2, 3)), labels)


def test_a_product_with_a_single_number_is_refused_on_either_side():
    for x, y in [(np.ones((2, 2)), np.array(3.0)), (np.array(3.0), np.ones((2, 2)))]:
        with pytest.raises(ShapeError, match="single number is no matrix"):
            ops.matmul(x, y)


def test_a_shape_is_given_as_a_whole_or_length_by_length_not_both():
    x = Tensor(np.arange(6.0))
    assert x.reshape((2, 3)).shape == x.reshape(2, 3).shape == (2, 3)
    with pytest.raises((ShapeError, TypeError)):
        x.reshape((2, 3), 4)
    with pytest.raises((ShapeError, TypeError)):
        x.reshape(2, 3).permute((1, 0), 5)


def test_every_axis_may_be_padded_and_all_of_one_may_be_cut_off():
    x = np.arange(24.0).reshape(2, 3, 4)
    np.testing.assert_array_equal(ops.pad(x, (1, 0, 0, 2, 3, 1)).data, np.pad(x, ((3, 1), (0, 2), (1, 0))))
    assert ops.pad(x, (-4, 0)).shape == (2, 3, 0)
    assert ops.pad(x, ()).shape == (2, 3, 4)
    for widths, shape in [((0, 0), ()), ((1, 1, 1, 1), (3,)), ((-5, 0), (4,)), ((1,), (4,))]:
        with pytest.raises(ShapeError, match="pad: "):
            ops.pad(np.zeros(shape), widths)


@pytest.mark.parametrize("n", [0, 1, 3, 4])
def test_parts_of_a_length_that_does_not_divide_the_axis(n):
    x = np.arange(float(n))
    parts = ops.split(Tensor(x), 3)
    assert [part.shape for part in parts] == {0: [(0,)], 1: [(1,)], 3: [(3,)], 4: [(3,), (1,)]}[n]
    np.testing.assert_array_equal(ops.concat(parts).data, x)


def test_the_first_index_out_of_range_is_named():
    with pytest.raises(ShapeError, match="index 9 is out of range for dim 0"):
        ops.getitem(np.arange(5.0), np.array([1, 9, -7]))


NORMS = {
    "batch_norm": (ops.batch_norm, (1, 4)),
    "group_norm": (lambda x: ops.group_norm(x, num_groups=4), (3, 4)),
    "layer_norm": (ops.layer_norm, (5, 1)),
}


@pytest.mark.parametrize("name", NORMS)
def test_one_entry_by_itself_is_its_own_mean(name):
    """So it is standardised to 0, and no gradient passes."""
    f, shape = NORMS[name]
    x = Tensor(np.arange(1.0, 1.0 + np.prod(shape)).reshape(shape), requires_grad=True)
    y = f(x)
    y.backward(np.ones(shape))
    np.testing.assert_array_equal(y.data, 0)
    np.testing.assert_array_equal(x.grad, 0)


@pytest.mark.parametrize("name", NORMS)
def test_nothing_is_standardised_to_nothing(name):
    """Without a division by 0; the tests turn NumPy's warning of one into an error."""
    f, _ = NORMS[name]
    for shape in [(0, 4), (3, 4, 0)]:
        assert f(np.zeros(shape)).shape == shape


@pytest.mark.parametrize("groups", [0, -1, -2, 3])
def test_groups_are_one_or_more_and_divide_the_channels(groups):
    with pytest.raises(ShapeError, match="must divide the number of channels"):
        ops.group_norm(np.zeros((2, 4)), num_groups=groups)


def test_a_pooling_window_must_have_an_entry_in_the_image():
    """Dilated by 2 in height alone, the only window on one row has its entries above and below it."""
    with pytest.raises(ShapeError, match="in the padding alone"):
        ops.max_pool2d(np.zeros((1, 1, 1, 4)), 2, padding=(1, 0), dilation=(2, 1))
    for options in ({"padding": -1}, {"dilation": 0}, {"stride": 0}):
        with pytest.raises(ConfigError, match="expected a whole number of at least"):
            ops.max_pool2d(np.zeros((1, 1, 6, 6)), 2, **options)


@pytest.mark.parametrize(
    "f",
    [
        lambda x, a: ops.clip(x, min=a),
        lambda x, a: ops.clip(x, max=a),
        ops.leaky_relu,
        ops.elu,
        lambda x, a: ops.dropout(x, np.ones(2), a),
        lambda x, a: ops.pad(x, (1, 1), a),
        lambda x, a: ops.layer_norm(x.reshape(1, 2), eps=a),
        lambda x, a: ops.batch_norm(x.reshape(2, 1), eps=a),
        lambda x, a: ops.group_norm(x.reshape(1, 2), eps=a),
    ],
)
@pytest.mark.no_debug
def test_an_option_that_is_a_numpy_number_does_not_change_the_dtype(f):
    x = Tensor(np.array([-1, 2], np.float32), requires_grad=True)
    y = f(x, np.sqrt(0.25))
    y.sum().backward()
    assert y.dtype == x.grad.dtype == np.float32
