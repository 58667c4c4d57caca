"""What tests of archives share: unpacking into a folder, and members made by hand."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path
from typing import Any

from stockade.boundary import Archive, Root

CONTRACT = Archive()


def unpack(folder: Path, content: bytes, contract: Archive = CONTRACT) -> list[str]:
    folder.mkdir(exist_ok=True)
    with Root(folder) as root:
        return contract.extract(io.BytesIO(content), root)


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def member(name: str, **fields: Any) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    for key, value in fields.items():
        setattr(info, key, value)
    return info


def zip_entry(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = mode << 16
    return info


def zip_of(*members: tuple[zipfile.ZipInfo | str, bytes]) -> bytes:
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w") as archive:
        for info, content in members:
            archive.writestr(info, content)
    return output.getvalue()
