"""What a Tensor is made from, what it prints, how it becomes a plain array again."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from minivae import ops
from minivae.autodiff import Tensor
from minivae.errors import BackendError, DtypeError, GraphError, ShapeError


def test_lists_numbers_and_integers_become_float32():
    for data in ([1, 2], 3, 3.0, np.arange(2), [True, False]):
        assert Tensor(data).dtype == np.float32


def test_float_arrays_are_kept_without_a_copy():
    for dtype in (np.float32, np.float64):
        data = np.ones(3, dtype)
        assert Tensor(data).data is data


def test_dtype_may_be_chosen_among_floats():
    assert Tensor([1, 2], dtype=np.float64).dtype == np.float64
    assert Tensor(np.ones(2), dtype="float32").dtype == np.float32
    with pytest.raises(DtypeError, match="int64"):
        Tensor([1], dtype=np.int64)
    with pytest.raises(DtypeError, match="nonsense"):
        Tensor([1]).to("nonsense")


def test_a_list_of_tensors_is_refused_and_stack_named():
    with pytest.raises(TypeError, match="stack"):
        Tensor([Tensor(1.0), Tensor(2.0)])


def test_it_prints_shape_dtype_origin_and_values():
    x = Tensor([1.0, 2.0], requires_grad=True)
    assert repr(x) == "Tensor(shape=(2,), float32, leaf, requires_grad) [1., 2.]"
    assert repr(x * 2) == "Tensor(shape=(2,), float32, from mul) [2., 4.]"
    assert repr(Tensor(0.5)) == "Tensor(shape=(), float32, constant) 0.5"


def test_a_large_tensor_prints_in_a_few_lines():
    assert len(repr(Tensor(np.zeros((100, 100)))).splitlines()) < 8


def test_conversions():
    assert float(Tensor(2.5)) == 2.5
    assert int(Tensor([2.0])) == 2
    assert bool(Tensor(1.0)) is True
    assert Tensor([[1, 2]]).numpy().tolist() == [[1, 2]]
    with pytest.raises(ShapeError, match=r"\(2,\)"):
        Tensor([1, 2]).item()
    with pytest.raises(TypeError, match="0-d"):
        len(Tensor(1.0))


def test_iteration_ends_and_keeps_the_graph():
    x = Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    rows = list(x)
    assert len(rows) == len(x) == 2
    rows[1].sum().backward()
    assert x.grad.tolist() == [[0, 0], [1, 1]]


def test_to_makes_a_new_leaf():
    x = Tensor([1.0, 2.0], requires_grad=True)
    y = x.to(np.float64)
    assert y.dtype == np.float64
    assert y.requires_grad
    assert x.dtype == np.float32
    with pytest.raises(GraphError, match="detach"):
        (x * 2).to(np.float64)


def test_to_cupy_without_cupy_says_what_is_missing():
    try:
        import cupy  # noqa: F401
    except ImportError:
        with pytest.raises(BackendError, match=r"minivae\[cuda13\]"):
            Tensor([1.0]).to("cupy")
    else:
        assert Tensor([1.0]).to("cupy").device == "cupy"


def test_the_graph_as_mermaid_has_ops_shapes_names_and_edges():
    x = Tensor(np.ones((2, 3)), requires_grad=True)
    text = (ops.exp(x).sum() * 2).graph(names={"input": x})
    assert text.startswith("flowchart TD")
    for part in ("input", "2×3 float64", "exp", "sum", "scalar float64", "n0 --> n1", "n2 --> n3"):
        assert part in text


def test_the_graph_with_values_gives_gradient_norms_and_changes_no_grad():
    x = Tensor(np.full(4, 2.0), requires_grad=True)
    loss = (x * x).sum()
    text = loss.graph(values=True)
    assert "gradient norm 8" in text  # |2x| = √(4·16)
    assert "gradient norm 2" in text  # the cotangent of x·x: four ones
    assert x.grad is None
    loss.backward()  # the graph is still there
    assert np.array_equal(x.grad, 2 * x.data)


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_the_copy_of_a_leaf_is_a_leaf_of_its_own(again):
    x = Tensor([1.0, 2.0], requires_grad=True)
    (3 * x).sum().backward()  # now x has a node, which the copy must not share
    y = again(x)
    assert np.array_equal(y.grad, x.grad)
    y.zero_grad()
    (5 * y).sum().backward()
    assert x.grad.tolist() == [3, 3]
    assert y.grad.tolist() == [5, 5]
    with pytest.raises(GraphError, match=r"'mul'.*detach"):
        again(x * 2)


def test_a_single_value_is_formatted_like_a_number():
    assert f"{Tensor(2.0).exp():.3f}" == "7.389"
    assert f"{Tensor([1.0])}" == repr(Tensor([1.0]))
    with pytest.raises(ShapeError, match=r"\(2,\)"):
        f"{Tensor([1.0, 2.0]):.3f}"


@pytest.mark.parametrize("data", [None, [1.0, None], "1", 1j, np.array([1 + 2j])])
@pytest.mark.parametrize("dtype", [None, np.float64])
def test_what_is_not_a_real_number_is_refused(data, dtype):
    """NumPy makes NaN of None, and drops an imaginary part."""
    with pytest.raises(DtypeError, match="real numbers"):
        Tensor(data, dtype=dtype)
