"""What a WSGI server tells of a request (PEP 3333): the context's half that comes in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias
from urllib.parse import quote

from stockade.core.inputs import Inputs, Source
from stockade.integrations.body import add_body
from stockade.integrations.exchange import Exchange

__all__ = ["ROUTE", "ROUTED", "Environ", "WsgiRequest"]

Environ: TypeAlias = dict[str, Any]

ROUTE = "stockade.route"
"""Where an integration leaves the template of the route that routing found …"""
ROUTED = "wsgiorg.routing_args"
"""… and its parameters, positional and by name (wsgi.org, routing_args)."""

_CONTENT = frozenset(("CONTENT_TYPE", "CONTENT_LENGTH"))


class _HeaderNames(dict[str, str]):
    """Header names by their keys in the environment, each spelled once."""

    def __missing__(self, key: str) -> str:
        name = key.removeprefix("HTTP_").lower().replace("_", "-")
        if len(self) < _MAX_NAMES:
            self[key] = name
        return name


_MAX_NAMES = 512
_NAMES = _HeaderNames()


class WsgiRequest(Exchange):
    """One HTTP request over WSGI, as its environment tells of it."""

    __slots__ = ("_parameters", "environ")

    _parameters: object
    _prepared: dict[str, tuple[Any, ...]] | None
    environ: Environ

    @property
    def method(self) -> str:
        method: str = self.environ["REQUEST_METHOD"]
        return method

    @property
    def path(self) -> str:
        path = self.environ.get("SCRIPT_NAME", "") + self.environ.get("PATH_INFO", "")
        return _readings(path)[-1]

    @property
    def target(self) -> str:
        environ = self.environ
        sent: str = environ.get("RAW_URI") or environ.get("REQUEST_URI") or ""
        if sent.startswith("/"):
            return sent
        path = quote(environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""), "/", "latin-1")
        query: str = environ.get("QUERY_STRING", "")
        return path + "?" * bool(query) + query

    @property
    def scheme(self) -> str:
        scheme: str = self.environ["wsgi.url_scheme"]
        return scheme

    def field(self, name: str) -> list[str]:
        key = name.upper().replace("-", "_")
        value = self.environ.get(key if key in _CONTENT else "HTTP_" + key)
        return [] if value is None else [value]

    @property
    def resource(self) -> str:
        return str(self.environ.get(ROUTE, ""))

    @property
    def prepared(self) -> dict[str, tuple[Any, ...]] | None:
        """As the context's; forgotten once routing has found the parameters of the path."""
        if self.environ.get(ROUTED) is not self._parameters:
            self.forget_inputs()
        return self._prepared

    @prepared.setter
    def prepared(self, values: dict[str, tuple[Any, ...]] | None) -> None:
        self._prepared = values

    def content_types(self) -> list[str]:
        content_type = self.environ.get("CONTENT_TYPE")
        return [content_type] if content_type else []

    def content_coding(self) -> str:
        coding: str = self.environ.get("HTTP_CONTENT_ENCODING", "")
        return coding

    def read_inputs(self) -> Inputs:
        """Everything that this request has brought so far."""
        inputs = Inputs(self._rules.input_limits)
        environ = self.environ
        self._parameters = routed = environ.get(ROUTED)
        target = environ.get("RAW_URI") or environ.get("REQUEST_URI") or ""
        raw = target.partition("?")[0]
        prefix, path = environ.get("SCRIPT_NAME", ""), environ.get("PATH_INFO", "")
        for spelling in dict.fromkeys((path, prefix + path)):
            for reading in _readings(spelling):
                inputs.add_path(reading, raw)
        _add_parameters(inputs, routed)
        for reading in _readings(environ.get("QUERY_STRING", ""))[:1]:
            inputs.add_query(Source.QUERY, reading)
        inputs.add_headers(
            (_NAMES[key], reading)
            for key, value in environ.items()
            if (key[:5] == "HTTP_" or key in _CONTENT) and value
            for reading in _readings(value)
        )
        if self.received:
            body = b"".join(self.chunks)
            coding = self.content_coding()
            for content_type in self.content_types() or [""]:
                add_body(inputs, content_type, body, coding)
        return inputs


def _readings(text: str) -> tuple[str, ...]:
    """Bytes that came as Latin-1, as PEP 3333 has it, in UTF-8 and as they came.

    Django has already decoded what it leaves behind in the environment.
    """
    if text.isascii():
        return (text,)
    try:
        return (text, text.encode("latin-1").decode("utf-8", "replace"))
    except UnicodeEncodeError:
        return (text,)


def _add_parameters(inputs: Inputs, routed: object) -> None:
    positional, named = routed if isinstance(routed, tuple) else ((), routed)
    for value in positional:
        inputs.add(Source.PATH, "", str(value))
    if isinstance(named, Mapping):
        for name, value in named.items():
            inputs.add(Source.PATH, name, str(value))
