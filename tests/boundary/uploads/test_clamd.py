"""A scanner sees each upload before anything else does; without its word nothing is kept.

The daemon here speaks clamd's INSTREAM (clamd(8)) and knows one signature, the EICAR test file.
"""

from __future__ import annotations

import io
import socketserver
import struct
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from stockade.boundary import Archive, Clamd, Csv, Quarantine, Root
from stockade.boundary.uploads.contract import Contract
from stockade.core.errors import ConfigError, Rejected
from stockade.core.events import Event

# In two pieces, or a scanner takes this file for it (https://www.eicar.org).
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR" + rb"-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
LIMIT = 100_000  # StreamMaxLength


class _Session(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        assert self.rfile.read(10) == b"zINSTREAM\0"
        content = b""
        while size := struct.unpack("!I", self.rfile.read(4))[0]:
            content += self.rfile.read(size)
            if len(content) > LIMIT:
                self.wfile.write(b"INSTREAM size limit exceeded. ERROR\0")
                return
        verdict = "stream: Eicar-Test-Signature FOUND" if _harmful(content) else "stream: OK"
        self.wfile.write(
            {"drop": b"", "mumble": b"stream: "}.get(_mood[0], verdict.encode() + b"\0")
        )


def _harmful(content: bytes) -> bool:
    """The daemon looks into archives by itself."""
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return EICAR in content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return any(EICAR in archive.read(name) for name in archive.namelist())


_mood = [""]


class _Unix(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class _Tcp(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True


@pytest.fixture(params=["unix", "tcp"])
def clamd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Clamd]:
    _mood[0] = ""
    path = str(tmp_path / "clamd.ctl")
    server: _Unix | _Tcp
    if request.param == "unix":
        address, server = path, _Unix(path, _Session)
    else:
        server = _Tcp(("127.0.0.1", 0), _Session)
        address = f"127.0.0.1:{server.socket.getsockname()[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield Clamd(address, seconds=5.0)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def zipped(content: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("notes.txt", content)
    return held.getvalue()


def stored(folder: Path, scanner: Clamd | None, content: bytes, contract: Contract) -> list[str]:
    """Upload `content`; the names of what is kept."""
    (folder / "kept").mkdir(exist_ok=True)
    quarantine = Quarantine(folder / "quarantine", scanner=scanner)
    root = Root(folder / "kept")
    try:
        with quarantine.receive(io.BytesIO(content), contract) as upload:
            return [upload.store(root)]
    finally:
        quarantine.close()
        assert [
            p for p in (folder / "quarantine").rglob("*") if p.stat().st_size == len(content)
        ] == []


CASES = [(zipped(EICAR), Archive()), (b"name,note\r\nAda," + EICAR + b"\r\n", Csv())]


@pytest.mark.asvs("V5.4.3")
@pytest.mark.parametrize(("content", "contract"), CASES, ids=["zip", "csv"])
def test_known_malware_is_not_kept(
    content: bytes, contract: Contract, clamd: Clamd, tmp_path: Path, events: list[Event]
) -> None:
    assert stored(tmp_path, None, content, contract)  # it is a perfect archive, a perfect table
    with pytest.raises(Rejected) as refused:
        stored(tmp_path, clamd, content, contract)
    assert refused.value.code == 422
    assert "Eicar" not in str(refused.value)
    assert len(list((tmp_path / "kept").iterdir())) == 1
    assert [e.rule for e in events if e.outcome == "blocked"] == ["boundary.upload-malware"]


@pytest.mark.parametrize("content", [zipped(b"of the weather"), zipped(bytes(90_000))])
def test_honest_files_are(content: bytes, clamd: Clamd, tmp_path: Path) -> None:
    assert stored(tmp_path, clamd, content, Archive(max_ratio=2_000))


@pytest.mark.parametrize("mood", ["drop", "mumble"])
def test_without_a_verdict_nothing_is_kept(
    mood: str, clamd: Clamd, tmp_path: Path, events: list[Event]
) -> None:
    _mood[0] = mood
    with pytest.raises(Rejected) as refused:
        stored(tmp_path, clamd, zipped(b"of the weather"), Archive())
    assert refused.value.code == 503
    assert [event.name for event in events] == ["defence_failed", "upload_validation"]


def test_what_the_daemon_does_not_take_is_not_kept(clamd: Clamd, tmp_path: Path) -> None:
    large = b"name\r\n" + b"Ada\r\n" * 200_000
    with pytest.raises(Rejected) as refused:
        stored(tmp_path, clamd, large, Csv(max_rows=300_000))
    assert refused.value.code == 503


def test_without_a_daemon_nothing_is_kept(tmp_path: Path) -> None:
    for address in (str(tmp_path / "none.ctl"), "127.0.0.1:1"):
        with pytest.raises(Rejected) as refused:
            stored(tmp_path, Clamd(address, seconds=1.0), zipped(b"of the weather"), Archive())
        assert refused.value.code == 503


@pytest.mark.parametrize("address", ["clamd.ctl", "", ":3310", "localhost:", "localhost:a"])
def test_what_is_no_address_is_said_at_start(address: str) -> None:
    with pytest.raises(ConfigError, match="Clamd"):
        Clamd(address)
