"""The safe ways to public files, for the ranges on Flask and Django."""

from __future__ import annotations

import io
from pathlib import Path

from examples.range.data import public_folder

__all__ = ["HONEST_TAR", "inside", "tar_with"]


def inside(name: str) -> Path:
    """The public file `name`. Errors: FileNotFoundError for one that lies elsewhere."""
    root = public_folder().resolve()
    file = (root / name).resolve()
    if not file.is_relative_to(root) or file == root:
        raise FileNotFoundError("no such file")
    return file


def tar_with(name: str, text: str) -> str:
    """A tar archive of one file. Without a program that compresses, it is ASCII text."""
    import tarfile

    content, made = text.encode(), io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return made.getvalue()[:2048].decode()


HONEST_TAR = tar_with("note.txt", "tea at four\n")
