"""Check the lock files: each pin has hashes, each wish a pin, and none names a place to fetch from.

Whoever installs decides where packages come from; the hashes decide what they are.
"""

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
REQUIREMENTS = ROOT / "requirements"
PIN = re.compile(
    r"(?P<name>[\w.-]+)==(?P<version>[^\s;]+)(?: ; [^\\]+)?(?: --hash=sha256:[0-9a-f]{64})+"
)


def wishes(source: Path) -> Iterator[Requirement]:
    """What a lock must answer: its .in file; for dev.txt the package with all extras as well."""
    for line in source.read_text("utf-8").splitlines():
        if wish := line.partition("#")[0].strip():
            yield Requirement(wish)
    if source.stem == "dev":
        pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
        project = pyproject["project"]
        for group in (
            pyproject["build-system"]["requires"],
            project["dependencies"],
            *project["optional-dependencies"].values(),
        ):
            yield from map(Requirement, group)


def faults(lock: Path) -> Iterator[str]:
    pins = {}
    for line in re.sub(r" *\\\n *", " ", lock.read_text("utf-8")).splitlines():
        if pin := PIN.fullmatch(line.strip()):
            pins[canonicalize_name(pin["name"])] = pin["version"]
        elif line.strip():
            yield f"not a pin with its hashes: {line[:60]}"
    for wish in wishes(lock.with_suffix(".in")):
        name = canonicalize_name(wish.name)
        if name == "stockade":
            continue
        if name not in pins:
            yield f"{name} is asked for and not locked: run make lock"
        elif not wish.specifier.contains(pins[name]):
            yield f"{name} is locked at {pins[name]}, asked for as {wish}: run make lock"


def main() -> int:
    locks = sorted(REQUIREMENTS.glob("*.txt"))
    failures = [f"{lock.name}: {fault}" for lock in locks for fault in faults(lock)]
    for failure in failures:
        print(f"error: {failure}", file=sys.stderr)
    if not failures:
        print(f"Locks: {', '.join(lock.name for lock in locks)} pinned by hash")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
