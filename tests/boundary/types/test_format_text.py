"""A text of blanks to fill in reaches the values that it is given, and nothing behind them."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.boundary import Model, format_text
from stockade.core.errors import ConfigError
from tests.boundary.types.conftest import REFUSED, verdict

SECRET = "of-the-service"
Reminder = Annotated[str, format_text("name", "date")]


class Patient:
    """A value as applications hand it to a format."""

    def __init__(self) -> None:
        self.diagnosis = "confidential"

    def __str__(self) -> str:
        return "Ada"


REACHING = [
    ("{name.diagnosis}", "confidential"),
    ("{name.__init__.__globals__[SECRET]}", SECRET),
    ("{name.__class__.__name__}", "Patient"),
    ("{name!r}", "object at 0x"),
    ("{date[0]}", "M"),
    ("{date:>100000}", " " * 1_000),
    ("{date:{name}}", None),
    ("{0}", None),
    ("{}", None),
    ("{secret}", None),
    ("{name", None),
    ("name}", None),
    ("{ name}", None),
    ("{name!s}", "Ada"),
    ("{name}" * 101, "Ada"),
]


@pytest.mark.asvs("V1.3.10", "V1.3.7")
@pytest.mark.parametrize(("template", "reached"), REACHING)
def test_what_reaches_further_is_refused(template: str, reached: str | None) -> None:
    if reached is not None:  # what a client would read in the mail
        assert reached in template.format(name=Patient(), date="Monday")
    assert verdict(Reminder, template) is REFUSED


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("Dear {name}, see you on {date}.", "Dear Ada, see you on Monday."),
        ("{date}: {name}, {name}!\r\nYours", "Monday: Ada, Ada!\nYours"),
        ("100 % {{sure}}", "100 % {sure}"),
        ("", ""),
    ],
)
def test_what_an_owner_writes_is_filled_in(template: str, text: str) -> None:
    assert verdict(Reminder, template).format(name=Patient(), date="Monday") == text


@given(st.text(st.sampled_from("{}namedt.[]!:_r0 ") | st.characters(), max_size=30))
def test_what_is_taken_shows_what_was_given(template: str) -> None:
    taken = verdict(Reminder, template)
    if taken is not REFUSED:
        expected = taken.replace("{{", "\0").replace("}}", "\1")
        expected = expected.replace("{name}", "N").replace("{date}", "D")
        assert taken.format(name="N", date="D") == expected.replace("\0", "{").replace("\1", "}")


def test_it_documents_itself() -> None:
    class Letter(Model):
        text: Reminder

    schema: Any = Letter.model_json_schema()["properties"]["text"]
    assert schema["examples"] == ["{name}"]
    assert "declared names" in schema["description"]


def test_names_that_are_none_are_said_at_once() -> None:
    with pytest.raises(ConfigError):
        format_text()
    with pytest.raises(ConfigError):
        format_text("name.first")
