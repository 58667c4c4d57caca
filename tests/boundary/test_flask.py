"""Flask views that declare what they accept: what a bare view lets in never reaches them."""

from __future__ import annotations

import io
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import pytest
from flask import Flask, request
from flask.views import MethodView
from pydantic import Field
from werkzeug.test import TestResponse

from stockade.boundary import Line, Model, Parameters, check_body
from stockade.boundary.flask import accepts
from stockade.core.config import Settings
from stockade.core.events import Event
from stockade.integrations.flask import protect

PROBLEM = "application/problem+json"


class NewAccount(Model):
    name: Line


class Search(Parameters):
    name: Line | None = None
    limit: Annotated[int, Field(le=100)] = 50
    tag: list[str] = Field(default=[])


class Letter(Parameters):
    subject: Line
    copies: int = 1
    to: list[str] = Field(default=[])


class Accounts:
    """Rows in a file; a role is what attackers want."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with closing(sqlite3.connect(path)) as database, database:
            database.execute("CREATE TABLE account (name TEXT, role TEXT DEFAULT 'patient')")

    def add(self, values: dict[str, Any]) -> None:
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        with closing(sqlite3.connect(self.path)) as database, database:
            database.execute(f"INSERT INTO account ({names}) VALUES ({marks})", [*values.values()])

    def rows(self) -> list[Any]:
        with closing(sqlite3.connect(self.path)) as database:
            return database.execute("SELECT name, role FROM account").fetchall()


@pytest.fixture
def accounts(tmp_path: Path) -> Accounts:
    return Accounts(tmp_path / "accounts.db")


@pytest.fixture
def app(accounts: Accounts) -> Flask:
    app = Flask(__name__)

    @app.post("/bare")
    def bare() -> str:
        accounts.add(request.get_json(force=True))
        return "made"

    @app.post("/accounts")
    @accepts(body=NewAccount)
    def create(body: NewAccount) -> str:
        accounts.add(body.model_dump())
        return "made"

    @app.get("/accounts/<int:number>")
    @accepts(query=Search)
    def find(number: int, query: Search) -> dict[str, Any]:
        return {"number": number} | query.model_dump()

    @app.route("/letters", methods=["POST", "PUT"])
    @accepts(form=Letter, query=Search, files={"scan"})
    def send(form: Letter, query: Search) -> dict[str, Any]:
        scans = [file.read().decode() for file in request.files.getlist("scan")]
        return form.model_dump() | {"limit": query.limit, "scans": scans}

    @app.post("/nothing")
    @accepts()
    def nothing() -> str:
        return "nothing came"

    @app.post("/async")
    @accepts(body=NewAccount)
    async def later(body: NewAccount) -> str:
        return body.name

    class ByClass(MethodView):
        @accepts(query=Search)
        def get(self, query: Search) -> str:
            return str(query.limit)

        @accepts(body=NewAccount)
        def post(self, body: NewAccount) -> str:
            return body.name

    app.add_url_rule("/class", view_func=ByClass.as_view("by_class"))
    protect(app, Settings(), partial(check_body, max_depth=64))
    return app


def refused(answer: TestResponse, status: int) -> list[dict[str, str]]:
    assert (answer.status_code, answer.content_type) == (status, PROBLEM), answer.text
    errors: list[dict[str, str]] = answer.get_json().get("errors", [])
    return errors


def test_a_field_that_nobody_offered_sets_a_role_bare_and_is_refused_declared(
    app: Flask, accounts: Accounts, events: list[Event]
) -> None:
    attack, client = {"name": "eve", "role": "admin"}, app.test_client()
    assert client.post("/bare", json=attack).text == "made"
    assert accounts.rows() == [("eve", "admin")]
    answer = client.post("/accounts", json=attack)
    assert refused(answer, 422) == [
        {"pointer": "/body", "detail": "This holds a field that is not declared."}
    ]
    assert accounts.rows() == [("eve", "admin")]
    assert client.post("/accounts", json={"name": "ann"}).text == "made"
    assert accounts.rows()[1:] == [("ann", "patient")]
    assert [event.name for event in events] == ["malicious_extraneous"]
    assert events[0].resource == "/accounts"


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"", "application/json", 422),
        (b'{"name": "ann", "name": "eve"}', "application/json", 422),
        (b'{"name": 7}', "application/json", 422),
        (b'{"name": "ann"', "application/json", 400),
        (b'{"name": "ann"}', "text/plain", 415),
        (b'{"name": "ann"}', "", 415),
        (b'{"name": "ann"}', "nonsense", 400),
        (b"name=ann", "application/x-www-form-urlencoded", 415),
        ('{"name": "ann"}'.encode("utf-16"), "application/json; charset=utf-16", 415),
    ],
)
def test_a_body_that_is_not_the_declared_json_is_refused(
    app: Flask, accounts: Accounts, body: bytes, content_type: str, status: int
) -> None:
    headers = {"content-type": content_type} if content_type else {}
    refused(app.test_client().post("/accounts", data=body, headers=headers), status)
    assert accounts.rows() == []


def test_json_of_a_type_of_ones_own_passes(app: Flask, accounts: Accounts) -> None:
    kind = "application/vnd.clinic+json"
    app.test_client().post("/accounts", data=b'{"name": "ann"}', content_type=kind)
    assert accounts.rows() == [("ann", "patient")]


def test_a_query_becomes_a_model_beside_what_the_route_gives(app: Flask) -> None:
    answer = app.test_client().get("/accounts/7?name=O%27Hara&limit=9&tag=a&tag=b")
    assert answer.get_json() == {"number": 7, "name": "O'Hara", "limit": 9, "tag": ["a", "b"]}


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("limit=1&limit=2", 422),
        ("limit=101", 422),
        ("other=1", 422),
        ("name=%ff", 400),
        ("name=%zz", 400),
        ("name=%00", 400),
    ],
)
def test_a_query_that_does_not_match_is_refused(app: Flask, query: str, status: int) -> None:
    refused(app.test_client().get(f"/accounts/7?{query}"), status)


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("multipart", [False, True])
def test_a_form_becomes_a_model_and_declared_files_pass(
    app: Flask, method: str, multipart: bool
) -> None:
    data: dict[str, Any] = {"subject": "Hello", "copies": "", "to": ["a", "b"]}
    if multipart:
        data["copies"] = "1"  # Werkzeug's client writes an empty part as no other does
        data["scan"] = [(io.BytesIO(b"one"), "1.txt"), (io.BytesIO(b"two"), "2.txt")]
    answer = app.test_client().open("/letters?limit=3", method=method, data=data)
    scans = ["one", "two"] if multipart else []
    wanted = {"subject": "Hello", "copies": 1, "to": ["a", "b"], "limit": 3, "scans": scans}
    assert answer.get_json() == wanted


@pytest.mark.parametrize(
    ("data", "pointer"),
    [
        ({"subject": ["a", "b"]}, "/body/subject"),
        ({"subject": "a", "role": "admin"}, "/body"),
        ({"subject": ""}, "/body/subject"),
        ({"copies": "2"}, "/body/subject"),
        ({"subject": "a", "file": (io.BytesIO(b"x"), "x.txt")}, "/body"),
        ({}, "/body/subject"),
    ],
)
def test_a_form_that_does_not_match_is_refused(
    app: Flask, data: dict[str, Any], pointer: str
) -> None:
    errors = refused(app.test_client().post("/letters", data=data), 422)
    assert [error["pointer"] for error in errors] == [pointer]


def test_json_is_no_form(app: Flask) -> None:
    refused(app.test_client().post("/letters", json={"subject": "a"}), 415)


@pytest.mark.parametrize(
    "sent", [{"json": {"a": 1}}, {"data": b"x"}, {"data": {"a": "b"}}], ids=["json", "raw", "form"]
)
def test_a_body_where_none_is_declared_is_refused(app: Flask, sent: dict[str, Any]) -> None:
    client = app.test_client()
    assert refused(client.post("/nothing", **sent), 422)[0]["pointer"] == "/body"
    assert client.post("/nothing").text == "nothing came"


def test_async_views_and_classes_alike(app: Flask) -> None:
    pytest.importorskip("asgiref")
    client = app.test_client()
    for path in ("/async", "/class"):
        assert client.post(path, json={"name": "ann"}).text == "ann"
        refused(client.post(path, json={"name": "ann", "role": "x"}), 422)
    assert client.get("/class?limit=2").text == "2"
    refused(client.get("/class?limit=2&limit=3"), 422)
    assert client.delete("/class").status_code == 405


def test_a_form_that_was_read_before_the_view_is_still_there(app: Flask) -> None:
    app.before_request(lambda: request.form.get("csrf") and None)
    client = app.test_client()
    assert client.post("/letters", data={"subject": "a"}).status_code == 200
    assert client.post("/accounts", json={"name": "ann"}).status_code == 200
    refused(client.post("/nothing", data={"a": "b"}), 422)
