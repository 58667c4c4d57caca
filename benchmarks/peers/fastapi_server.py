"""The FastAPI application of `benchmarks.served` with another product, or bare.

.venv-peers/bin/python -m benchmarks.peers.fastapi_server FOLDER FILENO CORE [--zen | --guard]
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from benchmarks.peers.products import fastapi_guard, weak_query, zen

__all__ = ["main"]


def main() -> None:
    """Serve until told to end."""
    options = _options()
    if options.zen:
        zen()
    from benchmarks.flask_application import database
    from benchmarks.served import application, pin, serve

    pin(options.core)
    app, patients = application(), database(options.folder)

    @app.get("/control")
    async def control(q: str) -> list[list[Any]]:
        return [list(row) for row in weak_query(patients, q)]

    if options.guard:
        fastapi_guard(app)
    serve(app, options.fileno)


def _options() -> Namespace:
    parser = ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("fileno", type=int)
    parser.add_argument("core", type=int)
    parser.add_argument("--zen", action="store_true")
    parser.add_argument("--guard", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
