"""Header fields: what browsers always send is no evidence; all else is, in every reading."""

from __future__ import annotations

import base64
import re

import pytest

from stockade.core.fields import readings
from stockade.core.tokens import TooLarge


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (
            "accept",
            "text/html,image/avif,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7",
        ),
        ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
        ("accept", "application/json, text/plain, */*"),
        ("accept", "*/*"),
        ("accept-encoding", "gzip, deflate, br, zstd"),
        ("accept-language", "en-GB,en;q=0.9,de-AT;q=0.8"),
        ("cache-control", "max-age=0"),
        ("connection", "keep-alive"),
        ("content-length", "512"),
        ("content-type", "application/json"),
        ("content-type", "text/plain; charset=utf-8"),
        ("host", "clinic.example.org:8000"),
        ("priority", "u=0, i"),
        ("sec-ch-ua-mobile", "?0"),
        ("sec-fetch-user", "?1"),
        ("sec-fetch-site", "same-origin"),
        ("upgrade-insecure-requests", "1"),
    ],
)
def test_what_browsers_send_is_no_evidence(name: str, value: str) -> None:
    assert readings(name, value) == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("accept", "text/html;q='"),
        ("accept", "*/*; id"),
        ("accept", "a/b;q=1, tmp/x"),
        ("accept", "text/x--y"),
        ("accept", "text/html\n"),
        ("accept-language", "en' OR 1"),
        ("accept-encoding", "gzip;id"),
        ("host", "a--b"),
        ("host", "../../etc"),
        ("content-type", "application/json; charset='"),
        ("sec-fetch-user", "?1'"),
        ("sec-ch-ua", '"Chromium";v="124", "Not-A.Brand";v="99"'),
        ("user-agent", "*/*"),
        ("x-own", "?1"),
    ],
)
def test_what_is_not_spelled_by_the_standard_is_indexed(name: str, value: str) -> None:
    assert value in readings(name, value)


def test_names_that_are_more_than_words_joined_by_hyphens() -> None:
    assert readings("x'own", "v") == ("x'own", "v")
    assert "a--b" in readings("a--b", "v")
    assert readings("x-own", "v") == ("v",)


def test_no_member_of_a_long_list_is_left_out() -> None:
    assert "x' OR 1" in readings("x-forwarded-for", "," * 500 + "x' OR 1")


@pytest.mark.parametrize(
    ("name", "value", "part"),
    [
        ("referer", "https://example.org/?q=%60touch%20x%60", "`touch x`"),
        ("host", "$(touch${IFS}x).example.org", "$(touch${IFS}x)"),
        ("user-agent", "$(touch${IFS}x)/1.0", "$(touch${IFS}x)"),
        ("x-forwarded-host", "example.org:$(touch${IFS}x)", "$(touch${IFS}x)"),
        ("accept-language", "$(touch${IFS}x)-US", "$(touch${IFS}x)"),
        ("x-own", ";to'uch x", ";touch x"),
    ],
)
def test_parts_that_could_be_an_attack_alone(name: str, value: str, part: str) -> None:
    assert part in readings(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"),
        ("sec-ch-ua", '"Chromium";v="124", "Google Chrome";v="124", "Not-A.Brand";v="99"'),
    ],
)
def test_what_a_browser_names_itself_is_not_cut_further_than_into_members(
    name: str, value: str
) -> None:
    members = {member.strip() for member in re.split("[,;]", value)}
    names = {member.strip('"') for member in members}
    assert set(readings(name, value)) <= {value, *members, *names}


def test_an_address_of_words_is_one_value() -> None:
    address = "https://example.org/a/b-c.html?page=2&q=tea"
    assert readings("referer", address) == (address,)


def test_more_members_that_act_than_clients_send_are_too_large() -> None:
    assert readings("x-ids", ",".join(str(number) for number in range(2_000)))
    with pytest.raises(TooLarge):
        readings("x-ids", ",".join(f"{number}'x" for number in range(200)))


def test_credentials() -> None:
    for user in ("us'er\t", "é'x"):
        token = base64.b64encode(f"{user}:pa ss".encode("latin-1")).decode()
        assert {user, "pa ss"} <= set(readings("authorization", f"Basic {token}"))
    assert "tok'en" in readings("authorization", "Bearer   tok'en")
