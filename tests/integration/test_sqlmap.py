"""sqlmap against the range: it dumps a table bare, and finds nothing to inject when guarded.

sqlmap is GPL: it lives in an environment of its own (`make .venv-sqlmap/.ready`) and runs as a
separate process. `STOCKADE_SQLMAP=all` tries every SQL endpoint instead of two (`make sqlmap`).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.integration.serving import PROJECT, serving

SQLMAP = PROJECT / ".venv-sqlmap" / "bin" / "sqlmap"
RANGE = "examples.range:app"
THOROUGH = ("--level=3", "--risk=2")


class Target(NamedTuple):
    """One weak endpoint, as sqlmap is told of it; `{url}` is the range's address."""

    path: str
    arguments: tuple[str, ...]


FIRST = {
    "/weak/sql/string/query": "query",
    "/weak/sql/number/query": "query",
}


def target(
    path: str, operation: dict[str, Any], method: str, schemas: dict[str, Any]
) -> Target | None:
    """How to attack one operation of the OpenAPI description; None where sqlmap has no way in."""
    for parameter in operation.get("parameters", ()):
        name, place = parameter["name"], parameter["in"]
        url = "{url}" + path
        match place:
            case "query":
                return Target(path, ("-u", f"{url}?{name}=1*", "--method", method))
            case "header":
                return Target(path, ("-u", url, "--headers", f"{name}: 1*"))
            case "cookie":
                return Target(path, ("-u", url, "--cookie", f"{name}=1*"))
            case "path":
                return Target(path, ("-u", url.replace("{" + name + "}", "1*")))
    content = operation.get("requestBody", {}).get("content", {})
    for kind, body in content.items():
        schema = body["schema"]
        schema = schemas.get(schema.get("$ref", "").rpartition("/")[2], schema)
        names = list(schema.get("properties", ()))
        if "json" in kind:
            keyed = {"1*": "1"} if not names else dict.fromkeys(names, "1*")
            data = json.dumps(keyed)
        else:
            data = "&".join(f"{name}=1*" for name in names)
        if data:
            return Target(path, ("-u", "{url}" + path, "--method", method, "--data", data))
    return None


def targets() -> list[Target]:
    """The weak SQL endpoints of the range: two, or all of them."""
    from examples.range import app

    description = app.openapi()
    schemas = description.get("components", {}).get("schemas", {})
    everything = os.environ.get("STOCKADE_SQLMAP") == "all"
    found = []
    for path, operations in description["paths"].items():
        if not path.startswith(("/weak/sql/", "/weak/alchemy/", "/weak/transformed/sql/")):
            continue
        if everything or path in FIRST:
            for method, operation in operations.items():
                one = target(path, operation, method.upper(), schemas)
                if one is not None:
                    found.append(one)
    return found


def sqlmap(folder: Path, address: str, one: Target, *more: str) -> str:
    arguments = [argument.replace("{url}", address) for argument in one.arguments]
    done = subprocess.run(
        [
            str(SQLMAP), "--batch", "--flush-session", "--disable-coloring", "--dbms=SQLite", "--threads=4",
            "--output-dir", str(folder / "sqlmap"), *arguments, *more,
        ],
        cwd=folder, env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        capture_output=True, text=True, timeout=1_500, check=False,
    )  # fmt: skip
    return done.stdout


@pytest.fixture(scope="module")
def tool() -> Path:
    if not SQLMAP.exists():
        message = "sqlmap is not here: make .venv-sqlmap/.ready installs it"
        if os.environ.get("STOCKADE_FULL") == "1":
            pytest.fail(message)
        pytest.skip(message)
    return SQLMAP


@pytest.mark.usefixtures("tool")
@pytest.mark.parametrize("one", targets(), ids=lambda one: one.path)
def test_dumps_a_table_bare_and_finds_nothing_guarded(one: Target, tmp_path: Path) -> None:
    bare, guarded = tmp_path / "bare", tmp_path / "guarded"
    bare.mkdir()
    guarded.mkdir()
    with serving(RANGE, bare, guarded=False) as server:
        said = sqlmap(bare, server.address, one, "-T", "users", "--dump", *THOROUGH)
        dumped = "".join(file.read_text() for file in (bare / "sqlmap").rglob("users*.csv"))
        injectable = "identified the following injection point" in said
        if one.path in FIRST:
            assert "password" in dumped, said[-3_000:]
        elif not injectable:
            pytest.skip("sqlmap finds no way in even without the firewall: this proves nothing")
    with serving(RANGE, guarded, guarded=True) as server:
        said = sqlmap(guarded, server.address, one, "-T", "users", "--dump", *THOROUGH)
        assert "identified the following injection point" not in said
        assert re.search(
            r"not (appear to )?be? ?injectable|do not appear to be injectable", said
        ), said[-3_000:]
        assert not list((guarded / "sqlmap").rglob("users*.csv"))
        blocked = server.events.read_text().count('"malicious_sqli"')
    print(
        f"{one.path}: sqlmap dumped the table bare; guarded, {blocked} of its queries were refused"
    )
