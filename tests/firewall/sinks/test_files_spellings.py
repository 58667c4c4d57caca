"""Paths put together from values that the application changed first."""

from __future__ import annotations

import os
import re
import unicodedata
import urllib.request
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, unquote_to_bytes

import pytest

from stockade.core.errors import Blocked
from stockade.firewall.grammars.path_spellings import _homes
from tests.conftest import Request, Switch
from tests.firewall.sinks.conftest import (
    SECRET,
    by_bytes,
    by_open,
)


def by_code_point(match: re.Match[str]) -> str:
    return chr(int(match[1], 16))


def lenient_utf8(value: str) -> str:
    """What decoders make of it that do not ask for the shortest form, as old ones in C do."""
    text, rest = "", unquote_to_bytes(value)
    while rest:
        length = 1 if rest[0] < 0xC0 else 2 if rest[0] < 0xE0 else 3 if rest[0] < 0xF0 else 4
        point = rest[0] if length == 1 else rest[0] & (0xFF >> (length + 1))
        for byte in rest[1:length]:
            point = point << 6 | byte & 0x3F
        text, rest = text + chr(point), rest[length:]
    return text


@pytest.mark.parametrize(
    ("values", "path"),
    [
        (("./secret.txt",), ".{}"),
        ((".", "/secret.txt"), "{}.{}"),
        ((".",), "{0}{0}/secret.txt"),
        (("sub/.",), "{}./../secret.txt"),
        (("..",), "{}/secret.txt"),
        (("..", "secret.txt"), "{}/{}"),
    ],
)
def test_dots_that_meet(
    values: tuple[str, ...], path: str, root: Path, request_of: Request, firewall: Switch
) -> None:
    target = f"{root}/{path.format(*values)}"
    with request_of(*values):
        assert by_open(target) == SECRET
        with firewall("block"), pytest.raises(Blocked):
            by_open(target)


@pytest.mark.parametrize(
    ("value", "change"),
    [
        ("....//secret.txt", lambda v: v.replace("../", "")),
        ("/files/../secret.txt", lambda v: v.removeprefix("/files/")),
        ("../SECRET.TXT", str.lower),
        ("../secret.zip", lambda v: os.path.splitext(v)[0] + ".txt"),
        ("..\\secret.txt", lambda v: v.replace("\\", "/")),
        ("/../secret.txt", lambda v: v.lstrip("/")),
        ("x:../secret.txt", lambda v: v.split(":")[1]),
        ("..././secret.txt", lambda v: v.replace("../", "")),
        ("..././/secret.txt", lambda v: v.replace("./", "")),
        ("......///secret.txt", lambda v: v.replace("../", "").replace("../", "")),
        ("....\\\\secret.txt", lambda v: v.replace("..\\", "").replace("\\", "/")),
        ("..;/secret.txt", lambda v: re.sub(r";[^/]*", "", v)),
        ("..;x=1/secret.txt", lambda v: re.sub(r";[^/]*", "", v)),
        ("../secret.txt\0.png", lambda v: v.partition("\0")[0]),
        (".\0./secret.txt", lambda v: v.replace("\0", "")),
        ("%2e%2e%2fsecret.txt", unquote),
        ("..%2fsecret.txt", unquote),
        ("%252e%252e%252fsecret.txt", lambda v: unquote(unquote(v))),
        ("%2e%2e%5csecret.txt", lambda v: unquote(v).replace("\\", "/")),
        ("sub/..%00/../secret.txt", lambda v: unquote(v).replace("\0", "")),
        ("\uff0e\uff0e\uff0fsecret.txt", lambda v: unicodedata.normalize("NFKC", v)),
        ("\u2025/secret.txt", lambda v: unicodedata.normalize("NFKC", v)),
        ("\u2024\u2024/secret.txt", lambda v: unicodedata.normalize("NFKC", v)),
        ("%c0%ae%c0%ae%c0%afsecret.txt", lenient_utf8),
        ("%C0%AE%c0%ae/secret.txt", lenient_utf8),
        ("%e0%80%ae%e0%80%ae%e0%80%afsecret.txt", lenient_utf8),
        ("%f0%80%80%ae./secret.txt", lenient_utf8),
        ("sub/%c0%ae%c0%ae/../secret.txt", lenient_utf8),
        ("%u002e%u002e%u002fsecret.txt", lambda v: re.sub("%u(....)", by_code_point, v)),
        ("Li4vc2VjcmV0LnR4dA==", lambda v: b64decode(v).decode()),
    ],
    ids=range(30),
)
def test_a_climbing_value_that_the_application_changed_first(
    value: str,
    change: Callable[[str], str],
    root: Path,
    request_of: Request,
    firewall: Switch,
) -> None:
    with request_of(value):
        assert by_open(f"{root}/{change(value)}") == SECRET
        with firewall("block"), pytest.raises(Blocked):
            by_open(f"{root}/{change(value)}")


def test_the_path_of_a_file_address(root: Path, request_of: Request, firewall: Switch) -> None:
    path = str(root.parent / "secret.txt")
    with request_of(f"file://{path}"):
        assert by_open(path) == SECRET
        with firewall("block"), pytest.raises(Blocked):
            by_open(path)


def test_bytes_that_are_not_in_the_file_systems_encoding(
    root: Path, request_of: Request, firewall: Switch
) -> None:
    value = "é/../../secret.txt"
    os.mkdir(os.fsencode(root) + b"/\xe9")
    path = os.fsencode(root) + b"/" + value.encode("latin-1")
    with request_of(value):
        assert Path(os.fsdecode(path)).read_text() == SECRET
        with firewall("block"), pytest.raises(Blocked):
            by_bytes(os.fsdecode(path))


@pytest.mark.parametrize("address", ["file://{}", "file:{}", "file://localhost{}", "FILE://{}"])
def test_an_address_that_is_opened(
    address: str, root: Path, request_of: Request, firewall: Switch
) -> None:
    url = address.format(root.parent / "secret.txt")
    for value in (url, url.replace("secret", "%73ecret")):
        with request_of(value):
            with urllib.request.urlopen(value) as answer:
                assert answer.read().decode() == SECRET
            with firewall("block"), pytest.raises(Blocked):
                urllib.request.urlopen(value)


@pytest.mark.parametrize(
    ("value", "change"),
    [
        ("~/secret.txt", os.path.expanduser),
        ("~root/../{}/secret.txt", os.path.expanduser),
        ("$STOCKADE_TEST/secret.txt", os.path.expandvars),
        ("${{STOCKADE_TEST}}/secret.txt", os.path.expandvars),
        ("~/secret.txt", lambda v: str(Path(v).expanduser())),
    ],
    ids=range(5),
)
def test_a_value_that_is_expanded(
    value: str,
    change: Callable[[str], str],
    root: Path,
    request_of: Request,
    firewall: Switch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", str(root.parent))
    monkeypatch.setenv("STOCKADE_TEST", str(root.parent))
    _homes.cache_clear()
    value = value.format(root.parent)
    with request_of(value):
        assert by_open(change(value)) == SECRET
        with firewall("block"), pytest.raises(Blocked):
            by_open(change(value))
    _homes.cache_clear()


@pytest.mark.parametrize(
    "value", ["~", "~nobody-here/x", "$UNHEARD_OF/x", "file:", "%c0", "%u", ";", "a%00b"]
)
def test_spellings_of_nothing(
    value: str, root: Path, request_of: Request, firewall: Switch
) -> None:
    (root / value).write_text("hello") if "/" not in value else None
    with firewall("block"), request_of(value):
        assert by_open(f"{root}/a.txt") == "hello"
        if "/" not in value:
            assert by_open(f"{root}/{value}") == "hello"


def test_a_nul_byte_opens_nothing(root: Path, request_of: Request) -> None:
    with request_of("a\0b"), pytest.raises(ValueError, match="null byte"):
        by_open(f"{root}/a\0b")
