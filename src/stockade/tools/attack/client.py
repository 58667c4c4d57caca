"""Plain HTTP over one kept connection: what is sent is exactly what was built.

Client libraries normalise dot segments and escape what they find odd; an attacker's does not.
"""

from __future__ import annotations

import http.client
import json
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from stockade.tools.attack.description import FILE_NAME
from stockade.tools.attack.model import Answer, Operation, Slot

__all__ = ["Client", "Unsendable", "encode_cookie"]

_UNRESERVED_IN_PATH = "/.-_~"
_COOKIE_PLAIN = frozenset("!#$%&'()*+-./:<=>?@[]^_`{|}~")


class Unsendable(ValueError):
    """HTTP cannot carry this value at this place, for example a line break in a header."""


def encode_cookie(value: str) -> str:
    """A cookie's value as `http.cookies` writes it: quoted, odd characters as octal escapes."""
    if all(
        character.isascii() and (character.isalnum() or character in _COOKIE_PLAIN)
        for character in value
    ):
        return value
    octal = "".join(
        chr(byte) if 32 <= byte < 127 and byte not in b'";,\\' else f"\\{byte:03o}"
        for byte in value.encode("utf-8", "surrogatepass")
    )
    return f'"{octal}"'


def _header_value(value: str) -> bytes:
    try:
        encoded = value.encode("latin-1")
    except UnicodeEncodeError:
        encoded = value.encode()
    if any(byte < 32 or byte == 127 for byte in encoded) or encoded != encoded.strip():
        raise Unsendable
    return encoded


def _pairs(fields: Mapping[str, Any]) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for name, value in fields.items():
        values = value if isinstance(value, list) else [value]
        pairs += ((name, _text(each)) for each in values)
    return pairs


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _urlencoded(fields: Mapping[str, Any]) -> str:
    return "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in _pairs(fields))


def _file_name(text: str) -> str:
    # As RFC 2616 quotes: browsers write %22 for a quote, which no server reads back.
    if any(character in text for character in "\r\n\0") or not text:
        raise Unsendable
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _multipart(fields: Mapping[str, Any], files: Mapping[str, str]) -> tuple[bytes, str]:
    boundary = secrets.token_hex(16)
    parts = []
    for name, value in _pairs(fields):
        file = ""
        if name in files:
            file = f'; filename="{_file_name(files[name])}"\r\nContent-Type: text/csv'
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{file}'
        parts.append(f"{head}\r\n\r\n{value}\r\n")
    content = "".join([*parts, f"--{boundary}--\r\n"]).encode("utf-8", "surrogatepass")
    return content, f"multipart/form-data; boundary={boundary}"


def replaced(document: Any, where: tuple[str | int, ...], value: Any, *, key: bool = False) -> Any:
    """A copy of `document` with the value (or the key) at `where` replaced."""
    step, rest = where[0], where[1:]
    if isinstance(document, dict):
        if key and not rest:
            return {(value if name == step else name): member for name, member in document.items()}
        return document | {step: replaced(document[step], rest, value, key=key) if rest else value}
    copy = list(document)
    copy[int(step)] = replaced(copy[int(step)], rest, value, key=key) if rest else value
    return copy


class Client:
    """Sends an operation's honest request, or the same with one slot filled otherwise."""

    def __init__(self, port: int, headers: Mapping[str, str] | None = None) -> None:
        self._port = port
        self._headers = dict(headers or {})
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        self.requests = 0

    def close(self) -> None:
        self._connection.close()

    def get(self, path: str) -> Answer:
        """A plain GET."""
        return self._exchange("GET", path, None, {})

    def send(self, operation: Operation, slot: Slot | None = None, value: str = "") -> Answer:
        """Errors: Unsendable; OSError or http.client.HTTPException where the server is gone."""
        path, query = operation.path, operation.query
        headers, cookies, body = operation.headers, operation.cookies, operation.body
        files = dict.fromkeys(operation.file_fields, FILE_NAME)
        if slot is not None:
            match slot.source:
                case "path":
                    path = path | {slot.name: value}
                case "query":
                    query = query | {slot.name: value}
                case "header":
                    headers = headers | {slot.name: value}
                case "cookie":
                    cookies = cookies | {slot.name: value}
                case "file_name":
                    files[slot.name] = value
                case _:
                    body = replaced(body, slot.where, value, key=slot.source == "json_key")
        return self._exchange(
            operation.method,
            self._target(operation.template, path, query),
            *self._message(operation.media_type, headers, cookies, body, files),
        )

    @staticmethod
    def _target(template: str, path: Mapping[str, str], query: Mapping[str, Any]) -> str:
        target = template
        for name, value in path.items():
            target = target.replace("{" + name + "}", quote(value, safe=_UNRESERVED_IN_PATH))
        return target + ("?" + _urlencoded(query) if query else "")

    def _message(
        self,
        media_type: str,
        headers: Mapping[str, str],
        cookies: Mapping[str, str],
        body: Any,
        files: Mapping[str, str],
    ) -> tuple[bytes | None, dict[str, bytes]]:
        sent = {
            name: _header_value(value) for name, value in (self._headers | dict(headers)).items()
        }
        if cookies:
            pairs = (f"{name}={encode_cookie(value)}" for name, value in cookies.items())
            sent["Cookie"] = _header_value("; ".join(pairs))
        match media_type:
            case "":
                return None, sent
            case "multipart/form-data":
                content, media_type = _multipart(body, files)
            case "application/x-www-form-urlencoded":
                content = _urlencoded(body).encode()
            case _:
                content = json.dumps(body).encode()
        return content, sent | {"Content-Type": media_type.encode()}

    def _exchange(
        self, method: str, target: str, body: bytes | None, headers: Mapping[str, bytes]
    ) -> Answer:
        self.requests += 1
        try:
            response = self._request(method, target, body, headers)
        except (http.client.RemoteDisconnected, ConnectionError, http.client.CannotSendRequest):
            # A server may close a kept connection at any time; a new one must work.
            self._connection.close()
            response = self._request(method, target, body, headers)
        content = response.read(4 << 20)
        if not response.isclosed():
            self._connection.close()
        return Answer(
            response.status,
            response.getheader("content-type", ""),
            content.decode("utf-8", "replace"),
        )

    def _request(
        self, method: str, target: str, body: bytes | None, headers: Mapping[str, bytes]
    ) -> http.client.HTTPResponse:
        self._connection.request(method, target, body, headers)
        return self._connection.getresponse()
