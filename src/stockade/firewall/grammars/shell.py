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

A word that a value begins with a dash is an option, however it is quoted (`shell_options`), and a
value in a variable which programs obey is more than text (`shell_environment`).
"""

from __future__ import annotations

import mmap
import re
import shlex
import sys
from bisect import bisect_right
from collections import Counter

from stockade.core.inputs import Input, Inputs
from stockade.firewall.grammars import Finding
from stockade.firewall.grammars.program_rules import broken, is_judged
from stockade.firewall.grammars.shell_environment import decided_by, is_obeyed
from stockade.firewall.grammars.shell_lexer import KEYWORDS, Lexed, Word, assigns, lex
from stockade.firewall.grammars.shell_options import injected
from stockade.firewall.grammars.shell_programs import (
    WRAPPERS,
    Script,
    handed_on,
    program_name,
)
from stockade.firewall.grammars.shell_quick import hands_nothing_on, is_quoted
from stockade.firewall.grammars.shell_values import Values, prepared, sources

__all__ = ["ShellGrammar"]

_OPERATORS = re.compile(r"[;&|()\n]+\Z").match
_OPERATOR_RUN = re.compile(r"[;&|()\n \t]+").match
_MAX_NESTING = 8
_MAX_LENGTH = 32 * mmap.PAGESIZE if sys.platform == "linux" else 1 << 20
"""No system runs a longer command: MAX_ARG_STRLEN of Linux, ARG_MAX of macOS."""
_MAX_WORDS = 64
_FOREIGN = frozenset("\\'!\n")
"""What csh and fish read differently inside quotes."""


class ShellGrammar:
    """The rule for POSIX shells."""

    def prepare(self, inputs: Inputs) -> tuple[Values, ...]:
        """Values that hold a character which can act in some place of a command."""
        return prepared(inputs)

    def check(self, text: str, values: tuple[Values, ...]) -> Finding | bool:
        """The first value that is not wholly inside one piece of literal text."""
        ours = values[0]
        hits = ours.occurring(text)
        if (
            not (hits or ours.dashed or "=" in text or "<" in text or "\\" in text)
            and ('"' not in text or "'" not in text)
            and not sources(text)
        ):
            return False  # the ordinary case, and most of what is left of the cost
        if not ours.reaches(text):
            if not hits and not _rewrites(text):
                return False
            if hits and len(text) <= _MAX_LENGTH and is_quoted(text, [hit.value for hit in hits]):
                return True
        return _Check(ours, len(text)).judge(Script(text), hits, 0) or bool(hits)


def _rewrites(text: str) -> bool:
    """Whether a shell inside may be handed a value that is spelled differently here.

    Or a here-document, which a plain value may close.
    """
    if "<" in text and "<<" in text:
        return True
    if "\\" in text or ("'" in text and '"' in text and ('"\'"' in text or "'\"'" in text)):
        return not hands_nothing_on(text)
    return False


class _Check:
    """One command with all scripts in it; `left` bounds the work that nested scripts cost."""

    def __init__(self, values: Values, size: int) -> None:
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
        judged = any(is_judged(word.text) for word in lexed.words)
        if (judged or self.values.reaches(text)) and (
            finding := self._arguments(lexed)
        ) is not None:
            return finding
        return self._nested(lexed, depth)

    def _arguments(self, lexed: Lexed) -> Finding | None:
        """The first word that a value makes an option, or a variable which programs obey."""
        commands: dict[int, list[Word]] = {}
        for word in lexed.words:
            name, equals, content = word.text.partition("=")
            if (
                equals
                and is_obeyed(name)
                and (item := decided_by(content, self.values.names.values()))
            ):
                return Finding("argument.environment", _OBEYED, item, word.start, word.end)
            commands.setdefault(word.command, []).append(word)
        for words in commands.values():
            while words and (assigns(words[0].text) or words[0].text in KEYWORDS):
                del words[0]
            argv = [word.text for word in words]
            found = injected(argv, self.values.dashed)
            if found is not None:
                word = words[found[0]]
                return Finding("argument.option", _OPTION, found[1], word.start, word.end)
            breaks = broken(argv, self.values.all)
            if breaks is not None:
                word = words[breaks.place]
                return Finding(breaks.rule, breaks.reason, breaks.value, word.start, word.end)
        return None

    def _nested(self, lexed: Lexed, depth: int) -> Finding | None:
        for script in handed_on(lexed):
            if script in self.seen:
                continue
            self.seen.add(script)
            hits = self.values.occurring(script.text)
            if (hits or _rewrites(script.text) or self.values.reaches(script.text)) and (
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
            if (whole in word.text or spelling in word.text) and raw == shlex.quote(word.text):
                return word.end  # the value is a part of what was quoted, or of a script that was
        return -1

    def _wholes(self, item: Input) -> list[str]:
        """The values that hold `item`, itself included: as they came, without backslashes, or
        without the line breaks behind these.
        """
        if item.value not in self.wholes:
            found = [
                whole
                for whole in self.values.quoting
                if item.value in whole
                or item.value in whole.replace("\\", "")
                or item.value in whole.replace("\\\n", "").replace("\\", "")
            ]
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


_OPTION = "A value of this request becomes an option of a program."
_OBEYED = "A value of this request decides what a program obeys in its environment."
_REASONS = {
    "acts": "A value of this request acts as syntax of a shell command.",
    "crosses-quotes": "A value of this request ends a quoted string of a shell command.",
    "too-long": "A value of this request stands in a command longer or deeper than a shell runs.",
    "unparsable": "A value of this request stands in a shell command that cannot be parsed.",
}
