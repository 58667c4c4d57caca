"""Every way out is tried with a plain string first, which leaks, and then with a Secret."""

from __future__ import annotations

import copy
import dataclasses
import io
import json
import logging
import pickle
import traceback
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from stockade.core.errors import SecretError
from stockade.core.secret import MASK, Redactor, Secret, fingerprint

VALUE = "correct-horse-battery"


@dataclasses.dataclass
class Holder:
    password: Any


class Model(BaseModel):
    password: Any


class SecretModel(BaseModel):
    password: Secret[str]


def logged(value: Any) -> str:
    stream = io.StringIO()
    logger = logging.getLogger("tests.core.test_secret")
    handler = logging.StreamHandler(stream)
    logger.addHandler(handler)
    logger.error("cannot connect with %s and %r", value, value)
    logger.removeHandler(handler)
    return stream.getvalue()


def traced(value: Any) -> str:
    def connect(password: Any) -> None:
        raise OSError(f"refused {password!r}")

    try:
        connect(value)
    except OSError as error:
        return "".join(
            traceback.TracebackException.from_exception(error, capture_locals=True).format()
        )
    raise AssertionError


def refused(convert: Callable[[Any], Any]) -> Callable[[Any], str]:
    def attempt(value: Any) -> str:
        try:
            return str(convert(value))
        except (TypeError, SecretError, PydanticSerializationError) as error:
            return f"refused: {error}"

    return attempt


WAYS_OUT: dict[str, Callable[[Any], str]] = {
    "repr": repr,
    "str": str,
    "format": lambda value: f"{value} {value!s:>40} {value:s}",
    "percent": lambda value: "%s %r" % (value, value),  # noqa: UP031 - this is the way out tried
    "container": lambda value: str([{"password": value}]),
    "logging": logged,
    "traceback": traced,
    "dataclass repr": lambda value: repr(Holder(value)),
    "dataclass asdict": lambda value: str(dataclasses.asdict(Holder(value))),
    "pydantic repr": lambda value: repr(Model(password=value)),
    "pydantic dump": lambda value: str(Model(password=value).model_dump()),
    "pydantic json": refused(lambda value: Model(password=value).model_dump_json()),
    "json": refused(json.dumps),
    "json default": lambda value: json.dumps(value, default=str),
    "msgspec": refused(msgspec.json.encode),
    "pickle": refused(pickle.dumps),
    "copy": lambda value: repr(copy.copy(value)),
    "deepcopy": lambda value: repr(copy.deepcopy({"password": value})),
    "join": refused("".join),
    "exception": lambda value: str(ValueError("bad password", value)),
}


@pytest.mark.parametrize("way", WAYS_OUT)
def test_a_plain_string_leaks_and_a_secret_does_not(way: str) -> None:
    assert VALUE in WAYS_OUT[way](VALUE)
    assert VALUE not in WAYS_OUT[way](Secret(VALUE, label="database"))
    assert VALUE not in WAYS_OUT[way](Secret(get=lambda: VALUE))


def test_a_label_is_shown_and_the_value_is_there_for_who_asks() -> None:
    secret = Secret(VALUE, label="database")
    assert repr(secret) == "Secret(database: [redacted])"
    assert secret.reveal() == VALUE
    assert copy.deepcopy(secret) is secret


def test_a_lazy_secret_is_got_at_each_reveal() -> None:
    values = iter(["first", "second"])
    secret = Secret(get=lambda: next(values))
    assert [secret.reveal(), secret.reveal()] == ["first", "second"]


def test_it_takes_exactly_one_of_value_and_get() -> None:
    with pytest.raises(SecretError):
        Secret()
    with pytest.raises(SecretError):
        Secret("x", get=lambda: "x")


def test_secrets_compare_and_do_not_hash() -> None:
    assert Secret(VALUE) == Secret(get=lambda: VALUE)
    assert Secret(VALUE) != Secret("other")
    assert Secret("1") != Secret(1)
    assert Secret(VALUE) != VALUE
    with pytest.raises(TypeError):
        hash(Secret(VALUE))


class TestPydantic:
    def test_a_field_takes_the_type_inside_or_a_secret(self) -> None:
        assert SecretModel(password=VALUE).password.reveal() == VALUE
        secret = Secret(VALUE)
        assert SecretModel(password=secret).password is secret
        assert SecretModel.model_validate_json(f'{{"password":"{VALUE}"}}').password == secret

    def test_a_dump_is_a_mask(self) -> None:
        model = SecretModel(password=Secret(VALUE))
        assert MASK in model.model_dump_json()
        assert VALUE not in model.model_dump_json() + str(model.model_dump()) + repr(model)

    @pytest.mark.parametrize("given", ["hunter2", {"is": "hunter2"}, ["hunter2"]])
    def test_an_error_about_the_value_prints_it_only_for_a_plain_string(self, given: Any) -> None:
        shape = Annotated[str, Field(min_length=12)]

        def said(type_: Any) -> str:
            with pytest.raises(ValidationError) as caught:
                TypeAdapter(type_).validate_python(given)
            chain = (caught.value, caught.value.__cause__, caught.value.__context__)
            return f"{chain} {caught.value.errors()} {caught.value.json()}"

        assert "hunter2" in said(shape)
        assert "hunter2" not in said(Secret[shape])

    def test_the_json_schema_says_password(self) -> None:
        shown = SecretModel.model_json_schema()["properties"]["password"]
        assert shown["format"] == "password"
        assert shown["writeOnly"] is True


def test_a_fingerprint_tells_equal_from_different_and_is_no_plain_hash() -> None:
    assert fingerprint(VALUE) == fingerprint(VALUE.encode())
    assert fingerprint(VALUE) != fingerprint(VALUE + "x")
    assert len(fingerprint("\udc80")) == 12


class TestRedactor:
    def test_it_masks_every_occurrence(self) -> None:
        redact = Redactor(lambda: ("s3cret", "s3cret-and-more"))
        assert redact("a s3cret, s3cret-and-more; s3cret") == f"a {MASK}, {MASK}; {MASK}"

    def test_overlapping_secrets_leave_no_rest(self) -> None:
        assert Redactor(lambda: ["abcdef", "defghi"])("<abcdefghi>") == f"<{MASK}>"

    def test_short_values_are_left(self) -> None:
        assert Redactor(lambda: ("abc", ""))("abc") == "abc"

    def test_it_follows_rotation(self) -> None:
        values = ("first-one",)
        redact = Redactor(lambda: values)
        assert redact("first-one second-one") == f"{MASK} second-one"
        values = ("second-one",)
        assert redact("first-one second-one") == f"first-one {MASK}"

    @given(
        st.lists(st.text("abcd", min_size=4, max_size=8), max_size=4),
        st.text("abcdx", max_size=60),
    )
    def test_no_secret_is_left_and_other_text_is_kept(self, values: list[str], text: str) -> None:
        redacted = Redactor(lambda: values)(text)
        kept = redacted.split(MASK)
        assert not any(value in piece for value in values for piece in kept)
        assert all(piece in text for piece in kept)
        if not any(value in text for value in values):
            assert redacted == text
