"""Text that people write: `Text` of several lines, `Line` of one.

Admitted: every assigned script, combining marks, emoji with their joiners, and the marks that
right-to-left text needs. Refused: what no person types and what makes text look other than it is.
The text comes out in Unicode Normalization Form C (UAX #15), so that equal names are equal, and
CR LF, which forms send, comes out as LF.

Sources: ASVS 5.0 V1.1.1 (one canonical form before validation), V2.2.1; Unicode TR36 and TR39;
CVE-2021-42574 (bidirectional overrides); CWE-117 (control characters in logs).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Annotated, Any, LiteralString, TypeAlias

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

__all__ = ["Line", "Text", "text"]

# Zero-width joiner and non-joiner, and the left-to-right and right-to-left marks, stay: Persian,
# Hindi, Hebrew and emoji need them, and they reorder or hide nothing on their own.
_REFUSED = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls but tab and line feed
    "\u200b\u2060-\u2064\ufeff\u180e"  # zero-width and invisible
    "\u2028\u2029"  # separators that some programs take for line ends
    "\u202a-\u202e\u2066-\u2069\u206a-\u206f"  # bidirectional embedding, override and isolate
    "\ufff9-\ufffb\ufdd0-\ufdef\ufffe\uffff"  # annotation marks, noncharacters
    "\U000e0000-\U000e007f"  # tags: invisible ASCII
)
_REFUSED_IN_TEXT = re.compile(f"[{_REFUSED}\ud800-\udfff]")
_REFUSED_IN_LINE = re.compile(f"[{_REFUSED}\t\n\ud800-\udfff]")
# The same for other languages' expressions (ECMA-262, which JSON Schema names); lone surrogates
# stay out of it: no JSON document that is well-formed holds one, and not every engine knows them.
_SPELLED = "".join(
    character if character == "-" or character > "\uffff" else f"\\u{ord(character):04x}"
    for character in _REFUSED
)
_MESSAGES: dict[bool, LiteralString] = {
    True: "Text may hold line breaks and tabs, but no control, invisible or direction characters.",
    False: "One line of text: no line break, tab, control, invisible or direction character.",
}


@dataclass(frozen=True, slots=True)
class text:  # noqa: N801  # reads as the recipe that it is: Annotated[str, text(max_length=80)]
    """The contract of a text; use it as `Annotated[str, text(max_length=20_000)]`.

    Lengths are in characters (code points), before and after normalisation; `lines` admits line
    feeds and tabs.
    """

    max_length: int = 10_000
    min_length: int = 0
    lines: bool = True

    def check(self, value: str) -> str:
        """`value` in its canonical form. Raises PydanticCustomError with a constant message."""
        if self.lines and "\r" in value:
            value = value.replace("\r\n", "\n")
        if (_REFUSED_IN_TEXT if self.lines else _REFUSED_IN_LINE).search(value):
            raise PydanticCustomError("stockade.text", _MESSAGES[self.lines])
        value = unicodedata.normalize("NFC", value)
        if not self.min_length <= len(value) <= self.max_length:  # NFC may lengthen or shorten
            raise PydanticCustomError("stockade.text_length", "The text's length is not admitted.")
        return value

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        # Plain ASCII is checked by Pydantic's own pattern; only other text pays for Python.
        plain = r"\A[\t\n\x20-\x7e]*\z" if self.lines else r"\A[\x20-\x7e]*\z"
        steps: list[CoreSchema] = [
            core_schema.str_schema(
                strict=True, min_length=self.min_length, max_length=self.max_length
            ),
            core_schema.union_schema(
                [
                    core_schema.str_schema(pattern=plain, max_length=self.max_length),
                    core_schema.no_info_plain_validator_function(self.check),
                ],
                mode="left_to_right",
                custom_error_type="stockade.text",
                custom_error_message=_MESSAGES[self.lines],
            ),
        ]
        return core_schema.chain_schema(steps)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        refused = _SPELLED if self.lines else _SPELLED + r"\t\n"
        return handler(schema) | {"pattern": f"^[^{refused}]*$"}


Text: TypeAlias = Annotated[str, text()]
"""Text of several lines, at most 10,000 characters; other lengths by `text(max_length=…)`."""

Line: TypeAlias = Annotated[str, text(max_length=200, min_length=1, lines=False)]
"""One line of text, 1 to 200 characters: names, titles, subjects."""
