"""Where the parts meet: one line guards an application, once, and the configuration decides how."""

from __future__ import annotations

import inspect
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest
from fastapi import FastAPI
from flask import Flask
from msgspec.structs import replace
from pydantic import BaseModel
from werkzeug.test import Client

from stockade import Stockade
from stockade import app as joined
from stockade.core import propagation
from stockade.core.bus import bus
from stockade.core.config import (
    CryptoSettings,
    DefenceSettings,
    Settings,
    StoreSettings,
    WatchSettings,
)
from stockade.core.errors import ConfigError, SecretError
from stockade.testing import captured_events

SECRET = "correct horse battery staple"
QUIET = Settings(store=StoreSettings(url="memory"), watch=WatchSettings(log="", audit=""))


class Patient(BaseModel):
    age: int


@pytest.fixture
def service(tmp_path: Path) -> FastAPI:
    path = tmp_path / "test.db"
    with sqlite3.connect(path) as made:
        made.execute("CREATE TABLE users (name TEXT, password TEXT)")
        made.execute("INSERT INTO users VALUES ('ada', ?)", (SECRET,))
    made.close()
    service = FastAPI()

    @service.get("/weak")
    async def weak(name: str) -> list[list[str]]:
        connection = sqlite3.connect(path)
        try:
            return [
                list(row)
                for row in connection.execute(f"SELECT password FROM users WHERE name = '{name}'")
            ]
        finally:
            connection.close()

    @service.post("/patients")
    async def create(patient: Patient) -> Patient:
        return patient

    return service


@pytest.fixture(autouse=True)
def alone() -> Iterator[None]:
    """Leave the process as it was: the firewall is the process's."""
    yield
    if joined._running is not None:
        joined._running.close()
    joined._running = None
    joined.firewall.uninstall()
    propagation.uninstall()


async def get(service: FastAPI, path: str, **query: str) -> httpx2.Response:
    transport = httpx2.ASGITransport(service)
    async with httpx2.AsyncClient(transport=transport, base_url="http://clinic") as client:
        return await client.get(path, params=query)


ATTACK = "x' OR '1'='1"


@pytest.mark.anyio
async def test_one_line_guards_an_application(service: FastAPI) -> None:
    assert SECRET in (await get(service, "/weak", name=ATTACK)).text
    stockade = Stockade.protect(service, settings=QUIET)
    with captured_events() as events:
        answer = await get(service, "/weak", name=ATTACK)
        assert (answer.status_code, SECRET in answer.text) == (403, False)
        assert (await get(service, "/weak", name="ada")).json() == [[SECRET]]
    assert [event.resource for event in events.named("malicious_sqli")] == ["/weak"]
    assert len(events.named("http_request")) == 2
    stockade.close()


@pytest.mark.anyio
async def test_off_is_bare_and_says_so(service: FastAPI) -> None:
    with captured_events() as events:
        off = replace(QUIET, defence=DefenceSettings(mode="off"))
        Stockade.protect(service, settings=off)
        assert SECRET in (await get(service, "/weak", name=ATTACK)).text
    assert events.named("sys_monitor_disabled")


@pytest.mark.anyio
async def test_protecting_twice_writes_each_event_once(service: FastAPI, tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    settings = Settings(
        store=StoreSettings(url="memory"), watch=WatchSettings(log=str(log), audit="")
    )
    Stockade(settings).start()
    Stockade.protect(service, settings=settings)
    await get(service, "/weak", name=ATTACK)
    bus.flush()
    assert log.read_text().count('"malicious_sqli"') == 1
    assert log.read_text().count('"http_request"') == 1


@pytest.mark.anyio
async def test_the_frameworks_own_refusals_echo_nothing(service: FastAPI) -> None:
    Stockade.protect(service, settings=QUIET)
    transport = httpx2.ASGITransport(service)
    async with httpx2.AsyncClient(transport=transport, base_url="http://clinic") as client:
        answer = await client.post("/patients", json={"age": "canary-value"})
        honest = await client.post("/patients", json={"age": 7})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert "canary-value" not in answer.text
    assert answer.json()["errors"][0]["pointer"] == "/body/age"
    assert honest.json() == {"age": 7}


def test_what_it_cannot_guard_it_refuses() -> None:
    with pytest.raises(ConfigError, match=r"stockade\.wrap"):
        Stockade.protect(object(), settings=QUIET)
    with pytest.raises(ConfigError, match="guards a callable"):
        Stockade(QUIET).wrap(cast("Any", 7))


def test_flask_is_guarded_by_the_same_line() -> None:
    app = Flask(__name__)
    app.add_url_rule("/", view_func=lambda: "hello")
    stockade = Stockade.protect(app, settings=QUIET)
    with captured_events() as events:
        stockade.guard(app)
        assert stockade.wrap(app) is app
        answer = app.test_client().get("/", buffered=True)
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert len(events.named("http_request")) == 1


@pytest.mark.anyio
async def test_other_callables_are_wrapped_once_by_the_interface_they_show() -> None:
    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"asgi"})

    def wsgi(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"wsgi"]

    stockade = Stockade(QUIET)
    over_asgi, over_wsgi = stockade.wrap(asgi), stockade.wrap(wsgi)
    assert stockade.wrap(over_asgi) is over_asgi
    transport = httpx2.ASGITransport(over_asgi)
    async with httpx2.AsyncClient(transport=transport, base_url="http://clinic") as client:
        assert (await client.get("/")).headers["x-frame-options"] == "DENY"
    assert Client(over_wsgi).get("/").headers["X-Frame-Options"] == "DENY"
    assert inspect.iscoroutinefunction(type(over_asgi).__call__)  # servers look
    with pytest.raises(ConfigError, match="say which"):
        stockade.wrap(lambda *connection: None)

    def either(*connection: Any) -> list[bytes]:
        return wsgi(*connection)

    explicit = stockade.wrap(either, interface="wsgi")
    assert Client(explicit).get("/").data == b"wsgi"


def test_closing_writes_what_waits(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    stockade = Stockade(Settings(watch=WatchSettings(log=str(log), audit="")))
    stockade.start()
    stockade.close()
    assert '"sys_startup"' in log.read_text()


def test_an_unknown_secret_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLINIC_DB", "postgresql://…")
    stockade = Stockade(Settings(secrets={"database": "env:CLINIC_DB", "lost": "env:CLINIC_LOST"}))
    assert stockade.secret("database").reveal() == "postgresql://…"
    with pytest.raises(ConfigError, match="databse"):
        stockade.secret("databse")
    with pytest.raises(SecretError, match="CLINIC_LOST"):
        stockade.secret("lost").reveal()


def test_parts_are_made_when_asked_for(tmp_path: Path) -> None:
    stockade = Stockade(Settings(), folder=tmp_path)
    assert list(tmp_path.iterdir()) == []
    stockade.throttle.throttle("192.0.2.1", "account", seconds=5, reason="test")
    assert stockade.throttle.wait("192.0.2.1", "account") > 4
    assert {path.name for path in (tmp_path / ".stockade").iterdir()} >= {"keys.json", "state.db"}
    stockade.close()


def test_what_watches_the_process_is_told_at_its_start_and_at_its_end(tmp_path: Path) -> None:
    quiet = replace(QUIET, watch=replace(QUIET.watch, log=str(tmp_path / "log"), heartbeat=0.0))
    stockade, another = Stockade(quiet), Stockade(quiet)
    with captured_events() as events:
        stockade.start()
        [began] = events.named("sys_monitor_enabled")
        assert began.details["monitors"] == ["log", "silence", "firewall"]
        another.start()  # takes over: nothing is unwatched meanwhile
        assert events.named("sys_monitor_disabled") == []
        another.close()
        assert len(events.named("sys_monitor_disabled")) == 1


def test_the_events_of_an_application_and_its_jobs_are_in_the_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    settings = Settings(
        crypto=CryptoSettings(keyring=str(tmp_path / "keys.json")),
        store=StoreSettings(url="memory"),
        watch=WatchSettings(log=str(log), audit="", format="ocsf"),
    )
    stockade = Stockade(settings)
    stockade.start()
    try:
        stockade.event("sensitive_read", about="patient.notes", id=7)
        with pytest.raises(ZeroDivisionError), stockade.job("nightly", every=60.0):
            _ = 1 / 0
    finally:
        stockade.close()
    codes = [json.loads(line)["metadata"]["event_code"] for line in log.read_text().splitlines()]
    assert "sensitive_read" in codes
    assert "job_failed" in codes


IMPORTS = """
import sys, threading, time
class Telling:
    def find_spec(self, name, path=None, target=None):
        if threading.current_thread() is not threading.main_thread():
            print(threading.current_thread().name, "imports", name)
sys.meta_path.insert(0, Telling())
from stockade import Stockade
from stockade.core.bus import emit
from stockade.core.events import Outcome
stockade = Stockade()
stockade.start()
if "password" in stockade.settings.secrets:
    stockade.secret("password").reveal()
emit("authz_fail", Outcome.BLOCKED, "access", "No.", principal="account-ann")
time.sleep(1.5)
"""


@pytest.mark.parametrize(
    "configuration",
    [
        "",
        '[watch]\nmetrics = "127.0.0.1:0"',
        """
        [watch]
        audit_personal = "sealed"
        heartbeat = 1.0
        [store]
        url = "sqlite:store.db"
        [secrets]
        password = "env:PASSWORD"
        [otel]
        endpoint = "http://127.0.0.1:9"
        """,
    ],
    ids=["defaults", "metrics", "more"],
)
def test_threads_import_nothing(configuration: str, tmp_path: Path) -> None:
    """A fork in the middle of an import leaves its lock held in the child, and who needs that
    module waits for ever: workers of a preloading server would log and count nothing."""
    (tmp_path / "stockade.toml").write_text(configuration)
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS],
        cwd=tmp_path,
        env={**os.environ, "PASSWORD": "s3cr3t-of-the-database"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert [line for line in done.stdout.splitlines() if " imports " in line] == []
