"""A GraphQL request (strawberry on FastAPI) asks for so much and no more, whichever way it comes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import strawberry
from fastapi import FastAPI
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from strawberry.fastapi import GraphQLRouter
from strawberry.schema.config import StrawberryConfig

from stockade import Stockade
from stockade.boundary.gate.graphql import Graphql
from stockade.core.config import GraphqlSettings
from stockade.core.errors import ConfigError, Rejected
from stockade.core.events import Event
from tests.boundary.gate.conftest import Asked, settings

LIMITED = '[graphql]\npaths = ["/graphql"]\nmax_depth = 5\nmax_fields = 40\n'
FRIENDS = 3


fetched: list[str] = []
"""People that a resolver went to fetch."""


@strawberry.type
class Person:
    name: str

    @strawberry.field
    def friends(self) -> list[Person]:
        fetched.extend(["Ada"] * FRIENDS)
        return [Person(name="Ada")] * FRIENDS


@strawberry.type
class Query:
    @strawberry.field
    def person(self) -> Person:
        return Person(name="Ada")


class Network:
    """People who know three others each."""

    def __init__(self, folder: Path, configuration: str = LIMITED, mode: str = "block") -> None:
        fetched.clear()
        config = StrawberryConfig(batching_config={"max_operations": 100})
        app = FastAPI()
        schema = strawberry.Schema(Query, config=config)
        router: Any = GraphQLRouter(schema, multipart_uploads_enabled=True)
        app.include_router(router, prefix="/graphql")

        @app.post("/search")
        def search(query: str) -> str:
            return query

        Stockade.protect(app, settings=settings(folder, configuration, mode))
        self.client = TestClient(app, base_url="https://people.example")

    def post(self, document: str) -> Any:
        return self.client.post("/graphql", json={"query": document})


def deep(levels: int) -> str:
    return "{ person " + "{ friends " * levels + "{ name }" + " }" * levels + " }"


def wide(times: int) -> str:
    return "{" + " ".join(f"p{n}: person {{ name }}" for n in range(times)) + "}"


DOUBLING = (
    "{ person { ...A } } fragment A on Person { a: friends { ...B } b: friends { ...B } } "
    "fragment B on Person { a: friends { ...C } b: friends { ...C } c: friends { ...C } } "
    "fragment C on Person { a: name b: name c: name d: name e: name f: name g: name }"
)
TOO_MUCH = [(deep(6), "graphql.depth"), (wide(21), "graphql.fields"), (DOUBLING, "graphql.fields")]


@pytest.mark.asvs("V4.3.1")
@pytest.mark.parametrize(("document", "rule"), TOO_MUCH)
def test_a_query_that_grows_is_not_answered(
    document: str, rule: str, tmp_path: Path, events: list[Event]
) -> None:
    bare = Network(tmp_path, mode="off")
    assert "errors" not in bare.post(document).json()
    if rule == "graphql.depth":
        assert len(fetched) > FRIENDS**5  # of a document of less than a hundred characters

    network = Network(tmp_path)
    refused = network.post(document)
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    assert fetched == []
    assert [(event.name, event.rule) for event in events if event.outcome == "blocked"] == [
        ("input_validation_fail", rule)
    ]


def test_what_people_ask_for_is_answered(tmp_path: Path) -> None:
    network = Network(tmp_path)
    assert network.post(deep(3)).json()["data"]["person"]["friends"]
    assert len(network.post(wide(20)).json()["data"]) == 20
    named = {"query": "query Q { person { name } }", "operationName": "Q", "variables": {"a": 1}}
    answer = network.client.post("/graphql", json=named)
    assert answer.json() == {"data": {"person": {"name": "Ada"}}}
    # Elsewhere a member of this name is a member like any other.
    assert network.client.post("/search", params={"query": deep(9)}).json() == deep(9)
    assert network.client.get("/graphql", headers={"accept": "text/html"}).status_code == 200


def by_get(client: TestClient, document: str) -> Any:
    return client.get("/graphql", params={"query": document})


def by_get_escaped(client: TestClient, document: str) -> Any:
    return client.get("/graphql?" + "%71uery=" + "".join(f"%{ord(each):02x}" for each in document))


def by_batch(client: TestClient, document: str) -> Any:
    return client.post("/graphql", json=[{"query": document}])


def by_multipart(client: TestClient, document: str) -> Any:
    operations = json.dumps({"query": document, "variables": {}})
    fields = {"operations": (None, operations), "map": (None, "{}")}
    return client.post("/graphql", files=fields)


def by_path(client: TestClient, document: str) -> Any:
    return client.post("/graphql/", json={"query": document})


WAYS = [by_get, by_get_escaped, by_batch, by_multipart, by_path]


@pytest.mark.parametrize("way", WAYS)
def test_no_other_way_leads_around_it(way: Any, tmp_path: Path) -> None:
    bare = Network(tmp_path, mode="off")
    assert "person" in way(bare.client, deep(6)).text
    network = Network(tmp_path)
    assert way(network.client, deep(6)).status_code == 422
    assert fetched == []
    assert "Ada" in way(network.client, deep(1)).text


def test_a_batch_is_counted_together(tmp_path: Path) -> None:
    small = {"query": wide(5)}  # ten fields
    client = Network(tmp_path).client
    assert client.post("/graphql", json=[small] * 4).status_code == 200
    assert client.post("/graphql", json=[small] * 5).status_code == 422


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/graphql", deep(6), 422),
        ("application/x-www-form-urlencoded", "a=1&query=" + deep(6), 422),
        ("text/plain", json.dumps({"query": deep(1)}), 415),
        ("", json.dumps({"query": deep(1)}), 415),
        ("application/json", json.dumps({"query": "{ person"}), 400),
    ],
)
def test_what_other_servers_read_is_judged_or_refused(
    content_type: str, body: str, status: int
) -> None:
    rule = Graphql(GraphqlSettings(paths=("/graphql",), max_depth=5))
    with pytest.raises(Rejected) as refused:
        rule.read(Asked(path="//graphql"), content_type, body.encode())
    assert refused.value.code == status
    rule.read(Asked(path="/graphqls"), content_type, body.encode())


def over_a_socket(network: Network, document: str) -> str:
    """By graphql-transport-ws, as every client library does it."""
    try:
        with network.client.websocket_connect("/graphql", ["graphql-transport-ws"]) as socket:
            socket.send_json({"type": "connection_init"})
            assert socket.receive_json()["type"] == "connection_ack"
            socket.send_json({"id": "1", "type": "subscribe", "payload": {"query": document}})
            return str(socket.receive_json())
    except WebSocketDisconnect as closed:
        return str(closed.code)


def test_over_a_websocket(tmp_path: Path, events: list[Event]) -> None:
    assert "Ada" in over_a_socket(Network(tmp_path, mode="off"), deep(6))
    network = Network(tmp_path)
    assert over_a_socket(network, deep(6)) == "1008"
    assert fetched == []
    assert [event.rule for event in events if event.outcome == "blocked"] == ["graphql.depth"]
    assert "Ada" in over_a_socket(network, deep(1))


@pytest.mark.asvs("V4.3.2")
def test_the_schema_is_not_told(tmp_path: Path) -> None:
    question = "{ __schema { types { name } } }"
    assert "Person" in Network(tmp_path, mode="off").post(question).text
    network = Network(tmp_path)
    for asked in (question, '{ a: __type(name: "Person") { fields { name } } }'):
        assert network.post(asked).status_code == 403
        assert "Person" not in network.post(asked).text
    assert over_a_socket(network, question) == "1008"
    assert network.post("{ person { __typename } }").status_code == 200
    public = Network(tmp_path, LIMITED + "introspection = true\n")
    assert "Person" in public.post(question).text


def test_observing_tells_and_refuses_nothing(tmp_path: Path, events: list[Event]) -> None:
    network = Network(tmp_path, mode="observe")
    assert network.post(wide(21)).status_code == 200
    assert "Ada" in over_a_socket(network, deep(6))
    assert [event.outcome for event in events if event.rule.startswith("graphql.")] == [
        "observed"
    ] * 2


@pytest.mark.parametrize("wrong", [{"paths": ("graphql",)}, {"max_depth": 0}, {"max_fields": 0}])
def test_what_refuses_everything_is_said_at_start(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="graphql"):
        Graphql(GraphqlSettings(**wrong))
