"""Against moto's S3 server, over HTTP with the real client."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from stockade.core.errors import AuditError, ConfigError
from stockade.crypto import Keyring
from stockade.watch.audit.log import AuditTrail
from stockade.watch.audit.object_store import ObjectStore
from stockade.watch.audit.reading import entries
from stockade.watch.audit.storage import Directory, Storage
from stockade.watch.audit.verification import Verification
from tests.watch.audit.logs import fill


@pytest.fixture(scope="module")
def s3() -> Iterator[Any]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    client = boto3.client(
        "s3",
        endpoint_url=f"http://{host}:{port}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    client.create_bucket(Bucket="audit")
    yield client
    client.close()
    server.stop()


@pytest.fixture(params=["directory", "object store"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "directory":
        return Directory(tmp_path / "log")
    return ObjectStore(request.getfixturevalue("s3"), "audit", f"/{tmp_path.name}/")


def test_both_keep_what_they_are_given(storage: Storage) -> None:
    assert storage.read("tile/0/000") is None
    assert storage.below("tile") == []
    for name in ("tile/0/000", "tile/0/001.p/7", "tile/0/001.p/8", "tile/0/x001/000", "checkpoint"):
        storage.write(name, name.encode())
    storage.write("checkpoint", b"new")
    storage.settle(["tile/0/000", "checkpoint"])
    assert storage.read("checkpoint") == b"new"
    assert storage.read("tile/0/001.p/8") == b"tile/0/001.p/8"
    assert storage.read("tile/0") is None
    assert storage.below("tile/0") == ["000", "001.p", "x001"]
    storage.remove(["tile/0/001.p", "tile/0/000", "tile/0/absent"])
    assert storage.below("tile/0") == ["x001"]


def test_a_log_in_an_object_store(s3: Any, tmp_path: Path) -> None:
    keyring, store = Keyring.ephemeral(), ObjectStore(s3, "audit", tmp_path.name)
    trail = AuditTrail(tmp_path, signer=keyring.log_signer, storage=store, seconds=0.01)
    fill(trail, 0, 700)
    trail.close()
    again = AuditTrail(tmp_path, signer=keyring.log_signer, storage=store, seconds=0.01)
    fill(again, 700, 10)
    assert again.sequencer.last is not None
    kept = again.sequencer.last.note
    again.close()
    assert not (tmp_path / "log").exists()
    verification = Verification(store, earlier=[kept])
    assert list(verification.steps())
    assert (verification.findings, verification.earlier.anchored) == ([], True)
    assert len(list(entries(tmp_path, store))) == 711
    head = s3.head_object(Bucket="audit", Key=f"{tmp_path.name}/checkpoint")
    assert head["ContentType"] == "text/plain; charset=utf-8"
    assert "immutable" not in head["CacheControl"]


def test_two_hosts_with_one_prefix_find_out(s3: Any, tmp_path: Path) -> None:
    keyring, store = Keyring.ephemeral(), ObjectStore(s3, "audit", tmp_path.name)
    ours = AuditTrail(
        tmp_path / "a", signer=keyring.log_signer, storage=store, origin="clinic/audit"
    )
    fill(ours, 0, 10)
    theirs = AuditTrail(
        tmp_path / "b", signer=keyring.log_signer, storage=store, origin="clinic/audit"
    )
    fill(theirs, 0, 500)
    fill_without_waiting(ours)
    with pytest.raises(AuditError):
        ours.sequencer.turn()
    ours.close()
    theirs.close()


def fill_without_waiting(trail: AuditTrail) -> None:
    from tests.watch.audit.logs import event

    trail.append(event("after"))


def test_a_store_that_does_not_answer_is_told_and_entries_wait(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    client = boto3.client(
        "s3",
        endpoint_url="http://127.0.0.1:9",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=boto3.session.Config(retries={"max_attempts": 0}, connect_timeout=0.2),
    )
    trail = AuditTrail(
        tmp_path,
        signer=Keyring.ephemeral().log_signer,
        storage=ObjectStore(client, "audit", "none"),
        seconds=0.01,
    )
    fill_without_waiting(trail)
    assert not trail.wait_durable(1)
    trail.close()
    client.close()
    assert "EndpointConnectionError" in capsys.readouterr().err


@pytest.mark.parametrize("url", ["", "s3:", "s3:///prefix", "https://bucket/prefix"])
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="s3://bucket/prefix"):
        ObjectStore.open(url)
