"""A client made from the clinic's OpenAPI document alone calls every operation there is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import httpx
import pytest

if TYPE_CHECKING:
    from tests.examples.conftest import Clinic

PROBLEM = "application/problem+json"
_TYPES: dict[str, Any] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "object": dict,
    "array": list,
    "null": type(None),
}


class Generated:
    """What generators make of a document: a call for each operation, its answer checked."""

    def __init__(self, document: dict[str, Any], http: httpx.Client) -> None:
        self.document, self.http = document, http
        self.operations: dict[str, tuple[str, str, dict[str, Any]]] = {
            operation["operationId"]: (method, path, operation)
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
        }
        self.called: set[str] = set()

    def call(
        self, name: str, /, *, body: Any = None, raw: bytes | None = None, **given: Any
    ) -> Any:
        """Status and content; raises AssertionError for an answer that is not documented."""
        method, path, operation = self.operations[name]
        self.called.add(name)
        query = {}
        for parameter in operation.get("parameters", ()):
            value = given.pop(parameter["name"], None)
            if parameter["in"] == "path":
                path = path.replace("{" + parameter["name"] + "}", str(value))
            elif value is not None:
                query[parameter["name"]] = value
        assert not given, f"{name} declares no {sorted(given)}"
        headers = {}
        if body is not None:
            self.check(body, operation["requestBody"]["content"]["application/json"]["schema"])
            answer = self.http.request(method, path, params=query, json=body)
        else:
            if raw is not None:
                headers["content-type"] = "application/json"
            answer = self.http.request(method, path, params=query, content=raw, headers=headers)
        return answer.status_code, self._content(answer, operation["responses"])

    def _content(self, answer: httpx.Response, responses: dict[str, Any]) -> Any:
        status = str(answer.status_code)
        documented = self.resolved(responses.get(status) or responses["default"])
        content = documented.get("content")
        if not content:
            assert answer.content == b""
            return None
        media_type = answer.headers["content-type"].partition(";")[0]
        self.check(answer.json(), content[media_type]["schema"])
        for name, header in documented.get("headers", {}).items():
            assert header["schema"]["type"] == "integer"
            assert int(answer.headers[name]) >= header["schema"]["minimum"]
        return answer.json()

    def resolved(self, node: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in node:
            target: Any = self.document
            for step in node["$ref"].removeprefix("#/").split("/"):
                target = target[step]
            node = target
        return node

    def check(self, value: Any, schema: dict[str, Any]) -> None:
        """Assert that a value is what a schema of this document says (as far as it says here)."""
        schema = self.resolved(schema)
        if kind := schema.get("type"):
            assert isinstance(value, _TYPES[kind]), (value, schema)
        if "enum" in schema:
            assert value in schema["enum"]
        if isinstance(value, str):
            assert schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 1 << 30)
            if schema.get("format") == "uuid":
                UUID(value)
        if isinstance(value, list):
            for item in value:
                self.check(item, schema["items"])
        if isinstance(value, dict):
            assert set(schema.get("required", ())) <= set(value)
            properties = schema.get("properties", {})
            if schema.get("additionalProperties") is False:
                assert set(value) <= set(properties)
            for name in set(value) & set(properties):
                self.check(value[name], properties[name])


@pytest.fixture(scope="module")
def document(clinic: Clinic) -> dict[str, Any]:
    found: dict[str, Any] = clinic.client().get("/openapi.json").json()
    return found


def test_every_operation_works(clinic: Clinic, document: dict[str, Any]) -> None:
    client = Generated(document, clinic.client())
    post_patients, post_notes = "create_patients_post", "create_patients__patient_id__notes_post"
    assert client.call("health_health_get") == (200, "ok")
    assert client.call("begin_sign_in_post", body=clinic.credentials("ann")) == (204, None)
    name = f"Renée O'Hara {uuid4().hex}"
    status, patient = client.call(post_patients, body={"name": name, "born": "1980-02-29"})
    assert (status, patient["name"]) == (201, name)
    assert client.call("find_patients_get", name=name.lower(), limit=5) == (200, [patient])
    one = {"patient_id": patient["id"]}
    assert client.call("read_patients__patient_id__get", **one) == (200, patient)
    longest = "x" * 10_000
    assert client.call(post_notes, body={"body": longest}, **one)[0] == 201
    status, notes = client.call("read_patients__patient_id__notes_get", **one)
    assert (status, [note["body"] for note in notes]) == (200, [longest])
    assert client.call("end_sign_out_post") == (204, None)
    assert client.call("begin_sign_in_post", body=clinic.credentials("ada")) == (204, None)
    account = {"name": uuid4().hex, "role": "reception"}
    status, created = client.call("create_accounts_post", body=account)
    assert (status, created | account) == (201, created)
    assert client.called == set(client.operations)


def test_every_problem_is_documented_and_has_its_schema(
    clinic: Clinic, document: dict[str, Any]
) -> None:
    ray, ada = (Generated(document, clinic.client(name)) for name in ("ray", "ada"))
    visitor = Generated(document, clinic.client())
    create, read = "create_patients_post", "read_patients__patient_id__get"
    nobody = {"name": "ann", "password": "wrong"}
    account = {"name": uuid4().hex, "role": "admin"}
    ada.call("create_accounts_post", body=account)
    answers = [
        (visitor.call("find_patients_get"), 401, "Sign in first."),
        (visitor.call("begin_sign_in_post", body=nobody), 401, None),
        (ray.call("create_accounts_post", body=account), 403, "You may not do this."),
        (ray.call(read, patient_id=uuid4()), 404, "There is no such patient."),
        (ada.call("create_accounts_post", body=account), 409, "There is an account of this name."),
        (ray.call(create, raw=b"{"), 400, None),
        (ray.call(create, raw=b"[" * 300_000), 413, None),
        (ray.call(create, raw=b'{"name": "x"}'), 422, None),
        (ray.call(read, patient_id="x"), 422, None),
    ]
    for (found, content), status, detail in answers:
        assert (found, content["status"]) == (status, status)
        assert detail in (content["detail"], None)
        assert content["instance"].startswith("urn:stockade:request:")


def test_every_route_model_and_problem_is_described(document: dict[str, Any]) -> None:
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert operation["description"], path
            responses = operation["responses"]
            assert {"400", "403", "429", "500", "default"} <= set(responses), path
            if "requestBody" in operation:
                assert {"413", "415", "422"} <= set(responses), path
            for status, response in responses.items():
                if not re.match("2", status):
                    reference = response.get("$ref", "").rpartition("/")[2]
                    known = document["components"]["responses"].get(reference, response)
                    assert list(known["content"]) == [PROBLEM], (path, status)
    schemas = document["components"]["schemas"]
    assert "HTTPValidationError" not in schemas
    for name, schema in schemas.items():
        assert schema["description"], name
