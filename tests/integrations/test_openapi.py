"""The OpenAPI document of a protected application tells of the answers that it really gives."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.testclient import TestClient
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from stockade.boundary import check_body, rejection
from stockade.core.config import DefenceSettings, Settings
from stockade.integrations.fastapi import protect

PROBLEM = "application/problem+json"


class Order(BaseModel):
    item: str = Field(max_length=10)


class Problem(BaseModel):
    """The application's own, of the same name."""

    words: str


def service() -> FastAPI:
    app = FastAPI()

    @app.get("/plain")
    def plain() -> None: ...

    @app.get("/items/{number}")
    def item(number: int) -> None: ...

    @app.post("/orders")
    def order(order: Order) -> None: ...

    own_responses: dict[int | str, dict[str, Any]] = {
        422: {"model": Problem},
        404: {"description": "No such order."},
        "5XX": {"description": "Own.", "content": {"text/plain": {}}},
    }

    @app.post("/own", responses=own_responses)
    def own(order: Order) -> None: ...

    return app


def guarded(app: FastAPI, mode: Any = "block") -> FastAPI:
    settings = Settings(defence=DefenceSettings(mode=mode))
    protect(app, settings, partial(check_body, max_depth=64), rejection)
    return app


def operation(document: dict[str, Any], path: str) -> dict[str, Any]:
    [found] = document["paths"][path].values()
    responses: dict[str, Any] = found["responses"]
    return responses


@pytest.mark.parametrize(
    ("path", "statuses"),
    [
        ("/plain", "200 400 403 429 500 default"),
        ("/items/{number}", "200 400 403 422 429 500 default"),
        ("/orders", "200 400 403 413 415 422 429 500 default"),
        ("/own", "200 400 403 404 413 415 422 429 5XX default"),
    ],
)
def test_each_operation_tells_of_the_problems_it_can_answer(path: str, statuses: str) -> None:
    document = guarded(service()).openapi()
    assert sorted(operation(document, path)) == sorted(statuses.split())


def test_every_reference_leads_somewhere_and_nothing_is_left_of_the_frameworks() -> None:
    app = guarded(service())
    del app.router.routes[-1]
    document = TestClient(app).get("/openapi.json").json()
    assert "HTTPValidationError" not in str(document)
    responses = document["components"]["responses"]
    for name, response in responses.items():
        schema = response["content"][PROBLEM]["schema"]["$ref"]
        assert schema.rpartition("/")[2] in document["components"]["schemas"], name
    for path in document["paths"]:
        for status, response in operation(document, path).items():
            if path != "/own" and status != "200":
                assert response["$ref"].rpartition("/")[2] in responses


def test_what_is_documented_is_what_is_answered() -> None:
    app = guarded(service())
    schema = app.openapi()["components"]["schemas"]["StockadeProblem"]
    refused = TestClient(app).post("/orders", json={"item": "far too long for this"})
    document = refused.json()
    assert refused.headers["content-type"] == PROBLEM
    assert set(schema["required"]) <= set(document) <= set(schema["properties"])
    entry = schema["properties"]["errors"]["items"]
    assert set(document["errors"][0]) == set(entry["properties"]) == set(entry["required"])


def test_an_applications_own_model_and_response_stay() -> None:
    document = guarded(service()).openapi()
    bare = service().openapi()
    assert "words" in str(bare["components"]["schemas"]["Problem"])
    assert operation(document, "/own")["422"] == operation(bare, "/own")["422"]
    assert operation(document, "/own")["5XX"] == operation(bare, "/own")["5XX"]
    described = operation(document, "/own")["404"]
    assert described["description"] == "No such order."
    assert list(described["content"]) == [PROBLEM]
    schemas = document["components"]["schemas"]
    assert schemas["Problem"] == bare["components"]["schemas"]["Problem"]
    assert "/StockadeProblem" in str(document["components"]["responses"]["Problem-400"])


@pytest.mark.parametrize("first", ["handler", "protect"])
def test_who_answers_failed_validations_himself_documents_them_himself(first: str) -> None:
    app = service()
    if first == "protect":
        guarded(app)
    app.add_exception_handler(RequestValidationError, lambda request, error: None)  # type: ignore[arg-type]
    if first == "handler":
        guarded(app)
    assert (
        operation(app.openapi(), "/orders")["422"]
        == operation(service().openapi(), "/orders")["422"]
    )
    assert "HTTPValidationError" in app.openapi()["components"]["schemas"]


def test_who_answers_other_errors_himself_is_said_to_give_no_documents_for_them() -> None:
    app = guarded(service())
    for kind in (HTTPException, Exception):
        app.add_exception_handler(kind, lambda request, error: None)  # type: ignore[arg-type]
    found = operation(app.openapi(), "/own")
    assert "default" not in found
    assert found["404"] == {"description": "No such order."}
    assert "500" not in operation(app.openapi(), "/plain")
    assert "422" in operation(app.openapi(), "/orders")


def test_routes_that_come_later_and_documents_of_ones_own_are_described() -> None:
    app = guarded(service())
    first = app.openapi()
    assert app.openapi() is first
    app.get("/later")(lambda: None)
    assert "429" in operation(app.openapi(), "/later")
    own = service()
    own.openapi = lambda: {"openapi": "3.1.0", "paths": {"/x": {"get": {}}}}  # type: ignore[method-assign]
    assert "429" in operation(guarded(own).openapi(), "/x")


def test_where_it_only_observes_and_in_starlette_nothing_is_described() -> None:
    assert guarded(service(), "observe").openapi() == service().openapi()


def test_what_is_mounted_is_described_too() -> None:
    inner, app = service(), FastAPI()
    app.mount("/inner", inner)
    client = TestClient(guarded(app))
    assert "HTTPValidationError" not in str(
        operation(client.get("/inner/openapi.json").json(), "/orders")
    )
