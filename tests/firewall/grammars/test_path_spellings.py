"""Spellings: what kernels, shells and well-meaning applications make of a path."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.firewall.grammars.path_spellings import _homes, may_respell, normalise, spellings


@pytest.mark.parametrize(
    ("path", "normal"),
    [
        ("a//b/./c/", "a/b/c"),
        ("./a", "a"),
        ("././a", "a"),
        ("/./", "/"),
        ("//", "/"),
        ("/.//./a", "/a"),
        ("a/..//b", "a/../b"),
        ("..", ".."),
        ("a/.", "a"),
        ("", ""),
        (".", "."),
    ],
)
def test_normal_form(path: str, normal: str) -> None:
    assert normalise(path) == normal


@given(st.text("./ab"))
def test_the_normal_form_means_the_same_to_the_system(path: str) -> None:
    normal = normalise(path)
    assert normalise(normal) == normal
    assert "//" not in normal
    assert os.path.normpath("/r/" + normal) == os.path.normpath("/r/" + path)


@given(st.text("./\\%cC0aAeEfF25u;~$\0", max_size=60))
def test_what_does_not_change_is_not_respelt(value: str) -> None:
    found = spellings(value)
    assert found
    if not may_respell(value) and ".." not in value and value[:1] not in ("/", "."):
        assert not [text for text in found if text[:1] == "/" and value[:1] not in "\\;"]
    assert len(found) <= 100


def test_home_folders_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    _homes.cache_clear()
    spellings("~root/x")
    monkeypatch.setattr("pwd.getpwall", lambda: pytest.fail("looked up again"))
    assert os.path.expanduser("~root/x") in spellings("~root/x")
    assert spellings("~nobody-of-this-name/x") == ["~nobody-of-this-name/x"]
    _homes.cache_clear()
