import http.client
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stockade.tools.attack.host import load
from stockade.tools.attack.server import free_port

APPS = """
def wsgi(environ, start_response):
    start_response("200 OK", [("content-type", "text/plain")])
    return [environ["PATH_INFO"].encode("latin-1")]

async def asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["raw_path"]})

class Holder:
    app = staticmethod(wsgi)

number = 3
"""


@pytest.mark.parametrize(
    ("target", "seen"),
    [("apps:wsgi", b"/a/../b c"), ("apps:Holder.app", b"/a/../b c"), ("apps:asgi", b"/a/../b%20c")],
)
def test_both_interfaces_are_served_and_nothing_is_normalised(
    tmp_path: Path, target: str, seen: bytes
) -> None:
    (tmp_path / "apps.py").write_text(APPS)
    port = free_port()
    arguments = [target, "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(
        [sys.executable, "-m", "stockade.tools.attack.host", *arguments], cwd=tmp_path
    )
    try:
        assert ask(port, "/a/../b%20c") == seen
    finally:
        server.terminate()
        server.wait()


def ask(port: int, path: str) -> bytes:
    for _ in range(200):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", path)
            return connection.getresponse().read()
        except ConnectionRefusedError:
            time.sleep(0.05)
        finally:
            connection.close()
    raise AssertionError("no server was started")


def test_what_is_no_application_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "no_apps.py").write_text("number = 3\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(TypeError, match="cannot be called"):
        load("no_apps:number")
    with pytest.raises(AttributeError):
        load("no_apps")
