"""`stockade run` under each server: the attack works bare, is refused guarded, honest use passes."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest

from tests.integration.serving import APPS, PROJECT, STOCKADE_RUN, free_port

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and pipes of POSIX")

ATTACK = "' UNION SELECT secret FROM item -- "
HIDDEN = "the-hidden-price"
SECONDS = 40.0
PORT = "{port}"
GUNICORN = ("-m", "gunicorn", "--bind", "127.0.0.1:{port}", "--log-level", "warning")
GRANIAN = ("-m", "granian", "--port", PORT, "--log-level", "warning")

SERVERS = {
    "uvicorn": ("-m", "uvicorn", "weak_asgi:app", "--port", PORT),
    "uvicorn-workers": ("-m", "uvicorn", "weak_asgi:app", "--port", PORT, "--workers", "2"),
    "uvicorn-django": ("-m", "uvicorn", "weak_django:asgi_application", "--port", PORT),
    "uvicorn-wsgi": ("-m", "uvicorn", "weak_flask:app", "--interface", "wsgi", "--port", PORT),
    "gunicorn-sync": (*GUNICORN, "weak_flask:app", "--workers", "2"),
    "gunicorn-preload": (*GUNICORN, "weak_flask:app", "--workers", "2", "--preload"),
    "gunicorn-gthread": (*GUNICORN, "weak_wsgi:app", "--threads", "4"),
    "gunicorn-django": (*GUNICORN, "weak_django:application"),
    "gunicorn-asgi": (*GUNICORN, "weak_asgi:app", "-k", "asgi"),
    "gunicorn-uvicorn": (*GUNICORN, "weak_asgi:app", "-k", "uvicorn.workers.UvicornWorker"),
    "hypercorn": ("-m", "hypercorn", "weak_asgi:app", "--bind", "127.0.0.1:{port}"),
    "hypercorn-wsgi": ("-m", "hypercorn", "weak_flask:app", "--bind", "127.0.0.1:{port}"),
    "granian-asgi": (*GRANIAN, "--interface", "asgi", "weak_asgi:app"),
    "granian-wsgi": (*GRANIAN, "--interface", "wsgi", "weak_flask:app"),
    "granian-django": (*GRANIAN, "--interface", "wsgi", "weak_django:application"),
    "waitress": ("-m", "waitress", "--listen", "127.0.0.1:{port}", "weak_flask:behind_proxy"),
    "waitress-serve": (str(APPS / "weak_wsgi.py"), "waitress"),
    "flask-run": ("-m", "flask", "--app", "weak_flask", "run", "--port", PORT),
    "flask-debug": ("-m", "flask", "--app", "weak_flask", "--debug", "run", "--port", PORT),
    "app-run": (str(APPS / "weak_flask.py"),),
    "run-simple": (str(APPS / "weak_wsgi.py"), "werkzeug"),
    "wsgiref": (str(APPS / "weak_wsgi.py"), "wsgiref"),
    "runserver": (str(APPS / "weak_django.py"), "runserver", PORT, "--noreload"),
    "runserver-reload": (str(APPS / "weak_django.py"), "runserver", PORT),
}


class Served:
    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process, self.port, self.log = process, port, log

    def find(self, name: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        with contextlib.closing(connection):
            connection.request("GET", f"/find?{urlencode({'name': name}, quote_via=quote)}")
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def send_chunks(self, name: str) -> tuple[int, str]:
        """A form whose length nobody has declared, in pieces that cut the value in two."""
        form = urlencode({"name": name}).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        with contextlib.closing(connection):
            pieces = iter((form[:9], form[9:]))
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            connection.request("POST", "/form", pieces, headers, encode_chunked=True)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def wait(self) -> None:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.find("lamp")[0] == 200:
                    return
            time.sleep(0.1)
        pytest.fail(f"the server did not start: {self.log.read_text()[-3000:]}")


@contextlib.contextmanager
def served(command: tuple[str, ...], folder: Path, *, guarded: bool) -> Iterator[Served]:
    port = free_port()
    words = [word.replace(PORT, str(port)) for word in command]
    log = folder / f"server-{guarded}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                *(STOCKADE_RUN if guarded else ()),
                *(("--",) if guarded else ()),
                sys.executable,
                *words,
            ],
            cwd=folder,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(folder),
                "PORT": str(port),
                "PYTHONPATH": os.pathsep.join(map(str, (PROJECT, APPS))),
                "PYTHONWARNINGS": "ignore",
                "STOCKADE_WATCH__LOG": str(folder / "events.jsonl"),
            },
        )
    server = Served(process, port, log)
    try:
        server.wait()
        yield server
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.parametrize("name", SERVERS)
def test_the_attack_works_bare_and_is_refused_guarded(name: str, tmp_path: Path) -> None:
    command = SERVERS[name]
    with served(command, tmp_path, guarded=False) as bare:
        assert HIDDEN in bare.find(ATTACK)[1]
    with served(command, tmp_path, guarded=True) as guarded:
        for _ in range(4):  # whichever worker answers
            status, body = guarded.find(ATTACK)
            assert (status, HIDDEN in body) == (403, False)
            assert "urn:stockade:problem:blocked" in body
            assert guarded.find("lamp") == (200, "[('lamp',)]")
            assert guarded.find("O'Brien")[0] in {403, 500}  # it is no SQL, bare or guarded
        time.sleep(0.5)  # some of them end at once, and lose the events of the last moment
        assert "serves a guarded application" in guarded.log.read_text()
        guarded.process.send_signal(signal.SIGTERM)
        assert guarded.process.wait(SECONDS) in {0, 1, 128 + signal.SIGTERM}
        assert "NOT GUARDED" not in guarded.log.read_text()
    events = (tmp_path / "events.jsonl").read_text()
    assert events.count('"malicious_sqli"') >= 4
    assert '"http_request"' in events


CHUNKED = ("gunicorn-sync", "waitress-serve", "run-simple", "granian-wsgi", "uvicorn", "hypercorn")


@pytest.mark.parametrize("name", CHUNKED)
def test_a_chunked_body_is_read_like_any_other(name: str, tmp_path: Path) -> None:
    with served(SERVERS[name], tmp_path, guarded=False) as bare:
        assert HIDDEN in bare.send_chunks(ATTACK)[1]
    with served(SERVERS[name], tmp_path, guarded=True) as guarded:
        status, body = guarded.send_chunks(ATTACK)
        assert (status, HIDDEN in body) == (403, False)
        assert guarded.send_chunks("lamp")[0] == 200
