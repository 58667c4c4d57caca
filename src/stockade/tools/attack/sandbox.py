"""A temporary copy of the application and a clean environment: nothing of production is touched.

The copy leaves out version control, virtual environments, caches, key stores and `.env` files, and
follows no symbolic link. The environment holds PATH and little else, so that addresses of real
databases and real credentials never reach the attacked process.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stockade.core.errors import StockadeError

__all__ = ["AttackError", "Sandbox", "sandbox"]

_LEFT_OUT = frozenset(
    {
        ".git", ".hg", ".svn", ".stockade", "node_modules", "__pycache__", ".tox", ".nox",
        ".hypothesis", "htmlcov", "site-packages",
    }
)  # fmt: skip
_LEFT_OUT_BEGINNINGS = (".venv", ".env", ".coverage")
_LEFT_OUT_ENDS = ("_cache", ".pyc")
_PASSED = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "VIRTUAL_ENV", "SYSTEMROOT")


class AttackError(StockadeError):
    """The attack cannot be made: the message says why and what to do."""

    kind = "attack"


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The folders of one run; all lie in one temporary folder that is removed at the end."""

    root: Path
    project: Path
    home: Path
    outside: Path
    log: Path
    environment: dict[str, str]


def _left_out(name: str) -> bool:
    return (
        name in _LEFT_OUT or name.startswith(_LEFT_OUT_BEGINNINGS) or name.endswith(_LEFT_OUT_ENDS)
    )


def _copy(source: Path, target: Path, limit: int) -> None:
    """Copy files and folders. Errors: AttackError beyond `limit` bytes."""
    size = 0
    for folder, folders, files in os.walk(source, followlinks=False):
        folders[:] = [
            name
            for name in folders
            if not _left_out(name)
            and not Path(folder, name).is_symlink()
            and not Path(folder, name, "pyvenv.cfg").exists()
        ]
        destination = target / Path(folder).relative_to(source)
        destination.mkdir(parents=True, exist_ok=True)
        for name in files:
            file = Path(folder, name)
            if _left_out(name) or file.is_symlink() or not file.is_file():
                continue
            size += file.stat().st_size
            if size > limit:
                raise AttackError(
                    f"the current folder holds more than {limit >> 20} MiB, which is not copied; "
                    "run the attack in the application's own folder, or raise --max-copy"
                )
            try:
                shutil.copy2(file, destination / name)
            except PermissionError:
                continue  # what this user cannot read, the application cannot either


def _environment(project: Path, home: Path, names: Sequence[str]) -> dict[str, str]:
    given: Mapping[str, str] = os.environ
    missing = [name for name in names if name not in given]
    if missing:
        raise AttackError(
            f"--env names what is not set: {', '.join(missing)}; set it, or leave it out"
        )
    environment = {name: given[name] for name in (*_PASSED, *names) if name in given}
    roots = [project, project / "src"] if (project / "src").is_dir() else [project]
    environment |= {
        "HOME": str(home),
        "TMPDIR": str(home),
        "PYTHONPATH": os.pathsep.join(map(str, roots)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "NO_COLOR": "1",
    }
    return environment


@contextmanager
def sandbox(source: Path, *, env: Sequence[str] = (), limit: int = 256 << 20) -> Iterator[Sandbox]:
    """A sandbox with a copy of `source`, removed at the end. Errors: AttackError."""
    with tempfile.TemporaryDirectory(prefix="stockade-attack-", ignore_cleanup_errors=True) as name:
        root = Path(name).resolve()
        project, home, outside = root / "project", root / "home", root / "outside"
        for folder in (project, home, outside):
            folder.mkdir()
        _copy(source.resolve(), project, limit)
        environment = _environment(project, home, env)
        yield Sandbox(root, project, home, outside, root / "server.log", environment)
