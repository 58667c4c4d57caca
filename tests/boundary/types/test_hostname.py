"""A `Hostname` is what DNS and TLS compare: lower case, A-labels, no address."""

import re
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.boundary import Hostname
from tests.boundary.types.conftest import REFUSED, verdict


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("www.Example.org", "www.example.org"),
        ("localhost", "localhost"),
        ("münchen.de", "xn--mnchen-3ya.de"),
        ("faß.de", "xn--fa-hia.de"),
        ("xn--mnchen-3ya.de", "xn--mnchen-3ya.de"),
        ("3com.com", "3com.com"),
        ("a" * 63 + ".org", "a" * 63 + ".org"),
    ],
)
def test_names(value: str, expected: str) -> None:
    assert verdict(Hostname, value) == expected


@pytest.mark.parametrize(
    "value",
    [
        "", ".", "a..b", "-a.org", "a-.org", "a_b.org", "a b", "a/b", "a:80", "user@a", "a\n",
        "127.0.0.1", "0x7f.1", "a.0x", "2130706433", "[::1]", "a" * 64, "a." * 127 + "ab", "xn--",
        "*.example.org", "a\u3002b\x00", "ex\u200bample.org\ud800", "%61.org",
    ],
)  # fmt: skip
def test_what_is_no_name_is_refused(value: str) -> None:
    assert verdict(Hostname, value) is REFUSED


@given(st.text(st.sampled_from("aZ09-.xnü_ /:@\x00") | st.characters(), max_size=70))
def test_what_is_taken_is_canonical_and_no_address(value: str) -> None:
    name = verdict(Hostname, value)
    if name is REFUSED:
        return
    assert re.fullmatch(r"[a-z0-9.-]+", name)
    assert verdict(Hostname, name) == name
    with pytest.raises(OSError, match="illegal"):
        socket.inet_aton(name)
