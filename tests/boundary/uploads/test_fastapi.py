"""An upload through FastAPI, Flask and Django: the same quarantine, the same refusals."""

# FastAPI reads annotations, which name what stands in a test: no `annotations` of the future here.

import io
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, UploadFile
from fastapi.testclient import TestClient
from pydantic import TypeAdapter

from stockade.boundary import Archive, Image, Quarantine, Root, Upload
from stockade.boundary.uploads.fastapi import received
from stockade.core.errors import Rejected
from stockade.core.events import Event
from tests.boundary.uploads.test_image import HONEST, _polyglots

MARK = b"__HALT_COMPILER"


@pytest.fixture
def quarantine(tmp_path: Path) -> Quarantine:
    return Quarantine(tmp_path / "quarantine", max_bytes=100_000)


@pytest.fixture
def photos(tmp_path: Path) -> Root:
    (tmp_path / "photos").mkdir()
    return Root(tmp_path / "photos")


def _kept(tmp_path: Path) -> list[bytes]:
    return [path.read_bytes() for path in (tmp_path / "photos").iterdir()]


def test_fastapi(quarantine: Quarantine, photos: Root, tmp_path: Path, events: list[Event]) -> None:
    app = FastAPI()
    photo = received(quarantine, Image(), "photo")

    @app.post("/bare")
    def bare(photo: UploadFile) -> None:
        with photos.open(photo.filename or "", "wb") as file:
            file.write(photo.file.read())

    @app.post("/photos")
    def upload(photo: Annotated[Upload, Depends(photo)]) -> str:
        return photo.store(photos)

    @app.post("/forgotten")
    def forgotten(photo: Annotated[Upload, Depends(photo)]) -> int:
        return photo.size

    client = TestClient(app)
    hostile = {"photo": ("x.jpg", _polyglots()["jpeg+phar"], "text/html")}
    assert client.post("/bare", files=hostile).status_code == 200
    assert MARK in _kept(tmp_path)[0]
    photos.remove("x.jpg")

    stored = client.post("/photos", files=hostile).json()
    assert stored.endswith(".jpg")
    assert MARK not in _kept(tmp_path)[0]
    assert client.post("/forgotten", files=hostile).json() > 1_000
    assert list((tmp_path / "quarantine").iterdir()) == []
    events.clear()
    with pytest.raises(Rejected) as refused:
        client.post("/photos", files={"photo": ("x.svg", b"<svg onload='x()'/>", "image/png")})
    assert refused.value.errors[0].pointer == "/body/photo"
    assert [event.rule for event in events] == ["boundary.upload-svg"]
    body = app.openapi()["components"]["schemas"]["Body_upload_photos_post"]
    assert body["properties"]["photo"]["type"] == "string"
    assert "jpeg" in body["properties"]["photo"]["description"]


@pytest.mark.asvs("V5.1.1")
def test_what_is_taken_is_documented(quarantine: Quarantine, photos: Root) -> None:
    app = FastAPI()
    scans = received(quarantine, Archive(formats=("zip",), max_members=20), "scans")

    @app.post("/scans")
    def upload(scans: Annotated[Upload, Depends(scans)]) -> str:
        return scans.store(photos)

    schemas = app.openapi()["components"]["schemas"]
    described = schemas["Body_upload_scans_post"]["properties"]["scans"]["description"]
    for said in ("zip (.zip)", "at most 100,000 bytes", "20 members", "104,857,600 bytes unpacked"):
        assert said in described
    assert "refused and not kept" in described
    schema = TypeAdapter(Annotated[bytes, Image(formats=("png",))]).json_schema()
    assert "png (.png, .apng)" in schema["description"]


def test_flask(quarantine: Quarantine, photos: Root, tmp_path: Path) -> None:
    flask: Any = pytest.importorskip("flask")
    app: Any = flask.Flask(__name__)

    def upload() -> str:
        with quarantine.receive(flask.request.files["photo"], Image(), field="photo") as photo:
            assert photo.filename == "x.jpg"
            return photo.store(photos)

    app.add_url_rule("/photos", view_func=upload, methods=["POST"])
    client = app.test_client()
    content = _polyglots()["jpeg+phar"]
    assert client.post("/photos", data={"photo": (io.BytesIO(content), "x.jpg")}).status_code == 200
    assert MARK in content
    assert MARK not in _kept(tmp_path)[0]


def test_django(quarantine: Quarantine, photos: Root, tmp_path: Path) -> None:
    uploadedfile = pytest.importorskip("django.core.files.uploadedfile")
    settings = pytest.importorskip("django.conf").settings
    if not settings.configured:
        settings.configure()
    content = _polyglots()["jpeg+phar"]
    small = uploadedfile.SimpleUploadedFile("x.jpg", content, "image/jpeg")
    large = uploadedfile.TemporaryUploadedFile("x.jpg", "image/jpeg", len(content), None)
    large.write(content)
    large.seek(0)
    for source in (small, large):
        with quarantine.receive(source, Image(), field="photo") as photo:
            assert photo.filename == "x.jpg"
            photo.store(photos)
    large.close()
    assert all(MARK not in kept and len(kept) > 1_000 for kept in _kept(tmp_path))
    assert len(HONEST["jpeg"]) > 1_000
