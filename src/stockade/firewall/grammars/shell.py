"""Shell commands: a value may be text inside one quoted string, or an ordinary bare word.

A script that is handed on to another shell (`sh -c '…'`, `eval …`) is judged once more by itself,
because the first shell removes the quotes that protected a value in it.
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Sequence

from stockade.core.inputs import Input, Inputs
from stockade.firewall.grammars import Finding
from stockade.firewall.grammars.shell_lexer import Lexed, lex

__all__ = ["ShellGrammar", "script_of"]

SHELLS = frozenset(("sh", "bash", "dash", "zsh", "ksh", "mksh", "ash", "busybox", "rbash", "yash"))
_COMMAND_OPTION = re.compile(r"[-+][A-Za-z]*c[A-Za-z]*\Z").match
# Characters that are ordinary anywhere in a word: a value of these alone cannot change a structure.
_PLAIN = re.compile(r"[\w.,/:@%+^-]*\Z").match
_MAX_NESTING = 8


def script_of(argv: Sequence[str]) -> str | None:
    """The script that `argv` hands to a shell by `-c`, also behind `env`, `sudo`, `nohup` …"""
    for index, argument in enumerate(argv):
        if os.path.basename(argument) in SHELLS:
            for following, option in enumerate(argv[index + 1 :], index + 1):
                if _COMMAND_OPTION(option):
                    rest = [a for a in argv[following + 1 :] if a != "--"]
                    return rest[0] if rest else None
                if option[:1] not in "-+" and os.path.basename(option) not in SHELLS:
                    break
    return None


class ShellGrammar:
    """The rule for POSIX shells."""

    def prepare(self, inputs: Inputs) -> tuple[Input, ...]:
        """Values that hold a character which can act in some place of a command."""
        # Blanks at its ends do not make a word more than one; a line break would.
        return tuple(item for item in inputs if not _PLAIN(item.value.strip(" \t")))

    def check(self, text: str, values: tuple[Input, ...]) -> Finding | bool:
        """The first value that is not wholly inside one piece of literal text."""
        hits = [item for item in values if item.value in text]
        return _check(text, hits, values, 0) or bool(hits)


def _check(text: str, hits: list[Input], values: tuple[Input, ...], depth: int) -> Finding | None:
    if depth == 0 and not hits and not _hands_on(text):
        return None
    lexed = lex(text)
    for item in hits:
        start = text.find(item.value)
        while start >= 0:
            end = start + len(item.value)
            if (rule := _judge(lexed, start, end)) is not None:
                return Finding(rule, _REASONS[rule], item, start, end)
            start = text.find(item.value, start + 1)
    if hits and (not lexed.complete or depth >= _MAX_NESTING):
        return Finding("shell.unparsable", _REASONS["shell.unparsable"], hits[0], 0, 0)
    for script in _scripts(lexed):
        inner = [item for item in values if item.value in script]
        if inner and (finding := _check(script, inner, values, depth + 1)):
            return finding
    return None


def _judge(lexed: Lexed, start: int, end: int) -> str | None:
    regions = lexed.regions[start:end]
    if 0 in regions:
        return "shell.acts"
    return "shell.crosses-quotes" if any(region != regions[0] for region in regions) else None


def _hands_on(text: str) -> bool:
    return "eval" in text or "sh" in text


def _scripts(lexed: Lexed) -> list[str]:
    """The scripts that this command hands to another shell."""
    texts = [word.text for word in lexed.words]
    scripts = []
    for index, word in enumerate(lexed.words):
        if word.begins_command and word.text == "eval":
            scripts.append(" ".join(texts[index + 1 :]))
        elif os.path.basename(word.text) in SHELLS:
            script = script_of(texts[index:])
            if script is not None:
                scripts.append(script)
    return scripts


_REASONS = {
    "shell.acts": "A value of this request acts as syntax of a shell command.",
    "shell.crosses-quotes": "A value of this request ends a quoted string of a shell command.",
    "shell.unparsable": "A value of this request stands in a shell command that cannot be parsed.",
}
