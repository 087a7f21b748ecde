"""`Tensor`: an array that remembers how it was made."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minivae.autodiff.graph import Node, pull_back
from minivae.autodiff.mermaid import mermaid
from minivae.autodiff.mode import mode
from minivae.backend import BACKENDS, Array, array_module, backend_of, to_backend, to_numpy
from minivae.errors import DtypeError, GraphError, ShapeError


class Tensor:
    """An array on the CPU or the GPU, and the node of the graph that made it.

    Args:
        data: an array (kept as it is, not copied), a Tensor (its array alone, without the graph), a number, or nested
            lists. Lists, numbers and integers become float32.
        requires_grad: whether backward() shall leave the gradient of this tensor in `.grad`.
        dtype: the float dtype; by default the array's own.

    Attributes:
        data: the plain array.
        grad: the gradient after backward(), of the same shape and dtype; None before.
        requires_grad: whether this tensor, or one that it was made from, asks for a gradient.
    """

    __slots__ = ("__weakref__", "data", "grad", "node", "requires_grad")

    def __init__(self, data: Any, requires_grad: bool = False, dtype: Any = None) -> None:
        self.data: Array = as_array(data, dtype)
        self.grad: Array | None = None
        self.requires_grad = requires_grad
        self.node: Node | None = None

    # --- backward -----------------------------------------------------------------------------------------

    def backward(self, gradient: Any = None, retain_graph: bool = False) -> None:
        """Add to `.grad` of every leaf the derivative of this tensor with respect to it.

        Args:
            gradient: the cotangent to start from, of this tensor's shape; by default 1, for a scalar.
            retain_graph: keep the graph, so that backward() can be called once more.

        Raises:
            GraphError: there is nothing to differentiate, the graph was used up, or this is not a scalar.
            ShapeError, DtypeError: `gradient` does not have this tensor's shape or dtype.
        """
        for node, g, owned in pull_back(self.graph_node(), self._cotangent(gradient), retain_graph):
            tensor = node.tensor() if node.tensor is not None else None
            if tensor is None:
                continue
            xp = array_module(g)
            if tensor.grad is not None:
                tensor.grad = tensor.grad + g
            elif owned and not mode.debug:
                tensor.grad = xp.asarray(g)
            else:
                tensor.grad = xp.array(g, order="C")  # in debug mode g is read-only; whoever gets .grad may write to it

    def _cotangent(self, gradient: Any) -> Array:
        xp = array_module(self.data)
        if gradient is None:
            if self.data.size != 1:
                raise GraphError(
                    f"backward() starts from a scalar, this tensor has shape {self.shape}. Sum it first, or give "
                    "backward(gradient) a cotangent of that shape."
                )
            return xp.ones(self.shape, self.dtype)
        gradient = gradient.data if isinstance(gradient, Tensor) else xp.asarray(gradient)
        if gradient.shape != self.shape:
            raise ShapeError(f"backward: gradient has shape {gradient.shape}, this tensor has {self.shape}")
        if gradient.dtype != self.dtype:
            raise DtypeError(f"backward: gradient has dtype {gradient.dtype}, this tensor has {self.dtype}")
        return gradient.copy()

    def graph_node(self) -> Node:
        """This tensor's node; a leaf gets its own the first time it is asked for."""
        if self.node is None:
            if not self.requires_grad:
                raise GraphError(
                    "nothing here needs a gradient. Make the inputs with Tensor(x, requires_grad=True), and do not "
                    "compute inside no_grad()."
                )
            self.node = Node("leaf", (), self.data)
            self.node.tensor = weakref.ref(self)
        return self.node

    def retain_grad(self) -> Tensor:
        """Ask backward() to keep the gradient of this intermediate in `.grad` too; returns the tensor."""
        self.graph_node().tensor = weakref.ref(self)
        return self

    def zero_grad(self) -> None:
        """Forget the gradient."""
        self.grad = None

    def written_to(self) -> None:
        """To be called by whoever writes into `.data` of a leaf: graphs that were built on the old numbers end here.

        Their pullbacks may keep this very array, and would compute with the new numbers. backward() refuses instead.
        """
        if self.node is not None and self.node.op == "leaf":
            self.node.edges = None
            self.node = None

    def detach(self) -> Tensor:
        """The same array, cut off from the graph: no gradient passes through it."""
        return Tensor(self.data)

    def graph(self, values: bool = False, names: Mapping[str, Tensor] | None = None) -> str:
        """The graph behind this tensor as Mermaid text, which JupyterLab and code hosts draw.

        Args:
            values: also give the norm of the gradient that reaches each node (runs backward, changes no `.grad`).
            names: what to call the leaves, for instance `dict(model.named_parameters())`.
        """
        norms = None
        if values:
            walk = pull_back(self.graph_node(), self._cotangent(None), retain_graph=True)
            norms = {node: float((g.astype(np.float64) ** 2).sum() ** 0.5) for node, g, _ in walk}
        labels = {tensor.node: name for name, tensor in (names or {}).items() if tensor.node is not None}
        return mermaid(self.graph_node(), labels, norms)

    # --- the array ----------------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        return self.data.shape

    @property
    def dtype(self) -> np.dtype:
        """float32 or float64."""
        return self.data.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.data.ndim

    @property
    def size(self) -> int:
        """The number of entries."""
        return self.data.size

    @property
    def device(self) -> str:
        """'numpy' (CPU) or 'cupy' (GPU)."""
        return backend_of(self.data)

    def numpy(self) -> Array:
        """The values as a NumPy array (not a copy on the CPU; waits and copies from the GPU)."""
        return to_numpy(self.data)

    def item(self) -> float:
        """The single value as a Python float (waits for the GPU)."""
        if self.data.size != 1:
            raise ShapeError(f"item: only a tensor of one entry is one number, this one has shape {self.shape}")
        return self.data.item()

    def to(self, target: Any) -> Tensor:
        """A new leaf on another backend ('numpy', 'cupy') or of another dtype; this tensor stays as it is.

        Raises:
            GraphError: the tensor is the result of a recorded op; `detach()` it first.
        """
        if self.node is not None and self.node.op != "leaf":
            raise GraphError("to: moves leaves only; call detach() first, or move the inputs before computing")
        moved = to_backend(self.data, target) if target in BACKENDS else self.data.astype(_float_dtype(target))
        return Tensor(moved, self.requires_grad)

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __bool__(self) -> bool:
        return bool(self.item())

    def __format__(self, spec: str) -> str:
        """f"{loss:.3f}" formats the single value; f"{x}" prints the tensor."""
        return format(self.item(), spec) if spec else repr(self)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a 0-d tensor has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        for i in range(len(self)):
            yield self[i]

    def __repr__(self) -> str:
        values = np.array2string(self.numpy(), precision=4, threshold=100, edgeitems=2, separator=", ")
        kind = "leaf, requires_grad" if self.requires_grad else "constant"
        if self.node is not None and self.node.op != "leaf":
            kind = f"from {self.node.op}"
        device = "" if self.device == "numpy" else f", {self.device}"
        separator = "\n" if "\n" in values else " "
        return f"Tensor(shape={self.shape}, {self.dtype}, {kind}{device}){separator}{values}"

    def __getstate__(self) -> tuple[None, dict[str, Any]]:
        """For copy and pickle: the copy of a leaf is a leaf of its own, part of no graph.

        Raises:
            GraphError: the tensor is the result of a recorded op; `detach()` it first.
        """
        if self.node is not None and self.node.op != "leaf":
            raise GraphError(f"the result of {self.node.op!r} cannot be copied with its graph; call detach() first")
        return None, {"data": self.data, "grad": self.grad, "requires_grad": self.requires_grad, "node": None}

    # --- meeting NumPy ------------------------------------------------------------------------------------

    __array_priority__ = 1000  # CuPy asks for it

    def __array__(self, *args: Any, **kwargs: Any) -> Array:
        raise TypeError(
            "NumPy was asked to turn a Tensor into an array, which would silently leave the graph. "
            "Use the function of the same name from minivae.ops, or say so: tensor.numpy()."
        )

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function in (np.shape, np.ndim, np.size):
            return getattr(args[0], function.__name__)
        raise _left_the_graph(function)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """`array + tensor` reaches NumPy first; hand it on. Any other NumPy function on a Tensor is an error."""
        operator = _OPERATORS.get(ufunc.__name__)
        if method == "__call__" and operator and not kwargs:
            if isinstance(inputs[0], Tensor):
                return getattr(inputs[0], operator[0])(inputs[1])
            return getattr(inputs[1], operator[1])(inputs[0])
        raise _left_the_graph(ufunc)

    __hash__ = object.__hash__

    if TYPE_CHECKING:  # attached by minivae/ops/operators.py, so that this file knows no op
        __add__: Callable[..., Tensor]
        __radd__: Callable[..., Tensor]
        __sub__: Callable[..., Tensor]
        __rsub__: Callable[..., Tensor]
        __mul__: Callable[..., Tensor]
        __rmul__: Callable[..., Tensor]
        __truediv__: Callable[..., Tensor]
        __rtruediv__: Callable[..., Tensor]
        __pow__: Callable[..., Tensor]
        __rpow__: Callable[..., Tensor]
        __matmul__: Callable[..., Tensor]
        __rmatmul__: Callable[..., Tensor]
        __neg__: Callable[..., Tensor]
        __abs__: Callable[..., Tensor]

        def __getitem__(self, index: Any) -> Tensor: ...

        __lt__: Callable[[Any], Array]
        __le__: Callable[[Any], Array]
        __gt__: Callable[[Any], Array]
        __ge__: Callable[[Any], Array]
        sum: Callable[..., Tensor]
        mean: Callable[..., Tensor]
        var: Callable[..., Tensor]
        max: Callable[..., Tensor]
        min: Callable[..., Tensor]
        exp: Callable[..., Tensor]
        log: Callable[..., Tensor]
        sqrt: Callable[..., Tensor]
        square: Callable[..., Tensor]
        abs: Callable[..., Tensor]
        tanh: Callable[..., Tensor]
        sigmoid: Callable[..., Tensor]
        relu: Callable[..., Tensor]
        reshape: Callable[..., Tensor]
        permute: Callable[..., Tensor]
        flatten: Callable[..., Tensor]
        T: Tensor


_OPERATORS = {
    "add": ("__add__", "__radd__"),
    "subtract": ("__sub__", "__rsub__"),
    "multiply": ("__mul__", "__rmul__"),
    "divide": ("__truediv__", "__rtruediv__"),
    "power": ("__pow__", "__rpow__"),
    "matmul": ("__matmul__", "__rmatmul__"),
    "less": ("__lt__", "__gt__"),
    "less_equal": ("__le__", "__ge__"),
    "greater": ("__gt__", "__lt__"),
    "greater_equal": ("__ge__", "__le__"),
    "equal": ("__eq__", "__eq__"),
    "not_equal": ("__ne__", "__ne__"),
}


def _left_the_graph(function: Any) -> TypeError:
    return TypeError(
        f"np.{function.__name__} was called on a Tensor, which would silently leave the graph. "
        "Use the function from minivae.ops, or tensor.numpy() for the plain array."
    )


def as_array(data: Any, dtype: Any = None) -> Array:
    """A plain float array: Tensors are unwrapped, float arrays kept as they are, other numbers become float32.

    Raises:
        DtypeError: the data are not real numbers, or `dtype` is not a float's.
    """
    if isinstance(data, Tensor):
        data = data.data
    elif isinstance(data, Sequence) and any(isinstance(item, Tensor) for item in data):
        raise TypeError("a list of Tensors does not make a Tensor; use minivae.ops.stack, which keeps the graph")
    array = array_module(data).asarray(data)
    if array.dtype.kind not in "fiub":
        raise DtypeError(f"a Tensor is made of real numbers; this {type(data).__name__} holds {array.dtype}")
    if dtype is not None:
        return array.astype(_float_dtype(dtype), copy=False)
    return array if array.dtype.kind == "f" and hasattr(data, "dtype") else array.astype(np.float32)


def _float_dtype(dtype: Any) -> np.dtype:
    try:
        wanted = np.dtype(dtype)
    except TypeError:
        wanted = None
    if wanted is None or wanted.kind != "f":
        raise DtypeError(f"a Tensor holds float32 or float64, or moves to 'numpy' or 'cupy'; got {dtype!r}")
    return wanted
