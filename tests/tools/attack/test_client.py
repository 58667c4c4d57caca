import http.server
import io
import threading
from collections.abc import Iterator
from http.cookies import _unquote  # what Starlette reads a cookie's value with

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.tools.attack.client import (
    Client,
    Unsendable,
    _multipart,
    encode_cookie,
    replaced,
)
from stockade.tools.attack.description import operations_of
from stockade.tools.attack.model import Answer

PATHS = {
    "/files/{name}": {
        "get": {
            "parameters": [
                {"name": "name", "in": "path", "schema": {"type": "string"}},
                {"name": "X-Word", "in": "header", "schema": {"type": "string"}},
            ]
        }
    }
}


class Echo(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        content = self.requestline.encode()
        self.send_response(200)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def client() -> Iterator[Client]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        client = Client(server.server_port)
        yield client
        client.close()
        server.shutdown()
        thread.join()


def test_dot_segments_leave_as_they_are(client: Client) -> None:
    operation = operations_of({"paths": PATHS})[0]
    sent = client.send(operation, operation.slots[0], "../../a b/%2e").text
    assert sent == "GET /files/../../a%20b/%252e HTTP/1.1"


@pytest.mark.parametrize("value", ["two\nlines", "bell\a", " outer space "])
def test_a_header_that_http_cannot_carry_is_no_attempt(client: Client, value: str) -> None:
    operation = operations_of({"paths": PATHS})[0]
    with pytest.raises(Unsendable):
        client.send(operation, operation.slots[1], value)


@given(st.text(st.characters(codec="latin-1"), min_size=1))
def test_a_cookie_reads_back_as_it_was(text: str) -> None:
    sent = encode_cookie(text)
    assert ";" not in sent
    assert _unquote(sent).encode("latin-1").decode() == text


def test_a_files_name_is_sent_as_it_is_and_read_back_by_werkzeug() -> None:
    from werkzeug.formparser import parse_form_data

    content, media_type = _multipart({"scan": "tea", "note": "x"}, {"scan": '../a\\b" é.csv'})
    environ = {
        "wsgi.input": io.BytesIO(content),
        "CONTENT_TYPE": media_type,
        "CONTENT_LENGTH": str(len(content)),
        "REQUEST_METHOD": "POST",
    }
    _, form, files = parse_form_data(environ)
    assert files["scan"].filename == '../a\\b" é.csv'
    assert form["note"] == "x"
    files["scan"].close()
    for odd in ("two\nlines", "nul\0", ""):
        with pytest.raises(Unsendable):
            _multipart({"scan": "tea"}, {"scan": odd})


def test_replacing_leaves_the_original() -> None:
    document = {"a": [{"b": 1}], "c": 2}
    assert replaced(document, ("a", 0, "b"), 9) == {"a": [{"b": 9}], "c": 2}
    assert replaced(document, ("a", 0, "b"), "k", key=True) == {"a": [{"k": 1}], "c": 2}
    assert document == {"a": [{"b": 1}], "c": 2}


def test_only_the_firewalls_own_problem_is_a_refusal() -> None:
    problem = "application/problem+json"
    assert Answer(403, problem, '{"type":"urn:stockade:problem:blocked"}').refused
    assert not Answer(429, problem, '{"type":"urn:stockade:problem:throttled"}').refused
    assert not Answer(403, "text/html", '{"type":"urn:stockade:problem:blocked"}').refused
