"""Requests that are broken, cut short or odd, byte by byte; and who refuses them, with what.

`OURS` are refused by Stockade, with the rule of its event. `SERVERS` by uvicorn before there is a
request; where uvicorn's two parsers differ, `…_WITH` says so. `CUT` end too early. `HONEST` are the twins that must be taken.
"""

from __future__ import annotations

import json
import socket
from contextlib import closing
from typing import NamedTuple

__all__ = [
    "CUT",
    "HONEST",
    "JSON",
    "OURS",
    "OURS_WITH",
    "SERVERS",
    "SERVERS_WITH",
    "WORDS",
    "Answer",
    "Refused",
    "post",
    "send",
]

JSON, FORM = b"application/json", b"application/x-www-form-urlencoded"
MULTIPART = b"multipart/form-data; boundary=xyz"
PART = b'--xyz\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
FILE = b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nhi\r\n'
UPLOAD = PART % (b"name", b"ann") + FILE + b"--xyz--\r\n"
MIB = 1 << 20
SECONDS = 10.0


def post(path: bytes, media_type: bytes, body: bytes, *more: bytes, length: int = -1) -> bytes:
    """A request; `length` is declared instead of the body's own."""
    declared = b"Content-Length: %d" % (len(body) if length < 0 else length)
    return head(b"POST " + path, b"Content-Type: " + media_type, declared, *more) + body


def chunked(media_type: bytes, *parts: bytes) -> bytes:
    """A JSON request in chunks as given, framing included."""
    fields = (b"Content-Type: " + media_type, b"Transfer-Encoding: chunked")
    return head(b"POST /json", *fields) + b"".join(parts)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def head(line: bytes, *fields: bytes) -> bytes:
    fields = (b"Host: 127.0.0.1", b"Connection: close", *fields)
    return b"\r\n".join((line + b" HTTP/1.1", *fields)) + b"\r\n\r\n"


def get(target: bytes, *fields: bytes) -> bytes:
    return head(b"GET " + target, *fields)


END = chunk(b"")


class Refused(NamedTuple):
    """What comes of a request: the status, and the rule of Stockade's event."""

    request: bytes
    status: int
    rule: str


def of_upload(
    body: bytes, status: int, rule: str, media_type: bytes = b"multipart/form-data; boundary=xyz"
) -> Refused:
    return Refused(post(b"/upload", media_type, body), status, "body." + rule)


def of_json(body: bytes, status: int, rule: str, *, charset: bytes = b"") -> Refused:
    return Refused(post(b"/json", JSON + charset, body), status, "body." + rule)


def of_form(body: bytes, status: int, rule: str, *, charset: bytes = b"") -> Refused:
    return Refused(post(b"/form", FORM + charset, body), status, "body." + rule)


UTF_16 = '{"a": 1}'.encode("utf-16")
ODD = json.dumps({f"key {number}": f"value {number}" for number in range(5_000)}).encode()
WORDS = json.dumps({f"key{number}": f"value{number}" for number in range(5_000)}).encode()

OURS = {
    "body declared too large": Refused(
        post(b"/json", JSON, b"1", length=9 * MIB), 413, "request.body"
    ),
    "chunks too large": Refused(
        chunked(JSON, *[chunk(b" " * MIB)] * 8, chunk(b" "), END), 413, "request.body"
    ),
    "JSON cut short": of_json(b'{"a":', 400, "json"),
    "JSON with a byte too many": of_json(b'{"a": 1}]', 400, "json"),
    "JSON arrays 100,000 deep": of_json(b"[" * 100_000 + b"]" * 100_000, 400, "depth"),
    "JSON objects 100,000 deep": of_json(b'{"a":' * 100_000 + b"1" + b"}" * 100_000, 400, "depth"),
    "JSON 100,000 deep, unclosed": of_json(b"[" * 100_000, 400, "depth"),
    "UTF-16 labelled JSON": of_json(UTF_16, 400, "json"),
    "UTF-16 labelled UTF-16": of_json(UTF_16, 415, "charset", charset=b"; charset=utf-16"),
    "Latin-1 in JSON": of_json(b'{"a": "\xe9"}', 400, "encoding"),
    "Latin-1 labelled so": of_json(b'"\xe9"', 415, "charset", charset=b"; charset=latin-1"),
    "lone surrogate": of_json(rb'{"a": "\ud800"}', 400, "json"),
    "lone low surrogate as key": of_json(rb'{"\udc00": 1}', 400, "json"),
    "NaN": of_json(b'{"a": NaN}', 400, "json"),
    "Infinity": of_json(b"[-Infinity]", 400, "json"),
    "number out of range": of_json(b"[1e400]", 422, "number"),
    "duplicate keys": of_json(b'{"a": 1, "a": 2}', 422, "duplicate"),
    "duplicate keys, one escaped": of_json(rb'{"a": 1, "\u0061": 2}', 422, "duplicate"),
    "compressed JSON, cut": Refused(
        post(b"/json", JSON, b"\x1f\x8b\x08\0", b"Content-Encoding: gzip"), 400, "body.json"
    ),
    "no JSON at all": Refused(post(b"/json", JSON, b""), 422, "boundary.contract"),
    "form with a bad percent": of_form(b"name=%zz", 400, "form"),
    "form with a cut percent": of_form(b"name=a%2", 400, "form"),
    "form in Latin-1": of_form(b"name=%e9", 400, "form"),
    "form labelled UTF-16": of_form(b"name=a", 415, "charset", charset=b"; charset=utf-16"),
    "form without its field": Refused(post(b"/form", FORM, b"other=ann"), 422, "boundary.contract"),
    "1,200 form fields": of_form(b"&".join([b"a=b"] * 1_200), 413, "fields"),
    "NUL in a form": of_form(b"name=a%00", 400, "form"),
    "NUL in a form, encoded twice": of_form(b"name=a%2500", 400, "double-encoding"),
    "multipart cut short": of_upload(UPLOAD[:-30], 400, "multipart"),
    "multipart cut in a header": of_upload(UPLOAD[:40], 400, "multipart"),
    "multipart of another boundary": of_upload(
        UPLOAD, 400, "multipart", b"multipart/form-data; boundary=a"
    ),
    "multipart with a broken header": of_upload(
        b"--xyz\r\nno colon\r\n\r\nann\r\n--xyz--\r\n", 400, "part"
    ),
    "multipart without a name": of_upload(UPLOAD.replace(b'; name="name"', b""), 400, "part"),
    "multipart with two names of a file": of_upload(
        UPLOAD.replace(b'"a.txt"', b"\"a.txt\"; filename*=UTF-8''a.php"), 400, "part"
    ),
    "a part in base64": of_upload(
        UPLOAD.replace(b'"a.txt"\r\n', b'"a.txt"\r\nContent-Transfer-Encoding: base64\r\n'),
        415,
        "transfer-encoding",
    ),
    "JSON lines with an empty one": Refused(
        post(b"/json", b"application/x-ndjson", b"1\n\n2\n"), 400, "body.lines"
    ),
    "XML with a document type": Refused(
        post(b"/json", b"application/xml", b"<!DOCTYPE a><a/>"), 422, "body.doctype"
    ),
    "a type that FastAPI alone takes for JSON": Refused(
        post(b"/json", b"application/ a+json", b'{"a": 1, "a": 2}'), 400, "body.content-type"
    ),
    "one header too large": Refused(get(b"/taken", b"X: " + b"a" * 20_000), 431, "request.headers"),
    "too many headers": Refused(
        get(b"/taken", *[b"X-%d: a" % number for number in range(150)]), 431, "request.headers"
    ),
    "path too long": Refused(get(b"/find/" + b"a" * 5_000), 414, "request.path"),
    "query too long": Refused(get(b"/find?text=" + b"a" * 9_000), 414, "request.path"),
    "two content types": Refused(
        post(b"/json", JSON, b"{}", b"Content-Type: text/plain"), 400, "request.twice"
    ),
    "TRACE": Refused(head(b"TRACE /taken"), 405, "request.method"),
    "PROPFIND": Refused(head(b"PROPFIND /taken"), 405, "request.method"),
    "10,000 values at a sink": Refused(
        post(b"/older?than=77", JSON, ODD), 413, "firewall.input-limit"
    ),
    # FastAPI does not read these to their end; its answer becomes ours.
    "a form field of 2 MiB": of_form(b"name=" + b"a" * (2 * MIB), 400, "form"),
    "multipart without a boundary": of_upload(UPLOAD, 400, "form", b"multipart/form-data"),
}
TWO_HOSTS = get(b"/taken", b"Host: other.example")
NO_SUCH_METHOD = head(b"BREW /taken")
TWO_LENGTHS = post(b"/json", JSON, END, b"Transfer-Encoding: chunked")
OURS_WITH = {
    "httptools": {"two hosts": Refused(TWO_HOSTS, 400, "request.twice")},
    "h11": {
        "unknown method": Refused(NO_SUCH_METHOD, 405, "request.method"),
        "Content-Length and chunks": Refused(TWO_LENGTHS, 400, "request.framing"),
    },
}

SERVERS = {
    "no request line": b"NONSENSE\r\n\r\n",
    "a header without a colon": get(b"/taken", b"no colon"),
    "a blank before the colon": get(b"/taken", b"X-A : 1"),
    "NUL in a header": get(b"/taken", b"X-A: \0"),
    "Content-Length of letters": head(b"POST /json", b"Content-Length: abc"),
    "negative Content-Length": head(b"POST /json", b"Content-Length: -1"),
    "signed Content-Length": head(b"POST /json", b"Content-Length: +2") + b"{}",
    "two Content-Lengths": post(b"/json", JSON, b"{}", b"Content-Length: 3"),
    "a chunk without a size": chunked(JSON, b"zz\r\n{}\r\n", END),
    "unknown transfer coding": head(b"POST /json", b"Transfer-Encoding: gzip"),
    "address of 200,000 characters": get(b"/find?text=" + b"a" * 200_000),
}
SERVERS_WITH = {
    "httptools": {
        "unknown method": NO_SUCH_METHOD,
        "Content-Length and chunks": TWO_LENGTHS,
    },
    "h11": {"two hosts": TWO_HOSTS, "no host": b"GET /taken HTTP/1.1\r\n\r\n"},
}

CUT = {
    "JSON shorter than declared": (b"/json", post(b"/json", JSON, b'{"a": 1}', length=100)),
    "a chunk shorter than its size": (b"/json", chunked(JSON, b'20\r\n{"a": 1}')),
    "chunks without an end": (b"/json", chunked(JSON, chunk(b'{"a": 1}'))),
    "form shorter than declared": (b"/form", post(b"/form", FORM, b"name=ann", length=100)),
    "upload cut off": (b"/upload", post(b"/upload", MULTIPART, UPLOAD[:90], length=len(UPLOAD))),
    "whole upload, length too large": (
        b"/upload",
        post(b"/upload", MULTIPART, UPLOAD, length=len(UPLOAD) + 1),
    ),
}

HONEST = {
    "JSON": post(b"/json", JSON, b'{"a": 1}'),
    "JSON in chunks": chunked(JSON, chunk(b'{"a"'), chunk(b": 1}"), END),
    "JSON labelled UTF-8": post(b"/json", JSON + b"; charset=UTF-8", '"Zoë 日本"'.encode()),
    "JSON 60 deep": post(b"/json", JSON, b"[" * 60 + b"]" * 60),
    "brackets in a string": post(b"/json", JSON, b'"' + b"[" * 100_000 + b'"'),
    "a key twice, in two objects": post(b"/json", JSON, b'[{"a": 1}, {"a": 2}]'),
    "a colon in a string": post(b"/json", JSON, rb'{"a": "b:c", "d": "\u003a"}'),
    "a surrogate pair": post(b"/json", JSON, rb'"\ud83d\ude00"'),
    "JSON of 7 MiB": post(b"/json", JSON, b'"' + b"a" * (7 * MIB) + b'"'),
    "form": post(b"/form", FORM, b"name=Zo%C3%AB+100%25"),
    "form of 900 fields": post(
        b"/form", FORM, b"name=ann&" + b"&".join(b"f%d=v%d" % (n, n) for n in range(899))
    ),
    "upload": post(b"/upload", MULTIPART, UPLOAD),
    "upload of 7 MiB": post(b"/upload", MULTIPART, UPLOAD.replace(b"hi\r\n", b"a" * (7 * MIB) + b"\r\n")),
    "upload of a picture's bytes, its name in two spellings": post(
        b"/upload",
        MULTIPART,
        UPLOAD.replace(
            b'filename="a.txt"', b"filename=\"=?utf-8?B?w6k=?=\"; filename*=utf-8''%C3%A9"
        ).replace(b"hi\r\n", bytes(range(256)) + b"\r\n"),
    ),
    "quoted boundary": post(b"/upload", b'multipart/form-data; boundary="xyz"', UPLOAD),
    "a header of 10 KB": post(b"/json", JSON, b"{}", b"X-A: " + b"a" * 10_000),
    "80 headers": post(b"/json", JSON, b"{}", *[b"X-%d: a" % number for number in range(80)]),
    "a query of 4 KB": post(b"/json?q=" + b"a" * 4_000, JSON, b"{}"),
}  # fmt: skip


class Answer(NamedTuple):
    status: int
    media_type: str
    body: bytes


def send(port: int, request: bytes, *, then: str = "read") -> Answer:
    """What a server answers; status 0 where it answers nothing. `then`: read, shut or close."""
    received = bytearray()
    with closing(socket.create_connection(("127.0.0.1", port), SECONDS)) as connection:
        try:
            connection.sendall(request)
            if then == "close":
                return Answer(0, "", b"")
            if then == "shut":
                connection.shutdown(socket.SHUT_WR)
            while data := connection.recv(65_536):
                received += data
        except ConnectionError:
            pass  # refused before all was sent: what came until then is the answer
    first, _, body = bytes(received).partition(b"\r\n\r\n")
    lines = first.decode("latin-1").split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in lines[1:])
    status = int(lines[0].split(" ")[1]) if lines[0] else 0
    return Answer(status, fields.get("content-type", ""), body)
