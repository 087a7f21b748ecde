"""Everything that has a gradient is in the catalogue, and passes."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import minivae
from minivae import distributions, layers, models, objectives
from minivae.autodiff import PRIMITIVES
from minivae.distributions import Bernoulli, Categorical, GreyBCE, Normal
from minivae.distributions.kl import _FORMULAS
from minivae.layers import Module
from minivae.models import LIKELIHOODS
from minivae.selfcheck import catalogue

CASES = catalogue()


def subjects(group):
    return {case.subject for case in CASES if case.group == group}


def test_no_primitive_is_without_a_case():
    for module in pkgutil.walk_packages(minivae.__path__, "minivae."):
        if module.name.partition(".")[2].partition(".")[0] in (
            "ops",
            "layers",
            "distributions",
            "objectives",
            "models",
        ):
            importlib.import_module(module.name)
    assert len(PRIMITIVES) > 50
    assert set(PRIMITIVES) - subjects("op") == set()


def test_no_layer_is_without_a_case():
    classes = {
        name for name in layers.__all__ if isinstance(c := getattr(layers, name), type) and issubclass(c, Module)
    }
    assert classes - {"Module"} - subjects("layer") == set()


@pytest.mark.parametrize(
    "example",
    [Normal(0.0, 1.0), Bernoulli(logits=[0.0]), GreyBCE(logits=[0.0]), Categorical(logits=[0.0, 1.0])],
    ids=repr,
)
@pytest.mark.parametrize("method", ["log_prob", "entropy", "rsample"])
def test_no_method_of_a_distribution_is_without_a_case(example, method):
    name = type(example).__name__
    try:
        getattr(example, method)(*([1] if method == "log_prob" else []))
    except NotImplementedError:
        pytest.skip(f"{name} has no {method}")
    except (TypeError, ValueError):
        pass
    assert any(case.subject == name and method in case.variant for case in CASES)


def test_no_distribution_is_without_a_case():
    assert set(distributions.__all__) - {"Distribution", "register_kl"} - subjects("distribution") == set()


def test_no_closed_form_divergence_is_without_a_case():
    variants = [case.variant for case in CASES if case.subject == "kl_divergence"]
    for p, q in _FORMULAS:
        assert any(variant.startswith(f"{p.__name__} ‖ {q.__name__}") for variant in variants), (p, q)


def test_no_objective_is_without_a_case():
    functions = {name for name in objectives.__all__ if not isinstance(getattr(objectives, name), type)}
    assert functions - subjects("objective") == set()


def test_no_model_and_likelihood_is_without_a_case():
    checked = {(case.subject, case.variant.partition(",")[0]) for case in CASES if case.group == "model"}
    assert {(m, likelihood) for m in models.MODELS for likelihood in LIKELIHOODS} - checked == set()


def test_names_are_unique():
    names = [(case.group, case.name) for case in CASES]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.group} {case.name}")
def test_gradients_agree_with_differences(case):
    report = case.run(seed=1)
    assert report, str(report)
    assert report.error < 1e-6


def test_every_parameter_of_a_model_is_an_input_of_its_case():
    case = next(case for case in CASES if case.subject == "ConvVAE")
    module = models.ConvVAE(image_shape=(1, 8, 4), channels=(3, 5), latent_dim=2)
    names = [i.name for i in case.run().inputs]
    assert names[:2] == ["x", "eps"]
    assert names[2:] == [name for name, _ in module.named_parameters()]
