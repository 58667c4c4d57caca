"""Where a call goes: one reading of the URL, by the URL standard, for the policy and the wire.

Attackers write one address in many ways: `http://2130706433/`, `http://0x7f.1/`,
`http://[::ffff:127.0.0.1]/`, `http://good.example@evil.example/`. The standard's own algorithm
resolves them all before anything looks at the host; a URL that it fails, that carries a user name,
or that two libraries read differently is refused (`stockade.boundary.types.url`).

Sources: WHATWG URL; RFC 3986, 5.3; ASVS 5.0 V1.3.6, V1.5.3; CWE-918.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from stockade.boundary.types.extras import needed
from stockade.boundary.types.url import http_url
from stockade.core.errors import ConfigError, UpstreamRefused

__all__ = ["MAX_URL", "Base", "Target", "read_target"]

MAX_URL = 8_000
"""Octets that any server should take (RFC 9110, 4.1)."""

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Target:
    """A URL and its parts; `host` is lower case, punycode, without brackets."""

    url: str
    scheme: str
    host: str
    port: int

    @property
    def origin(self) -> str:
        """Scheme, host and port (RFC 6454)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def path(self) -> str:
        return urlsplit(self.url).path


def read_target(url: str, base: str | None = None) -> Target:
    """`url`, read against `base` if that is given. Raises UpstreamRefused; sends nothing."""
    ada = needed("ada_url", "client")
    try:
        if len(url) > MAX_URL:
            raise ValueError
        absolute: Any = ada.URL(url, base=base) if base else ada.URL(url)
        absolute.hash = ""
        href = http_url(absolute.href)
        parts = urlsplit(href)
        host = (parts.hostname or "").rstrip(".")
        if len(href) > MAX_URL or not host or parts.port == 0:
            raise ValueError
    except ValueError:
        raise UpstreamRefused(
            "the address is not an http or https URL of at most 8,000 characters without a user "
            "name in it; give such a URL",
            rule="client.url",
        ) from None
    return Target(href, parts.scheme, host, parts.port or _PORTS[parts.scheme])


class Base:
    """The one API that a client is for: its origin, and the folder that its paths lie in."""

    __slots__ = ("target",)

    def __init__(self, url: str) -> None:
        """Raises ConfigError for what is no http(s) URL, or has a query."""
        try:
            target = read_target(url)
        except UpstreamRefused:
            target = None
        if target is None or "?" in target.url:
            raise ConfigError(
                "base_url is not an http or https URL without user name and query; "
                'write it as "https://api.example.com/v1/"'
            )
        if not target.url.endswith("/"):
            target = read_target(target.url + "/")
        self.target = target

    def join(self, url: str) -> Target:
        """A path below the base, or a URL that lies there.

        Raises UpstreamRefused for what leads elsewhere: `//evil.example`, `../admin`,
        `https://evil.example`. Encoded slashes (`%2f`) stay what they are, part of a name.
        """
        if "://" in url.partition("?")[0]:
            target = read_target(url)
        else:
            target = read_target("./" + url.lstrip("/"), self.target.url)
        if target.origin != self.target.origin or not target.path.startswith(self.target.path):
            raise UpstreamRefused(
                "the address lies outside of the client's base_url; quote what comes from outside "
                "(urllib.parse.quote(value, safe='')), or use another client",
                rule="client.base",
            )
        return target
