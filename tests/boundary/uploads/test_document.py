"""`Document` takes a PDF that is nothing else."""

from __future__ import annotations

import io
import zipfile

import pytest

from stockade.boundary import Document
from tests.boundary.uploads import bombs
from tests.boundary.uploads.conftest import Refusal
from tests.boundary.uploads.test_quarantine import PDF


def test_a_pdf_is_kept_as_it_is() -> None:
    assert Document().checked(PDF, filename="report.pdf") == PDF
    large = PDF[:-6] + b"%" + b"x" * 200_000 + b"\n%%EOF\n"
    assert Document().checked(large) == large


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (PDF + bombs.zipped({"a.class": b"owned"}), "polyglot"),
        (PDF[:9] + b"<html><script>owned()</script>" + PDF[9:], "polyglot"),
        (PDF[:9] + b"x" * 65_524 + b"<?php owned();" + PDF[9:], "polyglot"),
        (PDF[:9] + b"__HALT_COMPILER(); ?>" + PDF[9:], "polyglot"),
        (PDF[:-6], "document-malformed"),
        (b"\n" + PDF, "type"),
        (b"MZ" + PDF, "type"),
        (b"<html>" + PDF, "type"),
    ],
)
def test_two_types_at_once_and_half_a_file(content: bytes, rule: str, refusal: Refusal) -> None:
    if rule == "polyglot":
        assert content.startswith(b"%PDF-")  # what a check of the first bytes would let through
    assert refusal(Document(), content) == rule


def test_the_zip_in_a_pdf_opens_bare() -> None:
    content = PDF + bombs.zipped({"a.class": b"owned"})
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.read("a.class") == b"owned"
