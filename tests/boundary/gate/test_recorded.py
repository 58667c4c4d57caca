"""A service that would rather stand still than act unseen, and the same one by default."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI, WebSocket
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from stockade import Stockade
from stockade.core.config import load

Serve = Callable[[str, Path], TestClient]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    started: list[Stockade] = []

    def build(failure: str, audit: Path) -> TestClient:
        app = FastAPI()

        @app.post("/pay")
        def pay() -> dict[str, str]:
            return {"paid": "yes"}

        @app.websocket("/live")
        async def live(socket: WebSocket) -> None:
            await socket.accept()
            await socket.close()

        configuration = tmp_path / "stockade.toml"
        configuration.write_text(
            f'[watch]\nlog = ""\naudit = "{audit}"\naudit_failure = "{failure}"\n'
            'audit_seconds = 0.01\n[store]\nurl = "memory"\n[crypto]\nkeyring = "keys.json"\n'
        )
        stockade = Stockade(load(configuration), folder=tmp_path)
        stockade.start()
        started.append(stockade)
        stockade.guard(app)
        return TestClient(app)

    yield build
    for stockade in started:
        stockade.close()


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A folder that cannot be made."""
    (tmp_path / "file").write_bytes(b"")
    return tmp_path / "file" / "audit"


def test_without_a_record_nothing_is_paid_where_that_is_asked_for(
    serve: Serve, broken: Path
) -> None:
    client = serve("refuse", broken)
    answer = client.post("/pay")
    assert answer.status_code == 503
    assert answer.json()["type"].endswith("busy")
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/live"):
        pass


def test_by_default_the_service_goes_on_and_says_so(
    serve: Serve, broken: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert serve("serve", broken).post("/pay").json() == {"paid": "yes"}
    assert "cannot be written (ENOTDIR" in capsys.readouterr().err


@pytest.mark.parametrize("failure", ["serve", "refuse"])
def test_an_audit_log_that_works_is_in_nobodys_way(
    serve: Serve, tmp_path: Path, failure: str
) -> None:
    client = serve(failure, tmp_path / "audit")
    assert client.post("/pay").json() == {"paid": "yes"}
    with client.websocket_connect("/live"):
        pass
    assert (tmp_path / "audit" / "spool").is_dir()
