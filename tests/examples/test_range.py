import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    here = Path.cwd()
    os.chdir(tmp_path_factory.mktemp("range"))
    try:
        from examples.range import app, data

        data._FOLDER = data.folder()
        with TestClient(app, base_url="http://127.0.0.1") as client:
            yield client
    finally:
        os.chdir(here)


@pytest.mark.parametrize("kind", ["weak", "safe"])
def test_a_quote_opens_the_weak_query_and_not_its_twin(client: TestClient, kind: str) -> None:
    answer = client.get(f"/{kind}/sql/string/query", params={"name": "x' OR '1'='1"})
    assert answer.status_code == 200
    assert (len(answer.json()) > 1) == (kind == "weak")


@pytest.mark.parametrize("kind", ["weak", "safe"])
def test_a_semicolon_runs_a_command_in_the_weak_endpoint_and_not_in_its_twin(
    client: TestClient, kind: str, tmp_path: Path
) -> None:
    made = tmp_path / "made"
    client.get(f"/{kind}/shell/run/query", params={"word": f"x; touch {made}; #"})
    assert made.exists() == (kind == "weak")


@pytest.mark.parametrize("kind", ["weak", "safe"])
def test_dots_leave_the_public_folder_in_the_weak_endpoint_and_not_in_its_twin(
    client: TestClient, kind: str
) -> None:
    answer = client.get(f"/{kind}/path/open/query", params={"name": "../secret.txt"})
    assert ("swordfish" in answer.text) == (kind == "weak")


def test_every_weak_endpoint_has_a_safe_twin_with_the_same_inputs(client: TestClient) -> None:
    operations = client.get("/openapi.json").json()["paths"]
    weak = {path for path in operations if path.startswith("/weak/")}
    safe = {path for path in operations if path.startswith("/safe/")}
    assert len(weak) >= 45
    assert {path.replace("/weak/", "/safe/") for path in weak} == safe
    for path in weak:
        for method, operation in operations[path].items():
            twin = operations[path.replace("/weak/", "/safe/")][method]
            assert [each["name"] for each in operation.get("parameters", [])] == [
                each["name"] for each in twin.get("parameters", [])
            ]


@pytest.mark.parametrize(
    "headers",
    [{"host": "attacker.example"}, {"sec-fetch-site": "cross-site"}],
    ids=["rebound name", "another site's page"],
)
def test_what_a_browser_was_tricked_into_sending_is_refused(
    client: TestClient, headers: dict[str, str]
) -> None:
    answer = client.get("/weak/sql/string/query", params={"name": "Tea"}, headers=headers)
    assert answer.status_code == 403


def test_a_request_that_arrives_off_loopback_is_refused(client: TestClient) -> None:
    from examples.range import app

    elsewhere = TestClient(app, base_url="http://192.0.2.1")
    assert elsewhere.get("/openapi.json").status_code == 403


def start(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "uvicorn", "examples.range:app", "--port", "0", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [(("--host", "0.0.0.0"), {}), (("--host=::",), {}), ((), {"UVICORN_HOST": "0.0.0.0"})],
)
def test_it_does_not_start_off_loopback(
    tmp_path: Path, arguments: tuple[str, ...], environment: dict[str, str]
) -> None:
    done = start(tmp_path, *arguments, **environment)
    assert done.returncode != 0
    assert "loopback only" in done.stderr
    assert not (tmp_path / "range-data").exists()


def test_it_ends_when_a_program_listens_elsewhere_for_it(tmp_path: Path) -> None:
    program = "import uvicorn; uvicorn.run('examples.range:app', host='0.0.0.0', port=0)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert "Stopped: the range is weak on purpose" in done.stderr


def test_the_listening_addresses_are_read_from_the_kernel(client: TestClient) -> None:
    from examples.range import loopback

    with socket.create_server(("127.0.0.1", 0)):
        assert "127.0.0.1" in loopback.listening_addresses()
        asyncio.run(loopback.stop_when_listening_elsewhere())


def test_it_deletes_no_folder_that_is_not_its_own(tmp_path: Path) -> None:
    from examples.range import data

    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(SystemExit, match="not the range's"):
        data.fill_in(tmp_path)
    assert (tmp_path / "thesis.txt").exists()


def test_its_data_stay_below_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from examples.range import data

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STOCKADE_RANGE_DATA", "../elsewhere")
    with pytest.raises(SystemExit, match="leaves the current folder"):
        data.folder()
