"""A file name that is one path component, on every system and after every careless decoding.

Sources: ASVS 5.0 V5.3.2 (no user-submitted path), OWASP File Upload Cheat Sheet, CWE-22, CWE-73;
POSIX.1-2024, 3.170 (255 bytes, no slash, no NUL); Microsoft "Naming Files, Paths, and Namespaces"
(reserved characters and device names, alternate data streams, trailing dots and spaces).
"""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated, Any, LiteralString, TypeAlias
from urllib.parse import unquote

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

__all__ = ["MAX_BYTES", "Filename"]

MAX_BYTES = 255
"""The longest component of the usual file systems, in bytes of UTF-8."""

_SEPARATORS = re.compile(r"[/\\:]")
_FORBIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # controls, NUL among them
    '<>"|?*'  # refused by Windows, wildcards elsewhere
    "\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\u180e"  # direction marks, invisible
    "\ufff9-\ufffb\ufdd0-\ufdef\ufffe\uffff\U000e0000-\U000e007f\ud800-\udfff]"
)
_DEVICE = re.compile(
    r"(?:CON|PRN|AUX|NUL|CLOCK\$|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9\u00b9\u00b2\u00b3])\ *(?:\.|\Z)",
    re.IGNORECASE,
)


def _refuse(kind: LiteralString, message: LiteralString) -> PydanticCustomError:
    return PydanticCustomError("stockade.filename_" + kind, message)


def check(value: str) -> str:
    """`value` in Normalization Form C. Raises PydanticCustomError with a constant message."""
    name = unicodedata.normalize("NFC", value)
    if not name:
        raise _refuse("empty", "A file name is not empty.")
    if len(name.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise _refuse("length", "A file name is at most 255 bytes long in UTF-8.")
    # What an application may do to the name before it opens it must not make a path of it either.
    compatible, unquoted = unicodedata.normalize("NFKC", name), unquote(name)
    for spelling in {name, compatible, unquoted, unquote(unquoted)}:
        if _SEPARATORS.search(spelling):
            raise _refuse("separator", "A file name holds no slash, backslash or colon.")
        if _FORBIDDEN.search(spelling):
            raise _refuse("character", 'A file name holds no control, invisible or any of <>"|?*.')
        if spelling[0] in ".- ~" or spelling[-1] in ". ":
            raise _refuse("edge", "A file name does not start with . - ~ or end in . or a space.")
        if _DEVICE.match(spelling):
            raise _refuse("device", "This file name is the name of a device on Windows.")
    return name


class _Filename:
    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(
            check, core_schema.str_schema(strict=True, max_length=MAX_BYTES)
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {
            **handler(schema),
            "minLength": 1,
            "description": "A file name: one path component, portable between systems.",
        }


Filename: TypeAlias = Annotated[str, _Filename]
"""One portable path component; a name, never a path. Still choose the folder yourself."""
