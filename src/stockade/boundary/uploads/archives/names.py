"""Names of members: portable relative paths, each of them once, on every file system.

Refused are `..`, absolute paths, drive letters, backslashes, devices, streams and the same in other
spellings (RelativePath), a name twice, names that differ in case or in form only, and a file where
a folder is. Sources: CWE-22, CWE-41, CWE-178; ASVS 5.0 V5.3.3.
"""

from __future__ import annotations

import unicodedata

from pydantic_core import PydanticCustomError

from stockade.boundary.types.relative_path import relative_path
from stockade.boundary.uploads.refusal import Unfit

__all__ = ["Names"]


class Names:
    """The names of one archive so far."""

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._folders: dict[str, str] = {}

    def admit(self, name: str, *, is_folder: bool) -> str:
        """The path to write to; empty for what is left out: the root, and what macOS adds.

        Raises Unfit for a name that leads elsewhere, or to what another member is.
        """
        path = _without_dots(name.removesuffix("/") if is_folder else name)
        if not path or path.startswith("__MACOSX/") or path.rpartition("/")[2] == ".DS_Store":
            return ""
        try:
            path = relative_path(path)
        except PydanticCustomError:
            raise Unfit(
                "archive-name",
                "A name in the archive is not a plain relative path, or starts with a dot.",
            ) from None
        parts = path.split("/")
        folders = parts if is_folder else parts[:-1]
        for depth in range(1, len(folders) + 1):
            self._folder("/".join(folders[:depth]))
        if not is_folder:
            self._file(path)
        return path

    def _folder(self, path: str) -> None:
        key = _key(path)
        if key in self._files or self._folders.setdefault(key, path) != path:
            raise _twice()

    def _file(self, path: str) -> None:
        key = _key(path)
        if key in self._files or key in self._folders:
            raise _twice()
        self._files.add(key)


def _without_dots(name: str) -> str:
    """`tar c .` writes `./` before every name."""
    while name.startswith("./"):
        name = name[2:]
    return "" if name == "." else name


def _key(path: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", path).casefold())


def _twice() -> Unfit:
    return Unfit("archive-twice", "Two names in the archive are the same, but for letter case.")
