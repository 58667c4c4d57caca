"""Header fields: what an application may read out of one, and which are no evidence at all.

What every browser sends with every request, spelled just as its standard says, holds no attack but
would be found in the developer's own text by chance (`?1`, `*/*`). Anything else is untrusted.
"""

from __future__ import annotations

import re
from functools import lru_cache

from stockade.core.decoding import base64_spellings, decoded_spellings

__all__ = ["readings", "remembered_readings"]

_KIND = r"(?:application|audio|font|image|message|model|multipart|text|video)"
_TYPE = rf"(?:{_KIND}/(?:\*|[a-z0-9](?:[.+-]?[a-z0-9])*)|\*/\*)"
_Q = r"(?:;q=[01](?:\.\d{1,3})?)"
_CODING = r"(?:gzip|deflate|br|zstd|compress|identity|\*)"
_LANGUAGE = r"(?:[a-zA-Z]{1,8}(?:-[a-zA-Z0-9]{1,8}){0,3}|\*)"
_LABEL = r"[A-Za-z0-9](?:-?[A-Za-z0-9])*"


def _list(member: str, parameters: str) -> str:
    """Members with parameters and no blank, or blanks and no parameters: a blank after a `;` would
    begin a command.
    """
    return rf"{member}(?:, {member})*|{member}{parameters}?(?:,{member}{parameters}?)*"


_DIRECTIVE = r"(?:no-cache|no-store|no-transform|only-if-cached|max-age=\d{1,10})"
_ORDINARY = {
    name: re.compile(rf"(?:{pattern})\Z").match
    for name, pattern in {
        "accept": _list(_TYPE, rf"(?:(?:;v=b3)?{_Q})"),
        "accept-encoding": _list(_CODING, _Q),
        "accept-language": _list(_LANGUAGE, _Q),
        "cache-control": rf"{_DIRECTIVE}(?:, ?{_DIRECTIVE})*",
        "connection": "keep-alive|close|Keep-Alive|Close|Upgrade|upgrade",
        "content-length": r"\d{1,19}",
        "content-type": rf"{_TYPE}(?:; ?charset=(?:utf-8|UTF-8))?",
        "dnt": "[01]",
        "host": rf"{_LABEL}(?:\.{_LABEL})*(?::\d{{1,5}})?",
        "pragma": "no-cache",
        "priority": "u=[0-7](?:, ?i)?|i",
        "sec-ch-ua-mobile": r"\?[01]",
        "sec-fetch-dest": "[a-z]{1,20}",
        "sec-fetch-mode": "cors|navigate|no-cors|same-origin|websocket",
        "sec-fetch-site": "cross-site|none|same-origin|same-site",
        "sec-fetch-user": r"\?1",
        "sec-gpc": "1",
        "te": "trailers",
        "transfer-encoding": "chunked",
        "upgrade-insecure-requests": "1",
    }.items()
}
_PLAIN_NAME = re.compile(r"[a-z0-9_]+(?:-[a-z0-9_]+)*\Z").match


def readings(name: str, value: str) -> tuple[str, ...]:
    """What the field `name` (lower case) with this `value` may bring into a text.

    The value, the members of a list (RFC 9110, 5.6.1), credentials, and their decoded spellings.
    Raises RecursionError as `parse_json` does.
    """
    found: list[str] = [] if _PLAIN_NAME(name) else [name]
    ordinary = _ORDINARY.get(name)
    if ordinary is not None and ordinary(value):
        return tuple(found)
    found.append(value)
    if not value.isascii():
        try:
            found.append(value.encode("latin-1").decode())
        except UnicodeError:
            pass  # not UTF-8 behind the Latin-1: the value above is all there is
    if name == "authorization":
        found += _credentials(value)
    if "," in value or ";" in value:
        found += (member.strip() for member in re.split("[,;]", value))
    read = dict.fromkeys(found)
    for text in found:
        read.update(dict.fromkeys(decoded_spellings(text)))
    return tuple(read)


def _credentials(value: str) -> list[str]:
    scheme, _, rest = value.partition(" ")
    rest = rest.strip()
    found = [rest]
    if scheme.lower() == "basic":
        for spelling in base64_spellings(rest, latin=True):
            found += (spelling, *spelling.split(":", 1))
    return found


remembered_readings = lru_cache(maxsize=1_024)(readings)
"""The same, for short values that are no secrets: clients repeat them with every request."""
