"""The client's address behind proxies: what a client writes itself is not believed."""

from __future__ import annotations

import pytest

from stockade.core.errors import ConfigError
from stockade.core.network import TrustedProxies, is_loopback


@pytest.mark.asvs("V4.1.3")
def test_nobody_is_believed_by_default() -> None:
    def naive(peer: str, forwarded: str) -> str:  # as most snippets have it
        return forwarded.partition(",")[0] or peer

    assert naive("198.51.100.7", "203.0.113.9") == "203.0.113.9"  # whoever the client says it is
    assert TrustedProxies(()).client("198.51.100.7", "203.0.113.9") == "198.51.100.7"


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "1.1.1.1, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "1.1.1.1, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("10.0.0.1", "nonsense, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("203.0.113.5", "1.1.1.1", "203.0.113.5"),
        ("fd00::1", "2001:db8::9", "2001:db8::9"),
    ],
)
def test_the_nearest_address_that_is_no_proxy(peer: str, forwarded: str, client: str) -> None:
    assert TrustedProxies(("10.0.0.0/8", "fd00::/8")).client(peer, forwarded) == client


def test_a_network_that_is_none_is_refused_at_start() -> None:
    with pytest.raises(ConfigError, match="trusted_proxies"):
        TrustedProxies(("proxy.example",))


def test_loopback() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "example.org")))
