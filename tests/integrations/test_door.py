"""The boundary's gate stands before Flask, Django and plain WSGI as it does before FastAPI."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response, make_response
from werkzeug.test import Client

from stockade import Stockade
from stockade.boundary import csp_nonce
from tests.boundary.gate.conftest import settings

FORGED = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
OURS = {"Origin": "https://bank.example", "Sec-Fetch-Site": "same-origin"}
CONFIGURATION = """
[browser]
csp = "strict"
origins = ["https://shop.example"]
[rates.all]
route = "/limited/<int:number>"
rate = 0.01
burst = 2
"""


def flask_bank(folder: Path, mode: str) -> tuple[Any, list[str]]:
    app, moved = Flask(__name__), []

    @app.post("/transfer")
    def transfer() -> Response:
        moved.append("money")
        answer = make_response(csp_nonce())
        answer.set_cookie("theme", "dark")
        return answer

    @app.get("/limited/<int:number>")
    def limited(number: int) -> str:
        return str(number)

    Stockade.protect(app, settings=settings(folder, CONFIGURATION, mode))
    return app, moved


def wsgi_bank(folder: Path, mode: str) -> tuple[Any, list[str]]:
    moved: list[str] = []

    def app(environ: Any, start_response: Any) -> list[bytes]:
        if environ["REQUEST_METHOD"] == "POST":
            moved.append("money")
        body = csp_nonce().encode()
        start_response("200 OK", [("Set-Cookie", "theme=dark")])
        return [body]

    guard = Stockade(settings(folder, CONFIGURATION, mode))
    guard.start()
    return guard.wrap(app, "wsgi"), moved


@pytest.mark.parametrize("build", [flask_bank, wsgi_bank])
def test_a_forged_request_is_refused_and_ours_are_served(
    build: Callable[[Path, str], tuple[Any, list[str]]], tmp_path: Path
) -> None:
    def post(mode: str, headers: dict[str, str]) -> tuple[Any, list[str]]:
        app, moved = build(tmp_path, mode)
        browser = Client(app)
        browser.set_cookie("session", "of-the-victim", domain="bank.example")
        return browser.post("/transfer", base_url="https://bank.example", headers=headers), moved

    assert post("off", FORGED)[1] == ["money"]
    refused, moved = post("block", FORGED)
    assert (refused.status_code, moved) == (403, [])
    assert refused.content_type == "application/problem+json"
    assert "script-src 'nonce-" in refused.headers["content-security-policy"]

    answer, moved = post("block", OURS)
    assert (answer.status_code, moved) == (200, ["money"])
    assert f"'nonce-{answer.text}'" in answer.headers["content-security-policy"]
    cookie = answer.headers["set-cookie"].lower()
    assert "samesite=lax" in cookie
    assert "secure" in cookie


@pytest.mark.parametrize("build", [flask_bank, wsgi_bank])
def test_a_preflight_is_answered_and_a_limit_holds(
    build: Callable[[Path, str], tuple[Any, list[str]]], tmp_path: Path
) -> None:
    app, moved = build(tmp_path, "block")
    browser = Client(app)
    asked = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    answer = browser.options("/transfer", headers=asked)
    assert (answer.status_code, moved) == (204, [])
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    statuses = [browser.get(f"/limited/{number}").status_code for number in range(4)]
    assert statuses == [200, 200, 429, 429]


DJANGO = """
import sys
import django
from django.conf import settings
settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="k",
                   CSRF_TRUSTED_ORIGINS=["https://admin.example"])
django.setup()
from django.http import HttpResponse
from django.urls import path
moved = []
def transfer(request):
    moved.append("money")
    answer = HttpResponse("ok")
    answer.set_cookie("theme", "dark")
    return answer
urlpatterns = [path("transfer", transfer)]
from pathlib import Path
from django.core.wsgi import get_wsgi_application
from werkzeug.test import Client
from stockade import Stockade
from tests.boundary.gate.conftest import settings as stockade_settings
app = get_wsgi_application()
Stockade.protect(app, settings=stockade_settings(Path(sys.argv[1]), "", sys.argv[2]))
browser = Client(app)
browser.set_cookie("session", "of-the-victim", domain="bank.example")
for origin in ("https://evil.example", "https://admin.example", "https://bank.example"):
    site = "same-origin" if "bank" in origin else "cross-site"
    answer = browser.post("/transfer", base_url="https://bank.example",
                          headers={"Origin": origin, "Sec-Fetch-Site": site})
    print(answer.status_code, len(moved), answer.headers.get("set-cookie", ""))
"""


def test_django_is_no_exception(tmp_path: Path) -> None:
    def run(mode: str) -> list[list[str]]:
        program = [sys.executable, "-c", DJANGO, str(tmp_path), mode]
        done = subprocess.run(program, check=True, capture_output=True, text=True, timeout=60)
        return [line.split(" ", 2) for line in done.stdout.splitlines()]

    assert [line[:2] for line in run("off")] == [["200", "1"], ["200", "2"], ["200", "3"]]
    guarded = run("block")
    assert [line[:2] for line in guarded] == [["403", "0"], ["200", "1"], ["200", "2"]]
    assert "SameSite=Lax; Secure" in guarded[2][2]
