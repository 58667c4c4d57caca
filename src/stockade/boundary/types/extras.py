"""Libraries that only some types need, imported when the first of these is used."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from stockade.core.errors import ConfigError

__all__ = ["needed"]


def needed(module: str, by: str) -> Any:
    """`module`. Raises ConfigError, naming the extra to install, where it is missing."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise
        raise ConfigError(
            f"boundary.{by} needs the library {error.name}: pip install 'stockade[boundary]'"
        ) from None
