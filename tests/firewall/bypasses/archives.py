"""Archives: members that would land, or lead, outside the folder they are unpacked to."""

from __future__ import annotations

import io
import shutil
import tarfile
import zipfile
from typing import Any

from tests.firewall.bypasses.model import Bypass
from tests.firewall.bypasses.sources import body
from tests.firewall.bypasses.world import World


def tar(*members: tuple[str, str, str]) -> bytes:
    """Members as (name, what it links to, kind of link); without a link a file."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for name, target, kind in members:
            member = tarfile.TarInfo(name)
            content = b"" if target else b"x"
            if target:
                member.type, member.linkname = getattr(tarfile, kind), target
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return made.getvalue()


def unpacked(world: World, content: bytes, *names: str) -> str:
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        archive.extractall(world.files, filter="fully_trusted")
    return "".join(
        (world.files / name).read_text() for name in names if (world.files / name).exists()
    )


def one_by_one(world: World, content: bytes) -> str:
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        for member in archive:
            archive.extract(member, world.files, filter="fully_trusted")
    return "done"


def by_shutil(world: World, content: bytes) -> str:
    file = world.folder / "upload.tar.gz"
    file.write_bytes(content)
    shutil.unpack_archive(file, world.files, filter="fully_trusted")
    return "done"


def by_hand(world: World, content: bytes) -> str:
    """What services write that do not trust `zipfile` with folders."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            with open(f"{world.files}/{name}", "wb") as file:
                file.write(archive.read(name))
    return "done"


def zipped(name: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(name, "x")
    return made.getvalue()


TAR = body("archive of tar", "application/gzip", lambda value: value, lambda content: [content])
ZIP = body("archive of zip", "application/zip", lambda value: value, lambda content: [content])
PLAIN: tuple[Any, ...] = (tar(("sub/c.txt", "", ""), ("sub/d", "c.txt", "SYMTYPE")),)

BYPASSES = [
    Bypass("member that climbs", "tarfile", TAR, unpacked, (tar(("../pwned", "", "")),), PLAIN),
    Bypass(
        "member that climbs, one by one",
        "tarfile",
        TAR,
        one_by_one,
        (tar(("sub/../../pwned", "", "")),),
        PLAIN,
    ),
    Bypass(
        "member behind a link",
        "tarfile",
        TAR,
        unpacked,
        (tar(("out", "..", "SYMTYPE"), ("out/pwned", "", "")),),
        PLAIN,
    ),
    Bypass(
        "link that leads outside",
        "tarfile",
        TAR,
        lambda w, c: unpacked(w, c, "link"),
        (tar(("link", "../secret.txt", "SYMTYPE")),),
        PLAIN,
    ),
    Bypass(
        "hard link to a file outside",
        "tarfile",
        TAR,
        lambda w, c: unpacked(w, c, "link"),
        (tar(("link", "../secret.txt", "LNKTYPE")),),
        PLAIN,
    ),
    Bypass("member that climbs", "shutil", TAR, by_shutil, (tar(("../pwned", "", "")),), PLAIN),
    Bypass(
        "member that the service writes",
        "open",
        ZIP,
        by_hand,
        (zipped("../pwned"),),
        (zipped("c.txt"),),
        out_of_reach="value parsed out of a file",
    ),
]
