"""The errors that minivae raises on purpose: each says what was given, what was expected, how to fix it."""

from __future__ import annotations

import importlib
from types import ModuleType


class ShapeError(ValueError):
    """Shapes do not fit together."""


class DtypeError(TypeError):
    """Two float dtypes meet in one expression, or a dtype is not a float where one is needed."""


class BackendError(RuntimeError):
    """A backend is unknown or missing, or two of them meet in one expression."""


class GraphError(RuntimeError):
    """The graph cannot do what is asked: nothing to differentiate, or already used up."""


class NonFiniteError(FloatingPointError):
    """A value or a gradient became NaN or infinite (found in debug mode)."""


class DataError(ValueError):
    """The data are empty, out of range, not finite, or not the ones that were asked for."""


class ConfigError(ValueError):
    """An option has a value that cannot work."""


class CheckpointError(RuntimeError):
    """A checkpoint is missing, damaged, or belongs to another model."""


class MissingExtraError(ImportError):
    """A feature needs a package that the core does not install."""


def require(module: str, extra: str) -> ModuleType:
    """Import `module`, or say which extra of minivae brings it.

    Raises:
        MissingExtraError: the package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise MissingExtraError(
            f"this needs the package {package!r}, which is not installed. "
            f'It comes with an extra:  pip install "minivae[{extra}]"'
        ) from error
