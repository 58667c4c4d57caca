"""Quotes and expansions of the POSIX shell (IEEE 1003.1, 2.2 and 2.6): where text is only text.

Shells differ in the corners of expansions (arithmetic or a subshell, quotes inside `${…}`). Such a
corner makes a command incomplete: what two shells read differently is not known to be safe.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["UNKNOWN", "Fed", "Pending", "Quoting", "Word", "unknown"]

_DOUBLE_TEXT = re.compile(r'[^"$`\\]+').match
_HERE_TEXT = re.compile(r"[^$`\\]+").match
_BACKTICKS = re.compile(r"`((?:[^`\\]++|\\.)*+)`", re.DOTALL).match
_NESTED = re.compile(r"[$<>]\(|\$[{\['\"]").search
_ESCAPE = {
    False: re.compile(r"\\([\\`$])"),
    True: re.compile(r'\\([\\`$"])'),
}
# No quote and no nested command: then every shell that has arithmetic reads it as arithmetic.
_ARITHMETIC = re.compile(
    r"(?:[\w\s+\-*/%<>=!&|^~?:,.$]++|(?<!\$)\([\w\s+\-*/%<>=!&|^~?:,.$]*+\))*+"
).match
_ANSI_C = re.compile(r"(?:[^'\\]++|\\.)*+'", re.DOTALL).match
_NAME = re.compile(r"[^\W\d]\w*|[0-9@*#?$!-]", re.ASCII).match
_BRACED_PLAIN = re.compile(r"[^{}'\"\\`$]+").match
_BRACED_QUOTED = re.compile(r"'[^']*'|\"[^\"\\`$]*\"|\\.", re.DOTALL).match
UNKNOWN = "\0"
"""Stands in a word for what an expansion will yield; a word with it is no known name.

Where it is a parameter that is expanded, the name follows, and the mark once more.
"""
_PARAMETER = re.compile(
    r"\$(?:\{([A-Za-z_]\w*|\d+|[@*])(?:[:=?+#%/^,-][^}]*)?\}|([A-Za-z_]\w*|[\d@*]))"
)


def unknown(expansion: str) -> str:
    """What stands in a word for an expansion such as `$1`, `${name:-x}` or `$(…)`."""
    found = _PARAMETER.fullmatch(expansion)
    return f"{UNKNOWN}{found[1] or found[2]}{UNKNOWN}" if found else UNKNOWN


class Word(NamedTuple):
    """A word after quote removal, its place, and the number of the simple command it is in."""

    text: str
    start: int
    end: int
    command: int


class Fed(NamedTuple):
    """A here-document or here-string: its text, the command that reads it, its delimiter."""

    text: str
    command: int
    delimiter: str


class Pending(NamedTuple):
    """A here-document whose body begins behind the next line break."""

    delimiter: str
    strips_tabs: bool
    quoted: bool
    command: int


class Quoting:
    """The state of a lexer and its reading of everything that is quoted or expanded."""

    def __init__(self, text: str, numbers: Iterator[int] | None = None) -> None:
        self.text = text
        self.size = len(text)
        self.literals: list[tuple[int, int]] = []
        self.words: list[Word] = []
        self.fed: list[Fed] = []
        self.piped: set[int] = set()
        self.pending: list[Pending] = []
        self.complete = True
        self.numbers = numbers if numbers is not None else itertools.count()

    def commands(self, position: int, closer: str = "") -> int:
        """Lex a list of commands up to `closer`; the position behind it."""
        raise NotImplementedError

    def literal(self, start: int, end: int) -> None:
        """Text without effect. Pieces that touch are one: between others stands what divides."""
        if end <= start:
            return
        if self.literals and self.literals[-1][1] == start:
            start = self.literals.pop()[0]
        self.literals.append((start, end))

    def give_up(self) -> int:
        """Nothing from here on is known."""
        self.complete = False
        return self.size

    def single_quoted(self, position: int) -> int:
        """The position behind a `'…'`."""
        end = self.text.find("'", position + 1)
        if end < 0:
            return self.give_up()
        self.literal(position + 1, end)
        return end + 1

    def double_quoted(self, position: int) -> tuple[int, str]:
        """The position behind a `"…"`, and its text."""
        return self._expanding(position + 1, '"')

    def here_body(self) -> None:
        """All of the text is the body of a here-document in which expansions act."""
        self._expanding(0, "")

    def _expanding(self, position: int, closer: str) -> tuple[int, str]:
        pieces: list[str] = []
        plain = _DOUBLE_TEXT if closer else _HERE_TEXT
        while position < self.size:
            if run := plain(self.text, position):
                self.literal(position, run.end())
                pieces.append(run[0])
                position = run.end()
                continue
            character = self.text[position]
            following = self.text[position + 1 : position + 2]
            if character == closer:
                return position + 1, "".join(pieces)
            if character in "$`":
                start, position = position, self.expansion(position, quoted=True)
                pieces.append(unknown(self.text[start:position]))
            elif following and following in f"$`\\\n{closer}":
                pieces.append(following.strip("\n"))
                position += 2
            else:
                self.literal(position, position + 1)
                pieces.append(character)
                position += 1
        self.complete = self.complete and not closer
        return self.size, "".join(pieces)

    def expansion(self, position: int, *, quoted: bool) -> int:
        """The position behind a `$…` or backtick construct.

        It acts as a whole, save for literal text in the commands that it runs.
        """
        if self.text[position] == "`":
            return self._backticks(position, quoted=quoted)
        following = self.text[position + 1 : position + 2]
        if self.text.startswith("((", position + 1):
            run = _ARITHMETIC(self.text, position + 3)
            end = run.end() if run else position
            return end + 2 if self.text.startswith("))", end) else self.give_up()
        if following == "(":
            return self._substitution(position + 2)
        if following == "{":
            return self._braced(position + 2, quoted=quoted)
        if following == "'" and not quoted:  # $'…' has escapes, or none: shells differ
            closed = _ANSI_C(self.text, position + 2)
            if closed is None or "\\" in closed[0]:
                return self.give_up()
            return closed.end()
        name = _NAME(self.text, position + 1)
        return name.end() if name else position + 1

    def _substitution(self, position: int) -> int:
        before = len(self.pending)
        end = self.commands(position, ")")
        # Shells differ in where a here-document begins that such a parenthesis cuts in two.
        if len(self.pending) != before or (before and "\n" in self.text[position:end]):
            self.complete = False
        return end

    def _backticks(self, position: int, *, quoted: bool) -> int:
        """They end at the first backtick without a backslash, whatever quotes are open inside."""
        found = _BACKTICKS(self.text, position)
        if found is None:
            return self.give_up()
        if quoted and _NESTED(found[1]):
            self.complete = False  # bash looks for the end of these first, even inside '…'
        content = _ESCAPE[quoted].sub(r"\1", found[1])
        inner = type(self)(content, self.numbers)
        inner.commands(0)
        self.embed(inner, position + 1, exact=content == found[1] and "\\" not in content)
        return found.end()

    def embed(self, inner: Quoting, offset: int, *, exact: bool) -> None:
        """Take over what was found in a part of the text; where its places are not exact, as empty.

        A word that ends where it starts is none that stands in the text as it was read.
        """
        if exact:
            for start, end in inner.literals:
                self.literal(start + offset, end + offset)
        for word in inner.words:
            start = word.start + offset
            self.words.append(word._replace(start=start, end=word.end + offset if exact else start))
        self.fed += inner.fed
        self.piped |= inner.piped
        self.complete = self.complete and inner.complete and not inner.pending

    def _braced(self, position: int, *, quoted: bool) -> int:
        depth = 1
        while position < self.size:
            if run := _BRACED_PLAIN(self.text, position):
                position = run.end()
            elif self.text[position] == "}":
                depth -= 1
                position += 1
                if not depth:
                    return position
            elif self.text.startswith("${", position):
                depth += 1
                position += 2
            elif self.text[position] == "$" and not self.text.startswith("$(", position):
                position += 1
            elif not quoted and (pair := _BRACED_QUOTED(self.text, position)):
                position = pair.end()
            else:
                break  # shells differ in what a quote means here
        return self.give_up()
