"""x[index]: picking entries, and giving each its gradient back.

Picking is linear: y = Px, where each row of P has a single 1. So the pullback is dx = Pᵀg: an entry gets the sum of
the cotangents of all the places where it was picked, and 0 if it never was. With slices no entry is picked twice
and an assignment does it. With arrays of integers one may be. Then the cotangents are sorted by the entry they
belong to, and neighbours that belong together are added in pairs until each entry has one sum. Unlike a
scatter, that adds in the same order every time, and on both backends.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from minivae.autodiff import Forward, Tensor, primitive
from minivae.backend import Array, array_module, to_numpy
from minivae.errors import DtypeError, ShapeError


@primitive
def getitem(x: Array, index: Any) -> Forward:
    """x[index], with integers, slices, None, `...` and arrays of integers, as in NumPy.

    Args:
        x: any shape.
        index: one of these, or a tuple of them. An array of integers may name an entry more than once; for a Tensor
            on a GPU it is best a NumPy array, as one on the GPU must be fetched to be checked.

    Raises:
        ShapeError: an index is out of range, or there are too many.
        DtypeError: an index is an array of booleans or floats, or a Tensor.
    """
    xp, shape, dtype = array_module(x), x.shape, x.dtype
    parts = tuple(_part(part) for part in (index if isinstance(index, tuple) else (index,)))
    arrays = [part for part in parts if isinstance(part, np.ndarray)]
    if not arrays:

        def assign(g: Array) -> Array:
            dx = xp.zeros(shape, dtype)
            dx[parts] = g
            return dx

        return x[parts], assign

    axis = _axis_of_only_array(parts, x.ndim)
    if axis is not None:
        picked = _in_range(arrays[0], shape, axis)
        y = xp.take(x, xp.asarray(picked), axis=axis)
        return y, lambda g: _give_back(g, picked, shape, axis)

    # In general: pick from the entries' numbers in place of the entries, then entries by number from one long row.
    numbers = np.arange(x.size).reshape(shape)[parts]
    y = xp.take(x, xp.asarray(numbers))
    row = (x.size,)
    return y, lambda g: _give_back(g, numbers, row, 0).reshape(shape)


def _part(part: Any) -> Any:
    """One part of an index: None, `...`, a slice, an int, or a NumPy array of integers."""
    if part is None or part is Ellipsis or isinstance(part, slice):
        return part
    if isinstance(part, Tensor):
        raise DtypeError("getitem: an index is a Tensor, which holds floats; expected integers, NumPy's for instance")
    if hasattr(part, "__index__") and not hasattr(part, "dtype") and not isinstance(part, bool):
        return operator.index(part)
    array = to_numpy(part)
    if array.dtype == bool:
        raise DtypeError(
            "getitem: a mask of booleans would make the result's shape depend on values. "
            "Use where(mask, x, 0), or integers: x[mask.nonzero()]"
        )
    if array.dtype.kind not in "iu" and array.size:
        raise DtypeError(f"getitem: an index is {part!r}; expected integers, slices, None or ...")
    return array.astype(np.intp) if array.ndim else int(array)


def _axis_of_only_array(parts: tuple, ndim: int) -> int | None:
    """The axis that is indexed if one array is all there is beside whole slices and `...`; otherwise None."""
    place = next(i for i, part in enumerate(parts) if isinstance(part, np.ndarray))
    before, after = parts[:place], parts[place + 1 :]
    others = [part for part in before + after if part is not Ellipsis]
    dots = len(parts) - 1 - len(others)
    if dots > 1 or len(others) >= ndim or any(not isinstance(part, slice) or part != slice(None) for part in others):
        return None
    return ndim - 1 - len(after) if any(part is Ellipsis for part in before) else len(before)


def _in_range(indices: Array, shape: tuple[int, ...], axis: int) -> Array:
    """The indices from 0 to n − 1, negative ones counted from the end. (CuPy would not notice one out of range.)"""
    n = shape[axis]
    wrong = indices[(indices < -n) | (indices >= n)]
    if wrong.size:
        raise ShapeError(f"getitem: index {wrong[0]} is out of range for dim {axis} of shape {shape}")
    return np.where(indices < 0, indices + n, indices)


def _give_back(g: Array, picked: Array, shape: tuple[int, ...], axis: int) -> Array:
    """Pᵀg, where `picked` says which entry along `axis` each cotangent belongs to."""
    xp = array_module(g)
    rows = g.reshape(*shape[:axis], picked.size, *shape[axis + 1 :]).swapaxes(0, axis)
    order = np.argsort(picked, axis=None, kind="stable")
    rows, owners = _add_up(xp.take(rows, xp.asarray(order), axis=0), picked.ravel()[order])
    dx = xp.zeros(shape, g.dtype)
    dx.swapaxes(0, axis)[xp.asarray(owners)] = rows
    return dx


def _add_up(rows: Array, owners: Array) -> tuple[Array, Array]:
    """The sum of the rows of each owner; owners ascend. Pairs of neighbours are added until no owner has two rows."""
    xp = array_module(rows)
    while (followed := np.append(owners[1:] == owners[:-1], False)).any():
        number = np.arange(len(owners))
        first = np.append(True, ~followed[:-1])
        rank = number - np.maximum.accumulate(number * first)  # 0, 1, 2, ... among the rows of one owner
        kept = np.flatnonzero(rank % 2 == 0)
        paired = np.flatnonzero(followed[kept])
        partners = kept[paired] + 1
        summed = xp.take(rows, xp.asarray(kept), axis=0)
        summed[xp.asarray(paired)] += xp.take(rows, xp.asarray(partners), axis=0)
        rows, owners = summed, owners[kept]
    return rows, owners
