"""The rule for paths, without a file system: what is judged, what is learned, how long it takes."""

from __future__ import annotations

import os
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.core.inputs import InputLimits, Inputs, Source
from stockade.firewall.grammars import Finding
from stockade.firewall.grammars.path import PathGrammar
from tests.growth import growth

SEGMENTS = ["..", ".", "...", "a", "b.txt", "..h", "", "etc", "srv", "A", "x.", "\\", "é", "passwd"]


def judge(path: str, *values: str, grammar: PathGrammar | None = None) -> str:
    inputs = Inputs(InputLimits())
    for value in values:
        inputs.add(Source.QUERY, "q", value)
    grammar = grammar or PathGrammar()
    found = grammar.check(path, grammar.prepare(inputs))
    return found.rule if isinstance(found, Finding) else ""


@pytest.mark.parametrize(
    ("path", "value", "rule"),
    [
        ("/srv/../etc/passwd", "../etc/passwd", "path.climbs"),
        ("/srv/x/../../etc/passwd", "x/../../etc/passwd", "path.climbs"),
        ("/srv/..//etc/passwd", "../etc/passwd", "path.climbs"),
        ("/etc/passwd", "/etc/passwd", "path.absolute"),
        ("//etc/./passwd", "/etc/passwd", "path.absolute"),
        ("/./etc/passwd", "/etc/passwd", "path.absolute"),
        ("/etc/passwd.png", "/etc/passwd", "path.absolute"),
        ("/", "/", "path.absolute"),
        ("//", "/", "path.absolute"),
        ("/.", "/.", "path.absolute"),
        ("/srv//etc/passwd", "/etc/passwd", ""),
        ("/srv/etc/passwd", "/", ""),
        ("/etcetera", "/etc", ""),
        ("/srv/a..b", "a..b", ""),
        ("/srv/..hidden", "..hidden", ""),
        ("/srv/...", "...", ""),
        ("etc/passwd", "/etc/passwd", ""),
        ("", "", ""),
        (".", ".", ""),
    ],
)
def test_verdicts(path: str, value: str, rule: str) -> None:
    assert judge(path, value) == rule


def test_the_developers_own_dots_are_learned_from_clean_requests() -> None:
    grammar = PathGrammar()
    assert judge("/app/pkg/../static/x", "..", grammar=grammar) == "path.climbs"
    assert judge("/app/pkg/../static/a.css", "a.css", grammar=grammar) == ""
    assert judge("/app/pkg/../static/x", "..", grammar=grammar) == ""
    assert judge("/app/pkg/../static/../x", "..", grammar=grammar) == "path.climbs"


def test_what_is_learned_is_bounded() -> None:
    grammar = PathGrammar()
    for number in range(2_000):
        judge(f"/app/{number}/../x", grammar=grammar)
    assert len(grammar._own) <= 256


@pytest.mark.parametrize("seed", range(5))
def test_a_value_that_is_joined_and_leads_outside_is_found(seed: int) -> None:
    """The kernel's view as the oracle: joined below a folder, what leads outside is refused."""
    chance = random.Random(seed)
    outside = 0
    for _ in range(2_000):
        value = "/".join(chance.choices(SEGMENTS, k=chance.randint(1, 6)))
        path = os.path.join("/srv/files", value)
        if os.path.normpath(path).startswith("/srv/files"):
            continue
        outside += 1
        assert judge(path, value), (path, value)
    assert outside > 100


@given(st.text(), st.lists(st.text(max_size=30), max_size=5))
def test_no_path_breaks_it(path: str, values: list[str]) -> None:
    judge(path, *values)


@given(st.text("./\\a~$%;\0cCeEaAfF0 file:", max_size=40), st.text("./\\a~$%;\0", max_size=40))
def test_no_path_of_its_own_signs_breaks_it(path: str, value: str) -> None:
    judge(path, value)
    judge(path + value, value)


@pytest.mark.parametrize(
    "part",
    ["../", "./", "/", "..", "a/", "....//", "..;/", "%c0%ae", "\\", "\0", "/./", "~/", "$a"],
)
def test_longer_values_take_time_in_proportion(part: str) -> None:
    def work(size: int) -> None:
        text = (part * size)[:size]
        inputs = Inputs(InputLimits())
        inputs.add(Source.QUERY, "q", text)
        grammar = PathGrammar()
        values = grammar.prepare(inputs)
        for path in ("/srv/" + text, "/srv/x", text, text[1:], "/" + "a/../" * (size // 5)):
            grammar.check(path, values)

    assert growth(work, 4_000) < 8
