"""Code that resolves and checks first is left alone, also on awkward honest names."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import django
import pytest
from django.conf import settings
from django.core.exceptions import SuspiciousFileOperation
from django.http import Http404
from django.test import RequestFactory
from django.utils._os import safe_join as django_join
from flask import Flask, send_from_directory
from starlette.applications import Starlette
from starlette.requests import Request as StarletteRequest
from starlette.responses import FileResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message
from werkzeug.exceptions import NotFound
from werkzeug.security import safe_join

from tests.conftest import Request, Switch
from tests.firewall.sinks.conftest import SECRET, by_open
from tests.integration.apps.weak_django_settings import SETTINGS

Read = Callable[[Path, str], str]

AWKWARD = [
    "..hidden",
    "a..b",
    "...",
    "x.",
    ".x",
    "100%",
    "%2e%2e",
    "ü 日本.txt",
    "sub/..x",
    "~",
    "$HOME",
    "a;b",
    "-",
    "file:x",
]


def checked(root: Path, name: str) -> str:
    path = (root / name).resolve()
    assert path.is_relative_to(root.resolve())
    return path.read_text()


def common_path(root: Path, name: str) -> str:
    path = os.path.realpath(os.path.join(root, name))
    assert os.path.commonpath([path, root]) == str(root)
    return by_open(path)


def by_werkzeug(root: Path, name: str) -> str:
    path = safe_join(str(root), name)
    assert path is not None
    return by_open(path)


def by_flask(root: Path, name: str) -> str:
    application = Flask(__name__)
    with application.test_request_context(), closing(send_from_directory(root, name)) as answer:
        answer.direct_passthrough = False
        return answer.get_data(as_text=True)


def get(application: ASGIApp, path: str) -> str:
    """What an ASGI application answers to a path as servers hand it on: decoded once."""
    sent: list[Any] = []

    async def receive() -> Message:
        await asyncio.sleep(60)  # nothing more, and no disconnect
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b""}
    asyncio.run(application(scope, receive, send))  # type: ignore[arg-type]
    if sent[0]["status"] != 200:
        raise FileNotFoundError(path)
    return b"".join(message.get("body", b"") for message in sent[1:]).decode()


def by_static_files(root: Path, name: str) -> str:
    application = Starlette(routes=[Mount("/static", StaticFiles(directory=root))])
    return get(application, "/static/" + name)


def by_file_response(root: Path, name: str) -> str:
    async def show(request: StarletteRequest) -> FileResponse:
        path = (root / request.path_params["name"]).resolve()
        if not path.is_relative_to(root):
            raise FileNotFoundError(path)
        return FileResponse(path)

    return get(Starlette(routes=[Route("/{name:path}", show)]), "/" + name)


def by_django(root: Path, name: str) -> str:
    if not settings.configured:
        settings.configure(**SETTINGS)
        django.setup()
    from django.views.static import serve

    with closing(serve(RequestFactory().get("/"), name, document_root=root)) as answer:
        return b"".join(answer).decode()


def by_django_join(root: Path, name: str) -> str:
    return by_open(django_join(root, name))


READERS = [
    checked,
    common_path,
    by_werkzeug,
    by_flask,
    by_static_files,
    by_file_response,
    by_django,
    by_django_join,
]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_honest_names(
    name: str, read: Read, root: Path, request_of: Request, firewall: Switch
) -> None:
    (root / name).write_text("awkward")
    with firewall("block"), request_of(name, "/static/" + name, "/" + name):
        assert read(root, name) == "awkward"


@pytest.mark.parametrize("read", READERS[:4])
def test_a_climb_that_stays_inside(
    read: Read, root: Path, request_of: Request, firewall: Switch
) -> None:
    with firewall("block"), request_of("sub/../a.txt"):
        assert read(root, "sub/../a.txt") == "hello"


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("name", ["../secret.txt", "sub/../../secret.txt", "%2e%2e/secret.txt"])
def test_they_keep_the_secret_by_themselves(
    name: str, read: Read, root: Path, request_of: Request, firewall: Switch
) -> None:
    with firewall("block"), request_of(name):
        try:
            content = read(root, name)
        except (AssertionError, NotFound, Http404, SuspiciousFileOperation, OSError, RuntimeError):
            return
        assert content != SECRET


def test_an_async_file(root: Path, request_of: Request, firewall: Switch) -> None:
    with firewall("block"), request_of("..hidden"):
        (root / "..hidden").write_text("hello")
        assert asyncio.run(asyncio.to_thread((root / "..hidden").read_text)) == "hello"
