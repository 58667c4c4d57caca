"""Drives the range in this process, bare or guarded, without sockets: `python -m … PLAN ANSWERS`.

In a process of its own, because the firewall's hooks guard all of the process. PLAN is a JSON file:
`mode` (block or off), `large` and `small` (lists of values), `seed`, and `shares`: by family, the
part of `large` that its endpoints get (shell twins start processes). ANSWERS gets one JSON line a
case: operation, source, parameter, number of the value, then what came back (see `Case`).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

from stockade.boundary import check_body
from stockade.core.config import RequestSettings
from stockade.core.errors import Rejected
from stockade.tools.attack.client import Client, Unsendable
from stockade.tools.attack.description import operations_of
from stockade.tools.attack.encodings import encode
from stockade.tools.attack.model import Operation, Slot

__all__ = ["Case", "cases", "family_of"]

LIMITS = RequestSettings()
WEAK = (
    "/weak/sql/string/query",
    "/weak/sql/string/form",
    "/weak/shell/run/query",
    "/weak/shell/popen/form",
    "/weak/path/open/query",
    "/weak/path/open/form",
)
"""Beside the safe ones: whoever compares the answers must see these refused."""


class Case(NamedTuple):
    """One request: where, which value, and status, digest of the body, kind and rule of a refusal.

    `status` 0: HTTP or the place cannot carry the value; -1: the application raised.
    """

    operation: str
    source: str
    parameter: str
    value: str
    status: int
    digest: str = ""
    problem: str = ""
    rule: str = ""


def family_of(template: str) -> str:
    """The folder below /safe or /weak; what is decoded first counts as a family of its own."""
    return template.split("/")[2]


class _InProcess(Client):
    """Builds the same bytes as the attack's client, and leaves them in `request`."""

    def __init__(self) -> None:
        super().__init__(0)
        self.request: tuple[str, str, bytes, list[tuple[bytes, bytes]]] = ("", "", b"", [])

    def _exchange(
        self, method: str, target: str, body: bytes | None, headers: Mapping[str, bytes]
    ) -> Any:
        fields = [(name.lower().encode(), value) for name, value in headers.items()]
        fields.append((b"host", b"127.0.0.1"))
        if body is not None:
            fields.append((b"content-length", str(len(body)).encode()))
        self.request = (method, target, body or b"", fields)


def _carries(operation: Operation, slot: Slot, value: str, client: _InProcess) -> bool:
    # The limits of a request and of its body are the boundary's, and tested with it: an archive is
    # no address, and a text with a NUL no field of a form.
    path, _, query = client.request[1].partition("?")
    size = sum(len(name) + len(content) for name, content in client.request[3])
    if (
        len(path) > LIMITS.max_path
        or len(query) > LIMITS.max_query
        or size > LIMITS.max_header_bytes
    ):
        return False
    content_type = dict(client.request[3]).get(b"content-type", b"").decode("latin-1")
    try:
        check_body(content_type, client.request[2], max_depth=LIMITS.max_json_depth)
    except Rejected:
        return False
    if slot.source != "path" or "/tail/" in operation.template:
        return True
    # A route's parameter holds one segment; servers decode %2F before they route.
    return bool(value) and "/" not in value


async def _answer(app: Any, client: _InProcess) -> tuple[int, str, bytes]:
    """Status, media type, body."""
    method, target, body, headers = client.request
    path, _, query = target.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 5),
        "server": ("127.0.0.1", 8000),
        "state": {},
    }
    incoming = [{"type": "http.request", "body": body, "more_body": False}]
    status, media_type, parts = 0, "", bytearray()

    async def receive() -> dict[str, Any]:
        return incoming.pop() if incoming else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status, media_type
        if message["type"] == "http.response.start":
            status = message["status"]
            media_type = dict(message["headers"]).get(b"content-type", b"").decode()
        else:
            parts.extend(message.get("body", b""))

    await app(scope, receive, send)
    return status, media_type, bytes(parts)


def cases(document: dict[str, Any], plan: dict[str, Any]) -> Iterator[tuple[Operation, Slot, str]]:
    """What to send, in an order that both runs share: the range remembers what it was sent."""
    large, small, seed = plan["large"], plan["small"], plan["seed"]
    had: set[tuple[str, str]] = set()
    for operation in operations_of(document):
        safe = operation.template.startswith("/safe/")
        if not safe and operation.template not in WEAK:
            continue
        family = family_of(operation.template)
        for slot in operation.slots:
            if not slot.text:
                continue  # a declared type, not the firewall, decides what fits there
            values = small
            if safe and (family, slot.source) not in had:
                had.add((family, slot.source))
                share = plan["shares"].get(family, 1.0)
                chance = random.Random(f"{seed} {operation.name} {slot.name}")
                values = chance.sample(large, int(len(large) * share)) + small
            for value in values:
                yield operation, slot, value


async def _one(app: Any, client: _InProcess, case: tuple[Operation, Slot, str]) -> Case:
    operation, slot, value = case
    empty = Case(operation.name, slot.source, slot.name, value, 0)
    try:
        # Decoded first by the application, so it is sent in the form that its example shows.
        client.send(operation, slot, encode("example", slot, value))
    except (Unsendable, UnicodeEncodeError):
        return empty
    if not _carries(operation, slot, value, client):
        return empty
    try:
        status, media_type, body = await _answer(app, client)
    except Exception as error:
        return empty._replace(status=-1, digest=type(error).__name__)
    problem = ""
    if "problem+json" in media_type:
        problem = str(json.loads(body)["type"])
        body = b""  # it names the request, which is never the same
    return empty._replace(
        status=status, digest=hashlib.sha256(body).hexdigest()[:16], problem=problem
    )


async def _run(plan: dict[str, Any], answers: Path) -> None:
    from examples.range import app

    refusals: list[str] = []
    if plan["mode"] == "block":
        from stockade import Stockade
        from stockade.core.bus import bus
        from stockade.core.config import DefenceSettings, Settings, WatchSettings

        bus.subscribe_audit(lambda event: refusals.append(event.rule))
        settings = Settings(
            defence=DefenceSettings(mode="block"), watch=WatchSettings(log="", audit="")
        )
        Stockade.protect(app, settings=settings)
    client = _InProcess()
    async with app.router.lifespan_context(app):
        with answers.open("w", encoding="utf-8") as file:
            for case in cases(app.openapi(), plan):
                refusals.clear()
                done = await _one(app, client, case)
                if done.problem and refusals:
                    done = done._replace(rule=refusals[-1])
                file.write(json.dumps(done) + "\n")


def main() -> None:
    plan = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    answers = Path(sys.argv[2]).absolute()
    os.chdir(answers.parent)  # the range makes its data below the current folder
    asyncio.run(_run(plan, answers))


if __name__ == "__main__":
    main()
