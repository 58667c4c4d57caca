"""A weak shop in plain WSGI, and programs that serve it by themselves."""

import os
import sys
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

from tests.integration.apps.weak_queries import find, prepare, read

prepare()


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    size = int(environ.get("CONTENT_LENGTH") or 0)
    if not size and "HTTP_TRANSFER_ENCODING" in environ:
        size = -1  # the server ends the stream
    text = environ["wsgi.input"].read(size).decode() if size else environ["QUERY_STRING"]
    asked = parse_qs(text)
    found = "".join(map(read, asked.get("file", ()))) + "".join(map(find, asked.get("name", ())))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [found.encode()]


if __name__ == "__main__":
    port = int(os.environ["PORT"])
    if sys.argv[1] == "wsgiref":
        from wsgiref.simple_server import make_server

        make_server("127.0.0.1", port, app).serve_forever()
    elif sys.argv[1] == "waitress":
        import waitress  # type: ignore[import-untyped]

        waitress.serve(app, host="127.0.0.1", port=port)
    else:
        from werkzeug.serving import run_simple

        run_simple("127.0.0.1", port, app)
