"""Files that are read: what is read decides, with the firewall off and on."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from stockade.core.errors import Blocked
from tests.conftest import Request, Switch
from tests.firewall.sinks.conftest import (
    SECRET,
    by_bytes,
    by_copy,
    by_descriptor,
    by_folder_descriptor,
    by_open,
    by_path_like,
    by_pathlib,
)


@pytest.mark.parametrize(
    "read",
    [by_open, by_pathlib, by_descriptor, by_folder_descriptor, by_copy, by_bytes, by_path_like],
)
@pytest.mark.parametrize(
    "climb",
    [
        "../secret.txt",
        "sub/../../secret.txt",
        "..//secret.txt",
        ".././secret.txt",
        "sub/..//./../secret.txt",
    ],
)
def test_a_secret_is_read_without_and_kept_with_the_firewall(
    read: Callable[[str], str], climb: str, root: Path, request_of: Request, firewall: Switch
) -> None:
    with request_of(climb):
        assert read(f"{root}/{climb}") == SECRET
        with firewall("block"), pytest.raises(Blocked):
            read(f"{root}/{climb}")


def test_an_absolute_value_is_refused(root: Path, request_of: Request, firewall: Switch) -> None:
    value = str(root.parent / "secret.txt")
    with request_of(value):
        assert by_open(os.path.join(root, value)) == SECRET
        with firewall("block"), pytest.raises(Blocked):
            by_open(os.path.join(root, value))


@pytest.mark.parametrize("value", ["a.txt", "sub/b.txt", "./a.txt", "sub//b.txt", "/a.txt"])
def test_names_below_the_folder_pass(
    value: str, root: Path, request_of: Request, firewall: Switch
) -> None:
    with firewall("block"), request_of(value):
        assert by_open(f"{root}/{value}") in {"hello", "below"}


def test_a_path_that_was_resolved_and_checked_passes(
    root: Path, request_of: Request, firewall: Switch
) -> None:
    value = "sub/../a.txt"
    with firewall("block"), request_of(value):
        path = (root / value).resolve()
        assert path.is_relative_to(root)
        assert path.read_text() == "hello"
