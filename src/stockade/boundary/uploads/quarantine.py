"""Where uploads wait until they are judged: `Quarantine("/var/lib/clinic/quarantine")`.

What it stops: a client's name becoming a path, a file that is run or served before it was looked
at, a full disk, one client that takes all the room, half an upload left behind. What it does not:
judge content (that is the contract's work), or hold the body back that the web server or framework
spooled before (limit that with `request.max_body`).

It fails closed: whatever goes wrong, the file is removed and nothing is handed to the application.
"""

from __future__ import annotations

import os
import time
from typing import Any

from pydantic_core import PydanticCustomError

from stockade.boundary.types.filename import check
from stockade.boundary.uploads.clamd import Scanner
from stockade.boundary.uploads.contract import Contract, too_large
from stockade.boundary.uploads.folder import Folder, Room
from stockade.boundary.uploads.refusal import Unfit, refuse
from stockade.boundary.uploads.sources import source_of
from stockade.boundary.uploads.upload import Upload
from stockade.core import context
from stockade.core.ports import Clock

__all__ = ["Quarantine"]


class Quarantine:
    """A folder of its own for uploads. Threads and processes may share it."""

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        max_bytes: int = 10 << 20,
        quota: int = 1 << 30,
        share: int | None = None,
        max_files: int = 10_000,
        max_age: float = 3_600.0,
        durable: bool = False,
        scanner: Scanner | None = None,
        clock: Clock = time.time,
    ) -> None:
        """Raises ConfigError where other users may enter `folder`; makes it where it is missing.

        `max_bytes` is an upload's limit, `quota` that of all together, `share` that of one
        principal or else client address (by default a quarter of the quota, at least one upload).
        Files that nobody wrote to for `max_age` seconds were left by a process that died, and go.
        `durable` waits for the disk (fsync) before an upload counts as checked, and as stored.
        `scanner` looks at each upload before its contract does, such as `Clamd`.
        """
        self.max_bytes = max_bytes
        self._durable = durable
        self._scanner = scanner
        share = max(quota // 4, max_bytes) if share is None else share
        self._folder = Folder(folder, Room(quota, max_files, share, max_age), clock)

    def receive(
        self, source: Any, contract: Contract, *, field: str = "file", filename: str | None = None
    ) -> Upload:
        """Take in a whole file and judge it. Raises Rejected, with one event and nothing kept.

        `source` is FastAPI's UploadFile, Flask's FileStorage, Django's UploadedFile or a binary
        file; `field` is the name that the application declares, `filename` the client's where the
        source does not say. Blocks: call it from a plain function, or in a thread.
        """
        stream = source_of(source)
        name = stream.filename if filename is None else filename
        upload = self._begin(field, name, stream.size)
        try:
            for chunk in stream.chunks():
                upload.write(chunk)
            upload.check(contract)
        except BaseException:
            upload.discard()
            raise
        return upload

    def begin(self, *, field: str = "file", filename: str = "") -> Upload:
        """An empty upload to `write` to as chunks arrive, then to `check`. Raises Rejected."""
        return self._begin(field, filename, None)

    def close(self) -> None:
        """Let go of the folder; calling it again changes nothing."""
        self._folder.close()

    def _begin(self, field: str, filename: str, size: int | None) -> Upload:
        try:
            if size is not None and size > self.max_bytes:
                raise too_large(self.max_bytes)
            return Upload(
                self._folder,
                limit=self.max_bytes if size is None else size,
                owner=_owner(),
                field=field,
                filename=_portable(filename),
                durable=self._durable,
                scanner=self._scanner,
            )
        except Unfit as unfit:
            refused = refuse(unfit, field=field, length=size or 0, filename=filename)
        raise refused


def _owner() -> str:
    request = context.current()
    return "" if request is None else request.principal or request.client


def _portable(filename: str) -> str:
    try:
        return check(filename) if filename else ""
    except PydanticCustomError as error:
        detail = error.message()
    raise Unfit("filename", detail)
