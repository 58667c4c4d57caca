"""The pairs of an `application/x-www-form-urlencoded` text, as `urllib.parse.parse_qsl` has them.

Most fields hold nothing to decode; to see that first saves half of what a short query costs.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote

__all__ = ["pairs_of"]


def pairs_of(text: str, charset: str = "utf-8") -> Iterator[tuple[str, str]]:
    """Names and values between the `&`, those without a value too; `charset`: of their bytes."""
    for field in text.split("&"):
        if field:
            name, _, value = field.partition("=")
            yield _decoded(name, charset), _decoded(value, charset)


def _decoded(text: str, charset: str) -> str:
    if "+" in text:
        text = text.replace("+", " ")
    return unquote(text, charset) if "%" in text else text
