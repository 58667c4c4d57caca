"""The policy: the public internet, and what the developer listed."""

from __future__ import annotations

import pytest

from stockade.boundary.client import AddressPolicy
from stockade.boundary.client.target import read_target
from stockade.core.errors import ConfigError, UpstreamRefused

PUBLIC = ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"]
INSIDE = [
    ("127.0.0.1", "loopback"),
    ("127.8.9.1", "loopback"),
    ("::1", "loopback"),
    ("0.0.0.0", "unspecified"),
    ("::", "unspecified"),
    ("10.0.0.1", "private"),
    ("172.31.0.1", "private"),
    ("192.168.1.1", "private"),
    ("100.64.0.1", "private"),
    ("100.100.100.200", "private"),
    ("169.254.169.254", "link_local"),
    ("fe80::1", "link_local"),
    ("fe80::1%lo", "link_local"),
    ("fd00:ec2::254", "private"),
    ("fc00::1", "private"),
    ("224.0.0.1", "multicast"),
    ("ff02::1", "multicast"),
    ("255.255.255.255", "private"),
    ("192.0.2.1", "private"),
    ("::ffff:127.0.0.1", "loopback"),
    ("::ffff:169.254.169.254", "link_local"),
    ("64:ff9b::7f00:1", "private"),
    ("2002:7f00:1::", "private"),
    ("", "malformed"),
    ("name.example", "malformed"),
]


def test_public_addresses() -> None:
    assert AddressPolicy().admit("a.example", PUBLIC) == tuple(PUBLIC)


@pytest.mark.parametrize(("address", "reach"), INSIDE)
def test_addresses_of_hosts_and_networks(address: str, reach: str) -> None:
    for found in ([address], [*PUBLIC, address]):
        with pytest.raises(UpstreamRefused) as caught:
            AddressPolicy().admit("a.example", found)
        assert (caught.value.rule, caught.value.reach) == ("client.address", reach)
        assert not address or address not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "address", "may"),
    [
        ("billing.internal", "10.1.2.3", True),
        ("BILLING.internal.", "10.1.2.3", True),
        ("billing.internal", "fd12::1", True),
        ("billing.internal", "127.0.0.1", True),
        ("billing.internal", "::ffff:10.1.2.3", True),
        ("billing.internal", "93.184.215.14", True),
        ("billing.internal", "169.254.169.254", False),
        ("billing.internal", "100.100.100.200", False),
        ("billing.internal", "fd00:ec2::254", False),
        ("billing.internal", "0.0.0.0", False),
        ("x.billing.internal", "10.1.2.3", False),
        ("a.svc.cluster.local", "10.1.2.3", True),
        ("b.a.svc.cluster.local", "10.1.2.3", True),
        ("svc.cluster.local", "10.1.2.3", False),
        ("evilsvc.cluster.local", "10.1.2.3", False),
        ("other.internal", "10.9.0.1", True),
        ("other.internal", "::ffff:10.9.0.1", True),
        ("other.internal", "10.8.0.1", False),
        ("other.internal", "169.254.170.2", True),
    ],
)
def test_what_is_listed(host: str, address: str, may: bool) -> None:
    policy = AddressPolicy(
        hosts=["Billing.Internal", ".svc.cluster.local"],
        networks=["10.9.0.0/16", "169.254.170.2"],
    )
    host = read_target(f"https://{host}/").host
    if may:
        assert policy.admit(host, [address]) == (address,)
    else:
        with pytest.raises(UpstreamRefused):
            policy.admit(host, [address])


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("https://pay.example/", ""),
        ("https://eu.pay.example/", ""),
        ("https://93.184.215.14/", ""),
        ("https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/", ""),
        ("https://other.example/", "client.host"),
        ("https://pay.example.evil.example/", "client.host"),
        ("https://93.184.215.15/", "client.host"),
    ],
)
def test_only_some_hosts(url: str, rule: str) -> None:
    policy = AddressPolicy(only=["pay.example", ".pay.example", *PUBLIC])
    assert verdict(policy, url) == rule


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("http://a.example/", "client.plain_http"),
        ("http://93.184.215.14/", "client.plain_http"),
        ("http://billing.internal/", ""),
        ("http://10.9.0.1/", ""),
        ("https://a.example:8443/", ""),
        ("https://a.example:22/", "client.port"),
        ("https://a.example:25/", "client.port"),
        ("https://a.example:6667/", "client.port"),
        ("http://billing.internal:25/", "client.port"),
    ],
)
def test_schemes_and_ports(url: str, rule: str) -> None:
    policy = AddressPolicy(hosts=["billing.internal"], networks=["10.9.0.0/16"])
    assert verdict(policy, url) == rule


def test_plain_http_where_it_is_wanted() -> None:
    assert verdict(AddressPolicy(plain_http=True), "http://a.example/") == ""


def verdict(policy: AddressPolicy, url: str) -> str:
    try:
        policy.check_target(read_target(url))
    except UpstreamRefused as error:
        return error.rule
    return ""


@pytest.mark.parametrize(
    "options",
    [
        {"hosts": "billing.internal"},
        {"hosts": ["https://billing.internal"]},
        {"hosts": ["billing.internal:80"]},
        {"hosts": ["billing.internal/x"]},
        {"hosts": ["u@billing.internal"]},
        {"hosts": [""]},
        {"hosts": ["."]},
        {"only": ["a b"]},
        {"networks": ["10.0.0.1/8"]},
        {"networks": ["internal"]},
        {"networks": "10.0.0.0/8"},
    ],
)
def test_policies_that_make_no_sense(options: dict[str, list[str]]) -> None:
    with pytest.raises(ConfigError):
        AddressPolicy(**options)  # type: ignore[arg-type]


def test_a_policy_of_no_host() -> None:
    assert verdict(AddressPolicy(only=[]), "https://a.example/") == "client.host"
