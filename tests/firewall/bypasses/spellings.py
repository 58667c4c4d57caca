"""Spellings of paths: what climbs, what is absolute, and what a service makes of either."""

from __future__ import annotations

import os
import urllib.request
from pathlib import Path
from urllib.parse import unquote

from tests.firewall.bypasses.model import Bypass
from tests.firewall.bypasses.sinks import read_below
from tests.firewall.bypasses.sources import (
    COOKIE,
    FILE_NAME,
    FORM,
    HEADER,
    JSON,
    MULTIPART,
    PATH,
    QUERY,
    WEBSOCKET,
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
        "climb",
        "open",
        QUERY,
        read_below,
        ("../secret.txt",),
        ("sub/../a.txt".replace("sub/../", ""),),
    ),
    Bypass("climb from below", "open", PATH, read_below, ("sub/../../secret.txt",), ("sub/b.txt",)),
    Bypass(
        "climb with empty segments",
        "open",
        FORM,
        read_below,
        ("..///./secret.txt",),
        ("sub//b.txt",),
    ),
    Bypass("climb behind a dot", "open", JSON, read_below, ("./../secret.txt",), ("./a.txt",)),
    Bypass(
        "climb at the end",
        "os.listdir",
        COOKIE,
        lambda w, v: str("secret.txt" in os.listdir(w.files / v) and w.secret.read_text()),
        ("..",),
        ("sub",),
    ),
    Bypass(
        "backslashes",
        "open",
        HEADER,
        lambda w, v: read_below(w, v.replace("\\", "/")),
        ("..\\secret.txt",),
        ("sub\\b.txt",),
    ),
    Bypass(
        "mixed slashes",
        "open",
        MULTIPART,
        lambda w, v: read_below(w, v.replace("\\", "/")),
        ("sub\\../..\\secret.txt",),
        ("sub\\b.txt",),
    ),
    Bypass(
        "name of an upload",
        "open",
        FILE_NAME,
        lambda w, v: str(Path(w.files / v).write_text("x")),
        ("../secret.txt",),
        ("it's 50%.txt",),
    ),
    Bypass(
        "name of an upload, once more encoded",
        "open",
        WEBSOCKET,
        lambda w, v: read_below(w, unquote(v)),
        ("%2e%2e%2fsecret.txt",),
        ("sub%2fb.txt",),
    ),
    Bypass(
        "path parameters",
        "open",
        PATH,
        lambda w, v: read_below(w, "/".join(s.partition(";")[0] for s in v.split("/"))),
        ("..;x=1/secret.txt",),
        ("sub;v=1/b.txt",),
    ),
    Bypass(
        "overlong slash",
        "open",
        QUERY,
        lambda w, v: read_below(w, v.replace("%c0%af", "/")),
        ("..%c0%afsecret.txt",),
        ("sub%c0%afb.txt",),
    ),
    Bypass(
        "home folder",
        "open",
        FORM,
        lambda w, v: (
            (
                Path(os.path.expanduser(v)).exists()
                and os.listdir(os.path.expanduser(v))
                and w.secret.read_text()
            )
            or ""
        ),
        ("~root",),
        ("files",),
    ),
    Bypass(
        "variable",
        "open",
        JSON,
        lambda w, v: (
            Path(os.path.expandvars(v)).read_text() and w.secret.read_text()
            if v[0] == "$"
            else read_below(w, v)
        ),
        ("$PWD/pyproject.toml",),
        ("a.txt",),
    ),
    Bypass(
        "address of a file", "urlopen", FORM, fetched, ("file:///etc/hostname",), ("data:,hello",)
    ),
    Bypass(
        "address of a file in capitals",
        "urlopen",
        QUERY,
        fetched,
        ("FILE://localhost/etc/hostname",),
        ("data:,hello",),
    ),
    Bypass(
        "address of a file in brackets",
        "urlopen",
        JSON,
        fetched,
        ("<URL:file:///etc/hostname>",),
        ("data:,hello",),
    ),
    Bypass(
        "address of a file, percent-encoded",
        "urlopen",
        COOKIE,
        fetched,
        ("file:///%65tc/hostname",),
        ("data:,hello",),
    ),
    Bypass(
        "address of a file in brackets with blanks",
        "urlopen",
        FORM,
        fetched,
        ("< URL: file:/etc/hostname >",),
        ("data:,hello",),
    ),
    Bypass(
        "address of a part of a file",
        "urlopen",
        JSON,
        fetched,
        ("file:///etc/hostname#top",),
        ("data:,hello",),
    ),
    Bypass(
        "absolute path with backslashes that are turned",
        "open",
        FORM,
        lambda w, v: joined(w, v.replace("\\", "/")),
        ("\\etc\\hostname",),
        ("a.txt",),
    ),
    Bypass(
        "folder of the code",
        "open",
        FORM,
        lambda w, v: joined(w, v, "/b.txt" if v == "sub" else "/pyproject.toml"),
        (str(Path(__file__).parents[3]),),
        ("sub",),
    ),
    Bypass("absolute path", "open", QUERY, joined, ("/etc/hostname",), ("a.txt",)),
    Bypass(
        "absolute path of the process", "open", FORM, joined, ("/proc/self/environ",), ("a.txt",)
    ),
    Bypass(
        "absolute path with two slashes", "open", HEADER, joined, ("//etc//./passwd",), ("a.txt",)
    ),
    Bypass(
        "absolute path that the service ends",
        "open",
        JSON,
        lambda w, v: joined(w, v, "/b.txt" if v == "sub" else "/passwd"),
        ("/etc",),
        ("sub",),
    ),
]
