"""One upload in quarantine: written, checked, then stored elsewhere or gone.

    with quarantine.receive(file, Image(), field="photo") as upload:
        stored = upload.store(photos)          # a Root; the name is random, the extension ours

Leaving the block without `store` removes it. A refusal removes it at once.
Sources: ASVS 5.0 V5.2, V5.3; OWASP File Upload Cheat Sheet; CWE-434.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from types import TracebackType
from typing import BinaryIO, Final, cast

from stockade.boundary.root import Root
from stockade.boundary.uploads.clamd import Scanner
from stockade.boundary.uploads.contract import Contract, too_large
from stockade.boundary.uploads.folder import FULL, Folder
from stockade.boundary.uploads.kinds import Kind
from stockade.boundary.uploads.quota import Quota
from stockade.boundary.uploads.refusal import Unfit, refuse
from stockade.core.bus import emit
from stockade.core.errors import Rejected
from stockade.core.events import Outcome
from stockade.core.secret import fingerprint

__all__ = ["Upload"]

_CHUNK: Final = 1 << 16


class Upload:
    """A file under a random name. `Quarantine` makes it; use it in a `with`. Not for two threads.

    `filename` is the client's, a `Filename` or empty: to show and to record, never to store by.
    `kind` is None until the content was checked. `size` is in bytes.
    """

    def __init__(
        self,
        folder: Folder,
        *,
        limit: int,
        owner: str,
        field: str,
        filename: str,
        durable: bool,
        scanner: Scanner | None = None,
    ) -> None:
        """Reserves `limit` bytes. Raises Unfit where there is no room."""
        self.field = field
        self.filename = filename
        self.size = 0
        self.kind: Kind | None = None
        self._folder = folder
        self._owner = owner
        self._limit = limit
        self._durable = durable
        self._scanner = scanner
        self._hash = hashlib.sha256()
        descriptor, self._name = folder.make(limit, owner)
        self._file: BinaryIO | None = os.fdopen(descriptor, "r+b")

    def write(self, chunk: bytes) -> None:
        """Append `chunk`. Raises Rejected, and removes all, once the limit is passed."""
        file = self._file
        if file is None or self.kind is not None:
            raise RuntimeError("this upload is complete or gone: begin another one")
        if self.size + len(chunk) > self._limit:
            raise self._refused(too_large(self._limit))
        try:
            file.write(chunk)
        except OSError as error:
            raise self._failed(error) from None
        self._hash.update(chunk)
        self.size += len(chunk)

    def check(self, contract: Contract) -> None:
        """All has arrived: judge it. Raises Rejected, with one event, and removes the file.

        Any other error removes the file as well. What the contract makes anew takes its place.
        Reads and decodes for up to seconds: not for an event loop.
        """
        file = self._file
        if file is None:
            raise RuntimeError("this upload is gone: it was refused, stored or discarded")
        try:
            file.flush()
            file.truncate(self.size)
            if self._scanner is not None:
                self._scanner.scan(file)
            judged = contract.examine(file, self.filename)
            if judged.content is not None:
                self._replace(judged.content)
            if self._durable and self._file is not None:
                os.fsync(self._file.fileno())
        except Unfit as unfit:
            problem: Exception = self._refused(unfit)
        except OSError as error:
            problem = self._failed(error)
        except BaseException:
            self.discard()
            raise
        else:
            self.kind = judged.kind
            self._tell("upload_complete", "An upload arrived and matches its contract.")
            return
        raise problem

    def open(self) -> BinaryIO:
        """The checked content, to read, as a file of its own. Raises RuntimeError before that."""
        self._checked()
        return os.fdopen(self._folder.open(self._name), "rb")

    def store(self, root: Root, folder: str = "", *, quota: Quota | None = None) -> str:
        """Move the checked content into `root` under a new random name, which is returned.

        `folder` is a folder of `root` that the application chose, one for each user say, and
        `quota` what it may hold. The name is 32 hexadecimal digits and the extension of what the
        content is; the file is its owner's alone, and not executable. Raises Rejected (409), with
        an event, for a folder that is full; the upload stays in quarantine.
        """
        kind = self._checked()
        if quota is None:
            return self._store(root, folder, kind)
        try:
            with quota.room(root, folder, self.size):
                return self._store(root, folder, kind)
        except Unfit as unfit:
            refused = refuse(unfit, field=self.field, length=self.size)
        raise refused

    def _store(self, root: Root, folder: str, kind: Kind) -> str:
        name = f"{folder}/" * bool(folder) + secrets.token_hex(16) + kind.extensions[0]
        with self.open() as content, root.open(name, "xb") as stored:
            try:
                shutil.copyfileobj(content, stored, _CHUNK)
                stored.flush()
                if self._durable:
                    os.fsync(stored.fileno())
            except BaseException:
                root.remove(name)
                raise
        self._tell("upload_stored", "An upload was stored under a name of our own.")
        self._remove()
        return name

    def discard(self) -> None:
        """Remove the file; calling it again changes nothing. What was checked is told of."""
        if self._file is not None and self.kind is not None:
            self._tell("upload_delete", "An upload was removed from quarantine.")
        self._remove()

    def __enter__(self) -> Upload:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.discard()

    def _checked(self) -> Kind:
        if self._file is None or self.kind is None:
            raise RuntimeError("this upload was not checked, or is gone: call check first")
        return self.kind

    def _replace(self, content: bytes) -> None:
        descriptor, name = self._folder.make(len(content), self._owner)
        self._remove()
        self._name, self._file = name, os.fdopen(descriptor, "r+b")
        self._file.write(content)
        self._file.flush()
        self._hash, self.size = hashlib.sha256(content), len(content)

    def _remove(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()
            except OSError:  # what was not flushed is not wanted any more
                pass
            self._folder.remove(self._name)

    def _refused(self, unfit: Unfit) -> Rejected:
        digest = self._hash.digest()
        self._remove()
        return refuse(
            unfit, field=self.field, length=self.size, digest=digest, filename=self.filename
        )

    def _failed(self, error: OSError) -> Exception:
        if error.errno in FULL:
            unfit = Unfit("space", "There is no room for uploads now.", status=503)
            return self._refused(unfit)
        self.discard()
        return error

    def _tell(self, name: str, reason: str) -> None:
        emit(
            name,
            Outcome.ALLOWED,
            "boundary",
            reason,
            field=self.field,
            kind=cast("Kind", self.kind).name,
            length=self.size,
            value=fingerprint(self._hash.digest()),
        )
