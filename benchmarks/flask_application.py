"""The Flask application that requests are measured on, called in process as a server would.

A request is a browser's GET with its usual headers, a cookie and one query parameter; the service
opens its SQLite file for each request, as Flask's own tutorial does, and binds its parameters.
Imports nothing of Stockade: environments of peers use it too.
"""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from flask import Flask, request

from benchmarks.cost import Cost, calls

__all__ = ["REQUESTS", "application", "cost", "database"]

REQUESTS = 200
_HEADERS = {
    "HTTP_HOST": "127.0.0.1",
    "HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Safari/537.36",
    "HTTP_ACCEPT": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,"
    "image/apng,*/*;q=0.8",
    "HTTP_ACCEPT_LANGUAGE": "en-GB,en;q=0.9,de;q=0.8",
    "HTTP_ACCEPT_ENCODING": "gzip, deflate, br, zstd",
    "HTTP_REFERER": "http://127.0.0.1/patients?clinic=5&sort=name",
    "HTTP_COOKIE": "session=3b1f8a0e94d24d6fb1c05a8f; theme=dark",
    "HTTP_SEC_CH_UA": '"Chromium";v="140", "Not=A?Brand";v="24", "Google Chrome";v="140"',
    "HTTP_SEC_CH_UA_MOBILE": "?0",
    "HTTP_SEC_CH_UA_PLATFORM": '"Linux"',
    "HTTP_SEC_FETCH_SITE": "same-origin",
    "HTTP_SEC_FETCH_MODE": "navigate",
    "HTTP_SEC_FETCH_DEST": "document",
    "HTTP_UPGRADE_INSECUREREQUESTS": "1",
}


def application(patients_file: Path) -> Flask:
    """A greeting; one query; fifty queries."""
    app = Flask("benchmark")

    @app.get("/")
    def hello() -> dict[str, str]:
        return {"hello": "world"}

    @app.get("/patients/<int:count>")
    def patients(count: int) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = []
        with closing(sqlite3.connect(patients_file)) as connection:
            for _ in range(count):
                found = connection.execute(
                    "SELECT id, name FROM patients WHERE name LIKE ? ORDER BY name LIMIT 3",
                    (request.args["q"] + "%",),
                ).fetchall()
        return found

    return app


def database(folder: Path) -> Path:
    """The one database of `folder`, made if there is none."""
    path = folder / "patients.db"
    if path.exists():
        return path
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE patients (id INTEGER PRIMARY KEY, name TEXT)")
        connection.executemany(
            "INSERT INTO patients (name) VALUES (?)", [(f"O'Neill {n}",) for n in range(20)]
        )
    return path


def _environ(path: str) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "q=O%27Neill",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **_HEADERS,
    }


def _serve(app: Flask) -> Callable[[dict[str, Any]], None]:
    def start_response(status: str, *_: object) -> None:
        assert status == "200 OK", status

    def serve(environ: dict[str, Any]) -> None:
        answer = app(environ, start_response)  # type: ignore[arg-type]
        b"".join(answer)
        close = getattr(answer, "close", None)
        if close is not None:
            close()

    return serve


def cost(app: Flask, path: str, requests: int = REQUESTS) -> Cost:
    """What a GET of `path` costs."""
    return calls(_serve(app), lambda: [_environ(path) for _ in range(requests)])
