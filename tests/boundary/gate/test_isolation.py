"""What other origins' pages load, embed and open of ours, by what browsers say of each request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from flask import Flask
from starlette.responses import HTMLResponse, Response
from starlette.testclient import TestClient

from stockade import Stockade
from stockade.core.events import Event
from tests.boundary.gate.conftest import settings

ISOLATE = '[browser]\nisolate = true\nisolate_exempt = ["/badge"]\n'
OWN_PAGES = '[browser]\nown_pages = ["/export", "/sign-out"]\n'
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def said(site: str, mode: str, to: str) -> dict[str, str]:
    return {"sec-fetch-site": site, "sec-fetch-mode": mode, "sec-fetch-dest": to}


LINK = said("cross-site", "navigate", "document")
LOADED = [
    said("cross-site", "no-cors", "image"),
    said("cross-site", "no-cors", "script"),  # cross-site script inclusion
    said("cross-site", "no-cors", "video"),
    said("cross-site", "cors", "empty") | {"origin": "https://evil.example"},
    said("same-site", "no-cors", "image"),  # a sibling host
    said("cross-site", "navigate", "iframe"),
    said("cross-site", "navigate", "embed"),
    said("cross-site", "navigate", "object"),
    said("cross-site", "navigate", ""),
]
OURS = [
    said("same-origin", "no-cors", "image"),
    said("same-origin", "cors", "empty"),
    said("same-origin", "navigate", "iframe"),
    said("none", "navigate", "document"),  # typed, or a bookmark
    LINK,
    {},  # a program
]


def clinic(
    folder: Path, configuration: str, mode: str = "block", cookie: bool = True
) -> TestClient:
    app = FastAPI()

    @app.get("/scan.png")
    @app.get("/badge/week.svg")
    def picture() -> Response:
        return Response(b"of a patient", media_type="image/png")

    @app.get("/export")
    @app.get("/sign-out")
    @app.get("/saml")
    @app.post("/saml")
    def export() -> str:
        return "of every patient"

    @app.get("/page")
    def page() -> HTMLResponse:
        return HTMLResponse("<h1>of a patient</h1>")

    @app.get("/popup")
    def popup() -> HTMLResponse:
        own = {"Cross-Origin-Opener-Policy": "unsafe-none"}
        return HTMLResponse("<h1>Pay</h1>", headers=own)

    Stockade.protect(app, settings=settings(folder, configuration, mode))
    browser = TestClient(app, base_url="https://clinic.example")
    if cookie:
        browser.cookies.set("session", "of-the-victim")
    return browser


@pytest.mark.asvs("V3.5.8")
@pytest.mark.parametrize("headers", LOADED)
def test_a_foreign_page_loads_and_embeds_nothing(
    headers: dict[str, str], tmp_path: Path, events: list[Event]
) -> None:
    bare = clinic(tmp_path, ISOLATE, "off")
    assert bare.get("/scan.png", headers=headers).content == b"of a patient"

    browser = clinic(tmp_path, ISOLATE)
    refused = browser.get("/scan.png", headers=headers)
    assert refused.status_code == 403
    assert b"of a patient" not in refused.content
    assert [event.rule for event in events if event.outcome == "blocked"] == ["gate.isolation"]
    # What may be shown anywhere, and what is nobody's in particular.
    assert browser.get("/badge/week.svg", headers=headers).status_code == 200
    nobody = clinic(tmp_path, ISOLATE, cookie=False)
    assert nobody.get("/scan.png", headers=headers).status_code == 200


@pytest.mark.parametrize("headers", OURS)
def test_our_pages_links_and_programs_load_it(headers: dict[str, str], tmp_path: Path) -> None:
    browser = clinic(tmp_path, ISOLATE)
    assert browser.get("/scan.png", headers=headers).content == b"of a patient"
    assert browser.head("/page", headers=headers).status_code == 405


def test_a_sign_in_that_posts_back_is_the_other_rules_business(tmp_path: Path) -> None:
    browser = clinic(tmp_path, ISOLATE + 'csrf_exempt = ["/saml"]\n')
    posted = said("cross-site", "navigate", "document") | {"origin": "https://id.example"}
    assert browser.post("/saml", headers=posted).status_code == 200


def test_declared_origins_may_load(tmp_path: Path) -> None:
    asks = said("same-site", "cors", "empty") | {"origin": "https://admin.clinic.example"}
    assert clinic(tmp_path, ISOLATE).get("/scan.png", headers=asks).status_code == 403
    trusting = ISOLATE + 'trusted_origins = ["https://admin.clinic.example"]\n'
    assert clinic(tmp_path, trusting).get("/scan.png", headers=asks).status_code == 200


@pytest.mark.asvs("V3.5.3")
@pytest.mark.parametrize("path", ["/export", "/sign-out"])
def test_only_our_pages_ask_for_what_is_theirs(
    path: str, tmp_path: Path, events: list[Event]
) -> None:
    """A GET that does something: neither a link nor a picture of another page sets it off."""
    foreign = [LINK, *LOADED, {}, {"origin": "https://evil.example"}]
    bare = clinic(tmp_path, OWN_PAGES, "off")
    browser = clinic(tmp_path, OWN_PAGES)
    for headers in foreign:
        assert bare.get(path, headers=headers).json() == "of every patient"
        assert browser.get(path, headers=headers).status_code == 403
    assert {event.rule for event in events if event.outcome == "blocked"} == {"gate.own-pages"}
    for headers in OURS[:4]:
        assert browser.get(path, headers=headers).json() == "of every patient"
    assert browser.get("/scan.png", headers=LINK).status_code == 200
    nobody = clinic(tmp_path, OWN_PAGES, cookie=False)
    assert nobody.get(path, headers=LINK).status_code == 200  # the application asks who it is


@pytest.mark.asvs("V3.4.8")
def test_windows_of_ours_let_go_of_who_opened_them(tmp_path: Path) -> None:
    name = "cross-origin-opener-policy"
    assert name not in clinic(tmp_path, "").get("/page").headers
    browser = clinic(tmp_path, '[browser]\nopener = "same-origin"\n')
    assert browser.get("/page").headers.get_list(name) == ["same-origin"]
    assert browser.get("/popup").headers.get_list(name) == ["unsafe-none"]  # its own word
    refused = browser.get("/page", headers={"x": "y" * 20_000})
    assert refused.status_code == 431
    assert refused.headers[name] == "same-origin"

    app = Flask("clinic")
    app.add_url_rule("/page", view_func=lambda: "<h1>of a patient</h1>")
    popups = '[browser]\nopener = "same-origin-allow-popups"\n'
    Stockade.protect(app, settings=settings(tmp_path, popups))
    assert app.test_client().get("/page").headers[name] == "same-origin-allow-popups"


@pytest.mark.asvs("V3.7.5")
def test_a_browser_that_says_nothing_is_turned_away(tmp_path: Path, events: list[Event]) -> None:
    old: dict[str, Any] = {"user-agent": FIREFOX, "accept": "text/html,*/*;q=0.8"}
    strict = "[browser]\noutdated = false\n"
    assert clinic(tmp_path, "").get("/page", headers=old).status_code == 200
    browser = clinic(tmp_path, strict)
    refused = browser.get("/page", headers=old)
    assert refused.status_code == 403
    assert "Update it" in refused.json()["detail"]
    assert [event.rule for event in events if event.outcome == "blocked"] == ["gate.outdated"]
    assert browser.get("/page", headers=old | LINK).status_code == 200
    programs = [{"user-agent": "clinic-app/2.1"}, {"user-agent": FIREFOX, "accept": "*/*"}]
    nobody = clinic(tmp_path, strict, cookie=False)
    for headers in programs:
        assert nobody.get("/page", headers=headers).status_code == 200


def test_observing_tells_and_refuses_nothing(tmp_path: Path, events: list[Event]) -> None:
    browser = clinic(tmp_path, ISOLATE, "observe")
    assert browser.get("/scan.png", headers=LOADED[0]).status_code == 200
    assert [(event.rule, event.outcome) for event in events if event.rule.startswith("gate.")] == [
        ("gate.isolation", "observed")
    ]
