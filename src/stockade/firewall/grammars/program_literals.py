"""Where the literals and comments of a program are, in the languages that commands are handed.

Only the plain road is known: quoted strings and comments, and awk's regular expressions. Where a
language has more (`q{…}`, heredocs, templates, a slash that may divide or open an expression),
nothing from that place on is taken for a literal: what is not understood is not safe.

Sources: the Python, Node.js, PHP, Lua and R references, perlop(1), Ruby's literals, gawk(1), jq(1).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from stockade.firewall.grammars.program_sed import literals_of_sed
from stockade.firewall.grammars.sql_dialects import DIALECTS
from stockade.firewall.grammars.sql_scanner import scan

__all__ = ["Literals", "literals_of"]


class Literals(NamedTuple):
    """The contents of literals and comments, in order, and where the text breaks (-1: nowhere).

    Each is its start, its end, and the characters that act within it.
    """

    spans: list[tuple[int, int, str]]
    broken_at: int


_DOUBLE = r'"(?P<expands>(?:[^"\\]++|\\.)*+)"'
_SINGLE = r"'(?P<plain>(?:[^'\\]++|\\.)*+)'"
_DOUBLE_LINE = r'"(?P<expands>(?:[^"\\\n\r]++|\\.)*+)"'
_SINGLE_LINE = r"'(?P<plain>(?:[^'\\\n\r]++|\\.)*+)'"
_HASH = r"#(?P<note>[^\n\r]*+)"
_BLOCK = r"/\*(?P<block>(?:[^*]++|\*(?!/))*+)\*/"
_STRAY = r"(?P<stop>[\"'])"
_FORMAT = r"(?<!\w)(?i:f|t|fr|rf|tr|rt)"
_PYTHON = (
    rf'{_FORMAT}"(?!"")(?P<format_double>[^"\\\n{{}}]*+)"',
    rf"{_FORMAT}'(?!'')(?P<format_single>[^'\\\n{{}}]*+)'",
    rf"(?P<stop_format>{_FORMAT}[\"'])",
    r'"""(?P<triple_double>(?:[^"\\]++|\\.|"(?!""))*+)"""',
    r"'''(?P<triple_single>(?:[^'\\]++|\\.|'(?!''))*+)'''",
    r"(?P<stop_triple>\"\"\"|''')",
    _HASH, _DOUBLE_LINE, _SINGLE_LINE, _STRAY,
)  # fmt: skip
_PERL = (
    r"(?P<stop_more>[/`?]|<<|\b(?:qq?|q[wrx]|m|s|y|tr|format)\b|(?<=\w)'|\$['\"#]|^=|__\w+__)",
    _HASH, _DOUBLE, _SINGLE, _STRAY,
)  # fmt: skip
_RUBY = (r"(?P<stop_more>[/`%?]|<<|^=|__\w+__)", _HASH, _DOUBLE, _SINGLE, _STRAY)
_NODE = (
    r"//(?P<note>[^\n\r\u2028\u2029]*+)", _BLOCK, r"(?P<stop_more>[/`]|<!--|-->)",
    _DOUBLE_LINE, _SINGLE_LINE, _STRAY,
)  # fmt: skip
_PHP = (
    r"(?://|#(?!\[))(?P<note>(?:[^\n\r?]++|\?(?!>))*+)", _BLOCK,
    r"(?P<stop_more>`|<<<|\?>|/\*)", _DOUBLE, _SINGLE, _STRAY,
)  # fmt: skip
_LUA = (r"(?P<stop_more>--\[|\[=*\[)", r"--(?P<note>[^\n]*+)", _DOUBLE_LINE, _SINGLE_LINE, _STRAY)
_R = (r"(?P<stop_more>`|(?<!\w)[rR][\"'])", _HASH, _DOUBLE, _SINGLE, _STRAY)
_AWK = (
    _HASH, _DOUBLE_LINE,
    # Between one of these and what is no operand, a slash opens a regular expression.
    r"(?:\A|[(,~!{;&|}\n])[ \t\n]*+/(?P<regex>(?:[^/\\\n\[]++|\\.|\[[^]/\\\n]++\])++)/",
    r"(?<=[\w)\]])/(?P<divides>)", r"(?P<stop_more>/)", _STRAY,
)  # fmt: skip
_JQ = (_HASH, _DOUBLE, _STRAY)

_READERS = {
    name: (re.compile("|".join(tokens), re.DOTALL | re.MULTILINE), acting)
    for name, tokens, acting in (
        ("python", _PYTHON, ""), ("perl", _PERL, "$@"), ("ruby", _RUBY, "#"), ("node", _NODE, ""),
        ("php", _PHP, "${"), ("lua", _LUA, ""), ("r", _R, ""), ("awk", _AWK, ""),
        ("jq", _JQ, "\\"),
    )
}  # fmt: skip
"""What to look for, and what acts between double quotes."""
_SQL = {
    "sqlite": DIALECTS["sqlite"],
    "postgresql": DIALECTS["postgresql"]._replace(also=(DIALECTS["postgresql+escapes"],)),
    "mysql": DIALECTS["mysql+unsure"],
}


def literals_of(text: str, language: str) -> Literals:
    """The literals of a program; of a language that is not known here, none."""
    if (dialect := _SQL.get(language)) is not None:
        found, broken_at = scan(text, dialect)
        spans = [(span.content_start, span.content_end, "") for span in found]
        return Literals(spans, broken_at)
    if language == "sed":
        return Literals(*literals_of_sed(text))
    if language not in _READERS:
        return Literals([], 0)
    tokens, acting = _READERS[language]
    spans = []
    for found_at in tokens.finditer(text):
        group = found_at.lastgroup or "stop"
        if group.startswith("stop"):
            return Literals(spans, found_at.start())
        start, end = found_at.span(group)
        spans.append((start, end, acting if group == "expands" else ""))
    return Literals(spans, -1)
