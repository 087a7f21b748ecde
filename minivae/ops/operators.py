"""Puts the operators and the common methods on `Tensor`: x + y, x @ w, x.sum(), x[2:5], ...

The heart of the library (`minivae/autodiff`) knows no op at all. Here the ops are hung onto it.
"""
from minivae.autodiff import Tensor
from minivae.ops import arithmetic as a

def _reflected(op):
    return lambda x, y: op(y, x)

Tensor.__add__ = a.add
Tensor.__radd__ = _reflected(a.add)
Tensor.__mul__ = a.mul
Tensor.__rmul__ = _reflected(a.mul)
