"""Shell commands: the shell itself is the oracle for what reaches a program as text."""

from __future__ import annotations

import shlex
import shutil
import subprocess

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stockade.core.inputs import InputLimits, Inputs, Source
from stockade.firewall.grammars import Finding
from stockade.firewall.grammars.shell import ShellGrammar
from stockade.firewall.grammars.shell_lexer import lex
from tests.growth import growth

PIECES = st.lists(
    st.sampled_from(
        [
            *"abx ;|&<>()$`\\\"'\n\t#~*?{}[]=-!",
            "$(",
            "${",
            "$((",
            "))",
            "<<E\n",
            "\nE\n",
            "&&",
            "||",
            "$'",
            "<<<",
            "<(",
            "((",
            "\\`",
            "\\'",
            '\\"',
            "'\"'\"'",
            "E",
            "\nE",
            "\\\n",
            "case x in x)",
            "esac",
            "${x:-'",
            "a[$(",
            "ü",
            "\r",
        ]
    ),
    max_size=8,
).map("".join)
TEMPLATES = [
    "printf '<%s>' {}",
    "printf '<%s>' '{}'",
    "printf '<%s>' \"{}\"",
    "printf '<%s>' a{}b",
    "printf '<%s>' \"$(printf %s '{}')\"",
    "printf '<%s>' \"`printf %s '{}'`\"",
    'printf \'<%s>\' "`printf %s "{}"`"',
    "printf '<%s>' \"${x:-}{}\"",
    "cat <<E\n<{}>\nE\n",
    "cat <<'E'\n<{}>\nE\n",
    "cat <<E\n<$(printf %s '{}')>\nE\n",
    "eval \"printf '<%s>' '{}'\"",
    "if :; then eval \"printf '<%s>' '{}'\"; fi",
    "trap \"printf '<%s>' '{}'\" EXIT",
    "sh <<'X'\nprintf '<%s>' '{}'\nX\n",
    "printf %s \"printf '<%s>' '{}'\" | sh",
    "sh -c \"printf '<%s>' '{}'\"",
    "printf '<%s>' $(printf %s {})",
    ": '((' $((1+(2))) '{}'; printf '<%s>' '{}'",
    "# it's\nprintf '<%s>' '{}' # '",
    "case x in x) printf '<%s>' '{}';; esac",
]
BARE = [template for template in TEMPLATES if "'{}'" not in template and '"{' not in template]
SHELLS = [shell for shell in ("/bin/sh", "/bin/bash") if shutil.which(shell)]


def check(text: str, *values: str) -> Finding | bool:
    inputs = Inputs(InputLimits())
    for value in values:
        inputs.add(Source.QUERY, "q", value)
    grammar = ShellGrammar()
    prepared = grammar.prepare(inputs)
    return grammar.check(text, prepared) if prepared else False


@given(st.one_of(st.text(max_size=40), PIECES))
def test_pieces_of_text_lie_in_order_and_do_not_meet(command: str) -> None:
    places = [place for piece in lex(command).literals for place in piece]
    assert places == sorted(set(places))
    assert all(0 <= place <= len(command) for place in places)


@settings(max_examples=300, deadline=None)
@given(PIECES, st.sampled_from(TEMPLATES), st.sampled_from(SHELLS))
@example("{a[$(", "printf '<%s>' \"`printf %s '{}'`\"", SHELLS[-1])
@example("{<(", 'printf \'<%s>\' "`printf %s "{}"`"', SHELLS[-1])
def test_a_value_that_passes_is_exactly_one_argument(value: str, template: str, shell: str) -> None:
    """The oracle is the shell: where the grammar sees no harm, the value is printed, no more."""
    if template in BARE:  # blanks at the ends of a value do not make a word more than one
        value = value.strip(" \t")
        if not value.strip(";&|()\n"):  # an operator alone sets off nothing of the request's
            return
    command = template.replace("{}", value)
    if not value or not isinstance(check(command, value), bool):
        return
    expected = f"<a{value}b>" if "a{}b" in template else f"<{value}>"
    done = subprocess.run(
        [shell, "-c", command],
        capture_output=True,
        timeout=5,
        check=False,
        cwd="/",
        env={"PATH": "/usr/bin:/bin"},
    )
    if "$(printf" in template or "`" in template:  # command substitution takes line breaks away
        expected = f"<{value.rstrip(chr(10))}>"
    if "$(printf %s {})" in template:
        expected = f"<{value.strip()}>"
    if template.startswith("cat"):
        expected += "\n"
    assert done.stdout.decode() == expected


def test_a_quoted_word_inside_a_value_that_is_quoted() -> None:
    value = "he said 'hi' to 'all'"
    assert isinstance(check(f"notify {shlex.quote(value)} now", value), bool)
    assert isinstance(check(f"notify '{value}' now", value), Finding)


@given(
    PIECES.filter(bool),
    st.sampled_from(["ls -l -- {} | wc", "cd /x && ls -- {}; true", "sh -c {}"]),
)
def test_what_the_library_quotes_passes(value: str, template: str) -> None:
    quoted = shlex.quote(value)
    if "sh -c" in template:  # quoted once for each shell
        quoted = shlex.quote(f"printf %s {quoted}")
    assert isinstance(check(template.format(quoted), value), bool)


EVIDENCE = [
    ("echo {} {} {}", ";", "cat", "/etc/hostname"),
    ("echo {}{}{}", "\n", "cat", " /etc/hostname"),
    ("echo {} sudo '{}'", ";", "id"),
    ("echo {} X=1 {}", "|", "sh"),
    ("echo hi {} {}", ">", "notes"),
    ("rm -rf {} /tmp/x", "*"),
    ("echo x {} | wc", "#"),
    ("echo {}HOME", "$"),
    ("echo '{}; {} {}'", "'", "id", "'"),
    ("cat <<END\n{}\n{}\nEND\n", "END", "id"),
    ("cat <<E\n$(echo {})\nE\n", "; id"),
    ("[[ '{}' -eq 1 ]]", "a[$(id)]"),
]


@pytest.mark.parametrize("case", EVIDENCE)
def test_values_that_harm_together_or_alone(case: tuple[str, ...]) -> None:
    template, *values = case
    assert isinstance(check(template.format(*values), *values), Finding)


HONEST = [
    ("cd /srv && grep -F '{}' notes", "&&"),
    ("cd /srv; ls '{}'", ";"),
    ("cd /srv; ls '{}'", "; "),
    ("ls -l {} | wc -l", "photos"),
    ("x=(1 2); ls '{}'\nls", "\n"),
    ("grep -F '{}' notes", ">"),
    ("grep -F '{}' notes", "*"),
    ("printf %s ''\"'\"'' > out; echo a", "'"),
    ("cat <<< '{}'\necho done", "two words"),
    ("cat <<EOF\n{}\nEOF", "two words; and more"),
    ("cat <<'EOF'\n{}\nEOF\n", "$5 `each`"),
    ("grep sh '{}'", "two words"),
    ("cat notes | grep 'sh' | grep -F '{}'", "a; b"),
    ("sh script.sh -c '{}'", "a; b"),
    ("echo eval '{}'", "a b"),
    ("sh -c 'echo \"$1\"' _ '{}'", "a; b"),
]


@pytest.mark.parametrize("case", HONEST)
def test_honest_values_beside_the_developers_own_syntax(case: tuple[str, ...]) -> None:
    template, *values = case
    assert isinstance(check(template.format(*values), *values), bool)


@pytest.mark.parametrize(
    "opening", ["((", "'", '"', "$", "`", "$(", "<<E\n", ";", "\\", "a=", "{", "`a"]
)
def test_longer_values_take_time_in_proportion(opening: str) -> None:
    def work(size: int) -> None:
        short, long = opening * (size // 2 // len(opening)), opening * (size // len(opening))
        for template in ("echo '{}'", "echo {}", 'eval "echo {}"', "cat <<X\n{}\nX\n"):
            check(template.format(long), short, long)

    assert growth(work, 10_000) < 8


@pytest.mark.parametrize("piece", ["eval ", "sh -c ", "| sh 'two words' "])
def test_more_nested_scripts_take_time_in_proportion(piece: str) -> None:
    assert growth(lambda size: check(piece * size + "'two words'", "two words"), 1_000) < 8
