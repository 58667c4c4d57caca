"""Programs of other languages: what passes leaves no mark where the interpreter itself runs it."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.core.inputs import Input, Source
from stockade.firewall.grammars.program_literals import literals_of
from stockade.firewall.grammars.program_values import acting_value
from tests.growth import growth

LANGUAGES = [
    "python", "perl", "ruby", "node", "php", "lua", "r", "awk", "jq", "sed", "sqlite",
    "postgresql", "mysql", "vim", "make",
]  # fmt: skip


def acts(text: str, language: str, *values: str) -> bool:
    items = [Input(Source.QUERY, "q", value) for value in values]
    return acting_value(text, language, items) is not None


ACTING = [
    ("python", "print('{}')", "x', 1, '"),
    ("python", "print('{}')", "a\nb"),
    ("python", "print(f'{}')", "{x}"),
    ("python", "print(f'{{x[1]}} {}')", "a b"),
    ("python", "x = {}", "a b"),
    ("python", "'''{}'''", "a''' b"),
    ("perl", 'print "{}"', "a@b.c"),
    ("perl", "print 'x' if /y/; print '{}'", "a b"),
    ("perl", "print q'{}'", "a b"),
    ("ruby", 'puts "{}"', "#{x}"),
    ("node", "x = `{}`", "a b"),
    ("php", 'echo "{}";', "$x y"),
    ("lua", "x = [[{}]]", "a b"),
    ("r", "r'({})'", "a b"),
    ("awk", "{ x = 1 / 2 } /{}/", "a b"),
    ("awk", 'BEGIN { "date {}" | getline }', ";x y"),
    ("jq", '.[] | select(.a == "{}")', "\\(env.X)"),
    ("jq", ".{}", "a, env"),
    ("sed", "s/a/{}/e", "; x"),
    ("sed", "s/a/b/;{}", "w x"),
    ("sed", "y/{}/ab/", "a/b"),
    ("sed", "s/[/{}/x]/", "a;b"),
    ("sqlite", "SELECT '{}'", "' OR 1"),
    ("postgresql", "SELECT '{}'", "\\' OR 1"),
    ("mysql", 'SELECT "{}"', "\\"),
    ("vim", "set {}", "a | b"),
    ("make", "{}", "$(x)"),
    ("make", "{}", "a|b"),
]  # fmt: skip
PASSING = [
    ("python", "print('{}')", "a; b"),
    ("python", 'print("{}", 1)', "it's"),
    ("python", "# {}\nprint(1)", "it's a; b"),
    ("python", "print(f'{}')", "a; b"),
    ("python", "print(rb'{}' % x)", "a b"),
    ("python", "print({})", "3.14"),
    ("perl", "print '{}'", "a@b.c $x"),
    ("ruby", "puts '{}'", "#{x}"),
    ("node", "x = '{}' // {}", "a @b"),
    ("php", "echo '{}';", "$x y"),
    ("lua", "x = '{}' -- z", "a b"),
    ("awk", '/{}/ && $2 > 1 { print "x" }', "a b;"),
    ("awk", '{ print $1/$2, "{}" }', "a b;"),
    ("jq", '.[] | select(.a == "{}")', "it's 50%; |"),
    ("sed", "/^{}$/d;s,x,y,g", "a; b"),
    ("sed", "1,3!s/x/{}/gI;$p", "w e; b"),
    ("sqlite", "SELECT '{}' -- {}", "a; b"),
    ("sqlite", "SELECT {} FROM t", "name, role"),
    ("postgresql", "SELECT $${}$$", "it's"),
    ("mysql", "SELECT '{}'", "a; b"),
    ("vim", "set {}", "number"),
    ("make", "{}", "it's (a) b"),
]


@pytest.mark.parametrize(("language", "template", "value"), ACTING)
def test_a_value_that_acts(language: str, template: str, value: str) -> None:
    assert acts(template.replace("{}", value), language, value)


@pytest.mark.parametrize(("language", "template", "value"), PASSING)
def test_a_value_that_does_not(language: str, template: str, value: str) -> None:
    assert not acts(template.replace("{}", value), language, value)


def test_quotes_alone_are_evidence_where_nothing_is_closed() -> None:
    assert acts("print(''' + 1')", "python", "'")
    assert not acts("print('a', 'b')", "python", "'")
    assert not acts("print('a', 'b')", "python", "', '")


REAL = {
    "awk": (["awk"], ['BEGIN { print "{}" }', 'BEGIN { x = 4 / 2; print "{}" # {}\n}',
                      "BEGIN { y = \"a\" ~ /{}/; print y }", "BEGIN { print {} }"]),
    "sed": (["sed"], ["s/a/{}/", "/{}/d", "1a {}", "s,{},b,;p", "{}p", "y/ab/{}/"]),
    "perl": (["perl", "-e"], ["print '{}'", 'print "{}"', "print {}; # {}\n", "print 'x' . '{}'"]),
    "python": ([sys.executable, "-ISc"], ["print('{}')", 'x = "{}" # {}', "x = '''{}'''", "print({})"]),
}  # fmt: skip
PIECES = {
    "awk": ["'", '"', "\\", "/", ";", "\n", "}", "{", 'system("touch mark")', "#", " ", "1", ")"],
    "sed": ["w mark", "e touch mark", "/", ",", "\n", ";", "\\", "}", "{", "1", " ", "#", "&", "p"],
    "perl": ["'", '"', "\\", ";", "`touch mark`", "@{[", "]}", "$", "#", "\n", " ", "1", ".", "'x'"],
    "python": ["'", '"', "\\", ";", "open('mark','w')", 'open("mark","w")', "#", "\n", " ", "1", "+"],
}  # fmt: skip


@pytest.mark.parametrize("language", REAL)
def test_what_passes_leaves_no_mark(language: str, tmp_path: Path) -> None:
    program, templates = REAL[language]
    if shutil.which(program[0]) is None:
        pytest.skip(f"no {program[0]} here")
    chosen = random.Random(3)
    (tmp_path / "notes").write_text("a\nb\n")
    passed = harmed = 0
    while passed < 60 or not harmed:
        value = "".join(chosen.choices(PIECES[language], k=chosen.randint(1, 6)))
        text = chosen.choice(templates).replace("{}", value)
        refused = acts(text, language, value)
        if (refused and harmed) or (passed >= 60 and not refused):
            continue
        passed += not refused
        subprocess.run(
            [*program, text, *(["notes"] if language == "sed" else [])],
            cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=20,
        )  # fmt: skip
        for mark in tmp_path.glob("mark*"):
            assert refused, (text, value)
            harmed += 1
            mark.unlink()


@given(
    st.sampled_from(LANGUAGES), st.text("ab'\"\\/#`{}[]%$@?*-<>=;\n rqsmyw1"), st.text(max_size=4)
)
def test_any_text_is_read(language: str, text: str, value: str) -> None:
    acts(text + value, language, value)
    if language != "make":
        spans, broken_at = literals_of(text, language)
        assert all(start <= end for start, end, _ in spans)
        assert spans == sorted(spans)
        assert -1 <= broken_at <= len(text)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "piece", ["'", '"a', "/", "[", "#\n", "\\", "s/", '"x"', "(", "f'", "a b "]
)
def test_a_longer_text_takes_time_in_proportion(language: str, piece: str) -> None:
    def work(size: int) -> None:
        acts(piece * (size // len(piece)), language, "x y", piece, piece * 9, "a b a")

    assert growth(work, 20_000) < 8
