"""The object that an objective returns, its defaults, and what may be given in place of arrays."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from minivae.autodiff import Tensor
from minivae.distributions import Normal
from minivae.objectives import ELBO, elbo, log_weight
from minivae.verify import gradcheck

X = np.array([[0.0, 1.0, 1.0], [1.0, 0.0, 1.0]])
Q = Normal.from_logvar(np.array([[0.5], [-1.0]]), np.array([[0.3], [-0.7]]))
P = Normal(np.array([[0.2, -0.4, 1.0], [0.0, 0.7, 0.1]]), 0.8)


def test_without_a_beta_the_loss_is_minus_the_bound():
    terms = elbo(X, P, Q)
    assert terms.beta == 1
    assert terms.loss.item() == terms.reconstruction.item() + terms.kl.item()


@pytest.mark.parametrize("beta", [0.0, 1.0, 2.0, 0.5])
def test_the_printed_terms_add_up_as_printed(beta):
    """`loss = reconstruction + β · KL`, where the weight is shown unless it is 1."""
    terms = elbo(X, P, Q, beta=beta)
    weight = "" if beta == 1 else f"{beta:g} · "
    reconstruction, kl = terms.reconstruction.item(), terms.kl.item()
    assert repr(terms) == (
        f"ELBO(loss {reconstruction + beta * kl:.4f} = NLL {reconstruction:.4f} + {weight}KL {kl:.4f}, "
        "nats per example)"
    )


def test_terms_are_fixed_once_computed_and_equal_only_themselves():
    """Tensors have no single answer to ==; so two results are compared by identity, and may be kept in a set."""
    terms, others = elbo(X, P, Q), elbo(X, P, Q)
    with pytest.raises(dataclasses.FrozenInstanceError):
        terms.loss = others.loss
    assert terms == terms
    assert terms != others
    assert len({terms, others, terms}) == 2


def test_nested_lists_are_data_too():
    """Of float32, as everything that is not told otherwise."""
    x, z = X.astype(np.float32), np.array([[0.25], [-0.5]], np.float32)
    p = Normal(np.full((2, 3), 0.2, np.float32), 0.8)
    q = Normal.from_logvar(z, np.zeros((2, 1), np.float32))
    assert elbo(x.tolist(), p, q).loss.item() == elbo(x, p, q).loss.item()
    np.testing.assert_array_equal(log_weight(x.tolist(), p, q, z.tolist()).data, log_weight(x, p, q, z).data)


def test_gradients_reach_the_data_and_the_draw():
    """Neither is copied into a constant on the way: d/dx and d/dz are those of finite differences."""
    z = np.array([[0.25], [-0.5]])
    assert gradcheck(lambda x: elbo(x, P, Q).loss, X)
    assert gradcheck(lambda x, z: log_weight(x, Normal(z * Tensor(np.ones((1, 3))), 0.8), Q, z), X, z)


def test_terms_put_together_by_hand_are_those_of_the_bound():
    """An objective of one's own that returns an ELBO: a likelihood's, at weight 1, unless it says otherwise."""
    reconstruction, kl = Tensor(np.array(3.0)), Tensor(np.array(2.0))
    terms = ELBO(reconstruction + kl, reconstruction, kl)
    assert (terms.label, terms.beta) == ("NLL", 1.0)
    assert repr(terms) == "ELBO(loss 5.0000 = NLL 3.0000 + KL 2.0000, nats per example)"
