"""What goes out again is a download under a name that cannot break the header, and is not sniffed."""

from __future__ import annotations

from email.message import EmailMessage
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.boundary import content_disposition, download_headers


def read(value: str) -> tuple[str, str | None]:
    """Type and name as a reader of RFC 6266 understands them."""
    kind, _, parameters = value.partition("; ")
    if "filename*=UTF-8''" in parameters:
        return kind, unquote(parameters.rpartition("UTF-8''")[2])
    message = EmailMessage()
    message["Content-Disposition"] = value
    return kind, message.get_filename()


@pytest.mark.parametrize(
    "name",
    [
        "scan.pdf",
        "résumé.docx",
        "診断書.pdf",
        "it's, & [final]; v=2.txt",
        "a b.txt",
        "100% sure.txt",
    ],
)
def test_honest_names_arrive(name: str) -> None:
    assert read(content_disposition(name)) == ("attachment", name)
    content_disposition(name).encode("ascii")


@pytest.mark.asvs("V5.4.1", "V5.4.2")
@pytest.mark.parametrize(
    "name",
    ['x"; filename="evil.exe', "a\r\nSet-Cookie: owned=1", "../../etc/passwd", "a\x00b", "",
     "C:\\boot.ini", "con", "evil\u202efdp.exe", "x" * 400],
)  # fmt: skip
def test_hostile_names_become_download(name: str) -> None:
    bare = f'attachment; filename="{name}"'
    assert read(bare.replace("\r\n", " ")) != ("attachment", "download")
    assert content_disposition(name) == 'attachment; filename="download"'


@given(st.text(max_size=40))
def test_every_name_is_one_header_of_ascii(name: str) -> None:
    value = content_disposition(name)
    assert value.isascii()
    assert value.isprintable()
    assert value.count('"') == 2
    read(value)


@pytest.mark.asvs("V3.2.1")
@pytest.mark.parametrize(
    ("stored", "shown", "media", "disposition"),
    [
        ("ab.png", "x.png", "image/png", 'inline; filename="x.png"'),
        ("ab.jpg", "x.svg", "image/jpeg", 'inline; filename="x.jpg"'),
        ("ab.tiff", "x.tiff", "image/tiff", 'attachment; filename="x.tiff"'),
        ("ab.pdf", "x.html", "application/pdf", 'attachment; filename="x.pdf"'),
        ("ab.csv", "", "text/csv", 'attachment; filename="download.csv"'),
        ("ab.html", "x.html", "application/octet-stream", 'attachment; filename="x.html"'),
        ("ab", "", "application/octet-stream", 'attachment; filename="download"'),
    ],
)
def test_only_pictures_drawn_anew_are_shown(
    stored: str, shown: str, media: str, disposition: str
) -> None:
    headers = download_headers(stored, shown)
    assert headers["Content-Type"] == media
    assert headers["Content-Disposition"] == disposition
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in headers["Content-Security-Policy"]
