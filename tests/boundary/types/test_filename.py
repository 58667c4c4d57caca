"""A `Filename` names one entry of one folder, whatever is done to it on the way there."""

import json
import unicodedata
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from stockade.boundary import Filename
from stockade.boundary.types.filename import MAX_BYTES

ADAPTER: TypeAdapter[str] = TypeAdapter(Filename)


def accepted(value: str) -> str | None:
    try:
        return ADAPTER.validate_python(value)
    except ValidationError:
        return None


@pytest.mark.parametrize(
    "honest",
    [
        "scan.pdf",
        "X-ray 2026-01-31 (left).dcm",
        "résumé.docx",
        "診断書.pdf",
        "100% sure.txt",
        "archive.tar.gz",
        "console.log",
        "a",
        "icon.png",
        "it's & that's +1, [final].txt",
    ],
)
def test_honest_names_pass_unchanged(honest: str) -> None:
    assert accepted(honest) == honest


@pytest.mark.parametrize(
    "hostile",
    [
        "",
        ".",
        "..",
        "../../etc/passwd",
        "..\\..\\boot.ini",
        "/etc/passwd",
        "C:evil",
        "file.txt::$DATA",
        "a\x00.png",
        "a\nb",
        ".htaccess",
        "-rf",
        "~root",
        "trailing.",
        "trailing ",
        " leading",
        "CON",
        "con.txt",
        "Com1.log",
        "nul .txt",
        "COM\u00b9",
        "cod\u202efdp.exe",
        "a\u200bb",
        "%2e%2e%2fetc%2fpasswd",
        "%252e%252e%252fetc",
        "a%00.png",
        "\uff0e\uff0e\uff0fetc",
        "a*b",
        "x" * 256,
        "é" * 128,
        "\ud800",
    ],
)
def test_hostile_names_are_refused(hostile: str) -> None:
    assert accepted(hostile) is None


@given(st.text(st.sampled_from("./\\%2eEfF5:con \x00a~-\u2024\uff0f\u0301") | st.characters()))
def test_an_accepted_name_is_one_component_in_every_spelling(value: str) -> None:
    name = accepted(value)
    if name is None:
        return
    assert accepted(name) == name
    assert len(name.encode()) <= MAX_BYTES
    root = Path("/folder")
    for spelling in (
        name,
        unquote(name),
        unquote(unquote(name)),
        unicodedata.normalize("NFKC", name),
    ):
        assert (root / spelling).parent == root
        assert spelling not in ("", ".", "..")
        assert "\x00" not in spelling


def test_naughty_strings(corpora: Path) -> None:
    naughty = json.loads((corpora / "naughty-strings" / "blns.json").read_bytes())
    assert len(naughty) > 500
    names = [name for value in naughty if (name := accepted(value)) is not None]
    assert names
    assert not [name for name in names if Path(name).name != name]


def test_schema() -> None:
    schema = ADAPTER.json_schema()
    assert (schema["type"], schema["minLength"], schema["maxLength"]) == ("string", 1, 255)


@pytest.mark.parametrize("decode", [str, unquote])
def test_an_upload_leaves_its_folder_with_str_and_not_with_filename(
    tmp_path: Path, decode: type[str]
) -> None:
    uploads = tmp_path / "a" / "uploads"
    uploads.mkdir(parents=True)
    value = "../../stolen" if decode is str else "%2e%2e/%2e%2e/stolen"

    def store(name: str) -> None:
        (uploads / decode(name)).write_text("owned")

    store(TypeAdapter(str).validate_python(value))
    assert (tmp_path / "stolen").read_text() == "owned"
    (tmp_path / "stolen").unlink()
    with pytest.raises(ValidationError):
        store(ADAPTER.validate_python(value))
    assert not (tmp_path / "stolen").exists()
    store(ADAPTER.validate_python("scan 1.pdf"))
    assert (uploads / "scan 1.pdf").exists()
