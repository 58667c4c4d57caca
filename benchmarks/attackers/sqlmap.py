"""sqlmap: level 5, risk 3, every technique; it says which injection points it found, and dumps."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from benchmarks.attackers.attack import Attack, Finding, Tool
from benchmarks.attackers.process import PROJECT
from benchmarks.attackers.targets import Target

__all__ = ["OPTIONS", "SQLMAP", "tamper_scripts"]

OPTIONS = (
    *("--level=5", "--risk=3", "--technique=BEUSTQ", "--dbms=SQLite", "-T", "users", "--dump"),
    *("--batch", "--flush-session", "--disable-coloring", "--disable-hashing", "--threads=1"),
    # Short of time, not of nerve: a second's delay is still told from none on loopback.
    *("--time-sec=1", "--timeout=10", "--retries=1", "--answers=try URI injections=N"),
)
_HOME = PROJECT / ".venv-sqlmap"
_MARK = "*"  # sqlmap's sign for: inject here
_BOUNDARY = "attackers"

_INSIDE = {
    "/weak/transformed/sql/json/cookie": "%7B%22owner%22%3A%20%22ann*%22%7D",
    "/weak/changed/sql/graphql/json": '{ product(name: "Tea*") { id } }',
}
"""Where the place to inject at lies inside the value."""

_NO_MEANS = ("jwt", "json-base64", "hex", "base64")
"""Encodings that no option of sqlmap writes; for base64 there is a tamper script (`tampers`)."""

_POINT = "identified the following injection point"
_NO_POINT = "all tested parameters do not appear to be injectable"
_TYPE = re.compile(r"^    Type: (.+)$", re.MULTILINE)


def tamper_scripts() -> list[str]:
    """The names of the tamper scripts that the installed sqlmap brings; only listed, never read."""
    folders = list(_HOME.glob("lib/python3*/site-packages/sqlmap/tamper"))
    return sorted(
        file.stem for folder in folders for file in folder.glob("*.py") if file.stem != "__init__"
    )


def _fits(target: Target) -> bool:
    return target.family == "sql" and not any(f"/{each}/" in target.path for each in _NO_MEANS)


def _command(attack: Attack, address: str, folder: Path) -> list[str]:
    tampering = [f"--tamper={attack.variant}"] if attack.variant else []
    return [
        *(str(SQLMAP.program), *OPTIONS, *tampering, "--output-dir", str(folder / "output")),
        *_request(attack, address),
    ]


def _request(attack: Attack, address: str) -> Iterator[str]:
    """The honest request, with a mark behind every text that the client fills (not in cookies)."""
    operation = attack.target.operation
    marked = _marked(attack)
    path = operation.template
    for name, example in operation.path.items():
        path = path.replace("{" + name + "}", quote(marked.get(("path", name), example), safe="*"))
    query = "&".join(
        f"{name}={quote(marked.get(('query', name), str(example)), safe='*')}"
        for name, example in operation.query.items()
    )
    yield from ("-u", address + path + (f"?{query}" if query else ""))
    yield from ("--method", operation.method)
    for name, example in operation.headers.items():
        yield from ("--headers", f"{name}: {marked.get(('header', name), example)}")
    for name, example in operation.cookies.items():
        value = marked.get(("cookie", name), example)
        if attack.target.path not in _INSIDE:
            # No framework decodes a cookie (the range's own code may); and beside a mark in a
            # cookie sqlmap tries each header too, which takes it five times as long.
            value = value.removesuffix(_MARK)
            yield from ("-p", name, "--skip-urlencode")
        yield from ("--cookie", f"{name}={value}")
    if operation.media_type:
        yield f"--data={_body(attack.target, marked)}"
        if operation.media_type.startswith("multipart"):
            yield from ("--headers", f"Content-Type: {operation.media_type}; boundary={_BOUNDARY}")


def _marked(attack: Attack) -> dict[tuple[str, str], str]:
    found = {}
    for slot in attack.target.operation.slots:
        if slot.text and slot.source != "file":
            value = attack.value or _INSIDE.get(attack.target.path, "") or slot.example
            found[slot.source, slot.name] = value if _MARK in value else value + _MARK
    return found


def _body(target: Target, marked: Mapping[tuple[str, str], str]) -> str:
    operation = target.operation
    if operation.media_type == "application/json":
        return json.dumps(_json(operation.body, "", marked))
    if operation.media_type.startswith("multipart"):
        return "".join(_parts(target, marked)) + f"--{_BOUNDARY}--\r\n"
    return "&".join(
        f"{name}={quote(marked.get(('form', name), str(value)), safe='*')}"
        for name, value in operation.body.items()
    )


def _json(value: Any, where: str, marked: Mapping[tuple[str, str], str]) -> Any:
    if isinstance(value, dict):
        key = marked.get(("json_key", f"{where}/*"))
        return {
            key or name: inner if key else _json(inner, f"{where}/{name}", marked)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_json(inner, f"{where}/{n}", marked) for n, inner in enumerate(value)]
    return marked.get(("json_value", where), value)


def _parts(target: Target, marked: Mapping[tuple[str, str], str]) -> Iterator[str]:
    for name, value in target.operation.body.items():
        file = marked.get(("file_name", name))
        naming = f'; filename="{file}"\r\nContent-Type: text/plain' if file else ""
        yield (
            f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{naming}'
            f"\r\n\r\n{marked.get(('form', name), str(value))}\r\n"
        )


def _read(said: str, folder: Path, _: list[str]) -> Finding:
    rows = sum(
        max(0, len(file.read_text("utf-8", "replace").splitlines()) - 1)
        for file in (folder / "output").rglob("users*.csv")
    )
    found = sorted(set(_TYPE.findall(said))) if _POINT in said else []
    return Finding(found, {"rows_dumped": rows}, bool(found) or _NO_POINT in said)


SQLMAP = Tool("sqlmap", _HOME / "bin" / "sqlmap", _fits, _command, _read)
