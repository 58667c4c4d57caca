"""A page of another site makes its visitor's browser send what it likes; it reaches no account."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fastapi import FastAPI, Request, WebSocket
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from stockade import Stockade
from stockade.boundary.gate.cross_origin import CrossOrigin
from stockade.core.config import BrowserSettings
from stockade.core.errors import ConfigError
from stockade.core.events import Event
from tests.boundary.gate.conftest import Asked, Bank, settings

FORGED = [
    {"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},  # a form, Origin stripped
    {"origin": "null", "sec-fetch-site": "cross-site"},  # from a sandboxed frame
    {"origin": "https://evil.example"},  # a browser from before 2023
    {"origin": "https://blog.bank.example", "sec-fetch-site": "same-site"},
]
HONEST = [
    {"origin": "https://bank.example", "sec-fetch-site": "same-origin"},
    {"sec-fetch-site": "none"},
    {"origin": "https://bank.example"},
    {},  # a program, a mobile application
]
ADMIN = "https://admin.bank.example"


@pytest.mark.asvs("V3.5.1")
@pytest.mark.parametrize("headers", FORGED)
def test_a_forged_request_moves_no_money(
    headers: dict[str, str], bank: Bank, events: list[Event]
) -> None:
    bare = bank(mode="off")
    assert bare.browser.post("/transfer?to=thief", headers=headers).status_code == 200
    assert bare.moved == ["thief"]

    guarded = bank()
    answer = guarded.browser.post("/transfer?to=thief", headers=headers)
    assert guarded.moved == []
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert [event.rule for event in events if event.name == "malicious_cors"] == ["gate.cross-site"]


@pytest.mark.asvs("V3.5.2")
@pytest.mark.parametrize("labelled", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_no_request_without_a_preflight_passes_for_one_that_had_it(
    labelled: str, tmp_path: Path
) -> None:
    """An interface that takes JSON by whatever label: a form of another page sends it so."""

    def moved(mode: str) -> list[str]:
        app, done = FastAPI(), list[str]()

        @app.post("/transfer")
        async def transfer(request: Request) -> str:
            done.append(json.loads(await request.body())["to"])
            return "moved"

        configuration = f'[browser]\norigins = ["{ADMIN}"]\ncredentials = true\n'
        Stockade.protect(app, settings=settings(tmp_path, configuration, mode))
        browser = TestClient(app, base_url="https://bank.example")
        browser.cookies.set("session", "of-the-victim")
        content = {"content-type": labelled} if labelled else {}
        for to, origin in (("thief", "https://evil.example"), ("friend", ADMIN)):
            headers = content | {"origin": origin, "sec-fetch-site": "cross-site"}
            browser.post("/transfer", content=json.dumps({"to": to}).encode(), headers=headers)
        return done

    assert moved("off") == ["thief", "friend"]
    assert moved("block") == ["friend"]


@pytest.mark.parametrize("headers", HONEST)
def test_our_own_pages_and_programs_move_it(headers: dict[str, str], bank: Bank) -> None:
    guarded = bank()
    assert guarded.browser.post("/transfer?to=friend", headers=headers).status_code == 200
    assert guarded.moved == ["friend"]


@pytest.mark.parametrize("headers", FORGED)
def test_what_cannot_borrow_anything_passes(headers: dict[str, str], bank: Bank) -> None:
    guarded = bank()
    assert guarded.browser.get("/balance", headers=headers).status_code == 200  # a link
    guarded.browser.cookies.clear()  # a public interface: any page may use it, as itself
    assert guarded.browser.post("/transfer", headers=headers).status_code == 200


def test_origins_that_are_declared_may_send(bank: Bank) -> None:
    headers = {"origin": ADMIN, "sec-fetch-site": "same-site"}
    assert bank().browser.post("/transfer", headers=headers).status_code == 403
    ways: list[Bank] = [
        lambda: bank(f'[browser]\ntrusted_origins = ["{ADMIN}"]\n'),
        lambda: bank(f'[browser]\norigins = ["{ADMIN}"]\ncredentials = true\n'),
        lambda: bank(allow_origins=[ADMIN], allow_credentials=True),
        lambda: bank(allow_origin_regex=r"https://\w+\.bank\.example"),
    ]
    for build in ways:
        money = build()
        assert money.browser.post("/transfer", headers=headers).status_code == 200
        forged = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
        assert money.browser.post("/transfer", headers=forged).status_code == 403


def test_a_layer_that_lets_everybody_in_names_nobody(bank: Bank) -> None:
    money = bank(allow_origins=["*"], allow_credentials=True)
    assert money.browser.post("/transfer", headers=FORGED[0]).status_code == 403
    assert money.moved == []


def test_a_sign_in_at_another_site_may_post_back(bank: Bank) -> None:
    money = bank('[browser]\ncsrf_exempt = ["/saml/"]\n')
    assert money.browser.post("/saml/acs", headers=FORGED[0]).status_code == 200
    assert money.browser.post("/transfer", headers=FORGED[0]).status_code == 403


def test_observing_tells_and_refuses_nothing(bank: Bank, events: list[Event]) -> None:
    money = bank(mode="observe")
    assert money.browser.post("/transfer", headers=FORGED[0]).status_code == 200
    assert [e.outcome for e in events if e.rule == "gate.cross-site"] == ["observed"]


@pytest.mark.asvs("V4.4.2")
def test_a_foreign_page_opens_no_socket(tmp_path: Path, events: list[Event]) -> None:
    def talk(mode: str, headers: dict[str, str]) -> str:
        app = FastAPI()

        @app.websocket("/talk")
        async def talk(socket: WebSocket) -> None:
            await socket.accept()
            await socket.send_text("of the victim's account")
            await socket.close()

        Stockade.protect(app, settings=settings(tmp_path, "", mode))
        browser = TestClient(app, base_url="https://bank.example")
        headers |= {"cookie": "session=of-the-victim"}
        try:
            with browser.websocket_connect("wss://bank.example/talk", headers=headers) as socket:
                return socket.receive_text()
        except WebSocketDisconnect as closed:
            return str(closed.code)

    assert talk("off", dict(FORGED[3])) == "of the victim's account"
    assert talk("block", dict(FORGED[3])) == "1008"
    assert [event.rule for event in events if event.outcome == "blocked"] == ["gate.cross-site"]
    for headers in HONEST:
        assert talk("block", dict(headers)) == "of the victim's account"


SHARED = '[browser]\norigins = ["https://shop.example"]\nexpose = ["X-Total"]\n'


def test_a_declared_origin_may_ask_and_read(bank: Bank) -> None:
    browser = bank(SHARED).browser
    asked = {"origin": "https://shop.example", "access-control-request-method": "PUT"}
    answer = browser.options("/balance", headers=asked)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert "PUT" in answer.headers["access-control-allow-methods"]
    assert "access-control-allow-credentials" not in answer.headers

    answer = browser.get("/balance", headers={"origin": "https://shop.example"})
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert answer.headers["access-control-expose-headers"] == "X-Total"
    assert answer.headers["vary"] == "Origin"


@pytest.mark.asvs("V3.4.2")
@pytest.mark.parametrize(
    "origin", ["https://shop.example.evil.example", "null", "http://shop.example", "https://evil"]
)
def test_no_other_origin_may_read(origin: str, bank: Bank) -> None:
    browser = bank(SHARED).browser
    asked = {"origin": origin, "access-control-request-method": "PUT"}
    assert "access-control-allow-origin" not in browser.options("/balance", headers=asked).headers
    read = browser.get("/balance", headers={"origin": origin})
    assert "access-control-allow-origin" not in read.headers
    assert read.headers["vary"] == "Origin"  # or a cache hands the shop's answer to others


def test_without_declared_origins_the_applications_own_layer_answers(bank: Bank) -> None:
    browser = bank(allow_origins=["https://shop.example"]).browser
    asked = {"origin": "https://shop.example", "access-control-request-method": "GET"}
    answer = browser.options("/balance", headers=asked)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"


def test_a_repeated_header_is_no_browsers() -> None:
    gate = CrossOrigin(BrowserSettings(origins=("https://shop.example",)))
    fields = {"cookie": ["a=b"], "host": ["bank.example"]}
    both = ["https://bank.example", "https://evil.example"]
    assert gate.sends(Asked("POST", fields=fields | {"origin": both})) is not None
    assert gate.sends(Asked("POST", fields=fields | {"origin": both[:1]})) is None
    asked = {"origin": ["https://shop.example"] * 2, "access-control-request-method": ["PUT"]}
    assert gate.preflight(Asked("OPTIONS", fields=asked)) is None


@pytest.mark.parametrize(
    "origin",
    [
        "shop.example",
        "https://shop.example/",
        "https://*.shop.example",
        "HTTPS://shop.example",
        "a",
    ],
)
def test_what_is_no_origin_is_said_at_start(origin: str) -> None:
    with pytest.raises(ConfigError, match="as browsers send them"):
        CrossOrigin(BrowserSettings(trusted_origins=(origin,)))


def test_everybody_with_credentials_is_refused_at_start() -> None:
    with pytest.raises(ConfigError, match="name the origins"):
        CrossOrigin(BrowserSettings(origins=("*",), credentials=True))
