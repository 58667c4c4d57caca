"""Headers with which an upload goes out again: a download, unless it is a picture drawn anew.

A browser shows nothing of it in the origin of the application, takes no other type than ours, and
runs nothing even where somebody opens it inside a frame.
Sources: RFC 6266, 4; RFC 8187, 3.2; ASVS 5.0 V5.4.1, V5.4.2, V3.4.4; CWE-113, CWE-79.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from pydantic_core import PydanticCustomError

from stockade.boundary.types.filename import check
from stockade.boundary.uploads.kinds import KINDS, Kind

__all__ = ["content_disposition", "download_headers"]

_DRAWN_ANEW: Final = frozenset(("jpeg", "png", "gif", "webp"))
_ATTR_CHAR: Final = "!#$&+-.^_`|~"
_NAMELESS: Final = "download"


def content_disposition(filename: str, *, inline: bool = False) -> str:
    """The field's value: `attachment` with `filename`, in ASCII and, where it differs, in UTF-8.

    A name that is no `Filename` becomes "download". `inline` is for pictures that `Image` drew.
    """
    try:
        name = check(filename)
    except PydanticCustomError:
        name = _NAMELESS
    kind = "inline" if inline else "attachment"
    plain = "".join(char if " " <= char <= "~" and char not in '"\\%' else "_" for char in name)
    value = f'{kind}; filename="{plain}"'
    if plain != name:
        value += f"; filename*=UTF-8''{quote(name, safe=_ATTR_CHAR)}"
    return value


def download_headers(stored: str, filename: str = "") -> dict[str, str]:
    """Every header for the file that `Upload.store` named `stored`, shown to people as `filename`.

    The type comes from the extension that `store` chose; the shown name gets that extension where
    it has another. An unknown extension is a download of octets.
    """
    kind = next((kind for kind in KINDS.values() if stored.endswith(kind.extensions)), None)
    inline = kind is not None and kind.name in _DRAWN_ANEW
    return {
        "Content-Type": "application/octet-stream" if kind is None else kind.media_type,
        "Content-Disposition": content_disposition(_shown(filename, kind), inline=inline),
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cross-Origin-Resource-Policy": "same-origin",
    }


def _shown(filename: str, kind: Kind | None) -> str:
    name = filename or _NAMELESS
    if kind is None or name.lower().endswith(kind.extensions):
        return name
    stem = name.rpartition(".")[0] or name
    return stem + kind.extensions[0]
