"""Files by other ways than `open`: listed, moved, removed, linked, matched."""

from __future__ import annotations

import glob
import os
import shutil
import urllib.request
from pathlib import Path

from tests.firewall.bypasses.model import Bypass
from tests.firewall.bypasses.sinks import read_below
from tests.firewall.bypasses.sources import (
    BASIC,
    COOKIE,
    FORM,
    HEADER,
    JSON,
    JSON_KEY,
    MULTIPART,
    PATH,
    QUERY,
)
from tests.firewall.bypasses.world import World


def proof(world: World, content: str | bytes) -> str:
    """A file of the system that was read stands for the secret."""
    return world.secret.read_text() if content else ""


def fetched(world: World, address: str) -> str:
    with urllib.request.urlopen(address) as answer:
        content = answer.read()
    return content.decode() if address.startswith("data:") else proof(world, content)


def joined(world: World, name: str, end: str = "") -> str:
    content = Path(os.path.join(world.files, name + end)).read_bytes()
    return proof(world, content) if name[0] == "/" else content.decode()


def through_link(world: World, target: str) -> str:
    os.symlink(target, world.files / "link")
    return read_below(world, "link")


def with_link(world: World, name: str) -> str:
    """A link of somebody else's stands among the files."""
    os.symlink("../secret.txt", world.files / "link")
    return read_below(world, name)


def inside(world: World, folder: str, name: str) -> str:
    before = os.getcwd()
    os.chdir(world.files)
    try:
        os.chdir(folder)
        return Path(name).read_text()
    finally:
        os.chdir(before)


def by_descriptor(world: World, name: str) -> str:
    folder = os.open(world.files, os.O_RDONLY)
    try:
        file = os.open(name, os.O_RDONLY, dir_fd=folder)
        with open(file) as opened:
            return opened.read()
    finally:
        os.close(folder)


BYPASSES = [
    Bypass(
        "root of the process",
        "os.scandir",
        PATH,
        lambda w, v: (
            [e.name for e in os.scandir(v)] and w.secret.read_text() if v[0] == "/" else ""
        ),
        ("/proc/self/root/etc",),
        ("a.txt",),
    ),
    Bypass(
        "pattern",
        "glob",
        QUERY,
        lambda w, v: [Path(p).read_text() for p in glob.glob(f"{w.files}/{v}")],
        ("../secret.*",),
        ("*.txt".replace("*", "a"),),
    ),
    Bypass(
        "pattern of pathlib",
        "glob",
        FORM,
        lambda w, v: [p.read_text() for p in w.files.glob(v)],
        ("../secret.*",),
        ("a.*",),
    ),
    Bypass(
        "copy",
        "shutil",
        JSON_KEY,
        lambda w, v: Path(shutil.copy(w.files / v, w.folder / "copy")).read_text(),
        ("../secret.txt",),
        ("a.txt",),
    ),
    Bypass(
        "move",
        "os.rename",
        FORM,
        lambda w, v: os.rename(w.files / v, w.folder / "moved"),
        ("../secret.txt",),
        ("a.txt",),
    ),
    Bypass(
        "removal",
        "os.remove",
        PATH,
        lambda w, v: os.remove(w.files / v),
        ("../secret.txt",),
        ("a.txt",),
    ),
    Bypass(
        "symbolic link",
        "os.symlink",
        JSON,
        through_link,
        ("../secret.txt",),
        ("a.txt",),
    ),
    Bypass(
        "change of folder",
        "os.chdir",
        BASIC,
        inside,
        ("..", "secret.txt"),
        ("sub", "b.txt"),
    ),
    Bypass(
        "folder as a descriptor",
        "os.open",
        MULTIPART,
        by_descriptor,
        ("../secret.txt",),
        ("a.txt",),
    ),
    Bypass(
        "base as given",
        "pathlib",
        HEADER,
        lambda w, v: w.files.joinpath(v).read_text(),
        ("../secret.txt",),
        ("a.txt",),
    ),
    Bypass(
        "path resolved and not checked",
        "open",
        COOKIE,
        lambda w, v: Path(os.path.realpath(w.files / v)).read_text(),
        ("../secret.txt",),
        ("a.txt",),
        out_of_reach="path resolved and not checked",
    ),
    Bypass(
        "link that stands there",
        "open",
        QUERY.__class__("query of a link", QUERY.send, QUERY.read),
        with_link,
        ("link",),
        ("a.txt",),
        out_of_reach="dangerous valid token",
    ),
]
