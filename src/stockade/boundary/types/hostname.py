"""A host name as DNS and TLS know it: lower case, internationalised names as their A-labels.

Sources: RFC 952 and RFC 1123, 2.1 (letters, digits, hyphens); RFC 1035, 2.3.4 (lengths); RFC 5891
(IDNA 2008); UTS #46. A name whose last label is a number is an address to browsers (WHATWG URL,
"ends in a number"), and refused.
"""

from __future__ import annotations

import re
from typing import Annotated, Final, TypeAlias

from stockade.boundary.types.extras import needed
from stockade.boundary.validator import rejects

__all__ = ["MAX_LENGTH", "Hostname", "hostname"]

MAX_LENGTH: Final = 253
"""Characters of the longest name that fits into the 255 octets of a DNS message."""

_NAME = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*"
    r"(?![0-9]+\Z|0x[0-9a-f]*\Z)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z"
)


@rejects(
    "Expected a host name such as www.example.org.", max_length=MAX_LENGTH, format="idn-hostname"
)
def hostname(value: str) -> str:
    """`value` in lower case, as A-labels."""
    name = value.lower()
    if not name.isascii() or "xn--" in name:
        idna = needed("idna", "Hostname")
        try:
            name = idna.encode(value, uts46=True).decode().lower()
        except UnicodeError:  # the library's own error is one
            raise ValueError from None
    if not _NAME.match(name):
        raise ValueError
    return name


Hostname: TypeAlias = Annotated[str, hostname]
"""The name of a host, never an address; which host it leads to, only its resolver knows."""
