"""Which address a request came from, behind proxies that are trusted by name only."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import TypeAlias

from stockade.core.errors import ConfigError

__all__ = ["TrustedProxies", "is_loopback"]

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


class TrustedProxies:
    """The networks whose `X-Forwarded-For` is believed; empty: the peer is the client."""

    __slots__ = ("_networks",)

    def __init__(self, networks: Iterable[str]) -> None:
        try:
            self._networks: tuple[Network, ...] = tuple(
                ipaddress.ip_network(network) for network in networks
            )
        except ValueError:
            raise ConfigError(
                "request.trusted_proxies holds something that is not an address or a network; "
                'write them as ["10.0.0.0/8", "fd00::/8"]'
            ) from None

    def __bool__(self) -> bool:
        return bool(self._networks)

    def trusts(self, address: str) -> bool:
        """Whether `address` is one of the proxies."""
        try:
            ip = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(ip in network for network in self._networks)

    def client(self, peer: str, forwarded_for: str) -> str:
        """The nearest address that is not a trusted proxy, read from the right (RFC 7239, 5.2)."""
        if not self.trusts(peer):
            return peer
        client = peer
        for hop in reversed(forwarded_for.split(",")):
            try:
                address = str(ipaddress.ip_address(hop.strip()))
            except ValueError:
                break  # what stands further left may be anybody's invention
            client = address
            if not self.trusts(address):
                break
        return client


def is_loopback(host: str) -> bool:
    """Whether `host` is a loopback address, or the name of one."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
