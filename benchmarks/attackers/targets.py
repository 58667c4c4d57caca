"""The weak endpoints of the range that outside tools are pointed at, on all three frameworks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from stockade.tools.attack.description import operations_of
from stockade.tools.attack.model import Operation

__all__ = ["FRAMEWORKS", "Target", "targets_in"]

_GUNICORN = ("gunicorn", "--threads", "8", "--access-logfile", "-", "--bind", "127.0.0.1:{port}")
FRAMEWORKS = {
    "fastapi": ("uvicorn", "--port", "{port}", "examples.range:app"),
    "flask": (*_GUNICORN, "examples.range.flask:app"),
    "django": (*_GUNICORN, "examples.range.django:app"),
}
"""How each framework's range is served, with an access log, from which requests are counted."""

_FAMILIES = {"sql": "sql", "alchemy": "sql", "shell": "shell", "options": "shell", "path": "path"}
_CHANGING = ("changed", "transformed")
_DESTROYING = ("write", "write-text", "save", "rename", "remove", "truncate", "mkdir", "untar")


class Target(NamedTuple):
    """One weak endpoint, with an honest request for it."""

    framework: str
    family: str
    operation: Operation

    @property
    def path(self) -> str:
        return self.operation.template

    @property
    def sources(self) -> frozenset[str]:
        """The places of the request that a client fills."""
        return frozenset(slot.source for slot in self.operation.slots)


def targets_in(framework: str, description: Mapping[str, Any]) -> list[Target]:
    """The weak endpoints that an OpenAPI description holds, but for those that change any file.

    Tools ask for /etc/passwd, and bare these endpoints would overwrite it. What the firewall does
    for them, `stockade attack` proves with names of its own.
    """
    return [
        Target(framework, family, operation)
        for operation in operations_of(description)
        if (family := _family(operation.template))
    ]


def _family(path: str) -> str:
    kind, *rest = path.strip("/").split("/")
    if kind != "weak" or not rest:
        return ""
    family = _FAMILIES.get(rest[1] if rest[0] in _CHANGING else rest[0], "")
    return "" if family == "path" and rest[1] in _DESTROYING else family
