"""An IP address in its one canonical spelling.

Sources: RFC 791, RFC 4291 and RFC 5952 (the canonical text of IPv6). Refused: octal, hexadecimal
and short forms of IPv4, which readers disagree about (CVE-2021-29921), and zone ids, which mean
another interface on each host (RFC 4007).
"""

from __future__ import annotations

import ipaddress
from typing import Annotated, TypeAlias

from stockade.boundary.validator import rejects

__all__ = ["IpAddress", "ip_address"]


@rejects(
    "Expected an IP address such as 192.0.2.1 or 2001:db8::1.",
    max_length=45,
    examples=["192.0.2.1", "2001:db8::1"],
)
def ip_address(value: str) -> str:
    """`value`, compressed and in lower case."""
    address = ipaddress.ip_address(value)
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None:
        raise ValueError
    return address.compressed


IpAddress: TypeAlias = Annotated[str, ip_address]
"""An IPv4 or IPv6 address. Whether it may be reached, `stockade.core.network.is_public` says."""
