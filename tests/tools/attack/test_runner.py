"""Against a small application whose guard can be turned on, so that every count has a cause."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stockade.tools.attack import AttackError, run

SHOP = """
import os, sqlite3
from fastapi import FastAPI, Response

app = FastAPI()
GUARD = os.environ.get("GUARD", "")
database = sqlite3.connect("shop.db", check_same_thread=False)
database.execute("CREATE TABLE IF NOT EXISTS goods (name TEXT, price INTEGER)")
database.execute("INSERT INTO goods VALUES ('Tea', 4)")
database.commit()

def refusal():
    problem = '{"type":"urn:stockade:problem:blocked"}'
    return Response(problem, 403, media_type="application/problem+json")

@app.get("/weak")
def weak(name: str):
    if "weak" in GUARD and "'" in name:
        return refusal()
    try:
        return database.execute(f"SELECT * FROM goods WHERE name = '{name}'").fetchall()
    except sqlite3.Error:
        return Response("no", 400)

@app.get("/safe")
def safe(name: str):
    if "safe" in GUARD and "'" in name:
        return refusal()
    return database.execute("SELECT * FROM goods WHERE name = ?", (name,)).fetchall()

@app.get("/file/{name:path}", openapi_extra={"x-stockade-out-of-reach": "a reason"})
def file(name: str):
    try:
        return open("/" + name).read()
    except (OSError, ValueError):
        return Response("no", 404)

@app.get("/environment")
def environment(probe: int):
    return dict(os.environ)
"""


ATTACK = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
from stockade.tools.attack.command import attack
sys.exit(attack(["shop:app"]))
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "shop.py").write_text(SHOP)
    return folder


def test_a_guard_that_guards_is_told_from_one_that_does_not(shop: Path) -> None:
    open_to_all = run(["shop:app"], folder=shop, guard=("env",))
    assert open_to_all.exploits_bare > 5
    assert open_to_all.exploits_stopped == 0
    assert open_to_all.exit_code == 1
    assert {each["operation"] for each in open_to_all.got_through} == {"GET /weak"}

    guarded = run(["shop:app"], folder=shop, guard=("env", "GUARD=weak"))
    assert guarded.exploits_bare == guarded.exploits_stopped == open_to_all.exploits_bare
    assert guarded.exit_code == 0
    counts = guarded.as_dict()
    assert counts["families"]["sql"]["sources"] == {
        "query": {"bare": guarded.exploits_bare, "stopped": guarded.exploits_bare}
    }
    # What is marked out of reach is proved and counted, but never among what was stopped.
    assert counts["families"]["path"]["bare"] == 0
    assert counts["families"]["path"]["out_of_reach"] == counts["out_of_reach"] > 0
    assert not (shop / "shop.db").exists(), "the attack left its copy"


WSGI = """
import json, os, sqlite3
from flask import Flask, Response, request

app = Flask(__name__)
database = sqlite3.connect("till.db", check_same_thread=False)
database.execute("CREATE TABLE IF NOT EXISTS goods (name TEXT, price INTEGER)")
database.execute("INSERT INTO goods VALUES ('Tea', 4)")
database.commit()

@app.get("/weak")
def weak():
    if os.environ.get("GUARD") and "'" in request.args["name"]:
        problem = '{"type":"urn:stockade:problem:blocked"}'
        return Response(problem, 403, content_type="application/problem+json")
    try:
        return database.execute(f"SELECT * FROM goods WHERE name = '{request.args['name']}'").fetchall()
    except sqlite3.Error:
        return Response("no", 400)

@app.get("/openapi.json")
def description():
    name = {"name": "name", "in": "query", "schema": {"type": "string"}}
    return {"paths": {"/weak": {"get": {"parameters": [name]}}}}
"""


def test_several_applications_each_get_a_report_whatever_interface_they_speak(shop: Path) -> None:
    (shop / "till.py").write_text(WSGI)
    report = run(["shop:app", "till:app"], folder=shop, guard=("env", "GUARD=weak"))
    counts = report.as_dict()
    assert list(counts["each"]) == counts["apps"] == ["shop:app", "till:app"]
    for each in counts["each"].values():
        assert each["exploits_bare"] == each["exploits_stopped"] > 5
    assert counts["exploits_bare"] == sum(each["exploits_bare"] for each in counts["each"].values())


def test_one_application_that_cannot_start_ends_the_others_too(shop: Path) -> None:
    (shop / "broken.py").write_text("raise RuntimeError('the kettle is missing')")
    with pytest.raises(AttackError, match="the kettle is missing"):
        run(["broken:app", "shop:app"], folder=shop, guard=("env",))


def test_refusing_what_is_safe_or_honest_is_a_finding(shop: Path) -> None:
    report = run(["shop:app"], folder=shop, guard=("env", "GUARD=weak,safe"))
    counts = report.as_dict()["families"]
    assert counts["sql"]["false_blocks"] > 0
    assert counts["shell"]["false_blocks"] > 0
    assert sum(each["benign_blocks"] for each in counts.values()) > 0
    assert {each["operation"] for each in report.refused_wrongly} == {"GET /safe"}
    assert report.exit_code == 1


def test_an_application_that_cannot_start_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text("raise RuntimeError('the kettle is missing')")
    with pytest.raises(AttackError, match="the kettle is missing"):
        run(["shop:app"], folder=tmp_path)


def test_a_guard_that_cannot_start_is_an_error_and_not_a_success(shop: Path) -> None:
    with pytest.raises(AttackError, match="the application ended"):
        run(["shop:app"], folder=shop, guard=("false",))


def test_a_target_without_an_application_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(AttackError, match="MODULE:APP"):
        run(["shop"], folder=tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_attack_leaves_no_process_behind(shop: Path, number: signal.Signals) -> None:
    attack = subprocess.Popen(
        [
            sys.executable,
            "-c",
            ATTACK,
        ],
        cwd=shop,
        stderr=subprocess.PIPE,
        text=True,
    )
    server = _child_of(attack.pid)
    attack.send_signal(number)
    _, complaint = attack.communicate(timeout=20)
    assert attack.returncode == 130
    assert "interrupted" in complaint
    # Whoever takes over a process whose parent has ended may take a moment to bury it.
    deadline = time.monotonic() + 10
    while Path(f"/proc/{server}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{server}").exists()


def _child_of(parent: int) -> int:
    if not Path("/proc/self").exists():
        pytest.skip("no /proc here to find the process in")
    for _ in range(400):
        for children in Path(f"/proc/{parent}/task").glob("*/children"):
            for child in children.read_text().split():
                if b"attack.host" in Path(f"/proc/{child}/cmdline").read_bytes():
                    os.kill(int(child), 0)
                    return int(child)
        time.sleep(0.025)
    raise AssertionError("no server was started")
