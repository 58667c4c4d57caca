"""The strings of a GraphQL document (GraphQL, October 2021, 2.9.4), wherever the document stands.

Only what a resolver may receive as a string: names, numbers and enumeration values are one token
each. A `#` that begins a comment and one inside a string are told apart by the lexical grammar.
"""

from __future__ import annotations

import re

__all__ = ["graphql_strings"]

_DOCUMENT = re.compile(
    r"(?:[\ufeff\s,]|#[^\n\r]*+)*+(?:\{|(?:query|mutation|subscription|fragment)\b)"
).match
_STRING = re.compile(
    # What is not terminated ends with its line or the text, so that no part is searched twice.
    r'#[^\n\r]*+|"""(?P<block>(?:[^"\\]|\\"""|\\|"(?!""))*+)(?:"""|\Z)'
    r'|"(?P<plain>(?:[^"\\\n\r]|\\.)*+)"?'
)
_ESCAPE = re.compile(r"\\(?:u\{([0-9A-Fa-f]{1,6})\}|u([0-9A-Fa-f]{4})|(.))")
_NAMED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_LINES = re.compile(r"\r\n|\n|\r")
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")


def graphql_strings(text: str) -> list[str]:
    """The values of the string and block-string literals in `text`, if it is a document."""
    if '"' not in text or "{" not in text or _DOCUMENT(text) is None:
        return []
    found = []
    for match in _STRING.finditer(text):
        if match["block"] is not None:
            found.append(_block(match["block"].replace('\\"""', '"""')))
        elif match["plain"]:
            value = _ESCAPE.sub(_character, match["plain"])
            found.append(_PAIR.sub(_joined, value))
    return found


def _character(match: re.Match[str]) -> str:
    digits = match[1] or match[2]
    if digits is None:
        return _NAMED.get(match[3], match[3])
    number = int(digits, 16)
    return chr(number) if number < 0x110000 else match[0]


def _joined(pair: re.Match[str]) -> str:
    return pair[0].encode("utf-16", "surrogatepass").decode("utf-16")


def _block(raw: str) -> str:
    """A block string without the indentation that its lines share (`BlockStringValue`)."""
    lines = _LINES.split(raw)
    margins = [len(line) - len(line.lstrip(" \t")) for line in lines[1:] if line.strip(" \t")]
    margin = min(margins, default=0)
    lines[1:] = [line[margin:] for line in lines[1:]]
    while lines and not lines[0].strip(" \t"):
        del lines[0]
    while lines and not lines[-1].strip(" \t"):
        del lines[-1]
    return "\n".join(lines)
