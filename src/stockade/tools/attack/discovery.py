"""Where an application's description comes from: its /openapi.json, else its own module."""

from __future__ import annotations

import json
import subprocess
import sys

from stockade.tools.attack.client import Client
from stockade.tools.attack.description import operations_of
from stockade.tools.attack.model import Operation
from stockade.tools.attack.sandbox import AttackError
from stockade.tools.attack.server import Server

__all__ = ["describe"]

_PRINT_OPENAPI = (
    "import importlib, json, sys; module, _, name = sys.argv[1].partition(':'); "
    "print(json.dumps(getattr(importlib.import_module(module), name or 'app').openapi()))"
)


def describe(server: Server, client: Client, app: str) -> list[Operation]:
    """The application's operations: by its /openapi.json, else by importing it in the sandbox.

    Errors: AttackError where neither gives a description.
    """
    answer = client.get("/openapi.json")
    text = answer.text if answer.status == 200 else _imported(server, app)
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if not isinstance(document, dict) or not isinstance(document.get("paths"), dict):
        raise AttackError(
            f"{app} gives no OpenAPI description, so nobody knows what to attack"
        ) from None
    return operations_of(document)


def _imported(server: Server, app: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", _PRINT_OPENAPI, app],
        cwd=server.sandbox.project,
        env=server.sandbox.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout if done.returncode == 0 else ""
