"""ASGI and WSGI callables are told apart, and what cannot be told is said."""

from __future__ import annotations

import functools
from typing import Any

import pytest

from stockade.core.errors import ConfigError
from stockade.integrations.interface import interface_of


async def asgi(scope: Any, receive: Any, send: Any) -> None: ...


def asgi_that_returns(scope: Any, receive: Any, send: Any) -> Any: ...


def wsgi(environ: Any, start_response: Any) -> Any: ...


def wsgi_with_more(environ: Any, start_response: Any, *, option: int = 0) -> Any: ...


class AsgiObject:
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...


class PlainAsgiObject:
    def __call__(self, scope: Any, receive: Any, send: Any) -> Any: ...


class WsgiObject:
    def __call__(self, environ: Any, start_response: Any) -> Any: ...


class WsgiClass:
    def __init__(self, environ: Any, start_response: Any) -> None: ...


class AsgiClass:
    def __init__(self, scope: Any, receive: Any, send: Any) -> None: ...

    def __await__(self) -> Any: ...


@pytest.mark.parametrize(
    ("app", "interface"),
    [
        (asgi, "asgi"),
        (asgi_that_returns, "asgi"),
        (AsgiObject(), "asgi"),
        (PlainAsgiObject(), "asgi"),
        (AsgiClass, "asgi"),
        (functools.partial(asgi), "asgi"),
        (wsgi, "wsgi"),
        (wsgi_with_more, "wsgi"),
        (WsgiObject(), "wsgi"),
        (WsgiObject().__call__, "wsgi"),
        (WsgiClass, "wsgi"),
        (functools.partial(lambda options, environ, start: None, {}), "wsgi"),
    ],
)
def test_it_shows(app: Any, interface: str) -> None:
    assert interface_of(app) == interface


def anything(*args: Any) -> Any: ...


def older(scope: Any) -> Any: ...


@pytest.mark.parametrize(("app", "what"), [(anything, "say which"), (older, "ASGI 2")])
def test_what_does_not_show_is_an_error(app: Any, what: str) -> None:
    with pytest.raises(ConfigError, match=what):
        interface_of(app)
