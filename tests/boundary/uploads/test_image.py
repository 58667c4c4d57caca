"""`Image` lets pixels through and nothing else; sizes are read before anything is decoded."""

from __future__ import annotations

import io
import struct
import zipfile
from typing import Annotated, Any
from xml.etree import ElementTree

import PIL.Image
import PIL.ImageChops
import PIL.ImageOps
import PIL.PngImagePlugin
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from stockade.boundary import Base64Bytes, Image, Model, validate
from stockade.core.errors import ConfigError, Rejected
from stockade.core.events import Event
from tests.boundary.uploads import bombs
from tests.boundary.uploads.conftest import Refusal

ALL = ("jpeg", "png", "webp", "gif", "tiff")
ANY = Image(formats=ALL, max_frames=50)
NOISE = PIL.Image.effect_noise((97, 61), 80).convert("RGB")


def encoded(picture: PIL.Image.Image, kind: str, **options: Any) -> bytes:
    output = io.BytesIO()
    picture.save(output, kind, **options)
    return output.getvalue()


def opened(content: bytes) -> PIL.Image.Image:
    picture = PIL.Image.open(io.BytesIO(content))
    picture.load()
    return picture


HONEST = {
    "jpeg": encoded(NOISE, "JPEG"),
    "progressive.jpeg": encoded(NOISE, "JPEG", progressive=True, quality=95),
    "grey.jpg": encoded(NOISE.convert("L"), "JPEG"),
    "print.jpg": encoded(NOISE.convert("CMYK"), "JPEG"),
    "png": encoded(NOISE, "PNG"),
    "palette.png": encoded(NOISE.convert("P"), "PNG"),
    "clear.png": encoded(NOISE.convert("RGBA"), "PNG"),
    "bits.png": encoded(NOISE.convert("1"), "PNG"),
    "deep.png": encoded(PIL.Image.new("I;16", (9, 9), 3000), "PNG"),
    "gif": encoded(NOISE, "GIF"),
    "webp": encoded(NOISE, "WEBP"),
    "exact.webp": encoded(NOISE, "WEBP", lossless=True),
    "clear.webp": encoded(NOISE.convert("RGBA"), "WEBP"),
    "tiff": encoded(NOISE, "TIFF"),
    "lzw.tif": encoded(NOISE, "TIFF", compression="tiff_lzw"),
    "fax.tif": encoded(NOISE.convert("1"), "TIFF", compression="group4"),
    "jpeg.tif": encoded(NOISE, "TIFF", compression="jpeg"),
}


@pytest.mark.parametrize("name", HONEST)
def test_honest_pictures_keep_format_size_and_look(name: str, events: list[Event]) -> None:
    content = HONEST[name]
    filename = "scan 1." + name.rpartition(".")[2]
    before, after = opened(content), opened(ANY.checked(content, filename=filename))
    assert (after.format, after.size, after.mode) == (before.format, before.size, before.mode)
    if name != "deep.png":
        apart: Any = PIL.ImageChops.difference(before.convert("L"), after.convert("L"))
        assert apart.getextrema()[1] < 64
    assert events == []


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_frames_are_kept_where_they_are_declared(kind: str, refusal: Refusal) -> None:
    frames = [NOISE.rotate(10 * number) for number in range(5)]
    times: dict[str, Any] = {} if kind == "TIFF" else {"duration": 70, "loop": 0}
    content = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **times)
    after: Any = opened(ANY.checked(content))
    assert after.n_frames == 5
    if kind in {"GIF", "PNG"}:
        assert (after.info["duration"], after.info["loop"]) == (70, 0)
    assert refusal(Image(formats=ALL), content) == "image-frames"
    assert refusal(Image(formats=ALL, max_frames=5, max_pixels=97 * 61 * 4), content) == (
        "image-pixels"
    )


def test_a_photograph_is_turned_upright_and_says_nothing_about_the_place() -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8825)[2] = (48.0, 12.0, 51.0)
    exif[0x010F] = "canary-maker"
    profile = b"canary-profile" * 20
    content = encoded(NOISE, "JPEG", exif=exif, icc_profile=profile, comment=b"canary-comment")
    assert content.count(b"canary") > 20
    cleaned = Image().checked(content)
    after = opened(cleaned)
    assert b"canary" not in cleaned
    assert not after.getexif()
    assert after.size == (61, 97) == PIL.ImageOps.exif_transpose(opened(content)).size


def test_metadata_of_other_formats_goes_too() -> None:
    info = PIL.PngImagePlugin.PngInfo()
    info.add_text("Comment", "canary-text")
    info.add_itxt("Other", "canary-itext", zip=False)
    exif = PIL.Image.Exif()
    exif[0x010F] = "canary-maker"
    for content in (
        encoded(NOISE, "PNG", pnginfo=info, exif=exif),
        encoded(NOISE, "WEBP", exif=exif.tobytes(), xmp=b"canary-xmp", icc_profile=b"canary-icc"),
        encoded(NOISE, "GIF", comment=b"canary-comment"),
        encoded(NOISE, "TIFF", tiffinfo={270: "canary-description"}, icc_profile=b"canary-icc"),
    ):
        assert b"canary" in content
        assert b"canary" not in ANY.checked(content)


PAGE = b"<script>document.title='owned'</script>"
PHAR = b"<?php __HALT_COMPILER(); ?>" + bytes(40) + b"GBMB"


def _polyglots() -> dict[str, bytes]:
    archive = bombs.zipped({"a.class": b"owned"})
    jpeg = HONEST["jpeg"]
    comment = b"\xff\xfe" + struct.pack(">H", len(PHAR) + 2) + PHAR
    gif = HONEST["gif"]
    html_gif = gif[:-1] + b"\x21\xfe" + bytes([len(PAGE)]) + PAGE + b"\x00;"
    end = HONEST["png"].index(b"IDAT") - 4
    return {
        "gif+html": html_gif,
        "gif+js": b"GIF89a" + gif[6:] + b"*/=1;owned()",
        "jpeg+phar": jpeg[:2] + comment + jpeg[2:],
        "jpeg+zip": jpeg + archive,
        "png+zip": HONEST["png"] + archive,
        "png+html": HONEST["png"][:end]
        + bombs.png_chunk(b"tEXt", b"x\x00" + PAGE)
        + HONEST["png"][end:],
        "webp+zip": HONEST["webp"] + archive,
    }


@pytest.mark.parametrize("name", _polyglots())
def test_what_is_also_something_else_comes_out_as_a_picture_only(name: str) -> None:
    content = _polyglots()[name]
    opened(content)  # a picture to every viewer

    def acts(content: bytes) -> bool:
        return (
            zipfile.is_zipfile(io.BytesIO(content))
            or b"__HALT_COMPILER" in content
            or b"<script" in content
            or b"owned" in content
        )

    assert acts(content)
    cleaned = ANY.checked(content)
    assert not acts(cleaned)
    assert opened(cleaned).size == NOISE.size


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "empty"),
        (b"GIF89a", "image-malformed"),
        (b"GIF89a<script>alert(1)</script>", "image-malformed"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "svg"),
        ("<svg:svg/>".encode("utf-16"), "svg"),
        (b"<html>", "type"),
        (b"%PDF-1.7", "type"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "type"),
        (b"8BPS\x00\x01", "type"),
        (HONEST["jpeg"][:-400], "image-malformed"),
        (HONEST["png"][:-30], "image-malformed"),
        (HONEST["webp"][:-30], "image-malformed"),
        (bombs.png(100_000, 100_000, rows=1), "image-pixels"),
        (bombs.png(0, 10), "image-malformed"),
        (bombs.tiff(60_000, 60_000, tile=16), "image-pixels"),
        (bombs.jpeg_of_scans(100), "image-malformed"),
        (HONEST["tiff"].replace(struct.pack("<HHII", 259, 3, 1, 1), struct.pack("<HHII", 259, 3, 1, 34_712)), "image-tiff"),
    ],
)  # fmt: skip
def test_what_is_no_such_picture_is_refused(content: bytes, rule: str, refusal: Refusal) -> None:
    assert refusal(ANY, content) == rule


@pytest.mark.asvs("V1.3.4")
@pytest.mark.parametrize(
    "content",
    [
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>owned()</script></svg>',
        b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" onload="owned()"/>',
        b'<svg xmlns="http://www.w3.org/2000/svg"><foreignObject><p>owned</p></foreignObject></svg>',
        '<s:svg xmlns:s="http://www.w3.org/2000/svg"><s:script/></s:svg>'.encode("utf-16"),
    ],
)
def test_a_picture_that_holds_scripts_is_not_taken(content: bytes, refusal: Refusal) -> None:
    """It is a document that browsers run, and no kind of `Image` admits it."""
    acting = {"script", "foreignObject"}
    tree = ElementTree.fromstring(content)  # noqa: S314  # our own
    tags = {element.tag.rpartition("}")[2] for element in tree.iter()}
    assert tags & acting or "onload" in tree.attrib
    assert refusal(ANY, content, "picture.svg") == "svg"
    assert refusal(ANY, content, "picture.png") == "svg"
    assert ANY.checked(HONEST["png"], filename="picture.png")


def test_a_size_that_comes_second_is_refused(refusal: Refusal) -> None:
    jpeg = HONEST["jpeg"]
    at = jpeg.index(b"\xff\xc0")
    frame = jpeg[at : at + 2 + struct.unpack(">H", jpeg[at + 2 : at + 4])[0]]
    large = frame[:5] + struct.pack(">HH", 60_000, 60_000) + frame[9:]
    assert refusal(ANY, jpeg[:at] + large + jpeg[at:]) == "image-pixels"
    assert refusal(ANY, jpeg[:at] + frame + jpeg[at:]) == "image-malformed"


def test_directories_in_a_circle_end(refusal: Refusal) -> None:
    content = bytearray(bombs.tiff(4, 4))
    directory = struct.unpack("<I", content[4:8])[0]
    content[-4:] = struct.pack("<I", directory)
    assert refusal(ANY, bytes(content)) == "image-malformed"


def test_only_declared_formats_are_decoded(refusal: Refusal) -> None:
    assert refusal(Image(), HONEST["tiff"]) == "type"
    assert refusal(Image(formats=("png",)), HONEST["jpeg"]) == "type"
    with pytest.raises(ConfigError, match="svg"):
        Image(formats=("svg",))
    with pytest.raises(ConfigError):
        Image(formats=())


@pytest.mark.asvs("V5.2.2")
def test_the_name_has_to_fit_the_content(refusal: Refusal) -> None:
    for filename in ("shell.php", "page.html", "picture.png.svg", "picture.png", "picture"):
        assert refusal(Image(), HONEST["jpeg"], filename) == "extension"
    assert Image().checked(HONEST["jpeg"], filename="PICTURE.JPG")


def test_in_a_model(events: list[Event]) -> None:
    class Portrait(Model):
        picture: Annotated[Base64Bytes, Image(max_pixels=10_000)]

    import base64

    text = base64.b64encode(_polyglots()["jpeg+zip"]).decode()
    kept = Portrait(picture=text).picture  # type: ignore[arg-type]
    assert not zipfile.is_zipfile(io.BytesIO(kept))
    large = base64.b64encode(bombs.png(200, 200)).decode()
    with pytest.raises(Rejected) as caught:
        validate(Portrait, {"picture": large})
    assert "10,000 pixels" in caught.value.errors[0].detail
    assert events[0].details["kinds"] == ["stockade.upload_image_pixels"]
    with pytest.raises(ValidationError):
        TypeAdapter(Annotated[bytes, Image()]).validate_python(b"<svg/>")
    schema = Portrait.model_json_schema()["properties"]["picture"]
    assert schema["type"] == "string"


@settings(max_examples=150, deadline=None)
@given(
    name=st.sampled_from(sorted(HONEST)),
    at=st.integers(0, 2_000),
    data=st.binary(min_size=1, max_size=8),
)
def test_no_damage_is_more_than_a_refusal(name: str, at: int, data: bytes) -> None:
    content = HONEST[name]
    at %= len(content)
    damaged = content[:at] + data + content[at + len(data) :]
    try:
        opened(ANY.checked(damaged))
    except Rejected:
        pass
