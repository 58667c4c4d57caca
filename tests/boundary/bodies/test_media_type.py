"""A Content-Type has one reading, or the body is refused."""

from __future__ import annotations

from contextlib import suppress
from email.message import Message

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.boundary import check_body
from stockade.boundary.bodies.media_type import media_type
from stockade.core.errors import Rejected


def refusal(content_type: str) -> tuple[int, str]:
    with pytest.raises(Rejected) as caught:
        media_type(content_type)
    return caught.value.code, caught.value.rule


@pytest.mark.parametrize(
    ("content_type", "kind"),
    [
        ("application/json", "json"),
        ("Application/JSON ; Charset=UTF-8", "json"),
        ('application/json;charset="utf-8"', "json"),
        ("application/json;", "json"),
        ("application/json; charset=utf-8; charset=UTF-8", "json"),
        ("application/vnd.api+json", "json"),
        ("model/gltf+json; version=2", "json"),
        ("application/x-ndjson", "lines"),
        ("application/geo+json-seq", "sequence"),
        ("application/soap+xml; charset=utf-8; action=\"urn:a;b\"", "xml"),
        ("image/svg+xml", "xml"),
        ("text/plain; charset=utf-16", "other"),
        ("image/png; what ever", "other"),
        ("multipart/mixed", "other"),
    ],
)  # fmt: skip
def test_kinds(content_type: str, kind: str) -> None:
    assert media_type(content_type).kind == kind


WERKZEUG = "---------------WerkzeugFormPart_1764435546.91858151.2345678901234567e-05"
"""Longer than the 70 of RFC 2046."""


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW", "----WebKitFormBoundary7MA4YWxkTrZu0gW"),
        ("multipart/form-data; boundary=----geckoformboundaryc1a2", "----geckoformboundaryc1a2"),
        ("multipart/form-data; boundary=------------------------d74496d66958873e", "------------------------d74496d66958873e"),
        ('multipart/form-data; boundary="a b:c"', "a b:c"),
        ("multipart/form-data; boundary=" + WERKZEUG, WERKZEUG),
        ("multipart/form-data; charset=utf-8; boundary=----=_Part_4_1", "----=_Part_4_1"),
    ],
)  # fmt: skip
def test_boundaries_of_real_clients(content_type: str, boundary: str) -> None:
    assert media_type(content_type).boundary == boundary


@pytest.mark.parametrize(
    "content_type",
    [
        "json",
        "application/",
        "application/ a+json",
        "application/json, text/plain",
        "application/json application/xml",
        "application/json\x0b",
        "application/json; charset",
        "application/json; charset=utf-8 x",
        'application/json; charset="utf-8',
        "application/json; a=b, text/plain",
    ],
)
def test_what_is_no_media_type_is_refused(content_type: str) -> None:
    assert refusal(content_type) == (400, "body.content-type")


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json; charset=utf-16",
        "application/json; charset=",
        "application/json; charset*=utf-8''utf-7",
        "application/json; charset=utf-8; charset*0=utf-7",
        "application/xml; charset=iso-8859-1",
        "application/x-ndjson; charset=utf-32",
        "application/x-www-form-urlencoded; charset=ibm037",
        "multipart/form-data; boundary=a; charset=utf-7",
    ],
)
def test_another_charset_is_refused(content_type: str) -> None:
    assert refusal(content_type) == (415, "body.charset")


def test_a_boundary_longer_than_parsers_take_is_refused() -> None:
    media_type("multipart/form-data; boundary=" + "a" * 200)
    assert refusal("multipart/form-data; boundary=" + "a" * 201) == (400, "body.multipart")


def test_what_fastapi_takes_for_json_and_others_for_nothing_is_refused() -> None:
    """FastAPI asks `email.message`, whose subtype of this ends in `+json`."""
    field = "application/ a+json"
    message = Message()
    message["content-type"] = field
    assert message.get_content_maintype() == "application"
    assert message.get_content_subtype().endswith("+json")
    body = b'{"role": "clinician", "role": "admin"}'
    with pytest.raises(Rejected):
        check_body(field, body, max_depth=64)
    check_body("text/plain", body, max_depth=64)  # the twin: no framework reads it as JSON


@given(st.text(st.sampled_from('application/json;+x ="\\,\t*charset=utf-8boundary')))
def test_no_field_crashes_it(content_type: str) -> None:
    with suppress(Rejected):
        found = media_type(content_type)
        assert found.name == found.name.lower()
        assert found.name.count("/") == 1
