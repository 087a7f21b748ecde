"""Every op of minivae against PyTorch's: value and gradients, with random shapes, options and memory layouts."""

from __future__ import annotations

import pytest
import torch_cases_elementwise
import torch_cases_networks
import torch_cases_shapes
from hypothesis import given
from hypothesis import strategies as st
from torch_cases_elementwise import SAME_WORDS, same_words
from torch_compare import DTYPES, Case, compare, examples, layouts, shapes, standard, torch

import minivae.models  # noqa: F401  (with it all primitives are registered)
from minivae import ops
from minivae.autodiff import PRIMITIVES
from minivae.distributions.kl import kl_to_standard_normal


def _kl_to_standard_normal(loc, logvar):
    normal = torch.distributions.Normal
    return torch.distributions.kl_divergence(normal(loc, (0.5 * logvar).exp()), normal(0.0, 1.0))


@st.composite
def kl(draw):
    shape = draw(shapes())
    return Case(kl_to_standard_normal, _kl_to_standard_normal, draw(standard(shape)), draw(standard(shape)))


CASES = {
    **torch_cases_elementwise.CASES,
    **torch_cases_shapes.CASES,
    **torch_cases_networks.CASES,
    "kl_to_standard_normal": kl(),
}

NOT_IN_TORCH: dict[str, str] = {}
"""A primitive that PyTorch has nothing to hold against, and why. There is none so far."""

NO_FUNCTION = {"operators": "the module that hangs the operators onto Tensor"}

both_dtypes = pytest.mark.parametrize("dtype", DTYPES, ids=["float64", "float32"])


def test_every_op_is_compared_or_has_a_reason_not_to_be():
    compared = torch_cases_elementwise.names_without_variants(CASES)
    assert compared | set(NOT_IN_TORCH) == set(PRIMITIVES) | (set(ops.__all__) - set(NO_FUNCTION))
    assert not compared & set(NOT_IN_TORCH)


@both_dtypes
@pytest.mark.parametrize("name", CASES)
@examples
@given(data=st.data())
def test_op_and_its_gradients_agree_with_torch(name, dtype, data):
    used = compare(name, data.draw(CASES[name]), dtype, data.draw(layouts))
    op = name.partition(",")[0]
    assert op in used or op not in PRIMITIVES, f"the case for {op} computes {used}, without {op}"


@both_dtypes
@pytest.mark.parametrize("name", SAME_WORDS)
@examples
@given(data=st.data())
def test_the_same_expression_means_the_same(name, dtype, data):
    compare(name, data.draw(same_words(SAME_WORDS[name])), dtype, data.draw(layouts))
