"""Bytes that two parsers could read differently do not get in; everything else does."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote

import msgspec
import pytest
from fastapi import Body, FastAPI, Form
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from stockade import Stockade
from stockade.boundary import check_body
from stockade.core.config import (
    DefenceSettings,
    RequestSettings,
    Settings,
    StoreSettings,
    WatchSettings,
)
from stockade.core.errors import Rejected

JSON = "application/json"
QUIET = Settings(store=StoreSettings(url="memory"), watch=WatchSettings(log="", audit=""))
# Legal by RFC 8259 (names SHOULD be unique) and refused on purpose (RFC 7493, 2.3).
DUPLICATES = {"y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"}


def status(body: bytes, content_type: str = JSON, max_depth: int = 64) -> int:
    try:
        check_body(content_type, body, max_depth=max_depth)
    except Rejected as refused:
        return refused.code
    return 200


def test_the_json_test_suite(corpora: Path) -> None:
    files = sorted((corpora / "json-test-suite" / "test_parsing").glob("*.json"))
    assert len(files) > 300
    for file in files:
        body = file.read_bytes()
        answer = status(body)
        if file.name.startswith("y_"):
            assert answer == (422 if file.name in DUPLICATES else 200), file.name
        elif file.name.startswith("n_"):
            assert answer in (400, 422) or not body, file.name
        if answer == 200 and body:
            json.loads(body)  # what passes, the application can read


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"a": 1, "a": 2}', 422),
        (b'{"a": 1, "b": {"c": 1, "c": 1}}', 422),
        (b'[{"a": ":", "\\u0061": ":"}]', 422),
        (b'{"a": "\\u003a", "a": 1, "b": 2}', 422),
        (b'{"a\\u003A": 1, "a:": 2}', 422),
        (b'{"a": NaN}', 400),
        (b"[-Infinity]", 400),
        (b"[1e400]", 422),
        (b'["\\ud800"]', 400),
        (b'["\xed\xa0\x80"]', 400),
        (b'["\xff"]', 400),
        (b"\xef\xbb\xbf{}", 400),
        ('{"a": 1}'.encode("utf-16"), 400),
        ('{"a": 1}'.encode("utf-16-le"), 400),
        (b'{"a": 1} trailing', 400),
        (b"[" * 100_000, 400),
        (b"[" * 65 + b"]" * 65, 400),
        (b'{"a":' * 65 + b"1" + b"}" * 65, 400),
        (b"[]]" * 40, 400),
        (b'"' + b"[" * 100, 400),
    ],
)
def test_disputed_json_is_refused(body: bytes, expected: int) -> None:
    assert status(body) == expected


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": 1, "b": {"a": 1}}',
        b'{"time": "12:30:00", "a:b": "::"}',
        b'{"a": "\\u003a", "b": "\\\\u003a"}',
        b"[" * 64 + b"]" * 64,
        b'["' + b"[" * 1000 + b'"]',
        b'["\\"' + b"[{" * 1000 + b'"]',
        b"[" + b"[{}]," * 1000 + b"[]]",
        b'["\\ud83d\\ude00", "\xf0\x9f\x98\x80"]',
        b" null ",
        b"",
    ],
)
def test_honest_json_passes(body: bytes) -> None:
    assert status(body) == 200


@pytest.mark.parametrize("depth", [1, 5, 64])
def test_the_depth_limit_is_exact(depth: int) -> None:
    assert status(b"[" * depth + b"1" + b"]" * depth, max_depth=depth) == 200
    assert status(b"[" * (depth + 1) + b"1" + b"]" * (depth + 1), max_depth=depth) == 400


def test_a_depth_limit_beyond_the_interpreters_own_is_no_crash() -> None:
    assert status(b"[" * 50_000 + b"]" * 50_000, max_depth=1_000_000) == 400


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8") | st.sampled_from(':"\\[{u03a')),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.sampled_from('ab:"\\u03a')), inner),
    max_leaves=20,
)


@given(values, st.booleans())
def test_what_json_writes_passes(value: object, ascii_only: bool) -> None:
    assert status(json.dumps(value, ensure_ascii=ascii_only).encode()) == 200
    assert status(msgspec.json.encode(value)) == 200


keys = st.text(st.sampled_from('a:\\"u03'), min_size=1, max_size=4)


@given(st.lists(st.tuples(keys, st.text(st.sampled_from('a:"\\u03'))), max_size=6), st.booleans())
def test_equal_keys_are_found_however_they_are_written(
    pairs: list[tuple[str, str]], disguise: bool
) -> None:
    def write(text: str) -> str:
        written = json.dumps(text)
        return written.replace(":", "\\u003a") if disguise else written

    body = "{" + ",".join(f"{write(key)}:{write(value)}" for key, value in pairs) + "}"
    distinct = len({key for key, _ in pairs}) == len(pairs)
    assert status(body.encode()) == (200 if distinct else 422)


KINDS = [
    JSON,
    "application/x-ndjson",
    "application/json-seq",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=a",
    "application/xml",
    "",
]


@given(st.binary(max_size=200), st.sampled_from(KINDS))
def test_no_bytes_crash_it(body: bytes, content_type: str) -> None:
    assert status(body, content_type) in (200, 400, 415, 422)


@given(st.text())
def test_no_content_type_crashes_it(content_type: str) -> None:
    assert status(b"{}", content_type) in (200, 400, 415)


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("application/json; charset=utf-8", b"{}", 200),
        ('Application/JSON ; Charset="UTF-8"', b"{}", 200),
        ("application/json; charset=utf-16", b"{}", 415),
        ("application/json; charset=utf-8; charset=utf-7", b"{}", 415),
        ("application/problem+json", b"{NaN}", 400),
        ("application/vnd.api+json; charset=utf-8", b'{"a":1,"a":1}', 422),
        ("text/plain", b"{NaN}", 200),
        ("", b"\xff", 200),
        ("", b"", 200),
        ("", b"not { JSON", 200),
        ("", b'{"a": 1}', 200),
        ("", b'{"a": 1, "a": 2}', 422),
        ("  ", b"[NaN]", 400),
        ("", b"[" * 100_000, 400),
        ("", '{"a": 1}'.encode("utf-16"), 400),
        ("json", b"{}", 400),
        ("application/ a+json", b"{}", 400),
        ("application/json, application/json", b"{}", 400),
        ("application/x-ndjson", b'{"a": 1}\n{"a": 2}\n', 200),
        ("application/x-ndjson", b'{"a": 1, "a": 2}\n', 422),
        ("application/json-seq", b"\x1e{}\n", 200),
        ("application/json-seq", b"{}\n", 400),
        ("application/xml", b"<a/>", 200),
        ("application/soap+xml; charset=utf-8", b"<!DOCTYPE a><a/>", 422),
        ("image/svg+xml", b'<svg xmlns="http://www.w3.org/2000/svg"/>', 200),
        ("text/html", b"<!DOCTYPE html>", 200),
        ("multipart/mixed; boundary=a", b"anything", 200),
        ("application/x-www-form-urlencoded", b"name=Ren%C3%A9e+O%27Hara&x=%26", 200),
        ("application/x-www-form-urlencoded", b"name=%FF", 400),
        ("application/x-www-form-urlencoded", b"name=\xff", 400),
        ("application/x-www-form-urlencoded", b"name=%zz", 400),
        ("application/x-www-form-urlencoded; charset=ibm037", b"name=x", 415),
        ("multipart/form-data; boundary=abc", b"--abc--", 200),
        ("multipart/form-data", b"", 400),
        ("multipart/form-data; boundary=a; boundary=b", b"", 400),
        ("multipart/form-data; boundary=\x00", b"", 400),
        ("multipart/form-data; boundary=a; boundary*0=b", b"", 400),
        ("multipart/form-data; boundary=a; charset=UTF-8", b"--a--", 200),
        ("multipart/form-data; boundary=a; charset=utf-7", b"--a--", 415),
        ("multipart/form-data; boundary=a; charset*0=utf-7", b"--a--", 415),
    ],
)
def test_content_types(content_type: str, body: bytes, expected: int) -> None:
    assert status(body, content_type) == expected


@pytest.mark.asvs("V1.5.3")
def test_duplicate_keys_smuggle_a_role_past_a_checking_proxy_and_not_past_us() -> None:
    body = b'{"role": "admin", "role": "clinician"}'
    seen_by_application = json.loads(body)["role"]
    seen_by_proxy = json.loads(body, object_pairs_hook=lambda pairs: dict(reversed(pairs)))["role"]
    assert (seen_by_proxy, seen_by_application) == ("admin", "clinician")
    assert status(body) == 422
    assert status(b'{"role": "clinician"}') == 200


@pytest.mark.asvs("V1.1.1")
def test_what_is_encoded_twice_becomes_no_control_character_behind_the_check() -> None:
    """An application that decodes once more than it should, behind a check of the ending."""
    form = {"content-type": "application/x-www-form-urlencoded"}

    def opened(mode: Any, body: bytes) -> tuple[int, str]:
        app = FastAPI()

        @app.post("/open")
        def take(file: Annotated[str, Form()]) -> str:
            assert file.endswith(".png")
            return unquote(file).partition("\0")[0]  # what C reads of a name

        stockade = Stockade.protect(
            app, settings=replace(QUIET, defence=DefenceSettings(mode=mode))
        )
        answer = TestClient(app).post("/open", content=body, headers=form)
        stockade.close()
        return answer.status_code, answer.text

    assert opened("off", b"file=shell.php%2500.png") == (200, '"shell.php"')
    assert opened("block", b"file=shell.php%2500.png")[0] == 400
    assert opened("block", b"file=100%2525.png") == (200, '"100%.png"')


@pytest.fixture(scope="module")
def echo() -> Iterator[TestClient]:
    app = FastAPI()

    @app.post("/json")
    async def take(document: Annotated[Any, Body()]) -> str:
        return repr(document)

    stockade = Stockade.protect(app, settings=QUIET)
    yield TestClient(app)  # it raises what would be a 500
    stockade.close()


def test_the_json_test_suite_through_fastapi(corpora: Path, echo: TestClient) -> None:
    files = sorted((corpora / "json-test-suite" / "test_parsing").glob("*.json"))
    statuses = Counter[tuple[str, int]]()
    for file in files:
        body, kind = file.read_bytes(), file.name[0]
        answer = echo.post("/json", content=body, headers={"content-type": JSON})
        statuses[kind, answer.status_code] += 1
        if answer.status_code == 200:
            assert kind != "n", file.name
            assert answer.json() == repr(json.loads(body)), file.name
        else:
            assert answer.status_code in (400, 422), file.name
            assert answer.headers["content-type"] == "application/problem+json", file.name
            assert kind != "y" or file.name in DUPLICATES, file.name
    assert statuses["y", 422] == len(DUPLICATES)
    print(f"{len(files)} documents: {dict(statuses)}")


def test_limits_of_the_settings_reach_the_check() -> None:
    request = RequestSettings(max_json_depth=2, max_fields=2, max_field_bytes=4)
    check = Stockade(replace(QUIET, request=request))._check_body()
    form = "application/x-www-form-urlencoded"
    for content_type, good, bad in (
        (JSON, b"[[]]", b"[[[]]]"),
        (form, b"a=1&b=2", b"a=1&b=2&c=3"),
        (form, b"a=12", b"a=123"),
    ):
        check(content_type, good)
        with pytest.raises(Rejected):
            check(content_type, bad)


def test_deep_nesting_kills_json_and_is_refused_before() -> None:
    body = b"[" * 100_000
    with pytest.raises(RecursionError):
        json.loads(body)
    assert status(body) == 400
