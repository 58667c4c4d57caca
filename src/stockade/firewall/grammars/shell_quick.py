"""The ordinary command, judged without lexing it: quotes that pair up, values inside them.

Whatever is not plain to see (an expansion, a backslash, a comment, a parenthesis, a here-document,
a program that may hand a script to a shell) is left to the lexer. What this file lets pass, the
lexer lets pass too; a test holds it to that.
"""

from __future__ import annotations

import re
from functools import lru_cache

from stockade.firewall.grammars.program_rules import JUDGED, is_judged
from stockade.firewall.grammars.shell_lexer import KEYWORDS
from stockade.firewall.grammars.shell_programs import HANDS_ON, program_name

__all__ = ["hands_nothing_on", "is_quoted", "probes"]

_COMMON = " -./etaoinsrlcdupmhgfbyvkwxjqz0123456789=:'\",_ETAOINSRLCDUPMHGFBYVKWXJQZ"
_MAX_PLACES = 8
_PLAIN_WORD = re.compile(r"[\w./-]+").fullmatch
# Quotes vanish from the inside of a word: s'h' is sh. Any word that ends like a shell's name.
_SHELL = re.compile(r"s['\"]*+h['\"93.ex]*+(?=[\s>]|\Z)").search
_BUSYBOX = re.compile(r"['\"]*+".join("busybox")).search
_NAMED = re.compile(
    rf"(?<!\w)(?:{'|'.join(name for name in sorted(HANDS_ON | JUDGED) if name.isalnum())})"
    r"(?![^\W\d])"
    r"|\[|(?<![^\s;&|()`{}!])\.(?!\S)"
).search
_QUOTING = dict.fromkeys(map(ord, "\\'\""))
_NOT_FIRST = HANDS_ON | KEYWORDS


class _Rarity(dict[str, int]):
    """How rare a character is in commands, the rarest first: by far those that are not listed."""

    def __missing__(self, character: str) -> int:
        return -len(_COMMON)


_rarity = _Rarity({character: -place for place, character in enumerate(_COMMON)}).__getitem__


def probes(value: str) -> tuple[str, str, str]:
    """Three characters of `value` rare in commands: where one is missing, so is the value."""
    first, second, third, *_ = sorted(set(value), key=_rarity)[:3] * 3
    return first, second, third


def hands_nothing_on(text: str) -> bool:
    """Whether no word of `text`, once its quotes are removed, can be a program that takes scripts.

    Here-documents aside.
    """
    return "\\\n" not in text and _NAMED(text.translate(_QUOTING)) is None


def is_quoted(text: str, values: list[str]) -> bool:
    """Whether each occurrence of each of `values`, which occur, is text in one quoted string.

    And nothing in the whole command makes more of that string than one argument.
    """
    places, rest = _places(text, values)
    if len(places) > _MAX_PLACES:
        return False
    if (
        "\\" in rest
        or "$" in rest
        or "`" in rest
        or "(" in rest
        or "<" in rest
        or "#" in rest
        or not _encloses(text, places)
    ):
        return False
    if ";" in rest or "&" in rest or "|" in rest or "\n" in rest or ")" in rest:
        return hands_nothing_on(text)
    return _is_one_command(text)


def _is_one_command(text: str) -> bool:
    """Whether a text without operators is a command whose program, named first, takes no script."""
    return (
        _takes_no_script(text[: text.find(" ")])
        and not ("h" in text and _SHELL(text))
        and not ("b" in text and "y" in text and "x" in text and _BUSYBOX(text))
    )


@lru_cache(maxsize=1_024)
def _takes_no_script(word: str) -> bool:
    return (
        _PLAIN_WORD(word) is not None
        and program_name(word) not in _NOT_FIRST
        and not is_judged(word)
    )


def _places(text: str, values: list[str]) -> tuple[list[tuple[int, int]], str]:
    """Where `values` stand, in order, and the text without them."""
    first, rest = values[0], text
    if len(values) == 1:
        start = text.find(first)
        end = start + len(first)
        if text.find(first, start + 1) < 0:
            return [(start, end)], text[:start] + text[end:]
    places: list[tuple[int, int]] = []
    for value in values:
        start = text.find(value)
        while start >= 0 and len(places) <= _MAX_PLACES:
            places.append((start, start + len(value)))
            start = text.find(value, start + 1)
        rest = rest.replace(value, "")
    places.sort()
    return places, rest


def _encloses(text: str, places: list[tuple[int, int]]) -> bool:
    """Whether each place is inside one quoted string without expansions, and each string ends."""
    position, closing = 0, -1
    for start, end in places:
        if start > closing:
            opening = _open_at(text, position, start)
            if opening < 0:
                return False
            quote = text[opening]
            closing = text.find(quote, start)
            position = closing + 1
            if quote == '"' and closing >= 0:
                content = text[opening:closing]
                if "$" in content or "`" in content or "\\" in content:
                    return False
        if end > closing:
            return False
    if text.find("'", position) < 0 and text.find('"', position) < 0:
        return True
    return _open_at(text, position, len(text)) < 0


def _open_at(text: str, position: int, target: int) -> int:
    """Which quote is open at `target`, if none is at `position`; -1 for none.

    Of quotes of one kind, every second one opens: they are counted, not visited.
    """
    while True:
        single = text.find("'", position, target)
        double = text.find('"', position, target)
        if single < 0 or double < 0:
            if single == double:
                return -1
            quote = "'" if double < 0 else '"'
            odd = text.count(quote, position, target) & 1
            return text.rfind(quote, position, target) if odd else -1
        first, other = (single, double) if single < double else (double, single)
        quote = text[first]
        if text.count(quote, first, other) & 1:  # the other one stands inside quotes
            opening = text.rfind(quote, first, other)
            closing = text.find(quote, other, target)
        else:
            opening = other
            closing = text.find(text[other], other + 1, target)
        if closing < 0:
            return opening
        position = closing + 1
