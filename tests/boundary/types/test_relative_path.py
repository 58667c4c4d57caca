"""A `RelativePath` stays below the folder it is joined to."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.boundary import RelativePath
from tests.boundary.types.conftest import REFUSED, verdict


def test_a_file_outside_is_reached_with_str_and_not_with_relative_path(tmp_path: Path) -> None:
    folder = tmp_path / "public"
    (folder / "a").mkdir(parents=True)
    (folder / "a/b.txt").write_text("open")
    (tmp_path / "secret").write_text("hidden")
    assert (folder / "a/../../secret").read_text() == "hidden"
    assert verdict(RelativePath, "a/../../secret") is REFUSED
    assert (folder / verdict(RelativePath, "a/b.txt")).read_text() == "open"


@pytest.mark.parametrize(
    "value",
    ["", "/a", "a/", "a//b", "./a", "a/.", "..", "a\\b", "C:/x", "a/\x00", "~/a", "a/%2e%2e/b", ".git/x",
     "a/con/b", "/".join("a" * 17)],
)  # fmt: skip
def test_no_paths(value: str) -> None:
    assert verdict(RelativePath, value) is REFUSED


@given(st.text(st.sampled_from("ab./\\~%2e :") | st.characters(), max_size=30))
def test_what_is_taken_stays_below(value: str) -> None:
    path = verdict(RelativePath, value)
    if path is not REFUSED:
        root = Path("/root")
        assert root in (root / path).parents
        assert ".." not in Path(path).parts
