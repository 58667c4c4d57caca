"""`decode`: the same rules without a web framework, and an event for each refusal."""

from __future__ import annotations

import json
from xml.etree.ElementTree import Element

import pytest

from stockade.boundary import decode
from stockade.core.errors import Rejected
from stockade.core.events import Event


def test_each_kind_as_python_objects() -> None:
    assert decode("application/vnd.api+json", b'{"a": [1, 2.5, null]}') == {"a": [1, 2.5, None]}
    assert decode("application/x-ndjson", b'{"a": 1}\n2\n') == [{"a": 1}, 2]
    assert decode("application/json-seq", b"\x1e1\n\x1e2\n") == [1, 2]
    form = decode("application/x-www-form-urlencoded", b"a=1&a=Zo%C3%AB&b")
    assert form == [("a", "1"), ("a", "Zoë"), ("b", "")]
    root = decode("text/xml", b'<p:a xmlns:p="u" b="1">t</p:a>')
    assert isinstance(root, Element)
    assert (root.tag, root.attrib, root.text) == ("{u}a", {"b": "1"}, "t")


@pytest.mark.parametrize(
    ("content_type", "body", "status", "rule"),
    [
        ("application/json", b'{"a": 1, "a": 2}', 422, "body.duplicate"),
        ("application/json", b"", 400, "body.json"),
        ("application/json; charset=utf-16", b"{}", 415, "body.charset"),
        ("application/x-www-form-urlencoded", b"a&b", 413, "body.fields"),
        ("application/x-www-form-urlencoded", b"a=%zz", 400, "body.form"),
        ("multipart/form-data; boundary=a", b"--a--", 415, "body.media-type"),
        ("text/plain", b"{}", 415, "body.media-type"),
        ("", b"{}", 400, "body.content-type"),
    ],
)
def test_a_refusal_is_an_event_that_echoes_nothing(
    content_type: str, body: bytes, status: int, rule: str, events: list[Event]
) -> None:
    with pytest.raises(Rejected) as caught:
        decode(content_type, body, max_fields=1)
    assert (caught.value.code, caught.value.rule) == (status, rule)
    (event,) = events
    assert (event.name, event.rule) == ("input_validation_fail", rule)


def test_the_limits_are_those_given() -> None:
    nested = json.dumps([[[]]]).encode()
    assert decode("application/json", nested, max_depth=3) == [[[]]]
    with pytest.raises(Rejected):
        decode("application/json", nested, max_depth=2)
    with pytest.raises(Rejected):
        decode("application/x-www-form-urlencoded", b"a=123", max_field_bytes=4)
