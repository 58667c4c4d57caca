"""How each product is switched on, as its own documentation says, to block. Runs in `.venv-peers`.

No product gets an account: without AIKIDO_TOKEN Zen starts no background process and reports to
nobody, and fastapi-guard's agent and Redis are off. Neither then tries the network.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any

__all__ = ["ATTACK", "HONEST", "fastapi_guard", "weak_query", "zen"]

ATTACK, HONEST = "x' OR 'a'='a", "O"
"""What `weak_query` is asked with: a product at work answers only the second with 200."""


def zen() -> None:
    """Guard whatever is imported from now on; so this comes before the framework."""
    os.environ["AIKIDO_BLOCK"] = "1"
    os.environ.pop("AIKIDO_TOKEN", None)
    import_module("aikido_zen").protect()


def fastapi_guard(app: Any) -> None:
    """Guard `app` with the defaults, but for the rate limit, HTTPS, and Redis."""
    guard = import_module("guard")
    config = guard.SecurityConfig(
        enable_redis=False, enforce_https=False, rate_limit=1_000_000_000, custom_log_file=None
    )
    app.add_middleware(guard.SecurityMiddleware, config=config)


def weak_query(patients_file: Path, name: str) -> list[tuple[Any, ...]]:
    """A query that a value of the request can change."""
    with closing(sqlite3.connect(patients_file)) as connection:
        query = f"SELECT id, name FROM patients WHERE name = '{name}'"
        return connection.execute(query).fetchall()
