"""Whether an exploit worked: a secret in an answer, a row, a file. Never a status code."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from stockade.tools.attack.model import Evidence
from stockade.tools.attack.payloads.path import SUFFIXES

__all__ = ["Databases", "Files"]

_MAGIC = b"SQLite format 3\0"
_LARGEST = 32 << 20
_SENSITIVE = ("pass", "secret", "token", "hash", "salt", "key", "ssn")


def _token() -> str:
    return secrets.token_hex(12)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class _Database:
    """One SQLite file: what was planted in it, and how it looked right afterwards."""

    def __init__(self, file: Path, leaked: str) -> None:
        self.file = file
        self.leaked = leaked
        self.rows: dict[str, tuple[int, tuple[object, ...]]] = {}
        self.tokens: list[str] = []
        self.columns: list[str] = []
        self.connection = sqlite3.connect(
            file, timeout=10, isolation_level=None, check_same_thread=False
        )
        self.connection.execute("PRAGMA synchronous = OFF")
        self._plant()
        self.snapshot = sqlite3.connect(":memory:", check_same_thread=False)
        self.connection.backup(self.snapshot)
        self.version = self._version()

    def close(self) -> None:
        self.connection.close()
        self.snapshot.close()

    def _version(self) -> int:
        version: int = self.connection.execute("PRAGMA data_version").fetchone()[0]
        return version

    def _tables(self) -> list[str]:
        found = self.connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' "
            "AND name NOT LIKE 'sqlite!_%' ESCAPE '!'"
        )
        return [name for (name,) in found]

    def _plant(self) -> None:
        for table in self._tables():
            self._plant_row(table)
        self.connection.execute("CREATE TABLE IF NOT EXISTS stockade_canary (secret TEXT)")
        self.connection.execute("DELETE FROM stockade_canary")
        self.connection.execute("INSERT INTO stockade_canary VALUES (?)", (self.leaked,))

    def _plant_row(self, table: str) -> None:
        names, values, tokens = [], [], []
        for _, name, kind, *_ in self.connection.execute(f"PRAGMA table_info({_quoted(table)})"):
            value = _value_for(kind.upper())
            names.append(_quoted(name))
            values.append(value)
            if isinstance(value, str) and len(value) == len(_token()):
                tokens.append(value)
            if any(word in name.lower() for word in _SENSITIVE):
                self.columns.append(name)
        statement = (
            f"INSERT INTO {_quoted(table)} ({', '.join(names)}) "  # noqa: S608 - names of its own schema, quoted
            f"VALUES ({', '.join('?' * len(names))})"
        )
        with suppress(sqlite3.Error):  # best effort: a table may admit no invented row
            row = self.connection.execute(statement, values).lastrowid
            found = self._row(table, row or 0)
            if found is not None:
                self.rows[table] = (row or 0, found)
                self.tokens += tokens

    def _row(self, table: str, row: int) -> tuple[object, ...] | None:
        found: tuple[object, ...] | None = self.connection.execute(
            f"SELECT * FROM {_quoted(table)} WHERE rowid = ?",  # noqa: S608 - a name of its own schema, quoted
            (row,),
        ).fetchone()
        return found

    def _tampered(self) -> bool:
        secret = self.connection.execute("SELECT secret FROM stockade_canary").fetchall()
        if secret != [(self.leaked,)]:
            return True
        if any(self._row(table, row) != found for table, (row, found) in self.rows.items()):
            return True
        return any(
            self._holds_leak(table) for table in self._tables() if table != "stockade_canary"
        )

    def _holds_leak(self, table: str) -> bool:
        names = [
            name for _, name, *_ in self.connection.execute(f"PRAGMA table_info({_quoted(table)})")
        ]
        where = " OR ".join(f"instr({_quoted(name)}, ?)" for name in names)
        query = f"SELECT 1 FROM {_quoted(table)} WHERE {where} LIMIT 1"  # noqa: S608 - names of its own schema, quoted
        return self.connection.execute(query, [self.leaked] * len(names)).fetchone() is not None

    def tampered(self) -> bool:
        """Whether an attack left traces; what any request changed is undone."""
        if self._version() == self.version:
            return False
        try:
            found = self._tampered()
        except sqlite3.Error:  # a table that was planted is gone
            found = True
        self.snapshot.backup(self.connection)
        self.version = self._version()
        return found


def _value_for(kind: str) -> str | int | float | bytes:
    if "INT" in kind:
        return 1_000_000_000 + secrets.randbelow(1_000_000_000)
    if "BOOL" in kind:
        return 0
    if any(word in kind for word in ("REAL", "FLOA", "DOUB", "NUM", "DEC")):
        return float(1_000_000_000 + secrets.randbelow(1_000_000_000))
    if "JSON" in kind:
        return "{}"
    if "TIME" in kind or "DATE" in kind:
        return "2024-02-29 12:00:00.000000" if "TIME" in kind else "2024-02-29"
    return _token().encode() if "BLOB" in kind else _token()


class Databases:
    """Every SQLite file below a folder, with canaries in it."""

    def __init__(self, folder: Path) -> None:
        self.leaked = _token()
        self._all = [_Database(file, self.leaked) for file in _sqlite_files(folder)]

    def __bool__(self) -> bool:
        return bool(self._all)

    @property
    def tokens(self) -> tuple[str, ...]:
        return tuple(token for database in self._all for token in database.tokens)

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for database in self._all for name in database.columns))

    def tampered(self) -> bool:
        """Whether an attack left traces in any; what any request changed is undone."""
        found = [database.tampered() for database in self._all]
        return True in found

    def close(self) -> None:
        for database in self._all:
            database.close()


def _sqlite_files(folder: Path) -> Iterator[Path]:
    for file in sorted(folder.rglob("*")):
        if file.is_file() and not file.is_symlink() and 0 < file.stat().st_size < _LARGEST:
            with file.open("rb") as opened:
                if opened.read(len(_MAGIC)) != _MAGIC:
                    continue
            with suppress(sqlite3.Error), closing(sqlite3.connect(file)) as probe:
                probe.execute("SELECT count(*) FROM sqlite_master").fetchone()
                yield file


class Files:
    """Two watched folders: canaries outside the application's, and its empty home."""

    def __init__(self, outside: Path, home: Path) -> None:
        self.outside, self.home = outside, home
        self.content = _token()
        self.listed = _token()
        (outside / self.listed).touch()
        self._canaries = {f"canary{suffix}" for suffix in SUFFIXES}
        self._stamps: dict[str, tuple[int, int]] = {}
        for name in self._canaries:
            self._restore(name)

    def _restore(self, name: str) -> None:
        (self.outside / name).write_text(self.content)
        self._stamps[name] = self._stamp(name)

    def _stamp(self, name: str) -> tuple[int, int]:
        try:
            status = (self.outside / name).stat()
        except OSError:
            return (0, 0)
        return (status.st_mtime_ns, status.st_size)

    def changed(self, evidence: Evidence) -> bool:
        """Whether the file that `evidence` speaks of was made or changed; it is undone."""
        if not evidence.created:
            return False
        if evidence.created == "canary":
            touched = [name for name in self._canaries if self._stamp(name) != self._stamps[name]]
            for name in touched:
                self._restore(name)
            return bool(touched)
        found = [self._made(folder, evidence) for folder in (self.home, self.outside)]
        return True in found

    @staticmethod
    def _made(folder: Path, evidence: Evidence) -> bool:
        made = [file for file in folder.iterdir() if file.name.startswith(evidence.created)]
        if evidence.content:
            made = [
                file
                for file in made
                if file.read_text("utf-8", "replace").strip() == evidence.content
            ]
        for file in made:
            file.unlink()
        return bool(made)
