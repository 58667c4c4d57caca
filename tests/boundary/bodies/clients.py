"""Multipart bodies as clients write them, and what each of their parts is called.

Written by hand after the conventions that are known of each client, not captured from it: WHATWG
HTML 4.10.21.8 for browsers (`%22` for a quote, backslashes as they are), backslash escapes of curl,
.NET's two spellings of a name, Apache HttpClient's charset and transfer encoding, old requests'
extended name.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["CLIENTS", "Client", "Sent"]


class Sent(NamedTuple):
    """A part: the lines of its head, its content, and the names that are meant."""

    head: tuple[str, ...]
    content: bytes
    name: str
    filename: str | None = None


class Client(NamedTuple):
    boundary: str
    parts: tuple[Sent, ...] = ()
    before: bytes = b""
    after: bytes = b"\r\n"

    @property
    def content_type(self) -> str:
        return f"multipart/form-data; boundary={self.boundary}"

    @property
    def body(self) -> bytes:
        line = b"--" + self.boundary.encode()
        written = b"".join(
            b"%b\r\n%b\r\n\r\n%b\r\n" % (line, "\r\n".join(part.head).encode(), part.content)
            for part in self.parts
        )
        return self.before + written + line + b"--" + self.after


DISPOSITION = "Content-Disposition: form-data; "
TYPE = "Content-Type: "
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
WEBKIT = "----WebKitFormBoundary7MA4YWxkTrZu0gW"
OLD_GECKO = "---------------------------9051914041544843365972754266"
ALMOST = b"--" + OLD_GECKO[:-1].encode() + b"\r\n\r\n--"
DOTNET = "a0d2b9a0-3f6b-4f5e-9a7b-1d2c3e4f5a6b"
PYTHON = "f6d2c1a9b3e54d7c8a0b9c8d7e6f5a4b"
TWICE = (
    DISPOSITION
    + "name=file; filename=\"=?utf-8?B?R3LDtsOfZS5wbmc=?=\"; filename*=utf-8''Gr%C3%B6%C3%9Fe.png"
)

CLIENTS = {
    "Chromium": Client(WEBKIT, (
        Sent((DISPOSITION + 'name="name"',), "Zoë 日本".encode(), "name"),
        Sent((DISPOSITION + 'name="text"',), b"two\r\nlines -- and --x", "text"),
        Sent((DISPOSITION + 'name="f"; filename="Größe %22a%22.png"', TYPE + "image/png"), PNG, "f", "Größe %22a%22.png"),
    )),
    "Chromium with an empty file and an empty field": Client(WEBKIT, (
        Sent((DISPOSITION + 'name="f"; filename=""', TYPE + "application/octet-stream"), b"", "f", ""),
        Sent((DISPOSITION + 'name="empty"',), b"", "empty"),
    )),
    "Chromium with nothing": Client(WEBKIT),
    "Chromium with a saved page": Client(WEBKIT, (
        Sent((DISPOSITION + 'name="f"; filename="a.mht"', TYPE + "multipart/related"), b"From: <Saved>", "f", "a.mht"),
    )),
    "Firefox": Client("----geckoformboundary5f0c8e2f7a0a8e6b3d7d2cb6f8f6f4a1", (
        Sent((DISPOSITION + 'name="_charset_"',), b"UTF-8", "_charset_"),
        Sent((DISPOSITION + 'name="a[b]; c=d"',), b"e", "a[b]; c=d"),
        Sent((DISPOSITION + 'name="f"; filename="C:\\dir\\a.txt"', TYPE + "text/plain"), b"caf\xe9\n--x\n", "f", "C:\\dir\\a.txt"),
    )),
    "older Firefox": Client(OLD_GECKO, (
        Sent((DISPOSITION + 'name="f"; filename="blob"', TYPE + "application/octet-stream"), ALMOST, "f", "blob"),
    )),
    "curl": Client("------------------------d74496d66958873e", (
        Sent((DISPOSITION + 'name="name"',), b"ann", "name"),
        Sent((DISPOSITION + r'name="f"; filename="\"hi\" \\o/.txt"', TYPE + "text/plain"), b"hello\n", "f", r'\"hi\" \\o/.txt'),
    )),
    ".NET": Client(DOTNET, (
        Sent((TYPE + "text/plain; charset=utf-8", DISPOSITION + "name=files[0].name"), "Zoë".encode(), "files[0].name"),
        Sent((TYPE + "image/png", TWICE), PNG, "file", "Größe.png"),
        Sent((DISPOSITION + "name=b; filename=a.txt; filename*=utf-8''a.txt",), b"a", "b", "a.txt"),
    )),
    "Apache HttpClient": Client("Jx_8F-o1oGqgzXqcGcRlT6yoqx9YY3", (
        Sent((DISPOSITION + 'name="name"', TYPE + "text/plain; charset=ISO-8859-1", "Content-Transfer-Encoding: 8bit"), b"ann", "name"),
        Sent((DISPOSITION + 'name="f"; filename="a"', "Content-Transfer-Encoding: binary"), bytes(range(256)), "f", "a"),
    )),
    "old requests": Client(PYTHON, (
        Sent((DISPOSITION + "name=\"f\"; filename*=utf-8''na%C3%AFve%20a.csv",), b"a,b\r\n", "f", "naïve a.csv"),
    )),
    "an API that sends JSON beside a file": Client(PYTHON, (
        Sent((DISPOSITION + 'name="meta"', TYPE + "application/json; charset=UTF-8"), b'{"tags": ["b"]}', "meta"),
        Sent((DISPOSITION + 'name="f"; filename="broken.json"', TYPE + "application/json"), b'{"a": NaN', "f", "broken.json"),
    ), after=b""),
    "one that begins with a line end": Client("xyz", (
        Sent(('content-disposition: FORM-DATA; name="a";',), b"1", "a"),
    ), before=b"\r\n"),
}  # fmt: skip
