"""Wapiti: its modules `sql`, `exec` and `file`, given the endpoint as an OpenAPI description.

It attacks query parameters, forms and JSON values of GET and POST; the rest it leaves alone, and so
do we. Wapiti 3.2.3 waits for an answer for ever (`httpx.Timeout(…, read=None)`), so its payloads
that sleep never tell it anything: what it finds is what it reads in the answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.attackers.attack import Attack, Finding, Tool
from benchmarks.attackers.process import PROJECT
from benchmarks.attackers.targets import Target

__all__ = ["WAPITI"]

_MODULES = "sql,exec,file"
_METHODS = ("GET", "POST")
_ATTACKED = frozenset({"query", "form", "json_value"})
_SKIPPED = re.compile(r"(\d+) requests were skipped")


def _fits(target: Target) -> bool:
    return (
        bool(target.sources & _ATTACKED)
        and "json_key" not in target.sources
        and target.operation.method in _METHODS
    )


def _command(attack: Attack, address: str, folder: Path) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    description = folder / "endpoint.json"
    description.write_text(json.dumps(_description(attack.target, address)))
    return [
        *(str(WAPITI.program), "-u", f"{address}/", "--swagger", str(description)),
        *("-m", _MODULES, "-l", "2", "-d", "0", "-t", "6", "-v", "1"),
        *("--flush-session", "--no-bugreport", "-f", "json", "-o", str(folder / "report.json")),
        *("--store-session", str(folder / "session"), "--store-config", str(folder / "config")),
        # Where its payloads for remote files point: at the range itself, not at the internet.
        *("--external-endpoint", f"{address}/", "--internal-endpoint", f"{address}/"),
        *("--dns-endpoint", "localhost"),
    ]


def _description(target: Target, address: str) -> dict[str, Any]:
    """The one endpoint, its honest values as defaults: Wapiti compares answers with that one's."""
    operation = target.operation
    described: dict[str, Any] = {
        "parameters": list(_parameters(target)),
        "responses": {"200": {"description": "done"}},
    }
    if operation.media_type:
        schema = _schema(operation.body)
        described["requestBody"] = {"content": {operation.media_type: {"schema": schema}}}
    return {
        "openapi": "3.0.0",
        "info": {"title": "one endpoint", "version": "1"},
        "servers": [{"url": address}],
        "paths": {operation.template: {operation.method.lower(): described}},
    }


def _parameters(target: Target) -> Iterator[dict[str, Any]]:
    places = {"query": target.operation.query, "path": target.operation.path}
    for place, values in places.items():
        for name, value in values.items():
            yield {"name": name, "in": place, "required": True, "schema": _schema(str(value))}


def _schema(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        properties = {name: _schema(inner) for name, inner in value.items()}
        return {"type": "object", "properties": properties, "required": [*properties]}
    if isinstance(value, list):
        return {"type": "array", "items": _schema(value[0] if value else "")}
    kind = "integer" if isinstance(value, int) else "string"
    return {"type": kind, "default": value}


def _read(said: str, folder: Path, _: list[str]) -> Finding:
    report = folder / "report.json"
    document: dict[str, Any] = json.loads(report.read_text()) if report.exists() else {}
    found = sorted(
        {
            f"{category}: {each['parameter']}"
            for category, all_found in document.get("vulnerabilities", {}).items()
            for each in all_found
        }
    )
    anomalies = sum(len(each) for each in document.get("anomalies", {}).values())
    skipped = sum(int(number) for number in _SKIPPED.findall(said))
    return Finding(found, {"anomalies": anomalies, "unanswered": skipped}, bool(document))


WAPITI = Tool(
    "wapiti",
    PROJECT / ".venv-wapiti" / "bin" / "wapiti",
    _fits,
    _command,
    _read,
)
