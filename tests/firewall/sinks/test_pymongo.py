"""MongoDB through pymongo: what is encoded for the server decides; no server was at hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import bson
import pytest
from pymongo import MongoClient, UpdateOne
from pymongo.errors import ServerSelectionTimeoutError

from stockade.core.context import RequestContext, running
from stockade.core.errors import Blocked
from stockade.core.inputs import InputLimits, Inputs, Source
from stockade.firewall.engine import Guard
from stockade.firewall.grammars.nosql import NoSqlGrammar
from stockade.firewall.sinks import pymongo as sink


class JsonRequest(RequestContext):
    __slots__ = ("body",)
    body: object

    def read_inputs(self) -> Inputs:
        inputs = Inputs(InputLimits())
        if isinstance(self.body, str):
            inputs.add_query(Source.QUERY, self.body)
        else:
            inputs.add_json(self.body)
        return inputs


@contextmanager
def request(body: object) -> Iterator[None]:
    context = JsonRequest("test")
    context.body = body
    with running(context):
        yield


@pytest.fixture
def users() -> Iterator[Any]:
    guard = Guard("nosql", NoSqlGrammar(), event="malicious_nosqli")
    guard.mode = "block"
    sink.install(guard)
    client: MongoClient[Any] = MongoClient("127.0.0.1:9", serverSelectionTimeoutMS=1)
    yield client.shop.users
    client.close()
    sink.uninstall()


ATTACKS = ['{"password": {"$ne": null}}', '{"password": {"$gt": ""}}', '{"$where": "true"}']


@pytest.mark.parametrize("body", ATTACKS)
def test_operators_of_the_request(body: str, users: Any) -> None:
    brought = json.loads(body)
    assert b"$" in bson.encode(brought)  # the server would read an operator
    own = {"$gt": 3}  # the same operator as the developer's own
    runs: tuple[Callable[[], object], ...] = (
        lambda: users.find(brought),
        lambda: users.find_one(brought),
        lambda: users.update_one(brought, {"$set": {"a": 1}}),
        lambda: users.delete_many({"age": own, "more": brought}),
        lambda: users.aggregate([{"$match": brought}]),
        lambda: users.bulk_write([UpdateOne(brought, {"$set": {"a": 1}})]),
        lambda: users.database.command({"find": "users", "filter": brought}),
    )
    for run in runs:
        with request(json.loads(body)), pytest.raises(Blocked):
            run()


def test_operators_in_the_names_of_a_query(users: Any) -> None:
    brought = {"password": {"".join(["$", "ne"]): "x"}}
    with request("password[$ne]=x"), pytest.raises(Blocked):
        users.find_one(brought)


def test_code(users: Any) -> None:
    value = "x' || '1'=='1"
    with request({"name": value}):
        with pytest.raises(Blocked):
            users.find({"$where": f"this.name == '{value}'"})
        users.find({"$where": "this.name == 'ada'"})
        escaped = json.dumps(value)
        users.find({"$where": f"this.name == {escaped}"})


@pytest.mark.parametrize(
    "body",
    [{"q": "$ne"}, {"price$": 3}, {"q": "costs $gt 5"}, {"q": "a.$b"}, {"note": "$where: true"}],
)
def test_honest(body: dict[str, Any], users: Any) -> None:
    with request(body):
        users.find({"age": {"$gt": 3}, "$or": [{"a": 1}], "q": body})
        with pytest.raises(ServerSelectionTimeoutError):
            users.update_one({"q": "x"}, {"$set": body})


def test_the_developers_own_operator_stays_usable(users: Any) -> None:
    with request({"filter": {"$gt": ""}}):
        users.find({"age": {"$gt": 3}})
