"""The layers of an example, as a client would put them around a value of its own.

A layer is what an application takes off before it uses a value. Each is recognised by the example
alone and gives what is below it, and the way back: `50%25` is percent-encoded, `name|Tea` a list.
"""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote

__all__ = ["as_example"]

Layer = tuple[str, Callable[[str], str]]
"""What is below, and the way back."""

_PERCENT = re.compile("%[0-9A-Fa-f]{2}")
_ENTITY = re.compile(r"&(?:#\d+|#x[0-9a-fA-F]+|[a-z]+);")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2}){4,}\Z")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{4,}={0,2}\Z")
_TOKEN = re.compile(r"([\w-]+)\.([\w-]+)\.([\w-]*)\Z")
_WIDE = re.compile("[\uff01-\uff5e]")
_TO_WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)} | {0x20: 0x3000}
_GRAPHQL = re.compile(r'(\{.*\(\s*\w+\s*:\s*)("(?:[^"\\]|\\.)*")(.*\})\Z', re.DOTALL)
_LIST = re.compile(r"(.*[|;])([^|;]*)\Z", re.DOTALL)
_TAG = re.compile(r"([#@])(\w+)\Z")


def as_example(example: str, text: str) -> str:
    """`text` in the same layers as `example`; as it is where there are none."""
    for layer in _LAYERS:
        if (found := layer(example)) is not None:
            below, back = found
            return back(as_example(below, text))
    if example[:1] in ("{", "["):
        try:
            return json.dumps(_replace_leaves(json.loads(example), text))
        except ValueError:
            return text
    if "\n" in example.strip() and example.isprintable() is False and "\0" not in example:
        # A table: the text becomes the first cell below its header.
        head, _, rest = example.partition("\n")
        return f'{head}\n"{text}"' + rest[rest.find(",") :]
    return text


def _replace_leaves(document: Any, text: str) -> Any:
    if isinstance(document, dict):
        return {key: _replace_leaves(member, text) for key, member in document.items()}
    if isinstance(document, list):
        return [_replace_leaves(member, text) for member in document]
    return text if isinstance(document, str) else document


def _percent(example: str) -> Layer | None:
    if _PERCENT.search(example) is None:
        return None
    return unquote(example), lambda text: quote(text, safe="")


def _entities(example: str) -> Layer | None:
    if _ENTITY.search(example) is None:
        return None

    def back(text: str) -> str:
        return "".join(each if each.isalnum() else f"&#{ord(each)};" for each in text)

    return html.unescape(example), back


def _hexadecimal(example: str) -> Layer | None:
    if _HEX.match(example) is None:
        return None
    below = bytes.fromhex(example).decode(errors="replace")
    return (below, lambda text: text.encode().hex()) if _is_text(below) else None


def _token(example: str) -> Layer | None:
    match = _TOKEN.match(example)
    if match is None:
        return None
    head, payload, signature = match.groups()
    below = _read_base64(payload)
    if not below.startswith("{"):
        return None

    def back(text: str) -> str:
        made = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
        return f"{head}.{made}.{signature}"

    return below, back


def _base64(example: str) -> Layer | None:
    if _BASE64.match(example) is None or len(example) % 4:
        return None
    below = _read_base64(example)
    if not below:
        return None
    return below, lambda text: base64.b64encode(text.encode()).decode()


def _read_base64(text: str) -> str:
    try:
        padded = text + "=" * (-len(text) % 4)
        below = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
    return below if _is_text(below) else ""


def _is_text(text: str) -> bool:
    return text.isprintable() and "\ufffd" not in text


def _full_width(example: str) -> Layer | None:
    if _WIDE.search(example) is None:
        return None
    return "", lambda text: text.translate(_TO_WIDE)


def _graphql(example: str) -> Layer | None:
    match = _GRAPHQL.match(example)
    if match is None or example.startswith('{"'):
        return None
    before, literal, behind = match.groups()
    return json.loads(literal), lambda text: f"{before}{json.dumps(text)}{behind}"


def _list(example: str) -> Layer | None:
    match = _LIST.match(example)
    if match is None or "\n" in example:
        return None
    before, below = match.groups()
    return below, lambda text: before + text


def _tag(example: str) -> Layer | None:
    match = _TAG.match(example)
    if match is None:
        return None
    sign, below = match.groups()
    return below, lambda text: sign + text


_LAYERS = (
    *(_percent, _entities, _hexadecimal, _token, _base64),
    *(_full_width, _graphql, _list, _tag),
)
