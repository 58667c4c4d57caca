"""Addresses are those of the URL standard, read alike by everybody; public ones stay public."""

from __future__ import annotations

import json
from html import escape, unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.boundary import HttpUrl, PublicUrl
from tests.boundary.types.conftest import REFUSED, verdict


@pytest.fixture(scope="module")
def cases(corpora: Path) -> list[dict[str, Any]]:
    (file,) = (corpora / "wpt-url").glob("*urltestdata*.json")
    found = [case for case in json.loads(file.read_bytes()) if isinstance(case, dict)]
    assert len(found) > 500
    return found


def test_the_url_standards_own_cases(cases: list[dict[str, Any]]) -> None:
    """What the standard fails is refused; what it takes comes out with its host and port.

    The exceptions: a user name or a password, a base to resolve against, and more than the
    declared length.
    """
    failed = passed = 0
    for case in cases:
        value, base = case["input"], case.get("base")
        taken = verdict(HttpUrl, value)
        if case.get("failure"):
            assert taken is REFUSED, value
            failed += 1
            continue
        if taken is REFUSED:
            absolute = value.strip().lower().startswith(("http:", "https:"))
            relative = base is not None and not value.strip().lower().startswith(
                ("http://", "https://")
            )
            assert (
                not absolute
                or relative
                or case["username"]
                or case["password"]
                or len(value) > 2_048
                or "\ud800" <= max(value) <= "\udfff"
            ), value
            continue
        if base is not None and taken != case["href"]:
            continue  # with its base it is another address
        passed += 1
        assert taken == case["href"]
        split = urlsplit(taken)
        assert (split.hostname or "") == case["hostname"].strip("[]")
        assert ("" if split.port is None else str(split.port)) == case["port"]
    print(f"{failed} failed by the standard and refused, {passed} taken alike")
    assert failed > 150
    assert passed > 150


@pytest.mark.asvs("V1.2.2")
@pytest.mark.parametrize(
    "value",
    ["javascript:alert(1)", "java\tscript:alert(1)", "\x01javascript:x()", "data:text/html,x"],
)
def test_a_link_runs_a_script_with_str_and_not_with_http_url(value: str) -> None:
    import ada_url

    shown = escape(verdict(str, value))  # escaped as a template engine does it
    assert ada_url.URL(unescape(shown)).protocol in ("javascript:", "data:")
    assert verdict(HttpUrl, value) is REFUSED
    assert verdict(HttpUrl, "https://a.org/?q=javascript:alert(1)") is not REFUSED


@pytest.mark.parametrize(
    "value",
    ["", "ftp://a.org", "javascript:alert(1)", "//a.org", "/x", "a.org", "http://", "http://a b/",
     "http://user@a.org/", "http://a:b@c.org", "http://a.org:99999/", "file:///etc/passwd",
     "http://a.org" + "/x" * 1_024],
)  # fmt: skip
def test_no_addresses(value: str) -> None:
    assert verdict(HttpUrl, value) is verdict(PublicUrl, value) is REFUSED


@pytest.mark.parametrize(
    "value",
    ["http://127.0.0.1/", "http://127.1/", "http://0x7f000001/", "http://2130706433/", "http://0/",
     "http://[::1]/", "http://[::ffff:10.0.0.1]/", "http://169.254.169.254/latest", "http://10.0.0.1",
     "http://localhost:8000/", "http://LOCALHOST./", "http://db.internal/", "http://printer.local/",
     "http://intranet/", "http://[64:ff9b::7f00:1]/", "http://①②⑦.0.0.1/", "http://[fec0::1]/"],
)  # fmt: skip
def test_a_private_place_is_an_address_but_no_public_one(value: str) -> None:
    assert verdict(HttpUrl, value) is not REFUSED
    assert verdict(PublicUrl, value) is REFUSED


@pytest.mark.parametrize(
    "value",
    ["https://example.org/a?b=c#d", "http://8.8.8.8:8080/", "https://[2001:4860:4860::8888]/",
     "https://münchen.example.de/ü", "https://a_b.example.org/"],
)  # fmt: skip
def test_public_addresses(value: str) -> None:
    assert verdict(PublicUrl, value) == verdict(HttpUrl, value) is not REFUSED


@given(st.text(st.sampled_from("htps:/@.?#[]%\\ab10 \t") | st.characters(), max_size=40))
def test_what_is_taken_is_stable(value: str) -> None:
    for kind in (HttpUrl, PublicUrl):
        taken = verdict(kind, "http://" + value)
        assert taken is REFUSED or verdict(kind, taken) == taken
