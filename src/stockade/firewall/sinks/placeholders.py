"""What drivers share that put parameters into the text of a statement by themselves."""

from __future__ import annotations

from typing import Any

from stockade.firewall.engine import Guard
from stockade.firewall.grammars import Finding
from stockade.firewall.grammars.sql import SqlGrammar
from stockade.firewall.grammars.sql_placeholders import brought_by, within_literals

__all__ = ["replaces_in_literals"]

_MAX_HARMLESS = 10_000
_harmless: set[tuple[str, str]] = set()
"""Known texts without such a placeholder, each behind the key of its guard."""


def replaces_in_literals(guard: Guard, text: str) -> bool:
    """Whether the driver will replace placeholders inside literals of `text`, now that it binds.

    What it makes of them is then to be judged as well. Raises Blocked where a value of the request
    brought one.
    """
    if "%" not in text or guard.mode == "off":
        return False
    key = (guard.key, text)
    if key in _harmless:
        return False
    grammar = guard.grammar
    if not isinstance(grammar, SqlGrammar):
        return False
    places = within_literals(text, grammar.dialect)
    if not places:
        if text in guard.known:  # the developer's own, as such no secret, and it will come again
            if len(_harmless) >= _MAX_HARMLESS:
                _harmless.clear()
            _harmless.add(key)
        return False

    def judge(text: str, values: tuple[Any, ...]) -> Finding | bool:
        return brought_by(text, values[0], places) or True

    return guard.ask(text, judge)
