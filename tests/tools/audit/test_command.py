"""`stockade audit …`, as it is typed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from stockade.core.events import Event, encode_line, now
from stockade.crypto import Keyring
from stockade.tools.cli.commands import app
from stockade.watch.alert import AlertLine
from stockade.watch.audit.log import AuditTrail
from stockade.watch.audit.note import Note, VerifierKey
from tests.watch.audit import independent
from tests.watch.audit.logs import Made, event, fill, flip
from tests.watch.audit.witnessing import Witness, served

Run = Callable[..., Result]


@pytest.fixture
def service(tmp_path: Path) -> Path:
    (tmp_path / "stockade.toml").write_text(
        '[crypto]\nkeyring = "keys.json"\n[watch]\naudit = "audit"\naudit_keys = "persons.db"\n'
        '[store]\nurl = "memory"\n'
    )
    keyring = Keyring.open(tmp_path / "keys.json", create=True)
    trail = AuditTrail(tmp_path / "audit", signer=keyring.log_signer, seconds=0.01)
    fill(trail, 0, 600)
    assert trail.sequencer.last is not None
    (tmp_path / "kept").write_bytes(trail.sequencer.last.note.encode())
    fill(trail, 600, 50)
    trail.close()
    return tmp_path


@pytest.fixture
def run(service: Path) -> Run:
    def invoke(*arguments: object) -> Result:
        words = ["audit", *map(str, arguments), "--config", str(service / "stockade.toml")]
        return CliRunner().invoke(app, words)

    return invoke


def vkey(service: Path) -> VerifierKey:
    origin = (service / "audit" / "origin").read_text().strip()
    signer = Keyring.open(service / "keys.json").log_signer(origin)
    return VerifierKey(origin, signer.public_keys()[0])


def edit(service: Path) -> None:
    """Change one entry, and sign everything anew with the service's own key."""
    keyring = Keyring.open(service / "keys.json")
    made = Made(service / "audit", keyring, [])
    made.rebuild(flip(made.entries(), 300), made.log, 0)


def test_an_earlier_checkpoint_makes_the_difference(service: Path, run: Run) -> None:
    alone, held = run("verify"), run("verify", "--checkpoint", service / "kept")
    assert (alone.exit_code, held.exit_code) == (3, 0)
    assert "self-consistent only" in alone.output
    assert "verified, and an extension of 1 earlier checkpoint(s)" in held.output
    edit(service)
    alone, held = run("verify"), run("verify", "--checkpoint", service / "kept")
    assert (alone.exit_code, held.exit_code) == (3, 1)
    assert "self-consistent only" in alone.output
    assert "the first 601 entries are not those" in held.output


def test_json_says_the_same_to_programs(service: Path, run: Run) -> None:
    held = json.loads(run("verify", "--checkpoint", service / "kept", "--json").stdout)
    assert (held["verdict"], held["size"], held["entries_unsigned"]) == ("verified", 651, 0)
    assert held["keys"] == [str(vkey(service))]
    edit(service)
    found = json.loads(run("verify", "--checkpoint", service / "kept", "--json").stdout)
    assert found["verdict"] == "findings"
    assert found["findings"][0]["entry"] is None
    assert json.loads(run("verify", "--json").stdout)["verdict"] == "self-consistent only"


@pytest.mark.parametrize("kind", ["event log", "alerts"])
def test_checkpoints_are_found_in_what_left_the_host(service: Path, run: Run, kind: str) -> None:
    kept = service / "kept.log"
    told = Event(
        time=now(), name="audit_checkpoint", severity="info", outcome="allowed", part="watch",
        rule="audit.alert", details={"checkpoint": (service / "kept").read_text()},
    )  # fmt: skip
    if kind == "event log":
        kept.write_bytes(encode_line(event(1)) + encode_line(told) + b"other\n")
    else:
        lines: list[str] = []
        AlertLine(write=lines.append)([told])
        kept.write_text("".join(f"Nov 29 host stockade: {line}\n" for line in lines))
    assert run("verify", "--checkpoint", kept).exit_code == 0
    edit(service)
    assert run("verify", "--checkpoint", kept).exit_code == 1


def test_entries_that_wait_are_counted_and_not_called_verified(service: Path, run: Run) -> None:
    keyring = Keyring.open(service / "keys.json")
    trail = AuditTrail(service / "audit", signer=keyring.log_signer, seconds=60.0)
    for number in range(7):
        trail.file.append(encode_line(event(number)))
    told = json.loads(run("verify", "--checkpoint", service / "kept", "--json").stdout)
    assert told["entries_unsigned"] == 7
    trail.file.close()


def test_a_proof_is_checked_without_the_log(
    service: Path, run: Run, tmp_path_factory: pytest.TempPathFactory
) -> None:
    proof = service / "one.tlog-proof"
    assert run("prove", 300, "-o", proof).exit_code == 0
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    key = str(vkey(service))
    command = [sys.executable, "-m", "stockade", "audit", "verify", str(proof)]
    here = {**os.environ, "NO_COLOR": "1"}
    held = subprocess.run(
        [*command, "--vkey", key], cwd=elsewhere, env=here, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert held.returncode == 0, held.stderr
    entry = held.stdout.splitlines()[0]
    assert json.loads(entry)["request_id"] == "300"
    assert independent.proved(proof.read_bytes(), entry.encode(), [key]) == 300
    alone = subprocess.run(
        command, cwd=elsewhere, env=here, capture_output=True, text=True, check=False
    )
    assert alone.returncode == 3
    assert run("verify", proof).exit_code == 0  # the keyring is here
    proof.write_bytes(proof.read_bytes().replace(b"index 300", b"index 301"))
    assert run("verify", proof).exit_code == 1


def test_a_proof_by_request_id(run: Run, service: Path) -> None:
    found = run("prove", "--event", "42")
    assert Note.parse(found.stdout.split("\n\n", 1)[1].encode())
    assert run("prove", "--event", "none such").exit_code == 2
    assert run("prove").exit_code == 2
    assert run("prove", 651).exit_code == 2
    assert run("prove", 1, "-o", service / "proof.txt").exit_code == 2


def test_a_checkpoint_is_taken(service: Path, run: Run) -> None:
    assert run("checkpoint", "-o", service / "taken").exit_code == 0
    assert run("checkpoint").stdout.encode() == (service / "taken").read_bytes()
    assert run("verify", "--checkpoint", service / "taken").exit_code == 0


def test_a_witness_signs_it(service: Path, run: Run) -> None:
    origin = vkey(service).name
    with served(Witness({origin: [str(vkey(service))]})) as witness:
        key = ["--witness-key", witness.vkey]
        assert run("witness", witness.url, *key, "-o", service / "signed").exit_code == 0
        note = Note.parse((service / "signed").read_bytes())
        assert note.signers([VerifierKey.parse(witness.vkey)])
        assert run("verify", "--checkpoint", service / "signed").exit_code == 0
        edit(service)
        refused = run("witness", witness.url, *key)
        assert refused.exit_code == 1
        assert "another tree of this size" in refused.output
    assert run("witness", witness.url, *key).exit_code == 3  # it is gone


def test_a_person_is_forgotten(service: Path, run: Run) -> None:
    from stockade.app import Stockade
    from stockade.core import config

    settings = config.load(service / "stockade.toml")
    sealed = Stockade(settings, folder=service).persons.seal("ann", "192.0.2.7")
    assert run("forget", "ann").exit_code == 0
    assert Stockade(settings, folder=service).persons.open(sealed) is None
    assert run("forget", "ann").exit_code == 1


def test_an_interrupted_verification_leaves_its_state(service: Path, run: Run) -> None:
    state = service / "state"
    assert run("verify", "--checkpoint", service / "kept", "--state", state).exit_code == 0
    assert not state.exists()
    state.write_bytes(b"nonsense")
    assert run("verify", "--state", state).exit_code == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("verify", "--checkpoint", "absent"), ("verify", "--checkpoint", "stockade.toml"),
        ("verify", "--vkey", "nonsense"), ("verify", "--log", "absent"),
        ("verify", "absent.tlog-proof"), ("verify", "stockade.toml"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_a_usage_error(
    service: Path, run: Run, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(service)
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert "stockade: " in result.output


def test_a_log_anywhere_is_verified(service: Path, run: Run) -> None:
    for log in (service / "audit", service / "audit" / "log"):
        kept = ("--checkpoint", service / "kept")
        assert run("verify", "--log", log, *kept).exit_code == 0


def test_a_log_that_is_none_is_not_called_clean(service: Path, run: Run) -> None:
    (service / "empty").mkdir()
    assert run("verify", "--log", service / "empty").exit_code == 1
    (service / "audit" / "log" / "checkpoint").write_bytes(b"\xff")
    assert run("verify").exit_code == 1
