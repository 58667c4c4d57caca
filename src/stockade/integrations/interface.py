"""Which interface a callable speaks: ASGI takes three arguments, WSGI two."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

from stockade.core.errors import ConfigError

__all__ = ["Interface", "interface_of"]

Interface: TypeAlias = Literal["asgi", "wsgi"]


def interface_of(app: Callable[..., Any]) -> Interface:
    """`asgi` or `wsgi`; raises ConfigError where the callable does not show it."""
    if _is_async(app):
        return "asgi"
    try:
        signature = inspect.signature(app)
    except (TypeError, ValueError):  # written in C, and without a signature
        signature = None
    takes = () if signature is None else tuple(n for n in (2, 3) if _takes(signature, n))
    if takes == (3,):
        return "asgi"
    if takes == (2,):
        return "wsgi"
    name = getattr(app, "__qualname__", type(app).__qualname__)
    if signature is not None and not takes and _takes(signature, 1):
        raise ConfigError(
            f"{name} takes one argument, as ASGI 2 had it: wrap it in asgiref's "
            "double_to_single_callable first"
        )
    raise ConfigError(
        f"{name} does not show whether it speaks ASGI or WSGI: say which, "
        'stockade.wrap(app, interface="asgi") or interface="wsgi"'
    )


def _is_async(app: Any) -> bool:
    if inspect.isclass(app):  # a call makes an instance, which is then awaited or iterated
        return hasattr(app, "__await__")
    return inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(app.__call__)


def _takes(signature: inspect.Signature, count: int) -> bool:
    try:
        signature.bind(*range(count))
    except TypeError:
        return False
    return True
