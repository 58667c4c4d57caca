"""Which address a request came from, behind proxies that are trusted by name only."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import TypeAlias

from stockade.core.errors import ConfigError

__all__ = ["TrustedProxies", "is_loopback", "is_public"]

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

# Translators hand these on to the IPv4 address in their last 32 bits (RFC 6052; RFC 4291, 2.5.5.1).
_TRANSLATED = tuple(map(ipaddress.IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "::/96")))


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


def is_public(address: str) -> bool:
    """Whether `address` is one of the public internet's, and no host's or network's own.

    Special-purpose blocks are not (IANA registries of RFC 6890), nor multicast, nor IPv6 addresses
    that carry such an IPv4 address: mapped, 6to4, Teredo, NAT64. False for what is no address.
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    return all(_is_unicast(each) for each in _carried(ip))


def _is_unicast(ip: Address) -> bool:
    site_local = isinstance(ip, ipaddress.IPv6Address) and ip.is_site_local  # deprecated, RFC 3879
    return ip.is_global and not ip.is_multicast and not site_local


def _carried(ip: Address) -> list[Address]:
    """The address, or the IPv4 addresses that packets to it are handed on to."""
    if isinstance(ip, ipaddress.IPv4Address):
        return [ip]
    if ip.ipv4_mapped is not None:
        return [ip.ipv4_mapped]
    if any(ip in network for network in _TRANSLATED):
        return [ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)]
    if ip.sixtofour is not None:
        return [ip, ip.sixtofour]
    return [ip, *ip.teredo] if ip.teredo is not None else [ip]
