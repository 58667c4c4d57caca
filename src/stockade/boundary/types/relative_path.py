"""A path below a folder of the application's choosing, portable, with nothing that leads out.

Every component is a `Filename`; links inside the folder are seen only when it is opened: use
`stockade.boundary.Root`.

Sources: ASVS 5.0 V5.3.2; CWE-22, CWE-23, CWE-36; POSIX.1-2024, 4.16 (pathname resolution).
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from stockade.boundary.types.filename import check
from stockade.boundary.validator import rejects

__all__ = ["RelativePath", "relative_path"]

_MAX_DEPTH = 16


@rejects(
    "Expected file names joined by /, such as reports/2026/may.pdf, at most 16 of them.",
    max_length=1_024,
)
def relative_path(value: str) -> str:
    """`value` in Normalization Form C."""
    parts = value.split("/")
    if len(parts) > _MAX_DEPTH:
        raise ValueError
    return "/".join([check(part) for part in parts])


RelativePath: TypeAlias = Annotated[str, relative_path]
"""Portable file names joined by `/`; never absolute, never upwards, no empty component."""
