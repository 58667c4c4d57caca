"""The clinic under attack and under load, over real HTTP; truth is what its files hold."""

import json
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from stockade.watch.audit.reading import entries

if TYPE_CHECKING:
    from tests.examples.conftest import Clinic

SECRET = "told in confidence, 7f3a"
PROBLEM = "application/problem+json"


def rows(clinic: "Clinic", query: str) -> list[Any]:
    with closing(sqlite3.connect(clinic.data / "clinic.db")) as database:
        return database.execute(query).fetchall()


def register(client: httpx.Client, name: str) -> str:
    answer = client.post("/patients", json={"name": name, "born": "1980-02-29"})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def events(clinic: "Clinic", name: str) -> list[dict[str, Any]]:
    logged = map(json.loads, entries(clinic.data / "audit"))
    return [event for event in logged if event.get("name") == name]


def test_a_day_at_the_clinic(clinic: "Clinic") -> None:
    ray, ann = clinic.client("ray"), clinic.client("ann")
    patient = register(ray, "Renée O'Hara")
    assert ray.get(f"/patients/{patient}").json()["name"] == "Renée O'Hara"
    written = ann.post(f"/patients/{patient}/notes", json={"body": "Sleeps well.\nEats well."})
    assert written.status_code == 201
    notes = ann.get(f"/patients/{patient}/notes").json()
    assert [(note["author"], note["body"]) for note in notes] == [
        ("ann", "Sleeps well.\nEats well.")
    ]
    assert [found["id"] for found in ann.get("/patients", params={"name": "o'hara"}).json()] == [
        patient
    ]
    assert ann.post("/sign-out").status_code == 204
    assert ann.get("/patients").status_code == 401


def test_who_read_and_changed_what_is_in_the_audit_log_and_nothing_of_it(clinic: "Clinic") -> None:
    ann, ada = clinic.client("ann"), clinic.client("ada")
    patient = register(clinic.client("ray"), "Noor Event")
    ann.post(f"/patients/{patient}/notes", json={"body": SECRET})
    ann.get(f"/patients/{patient}/notes")
    ann.get("/patients", params={"name": "noor"})
    ada.post("/accounts", json={"name": "eva", "role": "clinician"})
    notes = [
        e for e in events(clinic, "sensitive_read") if e["details"]["object"] == "patient.notes"
    ]
    [written] = [
        e for e in events(clinic, "sensitive_create") if e["details"]["object"] == "patient.notes"
    ][-1:]
    accounts = dict(rows(clinic, "SELECT name, id FROM accounts"))
    assert (notes[-1]["principal"], notes[-1]["details"]["count"]) == (accounts["ann"], 1)
    assert notes[-1]["details"]["object_id"] == written["details"]["object_id"]
    assert notes[-1]["resource"] == "/patients/{patient_id}/notes"
    created = events(clinic, "user_created")
    assert [e["details"].get("first") for e in created[:3]] == [True] * 3
    assert (created[-1]["principal"], created[-1]["details"]["role"]) == (
        accounts["ada"],
        "clinician",
    )
    journal = b"".join(entries(clinic.data / "audit")).decode()
    for word in (SECRET, "Noor", patient, accounts["eva"]):
        assert word not in journal


def test_passwords_are_told_once_and_kept_as_argon2id(clinic: "Clinic") -> None:
    assert len(clinic.passwords) == 3
    for (encoded,) in rows(clinic, "SELECT password_hash FROM accounts"):
        assert encoded.startswith("$argon2id$")
    for file in clinic.data.rglob("*"):
        if file.is_file() and file != clinic.output:
            assert not any(word.encode() in file.read_bytes() for word in clinic.passwords.values())


def test_an_admin_creates_accounts_and_reads_no_notes(clinic: "Clinic") -> None:
    ada, ray = clinic.client("ada"), clinic.client("ray")
    made = ada.post("/accounts", json={"name": "bea", "role": "clinician"})
    assert made.status_code == 201
    assert ada.post("/accounts", json={"name": "bea", "role": "admin"}).status_code == 409
    clinic.passwords["bea"] = made.json()["password"]
    patient = register(ray, "Bea's patient")
    assert clinic.client("bea").get(f"/patients/{patient}/notes").json() == []
    assert ada.get(f"/patients/{patient}/notes").status_code == 403
    assert ray.post("/accounts", json={"name": "eve", "role": "admin"}).status_code == 403
    assert rows(clinic, "SELECT count(*) FROM accounts WHERE name = 'eve'") == [(0,)]


def test_nobody_gets_in_without_a_session(clinic: "Clinic") -> None:
    stranger = clinic.client()
    before = rows(clinic, "SELECT count(*) FROM patients")
    for method, path in (("GET", "/patients"), ("POST", "/patients"), ("POST", "/accounts")):
        answer = stranger.request(method, path, json={"name": "x", "born": "1980-01-01"})
        assert answer.status_code == 401
        assert answer.headers["content-type"] == PROBLEM
    assert rows(clinic, "SELECT count(*) FROM patients") == before


def test_reception_keeps_the_register_and_reads_no_notes(clinic: "Clinic") -> None:
    ray, ann = clinic.client("ray"), clinic.client("ann")
    patient = register(ray, "Quiet Person")
    assert ann.post(f"/patients/{patient}/notes", json={"body": SECRET}).status_code == 201
    denied = ray.get(f"/patients/{patient}/notes")
    assert denied.status_code == 403
    assert denied.headers["content-type"] == PROBLEM
    assert SECRET not in denied.text
    assert ray.post(f"/patients/{patient}/notes", json={"body": "mine"}).status_code == 403
    assert SECRET in ann.get(f"/patients/{patient}/notes").text
    assert len(events(clinic, "authz_fail")) >= 2


def test_notes_lie_in_no_file_and_move_to_no_other_row(clinic: "Clinic") -> None:
    ann = clinic.client("ann")
    first, second = register(ann, "Readable Name"), register(ann, "Another Name")
    for patient in (first, second):
        ann.post(f"/patients/{patient}/notes", json={"body": f"{SECRET} of {patient}"})
    files = [file for file in clinic.data.rglob("*") if file.is_file()]
    assert any(b"Readable Name" in file.read_bytes() for file in files)  # we do see plain text
    assert not any(SECRET.encode() in file.read_bytes() for file in files)
    assert SECRET in ann.get(f"/patients/{first}/notes").text
    # Somebody with the database in hand moves a record to the patient that they may ask about.
    with closing(sqlite3.connect(clinic.data / "clinic.db")) as database, database:
        stolen = "(SELECT body_sealed FROM notes WHERE patient_id = ?)"
        database.execute(
            f"UPDATE notes SET body_sealed = {stolen} WHERE patient_id = ?",
            (first.replace("-", ""), second.replace("-", "")),
        )
    moved = ann.get(f"/patients/{second}/notes")
    assert moved.status_code == 500
    assert SECRET not in moved.text
    assert events(clinic, "crypt_decrypt_fail")


def search_by_string_building(clinic: "Clinic", name: str) -> tuple[list[Any], list[Any]]:
    """What the attacker gets of the same file from a careless query, and the tables left."""
    with (
        closing(sqlite3.connect(clinic.data / "clinic.db")) as original,
        closing(sqlite3.connect(":memory:")) as copy,
    ):
        original.backup(copy)
        query = f"SELECT id, name, born FROM patients WHERE name LIKE '%{name}%'"
        if ";" in name:
            copy.executescript(query)  # many a database takes two statements at once
            found = []
        else:
            found = copy.execute(query).fetchall()
        return found, copy.execute("SELECT name FROM sqlite_master").fetchall()


@pytest.mark.parametrize(
    ("attack", "loot"),
    [
        ("' OR '1'='1", "Somebody"),
        ("%' UNION SELECT password_hash, name, role FROM accounts --", "$argon2id$"),
        ("'; DROP TABLE patients; --", "no table"),
        ("%", "Somebody"),
        ("_", "Somebody"),
    ],
)
def test_a_search_is_only_a_search(clinic: "Clinic", attack: str, loot: str) -> None:
    ray = clinic.client("ray")
    patient, honest = register(ray, "Somebody"), register(ray, f"Honest {attack}")
    found, tables = search_by_string_building(clinic, attack)
    assert loot in str(found) or (loot == "no table" and ("patients",) not in tables)
    answer = ray.get("/patients", params={"name": attack})
    assert loot not in answer.text
    assert honest in [one["id"] for one in answer.json()]
    assert all(attack in one["name"] for one in answer.json())
    assert ray.get(f"/patients/{patient}").status_code == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"name": "Canary7f3a", "born": "1980-01-01", "name": "x"}', 422),
        (b'{"name": "Canary7f3a", "born": 0}', 422),
        (b'{"name": "Canary7f3a\\u202e", "born": "1980-01-01"}', 422),
        (b'{"name": "x", "born": "1980-01-01", "Canary7f3a": true}', 422),
        (b'{"name": "Canary7f3a", "born": NaN}', 400),
        (b'{"name": "Canary7f3a"', 400),
        (b'["Canary7f3a' + b"[" * 5 + b'",' + b"[" * 5_000, 400),
        (b'{"name": "Canary7f3a\xff"}', 400),
        (b"[" * 300_000, 413),
    ],
)
def test_malformed_input_is_a_problem_that_echoes_nothing(
    clinic: "Clinic", body: bytes, status: int
) -> None:
    ray = clinic.client("ray")
    before = rows(clinic, "SELECT count(*) FROM patients")
    answer = ray.post("/patients", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM
    assert answer.json()["status"] == status
    assert "Canary7f3a" not in answer.text
    assert rows(clinic, "SELECT count(*) FROM patients") == before
    assert b"Canary7f3a" not in b"".join(entries(clinic.data / "audit"))
    assert b"Canary7f3a" not in (clinic.data / "events.jsonl").read_bytes()


def test_another_site_cannot_use_the_cookie(clinic: "Clinic") -> None:
    ray = clinic.client("ray")
    evil = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    before = rows(clinic, "SELECT count(*) FROM patients")
    answer = ray.post("/patients", json={"name": "x", "born": "1980-01-01"}, headers=evil)
    assert answer.status_code == 403
    assert rows(clinic, "SELECT count(*) FROM patients") == before


def test_guessing_throttles_this_client_for_this_account_only(clinic: "Clinic") -> None:
    standing, guesser = clinic.client("ann"), clinic.client()
    wrong = {"name": "ann", "password": "wrong horse"}
    codes = []
    for _ in range(40):
        codes.append(guesser.post("/sign-in", json=wrong).status_code)
        if codes[-1] == 429:
            break
        time.sleep(0.1)  # the detector hears events in batches
    assert codes[:5] == [401] * 5
    assert codes[-1] == 429
    throttled = guesser.post("/sign-in", json=clinic.credentials("ann"))
    assert throttled.status_code == 429
    assert int(throttled.headers["retry-after"]) > 0
    assert guesser.post("/sign-in", json=clinic.credentials("ray")).status_code == 204
    assert standing.get("/patients").status_code == 200
    assert events(clinic, "client_throttled")


def test_ten_kills_under_load_lose_no_acknowledged_patient(
    start: Callable[[Path], "Clinic"], tmp_path: Path
) -> None:
    clinic = start(tmp_path)
    ray = clinic.client("ray")
    cookies = dict(ray.cookies)
    acknowledged: list[str] = []

    def work(url: str, number: int) -> None:
        with httpx.Client(base_url=url, cookies=cookies, headers={"origin": url}) as client:
            for count in range(10_000):
                try:
                    answer = client.post(
                        "/patients", json={"name": f"{number}-{count}", "born": "1980-02-29"}
                    )
                except httpx.TransportError:
                    return
                assert answer.status_code == 201, answer.text
                acknowledged.append(answer.json()["id"])

    for _ in range(10):
        before = len(acknowledged)
        workers = [threading.Thread(target=work, args=(clinic.url, n)) for n in range(3)]
        for worker in workers:
            worker.start()
        deadline = time.monotonic() + 10
        while len(acknowledged) < before + 20 and time.monotonic() < deadline:
            time.sleep(0.005)
        clinic.kill()
        for worker in workers:
            worker.join()
        assert len(acknowledged) >= before + 20
        clinic.start()
    kept = {one for (one,) in rows(clinic, "SELECT id FROM patients")}
    lost = [one for one in acknowledged if one.replace("-", "") not in kept]
    assert len(acknowledged) >= 200
    assert lost == []
    with httpx.Client(base_url=clinic.url, cookies=cookies) as client:
        assert client.get(f"/patients/{acknowledged[0]}").status_code == 200  # still signed in
    for line in entries(tmp_path / "audit"):
        json.loads(line)
