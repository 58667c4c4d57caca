"""Addresses: `HttpUrl` of anything on the web, `PublicUrl` of what this service may fetch.

Read by the URL standard's own algorithm (ada), and kept only where Python's `urllib` finds the same
host and port in what comes out: libraries that disagree are how a checked address becomes another.

Sources: WHATWG URL; RFC 3986; ASVS 5.0 V1.3.6 (server-side request forgery); CWE-918; CWE-601.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, TypeAlias
from urllib.parse import urlsplit

from stockade.boundary.types.extras import needed
from stockade.boundary.validator import rejects
from stockade.core.network import is_public

__all__ = ["MAX_LENGTH", "HttpUrl", "PublicUrl", "http_url", "public_url"]

MAX_LENGTH: Final = 2_048
"""Characters; what every browser, proxy and database column in use takes."""

_PORTS = {"http": 80, "https": 443}
_SPECIAL_NAME = re.compile(
    r"(?:.*\.)?(?:localhost|local|internal|intranet|lan|home\.arpa|localdomain|test|invalid|onion)\Z"
)


def _parse(value: str) -> Any:
    ada = needed("ada_url", "HttpUrl")
    url = ada.URL(value)  # raises ValueError for what the standard fails
    if url.protocol not in ("http:", "https:"):
        raise ValueError
    if url.username or url.password:
        raise ValueError
    seen = urlsplit(url.href)
    port = int(url.port) if url.port else _PORTS[url.protocol[:-1]]
    host = url.hostname.strip("[]")
    seen_port = _PORTS[seen.scheme] if seen.port is None else seen.port
    if seen.hostname != host or seen_port != port:
        raise ValueError
    return url


@rejects(
    "Expected an http or https address without a user name in it.",
    max_length=MAX_LENGTH,
    format="uri",
)
def http_url(value: str) -> str:
    """`value` as the URL standard writes it."""
    return str(_parse(value).href)


@rejects("Expected an http or https address of a public host.", max_length=MAX_LENGTH, format="uri")
def public_url(value: str) -> str:
    """`value` as the URL standard writes it."""
    url = _parse(value)
    host = url.hostname.rstrip(".")
    if host[:1] == "[" or host.replace(".", "").isdigit():
        if not is_public(host.strip("[]")):
            raise ValueError
    elif "." not in host or _SPECIAL_NAME.match(host):
        raise ValueError
    return str(url.href)


HttpUrl: TypeAlias = Annotated[str, http_url]
"""An http(s) address, normalised. It may lead anywhere, this host's own loopback included."""

PublicUrl: TypeAlias = Annotated[str, public_url]
"""An http(s) address whose host is no private address and no name of a private network.

Its name may still resolve to a private address: fetch it with `stockade.boundary.client`, which
checks every address that it connects to.
"""
