"""Shell commands: a value may be text inside one quoted string, or an ordinary bare word.

A script that is handed on to another shell (`sh -c '…'`, `eval …`, a here-document of `bash`, a
pipe into `sh`) is judged once more by itself, because the first shell removes the quotes that
protected a value in it. Not seen: a script that passes through a file, a variable or
`Popen(input=…)`; a here-document that only a value closes, or whose delimiter is one letter.

A value that is nothing but an operator (`;`, `&&`, a line break) also stands in commands that the
developer wrote. An operator only sets off what follows it, so it is evidence where another value of
the request names the command behind it or is a bare argument there. All other characters that act
(`>`, `*`, `$`, `#`, quotes …) do harm alone and are evidence wherever they act, save in a word that
is a value as `shlex.quote` spells it.
"""

from __future__ import annotations

import mmap
import re
import shlex
import sys
from bisect import bisect_right
from collections import Counter
from typing import NamedTuple

from stockade.core.inputs import Input, Inputs
from stockade.firewall.grammars import Finding
from stockade.firewall.grammars.shell_lexer import KEYWORDS, Lexed, Word, assigns, lex
from stockade.firewall.grammars.shell_programs import (
    WRAPPERS,
    Script,
    handed_on,
    program_name,
)

__all__ = ["ShellGrammar"]

# Characters that are ordinary anywhere in a word: a value of these alone cannot change a structure.
_PLAIN = re.compile(r"[\w.,/:@%+^-]*\Z").match
_ACTS_ALONE = frozenset(";|&$`'\"\n\r<>()*?~#\\")
_OPERATORS = re.compile(r"[;&|()\n]+\Z").match
_OPERATOR_RUN = re.compile(r"[;&|()\n \t]+").match
_NAMES = re.compile(r"\w").search
_MAX_NESTING = 8
_MAX_LENGTH = 32 * mmap.PAGESIZE if sys.platform == "linux" else 1 << 20
"""No system runs a longer command: MAX_ARG_STRLEN of Linux, ARG_MAX of macOS."""
_MAX_WORDS = 64
_FOREIGN = frozenset("\\'!\n")
"""What csh and fish read differently inside quotes."""


class _Values(NamedTuple):
    acting: list[Input]
    quoting: list[str]
    """Every value that holds a quote, blanks at its ends included."""
    names: dict[str, Input]
    """Every value that could be the name of something, plain ones too."""
    prefixes: tuple[str, ...]
    """The same, as `str.startswith` takes them."""

    def occurring(self, text: str) -> list[Input]:
        """The acting values in `text`, the longest first: they settle most, in fewest steps."""
        hits = [item for item in self.acting if item.value in text]
        return sorted(hits, key=lambda item: -len(item.value)) if len(hits) > 1 else hits


class ShellGrammar:
    """The rule for POSIX shells."""

    def prepare(self, inputs: Inputs) -> tuple[_Values, ...]:
        """Values that hold a character which can act in some place of a command."""
        # Blanks at its ends do not make a word more than one; a line break would.
        bare = {item.value.strip(" \t"): item for item in inputs}
        acting = [
            item._replace(value=value)
            for value, item in bare.items()
            if not _PLAIN(value) and (len(value) > 1 or value in _ACTS_ALONE)
        ]
        quoting = [item.value for item in inputs if "'" in item.value or '"' in item.value]
        names = {item.value.strip(): item for item in inputs if _NAMES(item.value)}
        return (_Values(acting, quoting, names, tuple(names)),) if acting or names else ()

    def check(self, text: str, values: tuple[_Values, ...]) -> Finding | bool:
        """The first value that is not wholly inside one piece of literal text."""
        hits = values[0].occurring(text)
        if not hits and "<<" not in text and not _rewrites(text):
            return False
        return _Check(values[0], len(text)).judge(Script(text), hits, 0) or bool(hits)


def _rewrites(text: str) -> bool:
    """Whether a shell inside may be handed a value that is spelled differently here."""
    return "\\" in text or '"\'"' in text or "'\"'" in text


class _Check:
    """One command with all scripts in it; `left` bounds the work that nested scripts cost."""

    def __init__(self, values: _Values, size: int) -> None:
        self.values = values
        self.left = 2 * size + 65_536
        self.seen: set[Script] = set()
        self.wholes: dict[str, list[str]] = {}

    def judge(self, script: Script, hits: list[Input], depth: int) -> Finding | None:
        text = script.text
        self.left -= len(text)
        if len(text) > _MAX_LENGTH or depth >= _MAX_NESTING or self.left < 0:
            return _finding("too-long", hits[0], 0, 0) if hits else None
        lexed = lex(text)
        for item in hits:
            if (finding := self._occurrences(text, lexed, item)) is not None:
                return finding
            if script.foreign and not _FOREIGN.isdisjoint(item.value):
                return _finding("unparsable", item, 0, 0)
        for delimiter, count in Counter(fed.delimiter for fed in lexed.fed).items():
            closes = self.values.names.get(delimiter)
            lines = rf"^\t*{re.escape(delimiter)}$"
            # The developer closes each here-document once: one line more is this value.
            if closes is not None and len(re.findall(lines, text, re.MULTILINE)) > count:
                return _finding("acts", closes, 0, 0)
        if hits and not lexed.complete:
            return _finding("unparsable", hits[0], 0, 0)
        return self._nested(lexed, depth)

    def _nested(self, lexed: Lexed, depth: int) -> Finding | None:
        for script in handed_on(lexed):
            if script in self.seen:
                continue
            self.seen.add(script)
            hits = self.values.occurring(script.text)
            if (hits or _rewrites(script.text)) and (
                finding := self.judge(script, hits, depth + 1)
            ):
                return finding
        return None

    def _occurrences(self, text: str, lexed: Lexed, item: Input) -> Finding | None:
        """The first occurrence that acts. Each piece of literal text is left in one step."""
        value, literals = item.value, lexed.literals
        quotes = "'" in value or '"' in value
        operator = _OPERATORS(value) is not None
        start = text.find(value)
        while start >= 0:
            end = start + len(value)
            index = bisect_right(literals, (start, len(text))) - 1
            literal_end = literals[index][1] if index >= 0 else 0
            if end <= literal_end:
                start = text.find(value, literal_end - len(value) + 1)
                continue
            if quotes and (excused := self._quoted(text, lexed.words, item, start)) >= end:
                start = text.find(value, excused - len(value) + 1)
            elif operator and not self._sets_off_a_value(lexed.words, end):
                run = _OPERATOR_RUN(text, end)
                start = text.find(value, run.end() if run else end)
            else:
                rule = "crosses-quotes" if start < literal_end else "acts"
                return _finding(rule, item, start, end)
        return None

    def _quoted(self, text: str, words: list[Word], item: Input, start: int) -> int:
        """Where the value ends that `shlex.quote` spelled here, as one word; -1 if none did.

        Only values that `item` is a part of: to excuse the quotes around others would let one
        value open what two of them close.
        """
        index = bisect_right(words, start, key=lambda word: word.start) - 1
        if index < 0 or words[index].end <= start:
            return -1
        word = words[index]
        raw = text[word.start : word.end]
        for whole in self._wholes(item):
            spelling = shlex.quote(whole)
            place = raw.rfind(spelling, 0, start - word.start + len(spelling))
            if place >= 0 and raw == word.text.replace(whole, spelling, 1):
                return word.start + place + len(spelling)
            if spelling in word.text and raw == shlex.quote(word.text):
                return word.end  # a script for another shell
        return -1

    def _wholes(self, item: Input) -> list[str]:
        """The values that hold `item`, itself included."""
        if item.value not in self.wholes:
            found = [whole for whole in self.values.quoting if item.value in whole]
            self.wholes[item.value] = found
        return self.wholes[item.value]

    def _sets_off_a_value(self, words: list[Word], position: int) -> bool:
        """Whether a value decides what the command behind `position` is."""
        first = bisect_right(words, position - 1, key=lambda word: word.start)
        if first == len(words):
            return False
        number = words[first].command
        command = [w for w in words[first : first + _MAX_WORDS] if w.command == number]
        if len(command) == _MAX_WORDS:
            return True
        while len(command) > 1 and (assigns(command[0].text) or command[0].text in KEYWORDS):
            del command[0]
        wrapped = program_name(command[0].text) in WRAPPERS
        return any(
            word.text.startswith(self.values.prefixes)
            for index, word in enumerate(command)
            if not index or wrapped or word.end - word.start <= len(word.text)
        )


def _finding(rule: str, value: Input, start: int, end: int) -> Finding:
    return Finding(f"shell.{rule}", _REASONS[rule], value, start, end)


_REASONS = {
    "acts": "A value of this request acts as syntax of a shell command.",
    "crosses-quotes": "A value of this request ends a quoted string of a shell command.",
    "too-long": "A value of this request stands in a command longer or deeper than a shell runs.",
    "unparsable": "A value of this request stands in a shell command that cannot be parsed.",
}
