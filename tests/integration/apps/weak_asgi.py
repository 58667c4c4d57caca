"""A weak shop in plain ASGI."""

from typing import Any
from urllib.parse import parse_qs

from tests.integration.apps.weak_queries import find, prepare, read

prepare()


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    asked = parse_qs((body or scope["query_string"]).decode())
    found = "".join(map(read, asked.get("file", ()))) + "".join(map(find, asked.get("name", ())))
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": found.encode()})
