"""Placeholders inside literals; tests/firewall/sinks/test_placeholders.py asks the drivers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.core.inputs import InputLimits, Inputs, Source
from stockade.firewall.grammars.sql_placeholders import PLACEHOLDER, brought_by, within_literals
from stockade.firewall.grammars.sql_scanner import MYSQL, POSTGRESQL, Dialect
from stockade.firewall.grammars.sql_values import prepare


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("SELECT %s, %(name)s", []),
        ("SELECT '100%%', '%%s', %s", []),
        ("SELECT '100%' , %s", []),
        ("SELECT '%s'", [8]),
        ("SELECT '%%%s'", [10]),
        ("SELECT '%%' '%(a)s', `%s`", [13, 22]),
        ("SELECT 1 /* %s */ -- %5.1s", [12, 21]),
        ("SELECT '% %%s'", [8, 11]),
        ("SELECT ' %s", [9]),
    ],
)
def test_which_are_not_code(text: str, places: list[int]) -> None:
    assert within_literals(text, MYSQL) == places


@pytest.mark.parametrize(
    ("value", "text", "is_brought"),
    [
        ("%(b).1s or", "SELECT '%(b).1s or'", True),
        ("it's %s", "SELECT 'it''s %s'", True),
        ("%(b)s", "SELECT '%%(b)s'", False),
        ("100% sure", "SELECT '100%% sure', '%s'", False),
        ("the text", "SELECT 'the text', '%s'", False),
    ],
)
def test_which_a_value_brought(value: str, text: str, is_brought: bool) -> None:
    inputs = Inputs(InputLimits())
    inputs.add(Source.QUERY, "q", value)
    (values,) = prepare(inputs, MYSQL, fragments=True, strict=False)
    finding = brought_by(text, values, within_literals(text, MYSQL))
    assert (finding is not None) == is_brought
    if finding is not None:
        assert (finding.rule, finding.value.value) == (PLACEHOLDER, value)


@pytest.mark.parametrize("dialect", [MYSQL, POSTGRESQL], ids=lambda each: each.name)
@given(st.text("%s(a)'\"`- /*$ 5.", max_size=60))
def test_what_python_would_replace_is_code_or_found(dialect: Dialect, content: str) -> None:
    """A text whose literals hold no placeholder keeps them, whatever Python puts in."""
    text = f"SELECT '{content}'"
    try:
        replaced = text % {"a": "!"}
    except (TypeError, ValueError, KeyError):
        return
    if "!" in replaced and "'" not in content:
        assert within_literals(text, dialect)
