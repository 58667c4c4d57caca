"""Uploads: the name that a file comes under, and archives that say where their members go."""

import os
import shlex
import tarfile
import tempfile
from typing import Annotated, Literal

from fastapi import APIRouter, File, UploadFile
from fastapi.responses import FileResponse

from examples.range.data import Row, public_folder, rows
from examples.range.files import HONEST_TAR, inside
from examples.range.programs import run

__all__ = ["router"]

router = APIRouter(tags=["upload"])

Trust = Literal["fully_trusted", "data"]

Upload = Annotated[UploadFile, File(examples=["tea at four"])]
Archive = Annotated[UploadFile, File(examples=[HONEST_TAR])]


@router.post("/weak/sql/string/file-name")
def weak_sql_file_name(upload: Upload) -> list[Row]:
    """Weak: the name of a file is what its sender says it is."""
    return rows(f"SELECT id, body FROM notes WHERE body = '{upload.filename}'")


@router.post("/safe/sql/string/file-name")
def safe_sql_file_name(upload: Upload) -> list[Row]:
    """Safe: a parameter."""
    return rows("SELECT id, body FROM notes WHERE body = ?", (upload.filename,))


@router.post("/weak/shell/echo/file-name")
def weak_shell_file_name(upload: Upload) -> dict[str, str]:
    """Weak: the name of an upload in a command."""
    return run(f"echo received {upload.filename}", shell=True)


@router.post("/safe/shell/echo/file-name")
def safe_shell_file_name(upload: Upload) -> dict[str, str]:
    """Safe: quoted by the standard library."""
    return run(f"echo received {shlex.quote(upload.filename or '')}", shell=True)


@router.post("/weak/path/response/file-name")
def weak_path_file_name(upload: Upload) -> FileResponse:
    """Weak: what is there under that name already; `FileResponse` opens anything."""
    file = f"{public_folder()}/{upload.filename}"
    os.stat(file)  # `FileResponse` would notice too late
    return FileResponse(file)


@router.post("/safe/path/response/file-name")
def safe_path_file_name(upload: Upload) -> FileResponse:
    """Safe: resolved, then checked."""
    file = inside(upload.filename or "menu.txt")
    file.stat()
    return FileResponse(file)


@router.post("/weak/path/untar/file")
def weak_untar_file(archive: Archive) -> list[str]:
    """Weak: who is trusted fully unpacks to anywhere."""
    return untar(archive, "fully_trusted")


@router.post("/safe/path/untar/file")
def safe_untar_file(archive: Archive) -> list[str]:
    """Safe: the filter for data (PEP 706)."""
    return untar(archive, "data")


def untar(archive: UploadFile, trust: Trust) -> list[str]:
    """The names in an uploaded archive, unpacked. Errors: ValueError."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            with tarfile.open(fileobj=archive.file) as opened:
                opened.extractall(folder, filter=trust)
        except tarfile.TarError:
            raise ValueError("no archive") from None
        return sorted(os.listdir(folder))
