"""Which addresses a service may call: the public internet, and what the developer listed.

The policy judges twice: the URL before anything happens, and every address that its host resolves
to before a connection is made. One bad address among several refuses them all, for an attacker who
answers DNS queries decides in which order they come.

Sources: ASVS 5.0 V1.3.6 (server-side request forgery), V13.2.4 and V13.2.5 (allow-lists of what may
be called), V12.2.1 (TLS); RFC 6890 (special-purpose addresses); WHATWG Fetch, port blocking.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from stockade.boundary.client.target import Target, read_target
from stockade.core.errors import ConfigError, UpstreamRefused
from stockade.core.network import is_public

__all__ = ["AddressPolicy"]

_Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

# Where internal services live: RFC 1918, RFC 6598, RFC 4193, loopback.
_SITE = tuple(
    map(
        ipaddress.ip_network,
        (
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "fc00::/7",
            "::1/128",
        ),
    )
)
# Clouds hand out credentials here; a name that is listed does not reach them.
_METADATA = frozenset(map(ipaddress.ip_address, ("100.100.100.200", "fd00:ec2::254")))

# Ports of other protocols, whose servers an HTTP request might mislead (WHATWG Fetch, 2.9).
_OTHER_PROTOCOLS = (
    "1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95 101 102 103 104 109 110 "
    "111 113 115 117 119 123 135 137 139 143 161 179 389 427 465 512 513 514 515 526 530 531 "
    "532 540 548 554 556 563 587 601 636 989 990 993 995 1719 1720 1723 2049 3659 4045 4190 "
    "5060 5061 6000 6566 6665 6666 6667 6668 6669 6679 6697 10080"
)
_BAD_PORTS = frozenset(map(int, _OTHER_PROTOCOLS.split()))


class AddressPolicy:
    """What may be called. By default: https, any public address, no port of another protocol.

    `hosts`: names (or `.suffix` for all names below it) of internal services. They may resolve to
    private and loopback addresses and be called by plain http; link-local addresses and the clouds'
    metadata services stay out of reach.
    `networks`: addresses and networks (CIDR) that may be reached by any name, whatever they hold.
    `only`: where it is given, no other host is called: names and suffixes as above, or addresses.
    `plain_http`: whether public hosts may be called without TLS.
    """

    __slots__ = ("_hosts", "_networks", "_only", "plain_http")

    def __init__(
        self,
        *,
        hosts: Iterable[str] = (),
        networks: Iterable[str] = (),
        only: Iterable[str] | None = None,
        plain_http: bool = False,
    ) -> None:
        """Raises ConfigError for what is no name, suffix, address or network."""
        if isinstance(hosts, str) or isinstance(networks, str) or isinstance(only, str):
            raise ConfigError("an AddressPolicy takes lists of names and networks, not one text")
        self._hosts = _names(hosts)
        self._only = None if only is None else _names(only)
        try:
            self._networks: tuple[_Network, ...] = tuple(map(ipaddress.ip_network, networks))
        except ValueError:
            raise ConfigError(
                "AddressPolicy.networks holds something that is not an address or a network; "
                'write them as ["10.1.0.0/16", "fd12::/16"]'
            ) from None
        self.plain_http = plain_http

    def check_target(self, target: Target) -> None:
        """Raises UpstreamRefused for a URL that may not be called, wherever its host resolves."""
        if self._only is not None and not _matches(target.host, self._only):
            raise UpstreamRefused(
                "the host is not among those that this client may call; add it to "
                "AddressPolicy.only if it should be",
                rule="client.host",
            )
        if target.port in _BAD_PORTS:
            raise UpstreamRefused(
                "the port belongs to another protocol than HTTP; give the port of the web service",
                rule="client.port",
            )
        if target.scheme != "https" and not self.plain_http and not self._is_listed(target.host):
            raise UpstreamRefused(
                "the address is plain http, which anybody on the way can read and change; use "
                "https, or list the host if it is an internal service",
                rule="client.plain_http",
            )

    def admit(self, host: str, addresses: Sequence[str]) -> tuple[str, ...]:
        """`addresses` of `host`, every one checked. Raises UpstreamRefused if one is bad."""
        listed = _matches(host, self._hosts)
        for address in addresses:
            reach = self._refused(address, listed)
            if reach:
                raise UpstreamRefused(
                    "the host resolves to an address that this client may not reach; if it is an "
                    "internal service, list it in AddressPolicy.hosts or AddressPolicy.networks",
                    rule="client.address",
                    reach=reach,
                )
        return tuple(addresses)

    def _is_listed(self, host: str) -> bool:
        if _matches(host, self._hosts):
            return True
        try:
            return self._in_networks(_plain(ipaddress.ip_address(host)))
        except ValueError:
            return False

    def _in_networks(self, ip: _Address) -> bool:
        return any(ip in network for network in self._networks)

    def _refused(self, address: str, listed: bool) -> str:
        """What kind of address it is, if it is none that may be reached; else empty."""
        if is_public(address):
            return ""
        try:
            ip = _plain(ipaddress.ip_address(address))
        except ValueError:
            return "malformed"
        if self._in_networks(ip):
            return ""
        if listed and ip not in _METADATA and any(ip in network for network in _SITE):
            return ""
        return _kind(ip)


def _plain(ip: _Address) -> _Address:
    """An IPv4 address in IPv6 clothing, undressed."""
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    return ip


def _kind(ip: _Address) -> str:
    kinds = ("unspecified", "loopback", "link_local", "multicast")
    found = [kind for kind in kinds if getattr(ip, f"is_{kind}")]
    return found[0] if found else "private"


def _names(names: Iterable[str]) -> frozenset[str]:
    return frozenset(map(_name, names))


def _name(name: str) -> str:
    suffix = name.startswith(".")
    bare = name.removeprefix(".")
    address = f"[{bare}]" if ":" in bare else bare
    try:
        target = read_target(f"https://{address}/")
        if not bare or target.path != "/" or target.port != 443 or any(c in bare for c in "/?#@\\"):
            raise ConfigError
    except (UpstreamRefused, ConfigError):
        raise ConfigError(
            "an AddressPolicy names a host that is none; write names alone, without scheme, port "
            'and path: ["billing.internal", ".svc.cluster.local"]'
        ) from None
    return "." + target.host if suffix else target.host


def _matches(host: str, names: frozenset[str]) -> bool:
    """Whether `host`, or a suffix of it that begins with a dot, is listed."""
    host = host.rstrip(".")
    if host in names:
        return True
    return any(host[at:] in names for at, letter in enumerate(host) if letter == ".")
