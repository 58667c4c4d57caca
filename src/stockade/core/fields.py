"""Header fields: what an application may read out of one, and which are no evidence at all.

What every browser sends with every request, spelled just as its standard says, holds no attack but
would be found in the developer's own text by chance (`?1`, `*/*`). Anything else is untrusted.
"""

from __future__ import annotations

import re
from functools import lru_cache

from stockade.core.decoding import decoded_spellings
from stockade.core.dropped import dropped
from stockade.core.input import MUTE, Input, Shared, Source
from stockade.core.pieces import ACTS, pieces
from stockade.core.tokens import TooLarge, base64_spellings

__all__ = ["REPEATED", "parameters", "readings", "shared", "text"]

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
_names = (
    *(name for name in _ORDINARY if name != "content-length"),
    "accept-charset",
    "device-memory",
    "downlink",
    "dpr",
    "ect",
    "forwarded",
    "keep-alive",
    "origin",
    "rtt",
    "save-data",
    "sec-ch-prefers-color-scheme",
    "sec-ch-ua",
    "sec-ch-ua-arch",
    "sec-ch-ua-full-version-list",
    "sec-ch-ua-model",
    "sec-ch-ua-platform",
    "sec-ch-ua-platform-version",
    "upgrade",
    "user-agent",
    "via",
    "viewport-width",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-real-ip",
    "x-requested-with",
)
REPEATED: frozenset[str | bytes] = frozenset(_names) | frozenset(map(str.encode, _names))
"""Fields that a client, or the proxy before us, sends with every request and that are no secrets.

Referer is none of them: addresses carry tokens. Nor is any field that we do not know.
"""

# What clients name themselves by is full of marks; nobody cuts it further than into members of a
# list, unless something else stands in it.
_NAMED_BY = re.compile(r"(?:(?!--|\.\.)[\w .,:;/()+-])*+\Z").match
_LISTED_BY = re.compile(
    r'"[\w ./;:()?-]*"(?:;v="[\w.]*")?(?:, "[\w ./;:()?-]*";v="[\w.]*")*\Z'
).match
_UNCUT = {
    "user-agent": _NAMED_BY,
    "sec-ch-ua": _LISTED_BY,
    "sec-ch-ua-full-version-list": _LISTED_BY,
}


# An address of words: whole, it is a value like another; it holds nothing to decode or to cut.
_PLAIN_ADDRESS = re.compile(
    r"https?://[\w.-]++(?::\d++)?(?:/\w++(?:[.-]\w++)*+)*+/?(?:\?\w++=\w*+(?:&\w++=\w*+)*+)?\Z",
    re.ASCII,
).match


def text(raw: str | bytes) -> str:
    """A field's name or value, which servers hand on as text or as bytes."""
    return raw if isinstance(raw, str) else raw.decode("latin-1")


def _utf8(value: str) -> str | None:
    """The UTF-8 behind the Latin-1 that servers hand on, if that is what it is."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return None


def readings(name: str, value: str) -> tuple[str, ...]:
    """What the field `name` (lower case) with this `value` may bring into a text.

    The value, the members of a list (RFC 9110, 5.6.1), the values of their parameters,
    credentials, the decoded spellings of all these, and what applications cut out of them. Raises
    RecursionError as `parse_json` does, and TooLarge for a compressed token and for a list of more
    than 128 members that could act: that is nothing that a client sends.
    """
    found: list[str] = [] if _PLAIN_NAME(name) else [name]
    ordinary = _ORDINARY.get(name)
    if ordinary is not None and ordinary(value):
        return tuple(found)
    if name == "referer" and _PLAIN_ADDRESS(value):
        return (value,)
    found.append(value)
    if not value.isascii() and (respelled := _utf8(value)) is not None:
        found.append(respelled)
    if name == "authorization":
        found += _credentials(value)
    if "," in value or ";" in value:
        found += (member.strip() for member in _MEMBERS(value))
    if name == "accept-language":  # `de-CH` without its region
        found += (member.partition("-")[0] for member in found[:])
    if "=" in value and name != "referer":
        found += parameters(value)
    read = dict.fromkeys(found)
    uncut = _UNCUT.get(name)
    is_cut = uncut is None or uncut(value) is None
    if len(read) > _MAX_ACTING and sum(ACTS(each) is not None for each in read) > _MAX_ACTING:
        raise TooLarge
    for reading in tuple(read):
        decoded = decoded_spellings(reading)
        read.update(dict.fromkeys(decoded))
        if is_cut:
            read.update(dict.fromkeys(dropped(reading)))
            for spelling in (reading, *decoded[:_MAX_CUT]):
                read.update(dict.fromkeys(pieces(spelling)))
    return tuple(read)


_MAX_ACTING = 128
_MAX_CUT = 32  # decoded spellings of one value that are cut into pieces in turn
_MEMBERS = re.compile("[,;]").split
_PARAMETER = re.compile(r"""=[ \t]*+(?:"((?:[^"\\]|\\.)*+)"|([^\s,;"]++))""").finditer
_PLAIN_PARAMETER = re.compile(r"[\w.-]*\Z").match


def parameters(value: str) -> list[str]:
    """The values of `name=value` and `name="value"` (RFC 9110, 5.6.6), unless they are one word."""
    found = []
    for match in _PARAMETER(value):
        quoted, token = match.groups()
        one = token if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        if not _PLAIN_PARAMETER(one):
            found.append(one)
    return found


def _credentials(value: str) -> list[str]:
    scheme, _, rest = value.partition(" ")
    rest = rest.strip()
    found = [rest]
    if scheme.lower() == "basic":
        for spelling in base64_spellings(rest, latin=True):
            found += (spelling, *spelling.split(":", 1))
    return found


@lru_cache(maxsize=256)
def shared(headers: tuple[str | bytes, ...]) -> Shared:
    """The values of `headers`, which are names and values in turn; what cannot be read is left out.

    Only fields of REPEATED come here: what is remembered outlives the request.
    """
    seen: dict[str, Input] = {}
    before: dict[str, str] = {}
    for index in range(0, len(headers), 2):
        name, value = text(headers[index]), text(headers[index + 1])
        found = readings(name, value)
        if name in before:  # as WSGI servers hand on a field that came more than once
            found += readings(name, f"{before[name]},{value}")
        before[name] = value
        for reading in found:
            if reading not in MUTE:
                seen.setdefault(reading, Input(Source.HEADER, name, reading))
    tenths = sum(1 if reading.isalnum() else 10 for reading in seen)
    return Shared(tuple(seen.values()), sum(map(len, seen)), tenths)
