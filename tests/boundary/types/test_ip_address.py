"""An `IpAddress` has one spelling, and every reader reads the same address."""

import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.boundary import IpAddress
from tests.boundary.types.conftest import REFUSED, verdict


@given(st.ip_addresses())
def test_an_address_comes_out_canonical(address: ipaddress.IPv4Address) -> None:
    assert verdict(IpAddress, address.exploded) == str(address)


@pytest.mark.parametrize(
    "value",
    ["", "127.1", "0177.0.0.1", "0x7f.0.0.1", "2130706433", "127.0.0.1 ", "127.0.0.1/8", "::1%eth0",
     "[::1]", "1.2.3.256", "\u0661.1.1.1", ":::1", "127.0.0.1\n", "localhost"],
)  # fmt: skip
def test_what_readers_disagree_about_is_refused(value: str) -> None:
    assert verdict(IpAddress, value) is REFUSED


def test_another_reader_takes_what_is_refused_here() -> None:
    assert socket.inet_aton("0177.0.0.1") == socket.inet_aton("127.1") == bytes([127, 0, 0, 1])
