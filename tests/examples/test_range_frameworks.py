"""The ranges on Flask and Django: weak where they say so, safe beside it, described as they are."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from stockade.tools.attack.description import operations_of
from tests.integration.serving import free_port

ROOT = Path(__file__).parents[2]
FRAMEWORKS = ("flask", "django")


def served(framework: str, folder: Path) -> Iterator[httpx.Client]:
    """A client of the range, behind a server in a process of its own: Django is set up once only."""
    port = free_port()
    command = [sys.executable, "-m", "waitress", f"--listen=127.0.0.1:{port}"]
    server = subprocess.Popen(
        [*command, f"examples.range.{framework}:app"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        transport = httpx.HTTPTransport(retries=8)
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}", transport=transport, timeout=30
        ) as client:
            yield client
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture(scope="module")
def flask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    yield from served("flask", tmp_path_factory.mktemp("flask"))


@pytest.fixture(scope="module")
def django(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    yield from served("django", tmp_path_factory.mktemp("django"))


@pytest.fixture(params=FRAMEWORKS)
def client(request: pytest.FixtureRequest) -> httpx.Client:
    found: httpx.Client = request.getfixturevalue(request.param)
    return found


def description(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").json()
    return found


def text(client: httpx.Client, address: str, **headers: str) -> str:
    return client.get(address, headers=headers).text


@pytest.mark.parametrize("kind", ["weak", "safe"])
def test_a_quote_opens_the_weak_query_and_not_its_twin(client: httpx.Client, kind: str) -> None:
    shown = text(client, f"/{kind}/changed/sql/lowered/query?name=x%27%20OR%201=1%20--%20")
    assert ("Notebook" in shown) == (kind == "weak")


@pytest.mark.parametrize("kind", ["weak", "safe"])
def test_a_semicolon_runs_a_command_in_the_weak_endpoint_and_not_in_its_twin(
    client: httpx.Client, kind: str, tmp_path: Path
) -> None:
    made = tmp_path / "made"
    text(client, f"/{kind}/changed/shell/lowered/query?word=x;touch%20{made};")
    assert made.exists() == (kind == "weak")


@pytest.mark.parametrize("kind", ["weak", "safe"])
@pytest.mark.parametrize(
    ("framework", "address"),
    [
        ("flask", "/{}/path/send-file/query?name=../secret.txt"),
        ("django", "/{}/path/file-response/query?name=../secret.txt"),
        ("flask", "/{}/changed/path/no-dots/query?name=....//secret.txt"),
        ("django", "/{}/changed/path/no-dots/query?name=....//secret.txt"),
    ],
)
def test_dots_leave_the_public_folder_in_the_weak_endpoint_and_not_in_its_twin(
    request: pytest.FixtureRequest, framework: str, address: str, kind: str
) -> None:
    client = request.getfixturevalue(framework)
    assert ("swordfish" in text(client, address.format(kind))) == (kind == "weak")


@pytest.mark.parametrize("kind", ["weak", "safe"])
def test_an_option_writes_a_file_in_the_weak_endpoint_and_not_in_its_twin(
    flask: httpx.Client, kind: str, tmp_path: Path
) -> None:
    made = tmp_path / "made"
    text(flask, f"/{kind}/options/sort/query?name=--output={made}")
    assert made.exists() == (kind == "weak")


def test_every_weak_endpoint_has_a_safe_twin_with_the_same_inputs(client: httpx.Client) -> None:
    paths = description(client)["paths"]
    weak = {path for path in paths if path.startswith("/weak/")}
    assert len(weak) >= 45
    assert {path.replace("/weak/", "/safe/") for path in weak} == {
        path for path in paths if path.startswith("/safe/")
    }
    for path in weak:
        for method, operation in paths[path].items():
            twin = paths[path.replace("/weak/", "/safe/")][method]
            for what in ("parameters", "requestBody"):
                assert operation.get(what) == twin.get(what), path


def test_every_described_operation_takes_its_honest_request(client: httpx.Client) -> None:
    """Read by the attack tool, sent over a socket: no declaration is wrong."""
    for operation in operations_of(description(client)):
        if operation.method != "GET" or operation.headers or operation.cookies:
            continue
        address = operation.template
        for name, value in operation.path.items():
            address = address.replace("{" + name + "}", value)
        answer = client.get(address, params=operation.query)
        assert answer.status_code == 200, operation.name


@pytest.mark.parametrize(
    "headers",
    [{"host": "attacker.example"}, {"sec-fetch-site": "cross-site"}],
    ids=["rebound name", "another site's page"],
)
def test_what_a_browser_was_tricked_into_sending_is_refused(
    client: httpx.Client, headers: dict[str, str]
) -> None:
    assert text(client, "/openapi.json", **headers).startswith(("Refused", "<!doctype"))


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_server_that_is_told_to_listen_elsewhere_does_not_start(
    tmp_path: Path, framework: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "waitress", "--host=0.0.0.0", f"examples.range.{framework}:app"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode != 0
    assert "loopback only" in done.stderr
    assert not (tmp_path / "range-data").exists()


def test_the_three_ranges_name_the_same_classes_out_of_reach_or_fewer(
    flask: httpx.Client, django: httpx.Client
) -> None:
    from examples.range import app

    fastapi = reasons(app.openapi())
    assert reasons(description(flask)) <= fastapi
    assert reasons(description(django)) <= fastapi


def reasons(document: dict[str, Any]) -> set[str]:
    mark = "x-stockade-out-of-reach"
    return {
        operation[mark]
        for operations in document["paths"].values()
        for operation in operations.values()
        if mark in operation
    }
