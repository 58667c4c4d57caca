"""A lexer for the POSIX shell (IEEE 1003.1, 2.3), as far as quoting decides what is syntax.

It finds the pieces of a command that have no effect but to be text: the content of a quoted string,
an ordinary part of a bare word, a comment, a here-document. All else acts: operators, blanks,
quotes, expansions, globs. Linear in the length of the command: runs are read by one expression.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from stockade.firewall.grammars.shell_quoting import UNKNOWN, Fed, Pending, Quoting, Word, unknown

__all__ = ["KEYWORDS", "Fed", "Lexed", "Word", "assigns", "lex"]

KEYWORDS = frozenset(
    ("!", "{", "do", "elif", "else", "if", "then", "time", "until", "while", "coproc")
)
"""Words behind which a command still begins."""

_WORD_ENDS = " \t\n;&|<>()"
_BLANKS = re.compile(r"(?:[ \t]|\\\n)+").match
_SEPARATORS = re.compile(r"[;&|]+").match
_REDIRECTION = re.compile(r"&>>?|[<>]{1,2}[&|]?").match
# A dash, a slash and the like are ordinary in a word; anything unknown is taken to act.
_BARE = re.compile(r"[\w.,/:@%+^\-\x80-\U0010ffff]+").match
_BARE_INSIDE = re.compile(r"[\w.,/:@%+^\-\x80-\U0010ffff=#]+").match


class Lexed(NamedTuple):
    """What a command consists of.

    `literals`: the pieces of plain text as (start, end), in order. `words`, in order, and `fed`
    (here-documents and here-strings) name their command by number; `piped` holds the commands that
    read from another one. `complete`: everything was understood and closed.
    """

    literals: list[tuple[int, int]]
    words: list[Word]
    fed: list[Fed]
    piped: set[int]
    complete: bool


class _Lexer(Quoting):
    def commands(self, position: int, closer: str = "") -> int:
        command, begins = next(self.numbers), True
        while position < self.size:
            character = self.text[position]
            if character == closer:
                return position + 1
            if blanks := _BLANKS(self.text, position):
                position = blanks.end()
            elif character == "#":
                end = self.text.find("\n", position)
                end = self.size if end < 0 else end
                self.literal(position + 1, end)
                position = end
            elif character in "<>" or self.text.startswith("&>", position):
                position = self._redirection(position, command)
            elif character in "\n;&|()":
                position, following = self._separator(position, command)
                begins, command = begins or following != command, following
            else:
                position, word = self._word(position, command, begins=begins)
                if not (word.text.isdigit() and self.text[position : position + 1] in ("<", ">")):
                    self.words.append(word)
                if begins and word.text == "case" and closer:
                    self.complete = False  # its patterns end in the same parenthesis
                begins = begins and (assigns(word.text) or word.text in KEYWORDS)
        self.complete = self.complete and not closer and not self.pending
        return position

    def _separator(self, position: int, command: int) -> tuple[int, int]:
        """The position behind what divides commands, and the number of the command there."""
        character = self.text[position]
        if character == "(":
            if self.text.startswith("((", position):
                self.complete = False  # arithmetic in bash, two subshells in others
            feeds = position > 0 and self.text[position - 1] in "<>"
            position = self.commands(position + 1, ")")
            if feeds:
                self.piped.add(command)
                return position, command
            return position, next(self.numbers)
        following = next(self.numbers)
        if character == "\n":
            return self._here_documents(position + 1), following
        if character == ")":
            return position + 1, following
        operator = _SEPARATORS(self.text, position)
        if operator is None:
            return position + 1, following
        if operator[0] in ("|", "|&"):
            self.piped.add(following)
        return operator.end(), following

    def _word(self, position: int, command: int, *, begins: bool) -> tuple[int, Word]:
        start, pieces = position, list[str]()
        while position < self.size:
            inside = position > start and not begins
            if run := (_BARE_INSIDE if inside else _BARE)(self.text, position):
                self.literal(position, run.end())
                pieces.append(run[0])
                position = run.end()
                continue
            character = self.text[position]
            if character in _WORD_ENDS:
                break
            if character == "\\":
                pieces.append(self.text[position + 1 : position + 2].strip("\n"))
                position += 2
            elif character == "'":
                end = self.single_quoted(position)
                pieces.append(self.text[position + 1 : end - 1])
                position = end
            elif character == '"':
                position, text = self.double_quoted(position)
                pieces.append(text)
            elif character in "$`":
                begin, position = position, self.expansion(position, quoted=False)
                pieces.append(unknown(self.text[begin:position]))
            else:
                if self._is_plain(position, start, begins=begins):
                    self.literal(position, position + 1)
                pieces.append(character)
                position += 1
        return min(position, self.size), Word("".join(pieces), start, position, command)

    def _is_plain(self, position: int, start: int, *, begins: bool) -> bool:
        """Whether one of the characters that act only in some places acts here."""
        character = self.text[position]
        if character == "~":
            return position > start and self.text[position - 1] not in "=:"
        return (character == "=" and not begins) or (character == "#" and position > start)

    def _redirection(self, position: int, command: int) -> int:
        if self.text.startswith("<<", position) and not self.text.startswith("<<<", position):
            return self._here_operator(position + 2, command)
        here_string = self.text.startswith("<<<", position)
        operator = _REDIRECTION(self.text, position)
        position = position + 3 if here_string else operator.end() if operator else position + 1
        if blanks := _BLANKS(self.text, position):
            position = blanks.end()
        if self.text[position : position + 1] in ("", "#", *_WORD_ENDS):
            return position
        # The target is no argument of the command.
        position, word = self._word(position, command, begins=False)
        if here_string:
            self.fed.append(Fed(word.text, command, ""))
        return position

    def _here_operator(self, position: int, command: int) -> int:
        strips = self.text.startswith("-", position)
        position += strips
        if blanks := _BLANKS(self.text, position):
            position = blanks.end()
        start = position
        position, word = self._word(position, command, begins=False)
        self.complete = self.complete and position > start and UNKNOWN not in word.text
        quoted = self.text[start:position] != word.text
        self.pending.append(Pending(word.text, strips, quoted, command))
        return position

    def _here_documents(self, position: int) -> int:
        pending, self.pending = self.pending, []
        for document in pending:
            start, closed = position, False
            while position < self.size and not closed:
                end = self.text.find("\n", position)
                end = self.size if end < 0 else end
                line = self.text[position:end]
                closed = (line.lstrip("\t") if document.strips_tabs else line) == document.delimiter
                if not closed and not document.quoted and line.endswith("\\"):
                    self.complete = False  # the next line is part of this one, and may not close
                if closed:
                    self._here_body(start, position, document)
                position = min(end + 1, self.size)
            if not closed:
                self.complete = False
        return position

    def _here_body(self, start: int, end: int, document: Pending) -> None:
        body = self.text[start:end]
        self.fed.append(Fed(body, document.command, document.delimiter))
        if document.quoted:
            self.literal(start, end)
            return
        inner = _Lexer(body, self.numbers)
        inner.here_body()
        self.embed(inner, start, exact=True)


def assigns(word: str) -> bool:
    """Whether a word at the beginning of a command is an assignment."""
    name, equals, _ = word.partition("=")
    return bool(equals) and name.isidentifier()


def lex(command: str) -> Lexed:
    """Lex a whole command line. Text nested too deeply to follow is not complete."""
    lexer = _Lexer(command)
    try:
        lexer.commands(0)
    except RecursionError:
        lexer.complete = False
    words = sorted(lexer.words, key=lambda word: word.start)
    return Lexed(lexer.literals, words, lexer.fed, lexer.piped, lexer.complete)
