"""What confines a process and what does not, as facts that were looked at, not as intentions."""

from __future__ import annotations

import enum
import os
import sys
from typing import Any

import msgspec

from stockade.confine import kernel

__all__ = ["Layer", "Report", "State", "open_doors"]


class State(enum.StrEnum):
    """`off` is a decision of the configuration; `missing` was asked for and could not be had."""

    APPLIED = "applied"
    OFF = "off"
    MISSING = "missing"


class Layer(msgspec.Struct, frozen=True):
    """One layer of confinement; `detail` is a sentence for a person."""

    name: str
    state: State
    detail: str


class Report(msgspec.Struct, frozen=True):
    """The layers, and `open`: what a process that is taken over may still do, a sentence each."""

    layers: tuple[Layer, ...]
    open: tuple[str, ...]

    @property
    def missing(self) -> tuple[Layer, ...]:
        """Layers that the configuration asks for and that do not hold."""
        return tuple(layer for layer in self.layers if layer.state is State.MISSING)

    def lines(self) -> list[str]:
        """For people, one fact a line."""
        return [
            *(f"{layer.name}: {layer.state} ({layer.detail})" for layer in self.layers),
            *(f"NOT confined: {door}" for door in self.open),
        ]

    def details(self) -> dict[str, Any]:
        """For an event."""
        return {
            "layers": {layer.name: str(layer.state) for layer in self.layers},
            "open": list(self.open),
        }


def open_doors() -> tuple[str, ...]:
    """What this version leaves open, and what makes it worse in this very process."""
    doors = [
        "files: it may read and write whatever its user may (no Landlock rules in this version)",
        "network: it may connect and listen anywhere (no Landlock or seccomp rules)",
        "programs: it may run any program that its user may",
    ]
    status = kernel.status()
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        doors.append("user: it runs as root; give it a user of its own")
    # A process that is not root may still hold capabilities; root normally holds them all.
    if capabilities := int(status.get("CapEff", "0"), 16).bit_count():
        doors.append(f"capabilities: it holds {capabilities} (capabilities(7)); drop them")
    if status.get("Seccomp") == "0":
        doors.append("system calls: no seccomp filter is in force")
    if count := _writable_module_folders():
        doors.append(
            f"code: {count} of the folders that modules are imported from are writable, so what "
            "writes a file there runs at the next start; install read-only"
        )
    return tuple(doors)


def _writable_module_folders() -> int:
    return sum(os.path.isdir(folder) and os.access(folder, os.W_OK) for folder in set(sys.path))
