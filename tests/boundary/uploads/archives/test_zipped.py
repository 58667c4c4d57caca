"""Zips that two programs read differently are refused."""

from __future__ import annotations

import stat
import struct
import zipfile

import pytest

from tests.boundary.uploads import bombs
from tests.boundary.uploads.conftest import Refusal
from tests.boundary.uploads.unpacking import CONTRACT, zip_entry, zip_of


def _ambiguous() -> dict[str, bytes]:
    honest = zip_of(("a.txt", b"hello"))
    other = zip_of(("evil.txt", b"owned"))
    end = honest.index(b"PK\x05\x06")
    central = honest.index(b"PK\x01\x02")
    encrypted = bytearray(honest)
    encrypted[6] |= 1
    encrypted[central + 8] |= 1
    names = honest.replace(b"a.txt", b"b.txt", 1)
    comment = honest[: end + 20] + struct.pack("<H", len(other)) + other
    method = bytearray(bombs.zipped({"a": b"b" * 100}, zipfile.ZIP_BZIP2))
    return {
        "two in a row": honest + other,
        "another in the comment": comment,
        "bytes before": b"%PDF-1.7\n" + honest,
        "bytes after": honest + b"<script>",
        "two names": names,
        "encrypted": bytes(encrypted),
        "wrong checksum": honest.replace(b"hello", b"hullo"),
        "other method": bytes(method),
        "hidden member": _naming(1, 3),
        "hidden first member": _naming(2, 3),
        "other checksum in front": honest[:14] + b"\x00" + honest[15:],
        "bytes behind the directory": honest[:end] + b"<script>" + honest[end:],
        "cut": honest[:-4],
    }


def _naming(*listed: int) -> bytes:
    """A zip of three members in a row, of which the directory names those."""
    whole = zip_of(("a", b"1"), ("b", b"2"), ("c", b"3"))
    central = whole.index(b"PK\x01\x02")
    entries = whole[central : whole.index(b"PK\x05\x06")].split(b"PK\x01\x02")
    kept = b"".join(b"PK\x01\x02" + entries[number] for number in listed)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 2, 2, len(kept), central, 0)
    return whole[:central] + kept + end


@pytest.mark.parametrize("name", _ambiguous())
def test_what_two_programs_read_differently(name: str, refusal: Refusal) -> None:
    content = _ambiguous()[name]
    expected = "type" if name == "bytes before" else "archive-malformed"
    assert refusal(CONTRACT, content) == expected


@pytest.mark.parametrize("mode", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFSOCK])
def test_links_and_devices_in_zips(mode: int, refusal: Refusal) -> None:
    assert refusal(CONTRACT, zip_of((zip_entry("x", mode | 0o777), b"/etc"))) == "archive-link"
