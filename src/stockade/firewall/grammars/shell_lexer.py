"""A lexer for the POSIX shell (IEEE 1003.1, 2.3), as far as quoting decides what is syntax.

Each character of a command gets a region: 0 where it acts (operators, blanks, quotes, expansions,
globs), or the number of the piece of literal text that it belongs to: one quoted string, one bare
word, one comment, one here-document. Text that lies in one region has no effect but to be text.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Lexed", "Word", "lex"]

_BLANK = " \t"
_OPERATOR = "\n;&|<>()"
_GLOB_OR_BRACE = "*?[]{}!"
# A dash, a slash and the like are ordinary in a word; anything unknown is taken to act.
_ORDINARY = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.,/:@%+^-\"'"
) - {'"', "'"}


class Word(NamedTuple):
    """A word of a command: its text after quote removal, and whether it begins a command."""

    text: str
    begins_command: bool


class Lexed(NamedTuple):
    """The region of each character, the words in order, and whether all quotes were closed."""

    regions: list[int]
    words: list[Word]
    complete: bool


class _Lexer:
    def __init__(self, command: str) -> None:
        self.text = command
        self.size = len(command)
        self.regions = [0] * self.size
        self.words: list[Word] = []
        self.complete = True
        self._last_region = 0
        self._here_documents: list[tuple[str, bool]] = []

    def region(self) -> int:
        self._last_region += 1
        return self._last_region

    def commands(self, position: int, closer: str = "") -> int:
        """Lex a list of commands up to `closer`; the position behind it."""
        begins = True
        while position < self.size:
            character = self.text[position]
            if character == closer:
                return position + 1
            if character in _BLANK:
                position += 1
            elif self.text.startswith("\\\n", position):
                position += 2
            elif character == "#":
                position = self._comment(position)
            elif character == "\n":
                position = self._here_document_bodies(position + 1)
                begins = True
            elif self.text.startswith("<<", position) and not self.text.startswith("<<<", position):
                position = self._here_document(position + 2)
            elif character == "(":
                position = self.commands(position + 1, ")")
                begins = True
            elif character in _OPERATOR:
                begins = begins or character not in "<>"
                position += 1
            else:
                position, word = self._word(position, begins, closer)
                self.words.append(word)
                begins = begins and _assigns(word.text)
        if closer:
            self.complete = False
        return position

    def _comment(self, position: int) -> int:
        end = self.text.find("\n", position)
        end = self.size if end < 0 else end
        self._mark(position + 1, end, self.region())
        return end

    def _mark(self, start: int, end: int, region: int) -> None:
        self.regions[start:end] = [region] * (end - start)

    def _word(self, position: int, begins: bool, closer: str) -> tuple[int, Word]:
        start, bare = position, self.region()
        pieces: list[str] = []
        while position < self.size:
            character = self.text[position]
            if character in _BLANK or character in _OPERATOR or character == closer:
                break
            if character == "\\":
                pieces.append(self.text[position + 1 : position + 2])
                position += 2
                bare = self.region()
            elif character == "'":
                end = self._single_quoted(position)
                pieces.append(self.text[position + 1 : end - 1])
                position, bare = end, self.region()
            elif character == '"':
                position, inside = self._double_quoted(position)
                pieces.append(inside)
                bare = self.region()
            elif character in "$`":
                position = self._expansion(position)
                pieces.append("\0")  # unknown text: a word with it is no known name
                bare = self.region()
            else:
                acts = (
                    (character == "~" and position == start)
                    or (character == "=" and begins)
                    or (
                        character not in _ORDINARY
                        and character not in "~=#"
                        and ord(character) < 128
                    )
                )
                if not acts:
                    self.regions[position] = bare
                pieces.append(character)
                position += 1
        return min(position, self.size), Word("".join(pieces), begins)

    def _single_quoted(self, position: int) -> int:
        end = self.text.find("'", position + 1)
        if end < 0:
            self.complete = False
            return self.size
        self._mark(position + 1, end, self.region())
        return end + 1

    def _double_quoted(self, position: int) -> tuple[int, str]:
        region = self.region()
        pieces: list[str] = []
        position += 1
        while position < self.size:
            character = self.text[position]
            if character == '"':
                return position + 1, "".join(pieces)
            if character in "$`":
                position = self._expansion(position)
                pieces.append("\0")
            elif character == "\\" and self.text[position + 1 : position + 2] in tuple('$`"\\\n'):
                pieces.append(self.text[position + 1 : position + 2])
                position += 2
            else:
                self.regions[position] = region
                pieces.append(character)
                position += 1
        self.complete = False
        return self.size, "".join(pieces)

    def _expansion(self, position: int) -> int:
        """A `$…` or `…` construct: it acts as a whole, save for literal text inside commands."""
        if self.text[position] == "`":
            return self.commands(position + 1, "`")
        following = self.text[position + 1 : position + 2]
        if self.text.startswith("((", position + 1):
            end = self.text.find("))", position + 3)
            if end >= 0:
                return end + 2
            self.complete = False
            return self.size
        if following == "(":
            return self.commands(position + 2, ")")
        if following == "{":
            return self._braced(position + 2)
        if following == "'":  # $'…': escapes act, so nothing in it counts as plain text
            position += 2
            while position < self.size and self.text[position] != "'":
                position += 2 if self.text[position] == "\\" else 1
            self.complete = self.complete and position < self.size
            return position + 1
        position += 1
        if following.isalpha() or following == "_":
            while position < self.size and (
                self.text[position].isalnum() or self.text[position] == "_"
            ):
                position += 1
            return position
        return position + (1 if following and following in "0123456789@*#?$!-" else 0)

    def _braced(self, position: int) -> int:
        depth = 1
        while position < self.size:
            character = self.text[position]
            if character == "\\":
                position += 1
            elif character == "'":
                closing = self.text.find("'", position + 1)
                position = closing if closing >= 0 else self.size
            elif character == "{":
                depth += 1
            elif character == "}":
                depth -= 1
                if not depth:
                    return position + 1
            position += 1
        self.complete = False
        return self.size

    def _here_document(self, position: int) -> int:
        strip = self.text.startswith("-", position)
        position += strip
        while position < self.size and self.text[position] in _BLANK:
            position += 1
        position, word = self._word(position, False, "")
        self._here_documents.append((word.text, strip))
        return position

    def _here_document_bodies(self, position: int) -> int:
        for delimiter, strip in self._here_documents:
            region, closed = self.region(), False
            while position < self.size and not closed:
                end = self.text.find("\n", position)
                end = self.size if end < 0 else end
                line = self.text[position:end]
                closed = (line.lstrip("\t") if strip else line) == delimiter
                if not closed:
                    self._here_line(position, min(end + 1, self.size), region)
                position = end + 1
            self.complete = self.complete and closed
        self._here_documents.clear()
        return min(position, self.size)

    def _here_line(self, start: int, end: int, region: int) -> None:
        # Expansions act in a here-document unless its delimiter is quoted; to take them as acting
        # in both errs on the safe side.
        for position in range(start, end):
            if self.text[position] not in "$`\\":
                self.regions[position] = region


def _assigns(word: str) -> bool:
    name, equals, _ = word.partition("=")
    return bool(equals) and name.isidentifier()


def lex(command: str) -> Lexed:
    """Lex a whole command line. Text nested too deeply to follow is not complete."""
    lexer = _Lexer(command)
    try:
        lexer.commands(0)
    except RecursionError:
        lexer.complete = False
    return Lexed(lexer.regions, lexer.words, lexer.complete)
