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

from stockade.core.errors import AuditError
from stockade.core.events import Event, encode_line, now
from stockade.crypto import Keyring
from stockade.tools.cli.commands import app
from stockade.watch.alert import AlertLine
from stockade.watch.audit.checkpoint import Checkpoint
from stockade.watch.audit.log import AuditTrail
from stockade.watch.audit.merkle import leaf_hash
from stockade.watch.audit.note import Note, Signature, VerifierKey
from stockade.watch.audit.proof import Proof
from tests.watch.audit import independent
from tests.watch.audit.logs import Made, Stranger, event, fill, flip
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


def test_the_keyring_is_used_without_the_file_of_the_origin(service: Path, run: Run) -> None:
    kept = ("--checkpoint", service / "kept")
    (service / "audit" / "origin").unlink()
    told = json.loads(run("verify", *kept, "--json").stdout)
    assert (told["verdict"], told["keys_from"]) == ("verified", "the keyring")
    assert told["keys_trusted"] == told["keys"]
    # Somebody makes all of it anew, under the same name and with a key of their own.
    entries = Made(service / "audit", Keyring.open(service / "keys.json"), []).entries()
    Stranger.of(told["origin"]).build(entries, service / "audit" / "log")
    for named in ((), ("--log", service / "audit"), ("--log", service / "audit" / "log")):
        found = run("verify", *named)
        assert (found.exit_code, "not signed by the key" in found.output) == (1, True)
        assert run("verify", *kept, *named).exit_code == 1


def test_without_any_key_nothing_is_called_verified(service: Path, run: Run) -> None:
    key, kept = str(vkey(service)), ("--checkpoint", service / "kept")
    assert run("verify", *kept, "--vkey", key).exit_code == 0
    (service / "keys.json").rename(service / "elsewhere.json")
    alone = run("verify", *kept)
    assert alone.exit_code == 3
    assert "NO KEY is trusted (the keyring is not here)" in alone.output
    assert "give it with --vkey" in alone.output
    (service / "keys.json").write_bytes(b"unreadable")
    told = json.loads(run("verify", *kept, "--json").stdout)
    assert (told["verdict"], told["keys_trusted"]) == ("no key known", [])
    assert told["keys_from"] == "the keyring cannot be opened"
    assert run("verify", *kept, "--vkey", key).exit_code == 0


def proof_of(index: int, entry: bytes, note: Note) -> bytes:
    return Proof(index, (), note, entry).encode()


def test_a_proof_by_a_key_of_another_log_proves_nothing(service: Path, run: Run) -> None:
    entry, other = b'{"name":"forged"}', Stranger.of("another.example/log")
    ours = vkey(service)
    text = Checkpoint(ours.name, 1, leaf_hash(entry)).text()
    name, key_id = other.vkey.name, other.vkey.key_id
    note = Note(text, (Signature(name, key_id, other.sign(text.encode())),))
    proof = service / "forged.tlog-proof"
    proof.write_bytes(proof_of(0, entry, note))
    keys = ("--vkey", ours, "--vkey", other.vkey)
    assert run("verify", proof, *keys).exit_code == 3
    theirs = Checkpoint(name, 1, leaf_hash(entry)).text()
    note = Note(theirs, (Signature(name, key_id, other.sign(theirs.encode())),))
    proof.write_bytes(proof_of(0, entry, note))
    assert run("verify", proof, *keys).exit_code == 0  # it is about their own log
    assert run("verify", proof, "--vkey", other.vkey._replace(kind=4)).exit_code == 2


def test_a_proof_by_a_key_that_was_replaced_says_so(service: Path, run: Run) -> None:
    proof = service / "one.tlog-proof"
    assert run("prove", 3, "-o", proof).exit_code == 0
    assert run("checkpoint", "-o", service / "then").exit_code == 0
    old = vkey(service)
    Keyring.open(service / "keys.json").rotate("sign")
    told = run("verify", proof)
    assert told.exit_code == 3
    assert "signed by a replaced key" in told.output
    assert run("verify", proof, "--vkey", old).exit_code == 0  # whoever says so
    assert run("verify", proof, "--checkpoint", service / "then").exit_code == 0


def test_a_log_by_a_key_that_was_replaced_says_so(service: Path, run: Run) -> None:
    """Cut off before it changed, and continued by whoever has the old key."""
    kept = ("--checkpoint", service / "kept")
    keyring = Keyring.open(service / "keys.json")
    keyring.rotate("sign")
    old = run("verify", *kept)
    assert old.exit_code == 3
    assert "signed by a replaced key: the keyring has a newer one" in old.output
    trail = AuditTrail(service / "audit", signer=keyring.log_signer, seconds=0.01)
    fill(trail, 650, 1)
    trail.close()
    assert run("verify", *kept).exit_code == 0


def told(service: Path, name: str = "audit_checkpoint", **details: str) -> bytes:
    details = details or {"checkpoint": (service / "kept").read_text()}
    one = Event(
        time=now(), name=name, severity="info", outcome="allowed", part="watch",
        rule="audit.checkpoint", details=details,
    )  # fmt: skip
    return encode_line(one)


def test_what_clients_write_into_an_event_log_is_no_checkpoint(service: Path, run: Run) -> None:
    keep = "audit log checkpoint, keep it: hello"
    kept = service / "kept.log"
    kept.write_bytes(
        told(service)
        + told(service, "malicious_sqli", x=keep)
        + told(service, "x", x="audit_checkpoint", checkpoint="junk")
        + b'GET /"stockade: ' + keep.encode() + b'"\n'
        + b'{"name":"audit_checkpoint","details":' + b"[" * 9_000 + b"\n"
    )  # fmt: skip
    clean = json.loads(run("verify", "--checkpoint", kept, "--json").stdout)
    assert (clean["verdict"], clean["earlier_checkpoints"]) == ("verified", 1)
    assert clean["earlier_unreadable"] == 0
    kept.write_bytes(
        told(service) + told(service, checkpoint="junk") + b"stockade: " + keep.encode() + b"\n"
    )
    counted = run("verify", "--checkpoint", kept)
    assert counted.exit_code == 0
    assert "2 of the earlier checkpoints cannot be read" in counted.output
    edit(service)
    assert run("verify", "--checkpoint", kept).exit_code == 1


def test_checkpoints_of_other_logs_are_a_note(service: Path, run: Run) -> None:
    other = Stranger.of("another.example/log")
    other.build([b"{}"], service / "other")
    foreign = ("--checkpoint", service / "other" / "checkpoint")
    both = run("verify", *foreign, "--checkpoint", service / "kept")
    assert both.exit_code == 0
    assert "1 of the earlier checkpoints are of other logs" in both.output
    assert run("verify", *foreign).exit_code == 1


def test_a_checkpoint_is_kept_until_the_log_extends_it(service: Path, run: Run) -> None:
    taken = service / "taken"
    taken.write_bytes((service / "kept").read_bytes())
    assert run("checkpoint", "-o", taken).exit_code == 0
    before = taken.read_bytes()
    assert before != (service / "kept").read_bytes()
    edit(service)
    refused = run("checkpoint", "-o", taken)
    assert refused.exit_code == 1
    assert "does not extend" in refused.output
    assert taken.read_bytes() == before
    taken.write_bytes(b"something else")
    assert run("checkpoint", "-o", taken).exit_code == 2
    assert taken.read_bytes() == b"something else"


def test_the_witness_that_must_have_signed_is_named(service: Path, run: Run) -> None:
    origin = vkey(service).name
    with served(Witness({origin: [str(vkey(service))]})) as witness:
        key = ["--witness-key", witness.vkey]
        assert run("witness", witness.url, *key, "-o", service / "signed").exit_code == 0
    assert run("verify", "--checkpoint", service / "signed", *key).exit_code == 0
    assert run("verify", "--checkpoint", service / "kept", *key).exit_code == 1
    assert run("verify", *key).exit_code == 2
    for swapped in (["--vkey", witness.vkey], ["--witness-key", str(vkey(service))]):
        assert run("verify", "--checkpoint", service / "signed", *swapped).exit_code == 2
    forged = Note.parse((service / "signed").read_bytes())
    last = forged.signatures[-1]._replace(data=bytes(72))
    (service / "signed").write_bytes(Note(forged.text, (*forged.signatures[:-1], last)).encode())
    assert run("verify", "--checkpoint", service / "signed", *key).exit_code == 1


def test_a_size_that_is_made_up_does_not_take_for_ever(service: Path, run: Run) -> None:
    path = service / "audit" / "log" / "checkpoint"
    note = Note.parse(path.read_bytes())
    text = Checkpoint.of(note)._replace(size=2**62).text()
    path.write_bytes(Note(text, note.signatures).encode())
    assert run("verify", "--checkpoint", service / "kept").exit_code == 1
    assert run("prove", "--event", "none such").exit_code == 2


def test_a_pipe_in_the_spool_does_not_hold_us_up(service: Path, run: Run) -> None:
    from stockade.watch.audit.reading import entries

    assert len(list(entries(service / "audit"))) == 651
    (segment,) = (service / "audit" / "spool").glob("*.jsonl")
    segment.unlink()
    os.mkfifo(segment)
    assert run("verify", "--checkpoint", service / "kept").exit_code == 0
    with pytest.raises(AuditError, match="a pipe"):
        list(entries(service / "audit"))
