"""Through real requests: a notebook whose rows are what an attacker wants to change."""

from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, Form, Request, Response
from fastapi.testclient import TestClient

from stockade.access import Entity, Policies
from stockade.access.fastapi import Guard, permit, same_origin, sign_in, sign_out, signed_in
from stockade.core.errors import StockadeError
from stockade.core.events import Event

World = Any

POLICIES = """
@id("readers") permit (principal, action == Action::"read", resource is Note);
@id("ann-writes") 
permit (principal == User::"account-1", action == Action::"write", resource is Note);
@id("route") permit (principal, action == Action::"visit", resource == Route::"/visit/{place}");
"""


def note(request: Request) -> Entity:
    return Entity("Note", request.path_params["id"])


def build(world: World, folder: Path, **options: Any) -> FastAPI:
    (folder / "notes.cedar").write_text(POLICIES)
    app = FastAPI()
    Guard(world.sessions, Policies.load(folder), world.sign_in, **options).install(app)
    app.state.notes = {"1": "honest"}

    @app.exception_handler(StockadeError)
    def problem(request: Request, error: StockadeError) -> Response:
        found = error.problem()
        return Response(found.body(), found.status, media_type="application/problem+json")

    @app.post("/in")
    def enter(
        request: Request,
        response: Response,
        name: Annotated[str, Form()],
        password: Annotated[str, Form()],
    ) -> str:
        return sign_in(request, response, name, password)

    @app.post("/out")
    def leave(request: Request, response: Response) -> bool:
        return sign_out(request, response)

    @app.get("/me")
    def me(account: Annotated[str, Depends(signed_in)]) -> str:
        return account

    @app.get("/notes/{id}", dependencies=[Depends(permit("read", note))])
    def read(id: str) -> str:
        return str(app.state.notes[id])

    @app.put("/notes/{id}", dependencies=[Depends(permit("write", note))])
    async def write(id: str, text: Annotated[str, Form()]) -> None:
        app.state.notes[id] = text

    @app.get("/visit/{place}")
    def visit(place: str, account: Annotated[str, Depends(permit("visit"))]) -> str:
        return account

    @app.get("/hidden/{place}", dependencies=[Depends(permit("visit"))])
    def hidden(place: str) -> str:
        return "secret"

    @app.post("/unguarded", dependencies=[Depends(same_origin)])
    def unguarded() -> str:
        return "fine"

    return app


@pytest.fixture
def app(world: World, tmp_path: Path) -> FastAPI:
    return build(world, tmp_path)


def browser(app: FastAPI, name: str = "", password: str = "") -> TestClient:
    client = TestClient(app, base_url="https://shop.example")
    if name:
        assert client.post("/in", data={"name": name, "password": password}).status_code == 200
    return client


def ann(app: FastAPI) -> TestClient:
    return browser(app, "ann", "sunshine")


def bob(app: FastAPI) -> TestClient:
    return browser(app, "bob", "a long one that no list has")


def test_who_may_does(app: FastAPI) -> None:
    client = ann(app)
    assert client.get("/me").json() == "account-1"
    assert client.put("/notes/1", data={"text": "new"}).status_code == 200
    assert client.get("/notes/1").json() == "new"
    assert client.get("/visit/rome").json() == "account-1"


def test_who_may_not_does_not(app: FastAPI, events: list[Event]) -> None:
    assert browser(app).put("/notes/1", data={"text": "evil"}).status_code == 401
    refused = bob(app).put("/notes/1", data={"text": "evil"})
    assert refused.status_code == 403
    assert "ann-writes" not in refused.text
    assert bob(app).get("/notes/1").json() == "honest"
    assert bob(app).get("/hidden/rome").status_code == 403
    assert [e.rule for e in events if e.name == "request_refused"] == ["access.signed-in"]
    assert [e.details["action"] for e in events if e.name == "authz_fail"] == ["write", "visit"]


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site", "origin": "https://evil.example"},
        {"sec-fetch-site": "same-site", "origin": "https://blog.shop.example"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
    ],
)
def test_another_sites_page_changes_nothing(
    app: FastAPI, events: list[Event], headers: dict[str, str]
) -> None:
    client = ann(app)
    for method, path in (
        ("PUT", "/notes/1"),
        ("POST", "/out"),
        ("POST", "/in"),
        ("POST", "/unguarded"),
    ):
        data = {"text": "evil", "name": "bob", "password": "a long one that no list has"}
        answer = client.request(method, path, data=data, headers=headers)
        assert answer.status_code == 403, path
        assert "set-cookie" not in answer.headers
    assert app.state.notes == {"1": "honest"}
    assert client.get("/me").json() == "account-1"
    assert {e.rule for e in events if e.name == "malicious_cors"} == {"access.same-origin"}
    # The same requests from the application's own page.
    own = {"sec-fetch-site": "same-origin", "origin": "https://shop.example"}
    assert client.put("/notes/1", data={"text": "mine"}, headers=own).status_code == 200
    assert client.post("/unguarded", headers=own).status_code == 200
    assert client.get("/notes/1", headers=headers).json() == "mine"  # a link from elsewhere works


def test_the_cookie_is_host_only_and_out_of_reach_of_scripts(app: FastAPI) -> None:
    answer = browser(app).post("/in", data={"name": "ann", "password": "sunshine"})
    name, _, rest = answer.headers["set-cookie"].partition("=")
    assert name == "__Host-session"
    attributes = {part.strip().lower() for part in rest.split(";")[1:]}
    assert attributes == {"httponly", "secure", "samesite=lax", "path=/", "max-age=3600"}
    assert answer.headers["cache-control"] == "no-store"


def test_fixation_by_a_planted_cookie(app: FastAPI, world: World) -> None:
    attackers = world.sessions.create("mallory").token.reveal()
    victim = browser(app)
    victim.cookies.set("__Host-session", attackers, domain="shop.example", path="/")
    answer = victim.post("/in", data={"name": "ann", "password": "sunshine"})
    assert attackers not in answer.headers["set-cookie"]
    thief = browser(app)
    thief.cookies.set("__Host-session", attackers, domain="shop.example", path="/")
    assert thief.get("/me").status_code == 401


def test_a_stolen_cookie_dies_with_the_sign_out(app: FastAPI) -> None:
    client = ann(app)
    stolen = client.cookies["__Host-session"]
    thief = browser(app)
    thief.cookies.set("__Host-session", stolen, domain="shop.example", path="/")
    assert thief.get("/me").status_code == 200
    assert client.post("/out").json() is True
    assert thief.get("/me").status_code == 401
    assert "__Host-session" not in client.cookies


def test_plain_http_cookie_only_on_loopback_and_only_if_asked(world: World, tmp_path: Path) -> None:
    credentials = {"name": "ann", "password": "sunshine"}
    strict, lenient = build(world, tmp_path), build(world, tmp_path, loopback_http=True)
    for app, base, secure in (
        (strict, "http://127.0.0.1:8000", True),
        (lenient, "http://127.0.0.1:8000", False),
        (lenient, "http://localhost", False),
        (lenient, "http://shop.example", True),
        (lenient, "https://localhost", True),
    ):
        client = TestClient(app, base_url=base)
        cookie = client.post("/in", data=credentials).headers["set-cookie"]
        assert ("Secure" in cookie) is secure
        assert cookie.startswith("__Host-") is secure
    client = TestClient(lenient, base_url="http://localhost")
    client.post("/in", data=credentials)
    assert client.get("/me").json() == "account-1"


def test_a_cookie_without_the_prefix_is_not_read(app: FastAPI, world: World) -> None:
    client = browser(app)
    token = world.sessions.create("account-1").token.reveal()
    client.cookies.set("session", token, domain="shop.example", path="/")
    assert client.get("/me").status_code == 401


def test_without_a_guard_nobody_gets_in(app: FastAPI) -> None:
    del app.state.stockade_access
    assert browser(app).get("/me").status_code == 500


def test_without_policies_nothing_is_permitted(
    app: FastAPI, world: World, events: list[Event]
) -> None:
    Guard(world.sessions, None, world.sign_in).install(app)
    assert ann(app).get("/notes/1").status_code == 403
    assert [e.details["action"] for e in events if e.name == "authz_fail"] == ["read"]


def test_a_store_that_fails_lets_nobody_in(app: FastAPI, world: World) -> None:
    client = ann(app)
    world.store.close()
    assert client.get("/me").status_code == 503
