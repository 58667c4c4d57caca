"""Cookies that stay where they belong (RFC 6265bis; ASVS 5.0 V3.3).

`harden` adds to a cookie of the application what it lacks: `Secure` over https, `SameSite=Lax`
where it says nothing, `HttpOnly` where `browser.http_only` asks for it, unless scripts must read it
(`browser.script_cookies`). It takes nothing away and never touches a cookie's value.

`host_cookie` writes one from scratch with the `__Host-` prefix: no sibling host and no plain-HTTP
page can plant a cookie of that name.
"""

from __future__ import annotations

import re
from typing import Literal

from stockade.core.errors import ConfigError

__all__ = ["harden", "host_cookie"]

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z").match  # token, RFC 9110, 5.6.2
_VALUE = re.compile(r"[!#-+\--:<-\[\]-~]*\Z").match  # cookie-octet, RFC 6265bis, 4.1.1
_LARGEST = 4_096  # what browsers keep of name and value, RFC 6265bis, 5.6

SameSite = Literal["strict", "lax", "none"]


def harden(
    header: bytes, *, secure: bool, http_only: bool, script_cookies: frozenset[bytes] = frozenset()
) -> bytes:
    """The value of a Set-Cookie field with the flags that it lacks.

    `secure`: the request came over https. `script_cookies`: names that scripts must read.
    """
    pair, *attributes = header.split(b";")
    name = pair.partition(b"=")[0].strip()
    present = {attribute.partition(b"=")[0].strip().lower() for attribute in attributes}
    added = b""
    if b"samesite" not in present:
        added += b"; SameSite=Lax"
    if b"httponly" not in present and http_only and name not in script_cookies:
        added += b"; HttpOnly"
    if b"secure" not in present and secure:
        added += b"; Secure"
    return header + added


def host_cookie(
    name: str,
    value: str,
    *,
    max_age: int | None = None,
    same_site: SameSite = "lax",
    http_only: bool = True,
) -> str:
    """The value of a Set-Cookie field for the cookie `__Host-NAME`; `max_age` in seconds.

    Without `max_age` it ends with the browser's session; 0 takes it back. Raises ConfigError for a
    name, a value or a size that no cookie can have: encode other values first.
    """
    if not _NAME(name) or not _VALUE(value) or len(name) + len(value) > _LARGEST - len("__Host-"):
        raise ConfigError(
            "a cookie's name is a token and its value printable ASCII without blanks, quotes, "
            "commas, semicolons and backslashes, together below 4 kB; encode it, base64url say"
        )
    parts = [f"__Host-{name}={value}", "Path=/", "Secure", f"SameSite={same_site.title()}"]
    if http_only:
        parts.append("HttpOnly")
    if max_age is not None:
        parts.append(f"Max-Age={int(max_age)}")
    return "; ".join(parts)
