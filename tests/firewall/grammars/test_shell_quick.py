"""The quick way is no less strict than the lexer: what it lets pass, the lexer lets pass too."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from stockade.core.inputs import InputLimits, Inputs, Source
from stockade.firewall.grammars import Finding
from stockade.firewall.grammars import shell as full
from stockade.firewall.grammars.shell import ShellGrammar
from stockade.firewall.grammars.shell_lexer import lex
from stockade.firewall.grammars.shell_programs import Script, handed_on
from stockade.firewall.grammars.shell_quick import hands_nothing_on, is_quoted, probes
from stockade.firewall.grammars.shell_values import Values
from tests.growth import growth

WORDS = (
    *"ab ;|&<>()$`\\\"'\n\t#~*?{}[]=-!.",
    "sh", "s'h'", "ba''sh", "eval", "ev\"al\"", "env", "su", "ls", "/bin/sh", "/x y/sh", "busybox",
    "-c", "ssh h", "<<E\n", "\nE\n", "&&", "$(", "'\"'\"'", "x y", "a;b", " 'a' ", ' "b" ', "case",
    "sh.exe", "\r", "ü", "\0", "trap", "[[", "\\\n",
)  # fmt: skip
TEXTS = st.lists(st.sampled_from(WORDS), max_size=12).map("".join)
VALUES = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map("".join)
PLACES = ["ls '{0}'", 'ls "{0}"', "ls '{0}' \"{1}\" '{0}'", "{1} '{0}'", "ls {1}; cat '{0}'", "{0}"]


def prepare(*values: str) -> tuple[Values, ...]:
    inputs = Inputs(InputLimits())
    for value in values:
        inputs.add(Source.QUERY, "q", value)
    return ShellGrammar().prepare(inputs)


def judge(text: str, prepared: Values) -> Finding | None:
    """The judgement of the lexer alone."""
    return full._Check(prepared, len(text)).judge(Script(text), prepared.occurring(text), 0)


@settings(max_examples=1_500, deadline=None)
@given(TEXTS, VALUES, TEXTS, st.sampled_from(PLACES))
@example("s'h' -c", "x y", "", "{1} '{0}'")
@example("", "/x y/sh", "", "ls '{0}'")
@example("# '", "a;b", "", "ls {1}; cat '{0}'")
def test_what_it_calls_quoted_the_lexer_calls_clean(
    before: str, value: str, after: str, place: str
) -> None:
    text = place.format(value, before) + after
    for prepared in prepare(value):
        hits = prepared.occurring(text)
        assume(hits)
        if not prepared.reaches(text) and is_quoted(text, [hit.value for hit in hits]):
            assert judge(text, prepared) is None


@settings(max_examples=1_500, deadline=None)
@given(TEXTS, VALUES)
@example("env x", "x")
@example("a\\\\\ne\\\nval x", "x")
@example("if :; then e\"v\"al 'a'; fi", "a")
@example("`s\\h -c 'a'`", "a")
def test_a_text_that_hands_nothing_on_holds_no_script(text: str, value: str) -> None:
    if hands_nothing_on(text) and "<<" not in text:
        assert list(handed_on(lex(text))) == []


@settings(max_examples=1_500, deadline=None)
@given(TEXTS, VALUES, st.sampled_from(PLACES))
def test_the_grammar_as_a_whole_decides_as_the_lexer_does(
    other: str, value: str, place: str
) -> None:
    text = place.format(value, other)
    for prepared in prepare(value):
        found = ShellGrammar().check(text, (prepared,))
        if not isinstance(found, Finding):
            assert judge(text, prepared) is None


@given(st.text(min_size=1, max_size=20))
def test_probes_stand_in_their_value(value: str) -> None:
    assert all(probe in value for probe in probes(value))


ORDINARY = [
    "convert 'a caption' \"{}\" out.png",
    "/usr/bin/convert -set title '{}' x.png",
    "cd /srv && grep -F '{}' notes | wc -l",
    'grep -F "{}" notes > out',
    "mail -s \"it's here\" '{}'",
]


@pytest.mark.parametrize("template", ORDINARY)
def test_the_ordinary_command_takes_the_quick_way(template: str) -> None:
    value = "Smith & Sons"
    assert is_quoted(template.format(value), [value])


NOT_QUICK = [
    ("ls '{}", "two words"),
    ("ls {}", "two words"),
    ("ls '{}' # it's", "two words"),
    ("s'h' -c '{}'", "two words"),
    ("env sh -c '{}'", "two words"),
    ("ls; eval '{}'", "two words"),
    ('ls "{}"', "two $words"),
    ('ls "$x {}"', "two words"),
    ("b'usy'box sh -c '{}'", "two words"),
    ("X=1 sh -c '{}'", "two words"),
    (" sh -c '{}'", "two words"),
]


@pytest.mark.parametrize(("template", "value"), NOT_QUICK)
def test_what_is_left_to_the_lexer(template: str, value: str) -> None:
    assert not is_quoted(template.format(value), [value])


@given(TEXTS.filter(bool))
def test_what_the_library_quotes_passes_either_way(value: str) -> None:
    for prepared in prepare(value):
        found = ShellGrammar().check(f"cat {shlex.quote('_' + value)} out", (prepared,))
        assert not isinstance(found, Finding)


SHAPES = [
    "'a'\"b\"",
    "'",
    '"',
    "a=",
    "A=",
    "PATH=",
    "sh ",
    "s'",
    "b'",
    " -x",
    "env ",
    "';",
    "'#",
    "\\'",
]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_longer_text_takes_time_in_proportion(shape: str) -> None:
    prepared = prepare("two words", "x; y", "'a'", "-x", "/x")

    def work(size: int) -> None:
        ShellGrammar().check(shape * (size // len(shape)) + "'two words'", prepared)

    assert growth(work, 4_000) < 8
