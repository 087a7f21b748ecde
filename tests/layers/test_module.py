from __future__ import annotations

import copy

import numpy as np
import pytest

from minivae.autodiff import Tensor
from minivae.errors import CheckpointError
from minivae.layers import BatchNorm, Buffer, Dense, Module, Parameter, ReLU, Sequential
from minivae.optim import Adam


class Pair(Module):
    """Forgets super().__init__() on purpose."""

    def __init__(self, first: Module, second: Module) -> None:
        self.first = first
        self.scale = Parameter(2.0)
        self.second = second
        self.count = Buffer(np.zeros(3))

    def forward(self, x):
        return self.second(self.first(x)) * self.scale


class Lists(Module):
    def __init__(self) -> None:
        self.blocks = [Dense(2, 3), (Dense(3, 3, bias=False), ReLU())]
        self.heads = {"mean": Dense(3, 1), "logvar": Dense(3, 1)}
        self.offsets = [Parameter(np.zeros(4)), "not a module", 7]


def small() -> Pair:
    return Pair(Sequential(Dense(3, 4), ReLU()), Dense(4, 2))


def test_parameters_come_in_definition_order_with_dotted_names():
    assert [name for name, _ in small().named_parameters()] == [
        "first.0.weight",
        "first.0.bias",
        "scale",
        "second.weight",
        "second.bias",
    ]


def test_parameters_in_lists_tuples_and_dicts_are_found():
    assert [name for name, _ in Lists().named_parameters()] == [
        "blocks.0.weight",
        "blocks.0.bias",
        "blocks.1.0.weight",
        "heads.mean.weight",
        "heads.mean.bias",
        "heads.logvar.weight",
        "heads.logvar.bias",
        "offsets.0",
    ]


def test_shared_parameter_appears_once_under_its_first_name():
    encoder, decoder = Dense(3, 3), Dense(3, 3)
    decoder.weight = encoder.weight
    model = Pair(encoder, decoder)
    names = [name for name, _ in model.named_parameters()]
    assert names == ["first.weight", "first.bias", "scale", "second.bias"]
    assert model.num_parameters() == 9 + 3 + 1 + 3
    assert Pair(encoder, encoder).num_parameters() == 9 + 3 + 1


def test_a_module_that_refers_back_to_its_parent_is_walked_once():
    model = small()
    model.first.parent = model
    assert len(model.parameters()) == 5


def test_a_parameter_assigned_later_replaces_the_old_one():
    model = small()
    model.scale = Parameter(np.ones(2))
    assert model.num_parameters() == 12 + 4 + 2 + 8 + 2


def test_parameter_owns_its_array():
    given = np.zeros((3, 2), np.float32)
    parameter = Parameter(given.T)
    given += 1
    np.testing.assert_array_equal(parameter.data, np.zeros((2, 3)))
    assert parameter.data.flags.c_contiguous
    assert parameter.requires_grad
    assert not Buffer(given).requires_grad


def test_gradient_of_every_parameter_arrives():
    model = small()
    model(Tensor(np.ones((5, 3), np.float32))).sum().backward()
    assert all(parameter.grad.shape == parameter.shape for parameter in model.parameters())
    model.zero_grad()
    assert all(parameter.grad is None for parameter in model.parameters())


def test_train_and_eval_reach_every_module():
    model = Pair(Sequential(Dense(3, 4), Sequential(ReLU())), Dense(4, 2))
    assert model.eval() is model
    assert not any(module.training for module in model.modules())
    assert all(module.training for module in model.train().modules())
    assert len(model.modules()) == 6
    assert Pair(ReLU(), ReLU()).training  # other instances are not touched


def test_state_dict_is_a_host_copy_that_training_does_not_change():
    model = small()
    state = model.state_dict()
    assert list(state) == ["first.0.weight", "first.0.bias", "scale", "second.weight", "second.bias", "count"]
    before = state["scale"].copy()
    model.scale.data += 1
    np.testing.assert_array_equal(state["scale"], before)
    state["second.bias"] += 5
    assert np.all(np.abs(model.second.bias.data) < 1)


def test_load_state_dict_restores_to_the_bit_and_keeps_the_objects():
    source, target = small(), small()
    objects, arrays = target.parameters(), [p.data for p in target.parameters()]
    source.count.data += 3
    target.load_state_dict(source.state_dict())
    for name, array in source.state_dict().items():
        np.testing.assert_array_equal(target.state_dict()[name], array)
    assert all(a is b for a, b in zip(target.parameters(), objects, strict=True))
    assert all(p.data is array for p, array in zip(target.parameters(), arrays, strict=True))


def test_load_state_dict_lists_every_problem_and_loads_nothing():
    model = small()
    before = model.state_dict()
    state = model.state_dict()
    state["extra"] = np.zeros(2)
    del state["scale"]
    state["first.0.weight"] = np.zeros((4, 3), np.float32)
    state["second.bias"] = np.zeros(2, np.float64)
    state["count"] = [0.0, 0.0, 0.0]
    state["second.weight"] += 1
    with pytest.raises(CheckpointError) as error:
        model.load_state_dict(state)
    for part in (
        "missing: scale ()",
        "unexpected: extra (2,)",
        "wrong shape: first.0.weight is (4, 3), expected (3, 4)",
        "wrong dtype: second.bias is float64, expected float32",
        "not an array: count is a list",
    ):
        assert part in str(error.value)
    for name, array in before.items():
        np.testing.assert_array_equal(model.state_dict()[name], array)


def test_to_dtype_moves_everything_and_keeps_the_parameter_objects():
    model = small()
    model(np.ones((5, 3), np.float32)).sum().backward()
    objects = model.parameters()
    assert model.to(np.float64) is model
    assert all(a is b for a, b in zip(model.parameters(), objects, strict=True))
    assert all(array.dtype == np.float64 for array in model.state_dict().values())
    assert all(parameter.grad is None for parameter in model.parameters())
    model(np.ones((5, 3))).sum().backward()  # no node remembers float32
    assert all(parameter.grad.dtype == np.float64 for parameter in model.parameters())
    assert model.to("numpy").scale.device == "numpy"


def test_an_optimiser_made_before_to_still_steps_the_same_parameters():
    model = small()
    optimiser = Adam(model.parameters())
    model.to(np.float64)
    before = model.state_dict()
    model(np.ones((5, 3))).sum().backward()
    optimiser.step()
    assert not np.array_equal(model.state_dict()["second.weight"], before["second.weight"])


def test_repr_shows_the_tree_settings_and_counts():
    text = repr(Pair(Sequential(Dense(3, 4), ReLU()), Dense(4, 2, bias=False)))
    expected = """
Pair                                                         1
  first: Sequential
    0: Dense(in_features=3, out_features=4)                 16
    1: ReLU
  second: Dense(in_features=4, out_features=2, bias=False)   8
total parameters                                            25 (and 3 numbers in buffers)
"""
    assert text == expected.strip()
    assert repr(ReLU()) == "ReLU"
    assert "BatchNorm(num_features=4, momentum=0.2)" in repr(BatchNorm(4, momentum=0.2))


def test_a_module_without_forward_says_so():
    class Empty(Module):
        pass

    with pytest.raises(NotImplementedError, match="Empty has no forward"):
        Empty()(1.0)


def test_a_copied_model_learns_by_itself():
    x = np.ones((3, 2), np.float32)
    model = Sequential(Dense(2, 3), ReLU(), Dense(3, 1))
    model(x).sum().backward()
    twin = copy.deepcopy(model)
    twin.zero_grad()
    before = [p.grad.copy() for p in model.parameters()]
    (2 * twin(x)).sum().backward()
    for p, q, gradient in zip(model.parameters(), twin.parameters(), before, strict=True):
        np.testing.assert_array_equal(p.grad, gradient)
        np.testing.assert_array_equal(q.grad, 2 * gradient)


def test_a_state_may_be_made_of_tensors():
    a, b = Dense(2, 3), Dense(2, 3)
    b.load_state_dict(dict(a.named_parameters()))
    assert b.weight.data.tolist() == a.weight.data.tolist()
    assert b.weight.data is not a.weight.data
