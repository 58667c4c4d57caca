"""Browsers' reports become events, whatever else is sent there becomes a refusal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fastapi import FastAPI
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from stockade import Stockade
from stockade.boundary.gate.violation import report
from stockade.core.errors import Rejected
from stockade.testing import captured_events
from tests.boundary.gate.conftest import settings

OLDER = {
    "csp-report": {
        "document-uri": "https://bank.example/?token=secret-token",
        "violated-directive": "script-src 'self'",
        "blocked-uri": "https://evil.example/x.js",
        "disposition": "enforce",
    }
}
NEWER = [
    {
        "type": "csp-violation",
        "url": "https://bank.example/?token=secret-token",
        "body": {
            "effectiveDirective": "script-src-elem",
            "blockedURL": "inline",
            "disposition": "report",
            "sample": "alert(document.cookie)",
        },
    },
    {"type": "deprecation", "body": {}},
]
CONFIGURATION = '[browser]\ncsp = "strict"\ncsp_reports = "/csp"\n'


@pytest.mark.asvs("V3.4.7")
def test_both_kinds_of_report_are_told_without_what_they_hold(tmp_path: Path) -> None:
    app = FastAPI()
    Stockade.protect(app, settings=settings(tmp_path, CONFIGURATION))
    browser = TestClient(app)
    policy = browser.get("/").headers
    assert policy["content-security-policy"].endswith("; report-to csp; report-uri /csp")
    assert policy["reporting-endpoints"] == 'csp="/csp"'
    with captured_events() as events:
        for document, kind in ((OLDER, "csp-report"), (NEWER, "reports+json")):
            headers = {"content-type": f"application/{kind}"}
            sent = browser.post("/csp", content=json.dumps(document), headers=headers)
            assert sent.status_code == 204
        reported = events.named("csp_violation")
    assert [each.details["directive"] for each in reported] == ["script-src", "script-src-elem"]
    assert [each.details["disposition"] for each in reported] == ["enforce", "report"]
    assert reported[1].details["blocked"] == "inline"
    assert all(word not in repr(reported) for word in ("evil.example", "secret-token", "alert("))


def test_flask_takes_them_too(tmp_path: Path) -> None:
    app = Flask(__name__)
    Stockade.protect(app, settings=settings(tmp_path, CONFIGURATION))
    headers = {"content-type": "application/csp-report"}
    with captured_events() as events:
        sent = app.test_client().post("/csp", data=json.dumps(OLDER), headers=headers)
        assert sent.status_code == 204
        assert len(events.named("csp_violation")) == 1


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("text/plain", b"{}", 415),
        ("application/csp-report", b"{", 400),
        ("application/csp-report", b"[" * 100_000, 413),
        ("application/csp-report", b"[" * 60_000, 400),
    ],
)
def test_what_is_no_report_is_refused(kind: str, body: bytes, status: int, tmp_path: Path) -> None:
    app = FastAPI()
    Stockade.protect(app, settings=settings(tmp_path, CONFIGURATION))
    with captured_events() as events:
        answer = TestClient(app).post("/csp", content=body, headers={"content-type": kind})
        told = "request_refused" if status == 413 else "input_validation_fail"
        assert [event.rule for event in events.named(told)] == ["gate.csp"]
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(
        ["csp-report", "type", "body", "effectiveDirective", "blocked-uri", "disposition"]
    ), inner),
    max_leaves=20,
)  # fmt: skip


@given(JSON | st.fixed_dictionaries({"csp-report": JSON}))
def test_any_document_is_counted_or_refused(document: object) -> None:
    body = json.dumps(document).encode()
    try:
        assert report("application/csp-report", body) >= 0
    except Rejected:
        assert b"NaN" in body or b"Infinity" in body
