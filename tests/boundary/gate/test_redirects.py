"""An answer leads its reader where the configuration says, or asks first."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import FastAPI
from flask import Flask, redirect, request
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import HTMLResponse, Response
from starlette.testclient import TestClient

from stockade import Stockade
from stockade.boundary.gate.redirects import Redirects
from stockade.core.config import BrowserSettings
from stockade.core.errors import ConfigError
from stockade.core.events import Event
from stockade.testing import throwaway_keyring
from tests.boundary.gate.conftest import Asked, settings

LISTED = '[browser]\nredirects = ["https://id.example", "com.example.app:"]\n'
ASKS = LISTED + 'leaving = "/leaving"\n'
AWAY = [
    "https://evil.example/",
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "https://shop.example@evil.example",
    "https://shop.example.evil.example",
    "https://id.example.evil.example",
    "http://id.example",
    "javascript:alert(1)",
    "data:text/html,x",
]
WITHIN = [
    "/orders?next=https://evil.example",
    "orders",
    "?page=2",
    "https://shop.example/orders",
    "https://id.example/authorize?client_id=1",
    "com.example.app:/signed-in",
]


def shop(folder: Path, configuration: str, mode: str = "block") -> TestClient:
    app = FastAPI()

    @app.get("/go")
    @app.get("/deeper/go")
    def go(to: str) -> Response:
        return Response(status_code=307, headers={"Location": to})

    @app.get("/refresh")
    def refresh(to: str) -> Response:
        return HTMLResponse("", headers={"Refresh": f"0; URL='{to}'"})

    @app.get("/created")
    def created() -> Response:
        return Response(status_code=201, headers={"Location": "https://evil.example/1"})

    Stockade.protect(app, settings=settings(folder, configuration, mode))
    return TestClient(app, base_url="https://shop.example", follow_redirects=False)


def asked(browser: Any, to: str, path: str = "/go") -> Any:
    return browser.get(path, params={"to": to})


@pytest.mark.asvs("V3.7.2")
@pytest.mark.parametrize("to", AWAY)
def test_nobody_is_led_away(to: str, tmp_path: Path, events: list[Event]) -> None:
    bare = asked(shop(tmp_path, LISTED, "off"), to)
    assert bare.status_code == 307
    assert "location" in bare.headers

    browser = shop(tmp_path, LISTED)
    refused = asked(browser, to)
    assert refused.status_code == 500
    assert "location" not in refused.headers
    assert "evil" not in refused.text
    assert [event.rule for event in events if event.name == "answer_refused"] == ["answer.redirect"]
    if "'" not in to:
        assert asked(browser, to, "/refresh").status_code == 500


@pytest.mark.parametrize("to", WITHIN)
@pytest.mark.parametrize("path", ["/go", "/deeper/go"])
def test_within_the_service_and_to_declared_origins(to: str, path: str, tmp_path: Path) -> None:
    for configuration in (LISTED, ASKS):
        answer = asked(shop(tmp_path, configuration), to, path)
        assert answer.status_code == 307
        assert answer.headers["location"] == asked(shop(tmp_path, ""), to, path).headers["location"]


def test_what_no_browser_follows_stays(tmp_path: Path) -> None:
    created = shop(tmp_path, LISTED).get("/created")
    assert (created.status_code, created.headers["location"]) == (201, "https://evil.example/1")
    assert asked(shop(tmp_path, ""), AWAY[0]).headers["location"] == AWAY[0]  # by default


@pytest.mark.asvs("V3.7.3")
def test_who_is_led_away_is_asked(tmp_path: Path) -> None:
    bare = asked(shop(tmp_path, ASKS, "off"), "https://partner.example/a?b=1&c=<x>")
    assert bare.headers["location"].startswith("https://partner.example")

    browser = shop(tmp_path, ASKS)
    answer = asked(browser, "https://partner.example/a?b=1&c=<x>")
    assert answer.status_code == 307
    assert answer.headers["location"].startswith("/leaving?")
    page = browser.get(answer.headers["location"])
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    links = [unescape(link) for link in re.findall(r'<a href="([^"]*)"', page.text)]
    assert links == ["/", "https://partner.example/a?b=1&c=%3Cx%3E"]  # stay, or go on
    assert "<strong>partner.example</strong>" in page.text
    assert "refresh" not in page.text.lower() + str(page.headers).lower()
    assert "<script" not in page.text

    refreshed = asked(browser, "https://partner.example/", "/refresh").headers["refresh"]
    assert browser.get(refreshed.removeprefix("0;url=")).status_code == 200


def test_the_page_shows_no_link_that_was_not_made_here(tmp_path: Path, events: list[Event]) -> None:
    browser = shop(tmp_path, ASKS)
    location = asked(browser, "https://partner.example/").headers["location"]
    query = parse_qs(urlsplit(location).query)
    for forged in (
        {"to": "https://evil.example/", "mac": query["mac"][0]},
        {"to": "https://evil.example/"},
        {"to": query["to"][0], "mac": "é"},
        {},
    ):
        assert browser.get("/leaving", params=forged).status_code == 404
    assert {event.rule for event in events if event.outcome == "blocked"} == {"gate.leaving"}


def test_flask_is_led_the_same_way(tmp_path: Path) -> None:
    def client(configuration: str) -> Any:
        app = Flask("shop")
        app.add_url_rule("/go", view_func=lambda: redirect(request.args["to"]))
        Stockade.protect(app, settings=settings(tmp_path, configuration))
        return app.test_client()

    assert client(LISTED).get("/go?to=//evil.example").status_code == 500
    assert client(LISTED).get("/go?to=/orders").status_code == 302
    away = client(ASKS).get("/go?to=https://partner.example/")
    assert away.headers["Location"].startswith("/leaving?to=https%3A%2F%2Fpartner.example%2F&mac=")


def test_observing_tells_and_changes_nothing(tmp_path: Path, events: list[Event]) -> None:
    for configuration in (LISTED, ASKS):
        browser = shop(tmp_path, configuration, "observe")
        assert asked(browser, AWAY[0]).headers["location"] == AWAY[0]
    assert [event.outcome for event in events if event.name == "answer_refused"] == ["observed"] * 2


@pytest.mark.parametrize(
    "settings",
    [
        {"redirects": ("id.example",)},
        {"redirects": ("https://id.example/",)},
        {"redirects": ("https://*.example",)},
        {"redirects": (), "leaving": "leaving"},
    ],
)
def test_what_is_no_origin_is_said_at_start(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"browser\."):
        Redirects(BrowserSettings(**settings), lambda: throwaway_keyring().mac("a"), rewrites=True)


@given(st.text(st.sampled_from("/\\:@?#.%ehtps \t\n0123é[]") | st.characters(), max_size=30))
def test_any_location_is_judged(location: str) -> None:
    rule = Redirects(
        BrowserSettings(redirects=()), lambda: throwaway_keyring().mac("a"), rewrites=True
    )
    head = Asked(status=302, fields={"host": ["shop.example"]})
    for name in (b"Location", b"refresh"):
        rule.judge(head, [(name, location.encode("utf-8", "surrogatepass"))])
