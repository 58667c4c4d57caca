"""What a constant script makes of its parameters and variables: `sh -c 'eval "$1"' x VALUE`.

The script's own text holds no value, so each value is put where the script expands it, and what
comes out is judged: a script that `eval`, another shell or a pipe into one is handed, a list of
arguments, a text that bash's arithmetic evaluates. An assignment hands a value on under another
name; behind `shift` or `set`, every parameter may be each.

Not followed: what a command substitution prints, `read`, arrays, parts of a parameter
(`${1#…}` counts as the whole), a script in a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from stockade.firewall.grammars.shell_lexer import KEYWORDS, Lexed, Word, assigns, lex
from stockade.firewall.grammars.shell_programs import handed_on, parameters_of, scripts_of
from stockade.firewall.grammars.shell_quoting import UNKNOWN, unknown

__all__ = ["Evaluated", "evaluated", "variables_of"]

_NAMES = re.compile(r"[A-Za-z_]\w*", re.ASCII).findall
_MARK = re.compile(f"{UNKNOWN}([^{UNKNOWN}]+){UNKNOWN}")
_EXPANSION = re.compile(r"\$(?:\{[^}]*\}|\w+|[@*])")
_RENUMBERS = re.compile(r"(?<!\w)(?:shift|set|getopts)(?!\w)").search
_ARITHMETIC = re.compile(
    r"\(\(|\$\[|(?<!\w)(?:let|declare|typeset|local|unset)(?!\w)|printf\s+-v"
    r"|\s-(?:eq|ne|lt|le|gt|ge|v)\s|\$\{[^}]*[\[:]"
).search
_SUBSCRIPT = re.compile(r"\[.*(?:\$\(|\$\{|`)", re.DOTALL).search
_ALL = unknown("$@")
_MAX_DEPTH = 4
_MAX_VARIANTS = 32
_MAX_LENGTH = 1 << 17
_MAX_TEXTS = 256


class Evaluated(NamedTuple):
    """What a shell will make of a script: scripts of their own, or a program's arguments."""

    scripts: list[str]
    commands: list[tuple[list[str], frozenset[str]]]
    """Lists of arguments, and which of them stand in the script as they are."""


class _Scope(NamedTuple):
    parameters: Sequence[str]
    """`$0`, `$1` and so on."""
    variables: dict[str, str]

    def value(self, name: str) -> str:
        if name in ("@", "*"):
            return " ".join(self.parameters[1:])
        if name.isdigit():
            return self.parameters[int(name)] if int(name) < len(self.parameters) else ""
        return self.variables.get(name, "")

    def fill(self, text: str) -> str:
        """`text` with the values in place of what stands for them."""
        return _MARK.sub(lambda found: self.value(found[1]), text) if UNKNOWN in text else text


def variables_of(
    script: str, argv: Sequence[str], environment: Mapping[str, str]
) -> dict[str, str]:
    """What `script` may find in its environment, also by `env NAME=VALUE sh -c …`."""
    names = set(_NAMES(script))
    found = {name: value for name, value in environment.items() if name in names}
    for argument in argv:
        name, equals, value = argument.partition("=")
        if equals and name in names:
            found[name] = value
    return found


def evaluated(
    script: str, parameters: Sequence[str] = (), variables: Mapping[str, str] | None = None
) -> Evaluated:
    """What is to be judged beside the text of `script` itself.

    `parameters` are `$0`, `$1` and so on; `variables` what of the environment may be expanded.
    """
    found = Evaluated([], [])
    if "$" in script:
        _follow(script, _Scope(parameters, dict(variables or {})), found, 0)
    return found


def _follow(script: str, scope: _Scope, found: Evaluated, depth: int) -> None:
    if depth == _MAX_DEPTH or len(found.scripts) + len(found.commands) > _MAX_TEXTS:
        return
    lexed = lex(script)
    own = {each.text for each in handed_on(lexed)}
    for each in _variants(scope, script):
        _assign(lexed.words, each)
        if _ARITHMETIC(script):
            values = (*each.parameters, *each.variables.values())
            found.scripts.extend(f'"{value}"' for value in values if _SUBSCRIPT(value))
        _commands(script, lexed, each, found, depth)
        filled = Lexed(
            lexed.literals,
            [word._replace(text=each.fill(word.text)) for word in lexed.words],
            [fed._replace(text=_expanded(fed.text, each)) for fed in lexed.fed],
            lexed.piped,
            lexed.complete,
        )
        for inner in handed_on(filled):
            if inner.text not in own and not inner.foreign:
                found.scripts.append(inner.text)
                if "$" in inner.text:
                    _follow(inner.text, each, found, depth + 1)


def _variants(scope: _Scope, script: str) -> Iterator[_Scope]:
    """The parameters as they came, and where the script renumbers them, from each one on."""
    yield scope
    if _RENUMBERS(script):
        for shifted in range(1, min(len(scope.parameters), _MAX_VARIANTS)):
            yield _Scope((scope.parameters[0], *scope.parameters[shifted + 1 :]), scope.variables)


def _assign(words: Sequence[Word], scope: _Scope) -> None:
    """Hand on what assignments and `for` name anew."""
    for index, word in enumerate(words):
        name, equals, content = word.text.partition("=")
        if equals and name.isidentifier() and UNKNOWN in content:
            scope.variables[name] = scope.fill(content)[:_MAX_LENGTH]
        elif word.text == "for" and index + 2 < len(words):
            listed = [each.text for each in words[index + 3 :] if each.command == word.command]
            scope.variables[words[index + 1].text] = scope.fill(" ".join(listed) or unknown("$@"))


def _commands(script: str, lexed: Lexed, scope: _Scope, found: Evaluated, depth: int) -> None:
    commands: dict[int, list[Word]] = {}
    for word in lexed.words:
        commands.setdefault(word.command, []).append(word)
    for words in commands.values():
        while words and (assigns(words[0].text) or words[0].text in KEYWORDS):
            del words[0]
        if not any(UNKNOWN in word.text for word in words):
            continue
        argv: list[str] = []
        for word in words:
            argv += _arguments(word, scope, script)
        if len(first := _arguments(words[0], scope, script)) > 1 and words[0].text != _ALL:
            found.scripts.append(" ".join(first))  # a program with arguments, in one word
        own = frozenset(word.text for word in words if UNKNOWN not in word.text)
        found.commands.append((argv, own))
        for inner in scripts_of(argv):
            if inner.text not in own and not inner.foreign:
                found.scripts.append(inner.text)
            if "$" in inner.text:
                parameters = parameters_of(argv)
                _follow(inner.text, _Scope(parameters, scope.variables), found, depth + 1)


def _arguments(word: Word, scope: _Scope, script: str) -> list[str]:
    """The arguments that a word expands to: `"$@"` to each, what has no quotes to its words."""
    if word.text == _ALL:
        return list(scope.parameters[1:])
    filled = scope.fill(word.text)
    raw = script[word.start : word.end]
    return filled.split() if UNKNOWN in word.text and '"' not in raw else [filled]


def _expanded(text: str, scope: _Scope) -> str:
    """A here-document with its parameters."""
    return _EXPANSION.sub(lambda found: scope.fill(unknown(found[0])), scope.fill(text))
