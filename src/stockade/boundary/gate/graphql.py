"""GraphQL: how much one request may ask for (ASVS 5.0 V4.3.1, V4.3.2; CWE-770, CWE-400).

    [graphql]
    paths = ["/graphql"]

One small document can ask for a graph of millions: friends of friends of friends, or one field
under a thousand aliases. `max_depth` and `max_fields` are counted on the parsed document with its
fragments expanded (`bodies.graphql_document`), before a resolver runs. `__schema` and `__type` are
refused unless `introspection` is on; a schema that clients need can be published as a file.

Documents are looked for wherever servers read them: `query` in the address, in JSON (alone or in a
batch, whose fields count together), in forms and multipart (`operations`), `application/graphql`,
and the messages of WebSockets. At these paths a body of any other type is refused. What the rule
does not see: how long a list is, which is the schema's to bound, and documents that the server
keeps under a name of their own (persisted queries), which are its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

from stockade.boundary.bodies.form import read_form
from stockade.boundary.bodies.graphql_document import measure
from stockade.boundary.bodies.media_type import media_type
from stockade.boundary.bodies.multipart import plain_fields
from stockade.boundary.bodies.strict_json import read_json
from stockade.core.config import GraphqlSettings
from stockade.core.errors import ConfigError, Rejected
from stockade.core.head import Head, Refusal

__all__ = ["Graphql"]

_SLASHES = re.compile("/+")
_DOCUMENT_TYPE = "application/graphql"
_MAX_JSON_DEPTH = 64
_MAX_FORM_FIELDS = 1_000
_MAX_FORM_BYTES = 1 << 20

DEPTH = Rejected(
    "The GraphQL query is nested more deeply than this service answers.", rule="graphql.depth"
)
FIELDS = Rejected(
    "The GraphQL query asks for more fields than this service answers at once.",
    rule="graphql.fields",
)
SCHEMA = Rejected("The schema is not told here.", status=403, rule="graphql.introspection")
KIND = Rejected(
    "GraphQL is taken as JSON here: send application/json.", status=415, rule="graphql.type"
)


class Graphql:
    """The limits of one application's GraphQL."""

    def __init__(self, settings: GraphqlSettings) -> None:
        """Raises ConfigError for paths that are none, or limits that refuse everything."""
        if settings.max_depth < 1 or settings.max_fields < 1:
            raise ConfigError("graphql: max_depth and max_fields are at least 1")
        if not all(path.startswith("/") for path in settings.paths):
            raise ConfigError('graphql.paths are paths, such as ["/graphql"]')
        self._settings = settings
        self._paths = tuple(path.rstrip("/") + "/" for path in settings.paths)
        self.active = bool(settings.paths)

    def enter(self, request: Head) -> Refusal | None:
        """Why the query in the address is not answered."""
        if not self.active or not self._concerns(request):
            return None
        query = request.target.partition("?")[2]
        if "query" not in query and "%" not in query:
            return None
        try:
            self._judge(value for name, value in parse_qsl(query) if name == "query")
        except Rejected as error:
            return Refusal(error.rule, "input_validation_fail", error)
        return None

    def read(self, request: Head, content_type: str, body: bytes) -> None:
        """Judge a body that `check_body` admits. Raises Rejected."""
        if body and self._concerns(request):
            self._judge(_in_body(content_type, body))

    def hear(self, request: Head, message: str | bytes) -> None:
        """Judge a message of a WebSocket (graphql-ws, graphql-transport-ws). Raises Rejected."""
        if not self._concerns(request):
            return
        body = message.encode("utf-8", "surrogatepass") if isinstance(message, str) else message
        document = read_json(body, _MAX_JSON_DEPTH)
        payload = document.get("payload") if isinstance(document, dict) else None
        self._judge(_in_json(payload))

    def _concerns(self, request: Head) -> bool:
        path = _SLASHES.sub("/", request.path + "/")
        return path.startswith(self._paths)

    def _judge(self, documents: Iterator[str]) -> None:
        settings, fields = self._settings, 0
        for text in documents:
            found = measure(text)
            fields += found.fields
            if found.depth > settings.max_depth:
                raise DEPTH.with_traceback(None)
            if fields > settings.max_fields:
                raise FIELDS.with_traceback(None)
            if found.introspects and not settings.introspection:
                raise SCHEMA.with_traceback(None)


def _in_body(content_type: str, body: bytes) -> Iterator[str]:
    """The documents in a body of any type that a GraphQL server reads."""
    if not content_type.strip():
        raise KIND.with_traceback(None)
    name, kind, boundary = media_type(content_type)
    if kind == "json":
        yield from _in_json(read_json(body, _MAX_JSON_DEPTH))
    elif name == _DOCUMENT_TYPE:
        yield body.decode("utf-8", "replace")
    elif kind == "form":
        for member, value in read_form(body, _MAX_FORM_FIELDS, _MAX_FORM_BYTES):
            yield from _in_field(member, value.encode())
    elif kind == "multipart":
        for member, content in plain_fields(body, boundary):
            yield from _in_field(member, content)
    else:
        raise KIND.with_traceback(None)


def _in_field(name: str, content: bytes) -> Iterator[str]:
    if name == "operations":
        yield from _in_json(read_json(content, _MAX_JSON_DEPTH))
    elif name == "query":
        yield content.decode("utf-8", "replace")


def _in_json(document: Any) -> Iterator[str]:
    """`query` of a request, or of each of a batch."""
    for each in document if isinstance(document, list) else [document]:
        query = each.get("query") if isinstance(each, dict) else None
        if isinstance(query, str):
            yield query
