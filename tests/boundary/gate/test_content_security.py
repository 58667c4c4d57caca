"""Scripts run by the nonce of their own request, or not at all."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.responses import HTMLResponse
from starlette.testclient import TestClient

from stockade import Stockade
from stockade.boundary import csp_nonce
from stockade.boundary.gate.content_security import ContentSecurity
from stockade.core.config import BrowserSettings
from stockade.core.errors import ConfigError
from tests.boundary.gate.conftest import settings


def pages(folder: Path, configuration: str) -> TestClient:
    app = FastAPI()

    @app.get("/page")
    def page() -> HTMLResponse:
        return HTMLResponse(f"<script nonce='{csp_nonce()}'>ours()</script>{csp_nonce()}")

    @app.get("/plain")
    def plain() -> str:
        return "no page"

    @app.get("/own")
    def own() -> HTMLResponse:
        return HTMLResponse("", headers={"Content-Security-Policy": "default-src 'none'"})

    Stockade.protect(app, settings=settings(folder, configuration))
    return TestClient(app, raise_server_exceptions=False)


@pytest.mark.asvs("V3.4.3", "V3.4.6")
def test_each_request_has_a_nonce_of_its_own(tmp_path: Path) -> None:
    browser = pages(tmp_path, '[browser]\ncsp = "strict"\n')
    seen = set()
    for _ in range(3):
        answer = browser.get("/page")
        nonces = set(re.findall(r"nonce-([\w-]+)", answer.headers["content-security-policy"]))
        assert nonces == set(re.findall(r"nonce='([\w-]+)'", answer.text))
        assert len(nonces) == 1
        assert answer.text.count(min(nonces)) == 2
        directives = answer.headers["content-security-policy"].split("; ")
        assert {"object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"} <= set(directives)
        seen |= nonces
    assert len(seen) == 3
    assert all(len(nonce) >= 22 for nonce in seen)  # 128 bits
    # Who injects a script into a page that has none of ours cannot know what would let it run.
    assert (
        browser.get("/plain").headers["content-security-policy"]
        != browser.get("/plain").headers["content-security-policy"]
    )


def test_refusals_carry_it_and_an_applications_own_policy_stays(tmp_path: Path) -> None:
    browser = pages(tmp_path, '[browser]\ncsp = "api"\n')
    assert browser.get("/plain", headers={"x": "y" * 20_000}).status_code == 431
    refused = browser.get("/plain", headers={"x": "y" * 20_000})
    assert refused.headers["content-security-policy"].startswith("default-src 'none'")
    assert browser.get("/own").headers["content-security-policy"] == "default-src 'none'"


def test_none_by_default_and_report_only_stops_nothing(tmp_path: Path) -> None:
    assert "content-security-policy" not in pages(tmp_path, "").get("/page").headers
    answer = pages(tmp_path, '[browser]\ncsp = "strict"\ncsp_report_only = true\n').get("/page")
    assert "content-security-policy" not in answer.headers
    assert "strict-dynamic" in answer.headers["content-security-policy-report-only"]


@pytest.mark.parametrize("policy", ["strct", "default-src 'self'\r\nx: y", "on"])
def test_what_is_no_policy_is_said_at_start(policy: str) -> None:
    with pytest.raises(ConfigError, match="csp"):
        ContentSecurity(BrowserSettings(csp=policy))


def test_outside_a_request_there_is_no_nonce() -> None:
    assert csp_nonce() == ""
