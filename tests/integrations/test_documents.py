"""Documents that are neither JSON nor a form, and what only looks like one."""

from __future__ import annotations

import pytest

from stockade.core.inputs import InputLimits, Inputs
from stockade.integrations.documents import (
    add_json_lines,
    add_markup,
    add_message_pack,
    fields_of,
)


def test_lines_of_json_and_what_is_none() -> None:
    inputs = Inputs(InputLimits())
    assert add_json_lines(inputs, b'{"a": "one two"}\n\n["three four"]\n')
    assert {"one two", "three four"} <= {item.value for item in inputs}
    assert not add_json_lines(inputs, b'{"a": 1}')
    assert not add_json_lines(inputs, b"{\n}\n")
    assert not add_json_lines(inputs, b"a\nb\n")


def test_entities_beyond_the_limits_are_said() -> None:
    inputs = Inputs(InputLimits(characters=10))
    assert not add_markup(inputs, b'<!DOCTYPE r [<!ENTITY a "0123456789">]><r>&a;&a;&a;</r>')
    assert inputs.overflow


def test_no_message() -> None:
    inputs = Inputs(InputLimits())
    add_message_pack(inputs, b"\xc1")
    assert inputs.items == []


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ('a,"b, it\'s"', "b, it's"),
        ("a;b c", "b c"),
        ("a\tb c", "b c"),
        ("one\n  two\n", "two"),
        ('{"a": ["b c"]}', "b c"),
    ],
)
def test_fields(text: str, field: str) -> None:
    assert field in set(fields_of(text))
