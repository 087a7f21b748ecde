"""From a config back to a model."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from minivae.errors import ConfigError
from minivae.models.base import LatentVariableModel
from minivae.models.conv_vae import ConvVAE
from minivae.models.vae import VAE

MODELS: dict[str, type[LatentVariableModel]] = {"VAE": VAE, "ConvVAE": ConvVAE}


def build(config: Mapping[str, Any]) -> LatentVariableModel:
    """The model that a `model.config` describes, with its initial weights; `load_state_dict` brings the learned ones.

    Args:
        config: "type", a name from `MODELS`, and arguments of that constructor. Those left out have their defaults.

    Raises:
        ConfigError: the type is unknown, or an argument is.
    """
    arguments = dict(config)
    kind = arguments.pop("type", None)
    if kind not in MODELS:
        raise ConfigError(f'unknown model {kind!r}; expected "type" to be one of {", ".join(MODELS)}')
    known = list(inspect.signature(MODELS[kind]).parameters)
    if unknown := [name for name in arguments if name not in known]:
        raise ConfigError(f"{kind} has no option {', '.join(map(repr, unknown))}; it has: {', '.join(known)}")
    return MODELS[kind](**arguments)


__all__ = ["MODELS", "build"]
