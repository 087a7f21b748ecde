"""`@primitive`: makes a differentiable op out of a function on plain arrays.

The function returns its value and, beside it, one pullback for each differentiable argument:

    @primitive
    def mul(x: Array, y: Array) -> Forward:
        \"\"\"x · y.  d/dx = y, d/dy = x.\"\"\"
        return x * y, (lambda g: g * y, lambda g: g * x)

The differentiable arguments are those annotated `Array` (or `np.ndarray`; without annotations, those without a
default); they come first. What comes after them are options, handed on as they are, only NumPy's numbers as Python's.
With one differentiable argument the pullback needs no tuple. `None` in place of a pullback says that the derivative is
zero. A pullback returns a new array, or g itself or a view of it, never one that it keeps: what it returns may be added
to in place.

Once, for every op, the machinery around it unwraps the Tensors, gives plain numbers the dtype of the arrays beside
them, refuses two float dtypes or two backends in one expression, records the pullbacks that somebody will need, and
undoes broadcasting on the way back. An op's own code is mathematics alone.
"""

from __future__ import annotations

import functools
import inspect
import linecache
import os
import re
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from minivae.autodiff.graph import Node, Pullback, freeze
from minivae.autodiff.mode import mode
from minivae.autodiff.tensor import Tensor
from minivae.backend import Array, array_module, backend_of
from minivae.errors import BackendError, DtypeError, GraphError, NonFiniteError, ShapeError

Forward = tuple[Array, Pullback | tuple[Pullback | None, ...] | None]
"""What a primitive returns: its value, and its pullback or a tuple of them."""

PRIMITIVES: dict[str, Callable[..., Tensor]] = {}
"""Every op of minivae by name (a learner's own primitives are not in it)."""

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


def primitive(forward: Callable[..., Forward]) -> Callable[..., Tensor]:
    """Turn `forward` (plain arrays in, value and pullbacks out) into an op on Tensors. See this file's docstring."""
    name = forward.__name__.strip("_")
    parameters = list(inspect.signature(forward).parameters.values())
    arguments = [p for p in parameters if _is_differentiable(p)]
    if not arguments or parameters[: len(arguments)] != arguments:
        raise TypeError(
            f"primitive {name!r}: annotate the differentiable arguments with `Array` and put them first; "
            f"got ({', '.join(map(str, parameters))})"
        )
    variadic = arguments[0].kind is inspect.Parameter.VAR_POSITIONAL
    n = len(arguments)

    @functools.wraps(forward)
    def op(*args: Any, **options: Any) -> Tensor:
        if variadic:
            operands, rest = args, ()
        else:
            if options or len(args) < n:
                args = _positional(args, options, arguments, name)
            operands, rest = args[:n], args[n:]
        if rest or options:
            rest = tuple(map(_python_number, rest))
            options = {key: _python_number(option) for key, option in options.items()}

        plain = []
        first = None
        alike, tracked = True, False
        for operand in operands:
            if isinstance(operand, Tensor):
                data = operand.data
                plain.append(data)
                if first is None:
                    first = data
                elif data.dtype is not first.dtype or type(data) is not type(first):
                    alike = False
                tracked = tracked or operand.requires_grad
            else:
                alike = False
        if not alike:
            plain = _reconcile(operands, arguments, name)
        debug = mode.debug
        if debug:
            plain = [_read_only(array) for array in plain]

        try:
            returned = forward(*plain, *rest, **options)
        except (ValueError, IndexError) as error:
            if str(error).startswith(f"{name}:"):  # the op said it itself, and chose the kind of error
                raise
            raise _explained(error, forward, arguments, plain, name) from error

        if not isinstance(returned, tuple) or len(returned) != 2:
            given = f"{len(returned)} things" if isinstance(returned, tuple) else f"one {type(returned).__name__}"
            raise TypeError(
                f"{name}: returned {given}; expected two things, the value and its pullback (or a tuple of them):  "
                "return y, lambda g: ..."
            )
        value, pullbacks = returned
        if type(value) is not np.ndarray:
            value = np.asarray(value) if isinstance(value, np.generic) else _plain_array(value, name)
        out = Tensor.__new__(Tensor)
        out.data, out.grad, out.requires_grad, out.node = value, None, False, None
        if tracked and mode.record:
            out.requires_grad = True
            out.node = Node(name, _edges(operands, pullbacks, name), value)
        if debug:
            _inspect(out, arguments, plain, name)
        return out

    if forward.__module__.startswith("minivae."):
        PRIMITIVES[name] = op
    return op


def _python_number(option: Any) -> Any:
    """An option that is a NumPy number, as Python's: that one takes the dtype of the arrays it meets."""
    return option.item() if isinstance(option, np.generic) else option


def _plain_array(value: Any, name: str) -> Array:
    """The value, if it is a plain array; CuPy's and subclasses of NumPy's come here."""
    if isinstance(value, Tensor) or not hasattr(value, "dtype"):
        raise TypeError(
            f"{name}: its value is a {type(value).__name__}; expected a plain array, computed from the plain arrays "
            "that it is given"
        )
    return value


def _is_differentiable(parameter: inspect.Parameter) -> bool:
    annotation = parameter.annotation
    if annotation is inspect.Parameter.empty:
        return parameter.default is inspect.Parameter.empty
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    return re.match(r"(\w+\.)*(Array|ndarray|NDArray)\b", text) is not None


def _positional(args: tuple, options: dict, arguments: list[inspect.Parameter], name: str) -> tuple:
    """Move differentiable arguments that were given by keyword, or left out, into their places."""
    given = list(args)
    for parameter in arguments[len(args) :]:
        if parameter.name in options:
            given.append(options.pop(parameter.name))
        elif parameter.default is not inspect.Parameter.empty:
            given.append(parameter.default)
        else:
            raise TypeError(f"{name}: the argument {parameter.name!r} is missing")
    return tuple(given)


def _edges(operands: tuple, pullbacks: Any, name: str) -> tuple[tuple[Node, Pullback], ...]:
    """Where the cotangent goes: one edge for each Tensor that needs a gradient."""
    if not isinstance(pullbacks, tuple):
        pullbacks = (pullbacks,)
    if len(pullbacks) != len(operands):
        raise GraphError(f"{name}: {len(operands)} differentiable arguments, {len(pullbacks)} pullbacks")
    edges = []
    for operand, pullback in zip(operands, pullbacks):  # noqa: B905  (the lengths were just compared)
        if isinstance(operand, Tensor) and operand.requires_grad and pullback is not None:
            edges.append((operand.node or operand.graph_node(), pullback))
    return tuple(edges)


def _reconcile(operands: tuple, arguments: list[inspect.Parameter], name: str) -> list:
    """The plain arrays of the operands, of one dtype and on one backend.

    Numbers, 0-d arrays and integer arrays take the dtype of the Tensors and float arrays beside them (float32 where
    there are none). Two float dtypes, or two backends, are refused.
    """
    plain = [operand.data if isinstance(operand, Tensor) else operand for operand in operands]
    tensors = [operand.data for operand in operands if isinstance(operand, Tensor)]
    floats = tensors or sorted(
        (a for a in plain if _kind(a) == "f"), key=lambda a: a.ndim == 0
    )  # arrays before 0-d ones, which decide only where they are alone
    dtype = floats[0].dtype if floats else np.dtype(np.float32)
    for i, (operand, value) in enumerate(zip(operands, plain, strict=True)):
        if isinstance(value, (float, int)) or (isinstance(operand, np.ndarray) and operand.ndim == 0):
            plain[i] = dtype.type(value)  # a NumPy scalar, which both backends take
            continue
        kind = "f" if isinstance(operand, Tensor) else _kind(value)
        if kind is None:
            optional = value is None and arguments[min(i, len(arguments) - 1)].default is None
            if not optional:
                held = f" of {value.dtype}" if hasattr(value, "dtype") else ""
                given = f"{type(value).__module__}.{type(value).__name__}".removeprefix("builtins.") + held
                raise TypeError(f"{name}: {_label(arguments, i)} is a {given}; expected a Tensor, an array or a number")
        elif kind != "f" or (value.ndim == 0 and operand is value):
            plain[i] = value.astype(dtype)
        elif value.dtype != dtype:
            raise DtypeError(
                f"{name}: {_label(arguments, i)} is {value.dtype}, but another argument is {dtype}; one expression, "
                "one dtype. The usual cause: a float32 array times np.sqrt(2) is float64 since NumPy 2 (use "
                "math.sqrt), or an array was made without dtype=. Convert it with .astype(...) or "
                "Tensor(..., dtype=...)."
            )
    if "cupy" in sys.modules:
        _refuse_two_backends(plain, arguments, name)
    return plain


def _kind(value: Any) -> str | None:
    """NumPy's letter for an array of real numbers: f(loat), i(nt), u(nsigned) or b(ool); None for all else."""
    kind = getattr(getattr(value, "dtype", None), "kind", None)  # the dtype of other libraries has no kind
    return kind if kind in ("f", "i", "u", "b") else None


def _refuse_two_backends(plain: list, arguments: list[inspect.Parameter], name: str) -> None:
    arrays = [(i, a) for i, a in enumerate(plain) if hasattr(a, "ndim") and not isinstance(a, np.generic)]
    places = {_label(arguments, i): backend_of(a) for i, a in arrays}
    if len(set(places.values())) > 1:
        where = ", ".join(f"{label} on {backend}" for label, backend in places.items())
        raise BackendError(
            f"{name}: arrays of two backends in one expression ({where}). Move one with .to('numpy') or .to('cupy')."
        )


def _label(arguments: list[inspect.Parameter], i: int) -> str:
    """The name of the i-th operand, for an error message."""
    last = arguments[-1]
    return f"{last.name}[{i}]" if last.kind is inspect.Parameter.VAR_POSITIONAL else arguments[i].name


def _read_only(array: Any) -> Any:
    """A view that cannot be written to: an op must not change its inputs."""
    if isinstance(array, np.ndarray):
        array = array.view()
        array.flags.writeable = False
    return array


def _explained(
    error: Exception, forward: Callable, arguments: list[inspect.Parameter], plain: list, name: str
) -> ShapeError:
    """The error with the op, its arguments, their shapes, and the rule (the docstring's first paragraph)."""
    given = ", ".join(f"{_label(arguments, i)}: {getattr(array, 'shape', None)}" for i, array in enumerate(plain))
    rule = inspect.cleandoc(forward.__doc__ or "").partition("\n\n")[0].replace("\n", " ")
    return ShapeError(f"{name}: {error}\n  given: {given}\n  rule:  {rule or 'see its docstring'}")


def _inspect(out: Tensor, arguments: list[inspect.Parameter], plain: list, name: str) -> None:
    """Debug mode: the value must be finite and keep the dtype; remember the user's line; make the value read-only."""
    line = _user_line()
    dtypes = [array.dtype for array in plain if hasattr(array, "dtype")]
    if out.dtype != dtypes[0]:
        raise DtypeError(
            f"{name}: the value is {out.dtype}, its arguments {dtypes[0]}. The usual cause: a NumPy number such as "
            f"np.sqrt(2), which is float64; use math.sqrt(2)\n  called here: {line}"
        )
    if not bool(array_module(out.data).isfinite(out.data).all()):
        ranges = [
            f"{_label(arguments, i)} in [{float(array.min()):.4g}, {float(array.max()):.4g}]"
            for i, array in enumerate(plain)
            if hasattr(array, "dtype") and array.size
        ]
        raise NonFiniteError(f"{name}: the value is not finite ({'; '.join(ranges)})\n  called here: {line}")
    freeze(out.data)
    if out.node is not None:
        out.node.line = line


def _user_line() -> str:
    """The innermost line of the program that is not minivae's own: file, number and text."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    file, number = frame.f_code.co_filename, frame.f_lineno
    return f"{os.path.basename(file)}:{number}: {linecache.getline(file, number).strip()}"
