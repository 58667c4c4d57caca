"""An `Email` is one address, and nothing that a mail header could take for more."""

import email
import importlib.util
import json
from email.utils import getaddresses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from stockade.boundary import Email
from stockade.boundary.types.email import MAX_LENGTH
from stockade.core.errors import ConfigError

ADAPTER: TypeAdapter[str] = TypeAdapter(Email)


def accepted(value: str) -> str | None:
    try:
        return ADAPTER.validate_python(value)
    except ValidationError:
        return None


@pytest.mark.parametrize(
    ("honest", "expected"),
    [
        ("name@host.org", "name@host.org"),
        ("First.Last+tag@Sub.Host.ORG", "First.Last+tag@sub.host.org"),
        ("o'hara@host.co.uk", "o'hara@host.co.uk"),
        ("ren\u0065\u0301e@host.org", "ren\u00e9e@host.org"),
        ("name@bücher.de", "name@bücher.de"),
    ],
)
def test_honest_addresses_pass_normalised(honest: str, expected: str) -> None:
    assert accepted(honest) == expected


@pytest.mark.parametrize(
    "hostile",
    [
        "",
        "name",
        "@host.org",
        "a@b@host.org",
        "name@host.org\r\nBcc: all@host.org",
        "name@host.org\n",
        "a@host.org,b@host.org",
        "Name <name@host.org>",
        '"quoted local"@host.org',
        "name@[127.0.0.1]",
        "name@localhost",
        "a" * 65 + "@host.org",
        "a@" + "b." * 130 + "org",
        "name@host\u202e.org",
        "\ud800@host.org",
        "a\x00@host.org",
    ],
)
def test_hostile_addresses_are_refused(hostile: str) -> None:
    assert accepted(hostile) is None


@given(st.emails() | st.text() | st.text(st.sampled_from('a@.\r\n<>," \u0301é')))
def test_idempotent_and_one_recipient(value: str) -> None:
    address = accepted(value)
    if address is not None:
        assert accepted(address) == address
        assert len(address) <= MAX_LENGTH
        assert getaddresses([address]) == [("", address)]


def test_naughty_strings(corpora: Path) -> None:
    naughty = json.loads((corpora / "naughty-strings" / "blns.json").read_bytes())
    assert len(naughty) > 500
    for value in naughty:
        accepted(value)


def test_schema() -> None:
    assert ADAPTER.json_schema() == {
        "type": "string",
        "format": "email",
        "minLength": 3,
        "maxLength": 254,
    }


@pytest.mark.asvs("V1.3.11")
def test_a_mail_gains_a_recipient_with_str_and_not_with_email() -> None:
    value = "name@host.org\r\nBcc: all@host.org"

    def recipients(address: str) -> list[str | None]:
        sent = email.message_from_string(f"To: {address}\r\nSubject: hello\r\n\r\nhello")
        return [sent["To"], sent["Bcc"]]

    assert recipients(TypeAdapter(str).validate_python(value))[1] == "all@host.org"
    with pytest.raises(ValidationError):
        recipients(ADAPTER.validate_python(value))
    assert recipients(ADAPTER.validate_python("name@host.org")) == ["name@host.org", None]


def test_a_missing_extra_is_one_line_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        "stockade.boundary.types.email.find_spec",
        lambda name: None if name == "email_validator" else find_spec(name),
    )
    with pytest.raises(ConfigError, match=r"stockade\[email\]"):
        TypeAdapter(Email)
