"""What makes mutants is right itself: with no mistake put in, it makes right code. So what is caught is the mistake."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from minivae import layers, ops
from minivae.autodiff import PRIMITIVES, Tensor, graph
from minivae.distributions import Normal
from minivae.layers.initialisers import torch_default
from minivae.selfcheck import zoo
from minivae.selfcheck.zoo import objectives
from minivae.selfcheck.zoo.autodiff import leaves
from minivae.selfcheck.zoo.distributions import discrete, divergences, normal
from minivae.selfcheck.zoo.layers import dropout, linear, sequential
from minivae.selfcheck.zoo.layers import normalisation as norm_layers
from minivae.selfcheck.zoo.ops import convolutions, normalisation, pooling, reductions, shapes
from minivae.selfcheck.zoo.optim import adam, clipping, schedules, sgd
from minivae.selfcheck.zoo.sabotage import cut, gradient, methods, mutant, pullback, put

SUBJECTS = {(subject.group, subject.name): subject for subject in zoo.subjects()}


def whole(g, x_hat, inverse_std, mean):
    """The gradient through mean, variance and all."""
    return (g - mean(g) - x_hat * mean(g * x_hat)) * inverse_std


def unbiased(self, m, v, n):
    norm_layers._towards(self, m, v * n / (n - 1), self.momentum)


FLAWLESS = [
    ("op", "conv2d", pullback("conv2d", x=convolutions.to_x(), weight=convolutions.to_weight())),
    (
        "op",
        "conv_transpose2d",
        pullback(
            "conv_transpose2d",
            x=convolutions.transposed_to_x(convolutions.right),
            weight=convolutions.transposed_to_weight(convolutions.right),
        ),
    ),
    ("op", "batch_norm", normalisation.batch_norm(whole)),
    ("op", "batch_norm", normalisation._batch_norm_by_ops()),
    ("op", "layer_norm", normalisation.layer_norm(whole)),
    ("op", "group_norm", normalisation.group_norm(whole)),
    ("op", "avg_pool2d", pooling.pooling("avg_pool2d", pooling._mean, 0.0)),
    ("op", "upsample_nearest", pooling._of_block(lambda blocks: blocks.sum(axis=(4, 5)))),
    ("op", "sum", reductions.reduction("sum", lambda g, x, n: g)),
    ("op", "mean", reductions.reduction("mean", lambda g, x, n: g / n)),
    ("op", "var", reductions._centred(lambda g, x, m, n, c: g * 2 * (x - m) / (n - c))),
    ("op", "stack", shapes._stack(lambda g, i, dim: g.take(i, axis=dim))),
    ("layer", "Dense", linear.drawn(layers.Dense, torch_default)),
    ("layer", "Conv2d", linear._conv()),
    ("layer", "ConvTranspose2d", linear._transposed()),
    ("layer", "BatchNorm", norm_layers._moving(unbiased)),
    ("layer", "BatchNorm", norm_layers._by_running_statistics(lambda self, var: (var + self.eps) ** -0.5)),
    ("layer", "GroupNorm", norm_layers._group_norm(lambda self: self.num_groups)),
    (
        "layer",
        "Dropout",
        dropout._dropout(lambda self, x: dropout._dropped(self, x, 1 - self.p, 1 / (1 - self.p))),
    ),
    ("layer", "Sequential", sequential._one_after_another(lambda parts: parts)),
    ("distribution", "Normal", normal._log_prob(normal.right)),
    ("distribution", "Normal", normal._rsample(lambda mu, s, eps: mu + s * eps)),
    ("distribution", "Bernoulli", discrete._sample(lambda self: self.probs.data)),
    ("distribution", "Categorical", discrete._labels(discrete._below)),
    ("distribution", "kl_divergence", divergences.normals(divergences._right)),
    ("distribution", "kl_divergence", divergences._of(divergences.Bernoulli, divergences._coins)),
    (
        "distribution",
        "kl_divergence",
        divergences._classes(lambda a, b: (ops.exp(a) * (a - b)).sum(-1)),
    ),
    ("objective", "elbo", objectives._elbo()),
    ("objective", "elbo", objectives._other_divergence(divergences.kl_divergence)),
    (
        "objective",
        "log_weight",
        objectives._log_weight(lambda x, z, q: objectives.sums(x) + objectives.sums(z) - objectives.sums(q)),
    ),
    ("optimiser", "SGD", sgd.PlainSGD),
    ("optimiser", "Adam", adam.PlainAdam),
    ("optimiser", "AdamW", adam.PlainAdamW),
    ("optimiser", "clip_grad_norm_", clipping.clipping(clipping._norm, clipping._limited)),
    ("optimiser", "CosineAnnealingLR", schedules._cosine(lambda x: (1 + math.cos(math.pi * x)) / 2)),
    ("optimiser", "LinearLR", schedules._linear(lambda t, n: min(1.0, t / n))),
]


@pytest.mark.parametrize(("group", "name", "target"), FLAWLESS, ids=lambda x: x if isinstance(x, str) else "")
def test_with_no_mistake_put_in_nothing_is_caught(group, name, target):
    subject = dataclasses.replace(SUBJECTS[group, name], mutants={"none": target})
    (outcome,) = zoo.run(zoo=[subject]).outcomes
    assert not outcome.caught, (outcome.trial, outcome.evidence)
    assert not outcome.crash, outcome.crash


def test_a_walk_back_by_the_book_is_not_caught():
    def by_the_book(root, cotangent, retain_graph=False):
        cotangents = {root: cotangent}
        for node in reversed(graph.ancestors(root)):
            g = cotangents[node]
            yield node, g, False
            for parent, pull in node.edges or ():
                contribution = graph.unbroadcast(pull(g), parent.shape)
                cotangents[parent] = cotangents[parent] + contribution if parent in cotangents else contribution

    subject = dataclasses.replace(SUBJECTS["autodiff", "pull_back"], mutants={"none": by_the_book})
    assert not zoo.run(zoo=[subject]).outcomes[0].caught


def test_backward_by_the_book_is_not_caught():
    def by_the_book(self, gradient=None, retain_graph=False):
        for leaf, g in leaves._walk(self, gradient):
            leaf.grad = g.copy() if leaf.grad is None else leaf.grad + g

    subject = dataclasses.replace(SUBJECTS["autodiff", "backward"], mutants={"none": by_the_book})
    assert not zoo.run(zoo=[subject]).outcomes[0].caught


# --- the tools ----------------------------------------------------------------------------------------------


def gradients_of(op, *arrays):
    leaves = [Tensor(np.array(a), requires_grad=True) for a in arrays]
    out = op(*leaves)
    out.sum().backward()
    return out.data, [leaf.grad for leaf in leaves]


def test_pullback_changes_one_gradient_and_nothing_else():
    value, (dx, dy) = gradients_of(pullback("mul", y=lambda g, x, y: g * 100), [2.0, 3.0], [5.0, 7.0])
    np.testing.assert_array_equal(value, [10, 21])
    np.testing.assert_array_equal(dx, [5, 7])
    np.testing.assert_array_equal(dy, [100, 100])


def test_gradient_changes_what_the_right_pullback_gives():
    _, (dx, dy) = gradients_of(gradient(ops.mul, x=lambda dx: -dx), [2.0], [5.0])
    assert (dx[0], dy[0]) == (-5, 2)


def test_cut_leaves_no_gradient():
    _, (dx, dy) = gradients_of(cut("mul", "x"), [2.0], [5.0])
    assert dx is None
    assert dy[0] == 2


def test_a_mutant_is_not_registered_and_the_right_op_stays():
    before = dict(PRIMITIVES)

    def tanh(x: np.ndarray):
        """Not tanh."""
        return x, lambda g: g

    mutant(tanh)
    pullback("tanh", x=lambda g, x: g)
    assert before == PRIMITIVES
    assert SUBJECTS["op", "tanh"].target is ops.tanh


def test_methods_makes_a_subclass_of_the_same_name():
    wrong = methods(Normal, label="wrong")
    assert issubclass(wrong, Normal)
    assert (wrong.__name__, wrong.label, Normal.label) == ("Normal", "wrong", "NLL")


def test_put_takes_back_what_it_put_whatever_happens():
    before = graph.unbroadcast
    try:
        with put(graph, "unbroadcast", None):
            assert graph.unbroadcast is None
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    assert graph.unbroadcast is before
