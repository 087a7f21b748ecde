"""minivae: variational autoencoders on an autodiff written by hand, every gradient verified."""

from minivae import (
    data,
    distributions,
    errors,
    layers,
    metrics,
    models,
    objectives,
    ops,
    optim,
    plots,
    training,
    verify,
)
from minivae.autodiff import Tensor, debug, no_grad, primitive, set_debug
from minivae.backend import use
from minivae.random import manual_seed
from minivae.verify import check_elbo, check_gradient, check_kl, check_sampler, gradcheck

__all__ = [
    "Tensor",
    "__version__",
    "check_elbo",
    "check_gradient",
    "check_kl",
    "check_sampler",
    "data",
    "debug",
    "distributions",
    "errors",
    "gradcheck",
    "layers",
    "manual_seed",
    "metrics",
    "models",
    "no_grad",
    "objectives",
    "ops",
    "optim",
    "plots",
    "primitive",
    "set_debug",
    "training",
    "use",
    "verify",
]

__version__: str


def __getattr__(name: str) -> str:
    """`__version__`, read from the installed package when somebody asks: that takes longer than a whole import."""
    if name != "__version__":
        raise AttributeError(f"module 'minivae' has no attribute {name!r}")
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("minivae")
    except PackageNotFoundError:
        return "unknown"
