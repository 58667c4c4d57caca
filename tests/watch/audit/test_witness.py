from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from stockade.core.errors import AuditError
from stockade.watch.audit.checkpoint import Checkpoint
from stockade.watch.audit.note import COSIGNATURE, Note, Signature, VerifierKey
from stockade.watch.audit.storage import Directory
from stockade.watch.audit.witness import Answer, cosigned
from tests.watch.audit import independent, logs
from tests.watch.audit.witnessing import Witness, served


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> logs.Made:
    return logs.make(tmp_path_factory.mktemp("witnessed") / "audit", 900)


def post(url: str) -> Callable[[bytes], Answer]:
    def send(body: bytes) -> Answer:
        answer = httpx.post(f"{url}/add-checkpoint", content=body)
        return Answer(answer.status_code, answer.content)

    return send


def newest(log: Path) -> Note:
    return Note.parse((log / "checkpoint").read_bytes())


def test_a_witness_signs_what_only_grew(made: logs.Made) -> None:
    keys = [str(key) for key in made.vkeys()]
    witness = Witness({made.vkeys()[0].name: keys})
    storage, key = Directory(made.log), VerifierKey.parse(witness.vkey)
    with served(witness):
        for note in (*made.kept, newest(made.log), newest(made.log)):
            signed = cosigned(_at(storage, note), note, key, post(witness.url))
            assert signed.signers([key]) == [key]
            assert signed.text == note.text
            assert independent.opened_note(signed.encode(), [witness.vkey]) == note.text
    assert witness.seen[made.vkeys()[0].name][0] == made.size


def _at(storage: Directory, note: Note) -> Directory:
    return storage  # its tiles are those of every earlier checkpoint, too


def test_a_fork_is_not_signed_although_nobody_kept_a_checkpoint(
    made: logs.Made, tmp_path: Path
) -> None:
    """Without a witness the fork looks like any log; the witness saw the other one."""
    witness = Witness({made.vkeys()[0].name: [str(key) for key in made.vkeys()]})
    key = VerifierKey.parse(witness.vkey)
    forked = tmp_path / "log"
    made.rebuild(logs.fork(made.entries(), 600), forked, 0)
    assert logs.findings(forked) == []
    with served(witness):
        cosigned(Directory(made.log), newest(made.log), key, post(witness.url))
        with pytest.raises(AuditError, match="another tree of this size"):
            cosigned(Directory(forked), newest(forked), key, post(witness.url))
        made.rebuild(logs.fork(made.entries(), 600) + [b"{}"] * 50, forked, 0)
        with pytest.raises(AuditError, match="HTTP 422"):
            cosigned(Directory(forked), newest(forked), key, post(witness.url))
        made.rebuild(made.entries()[:700], forked, 0)
        with pytest.raises(AuditError, match="rolled back"):
            cosigned(Directory(forked), newest(forked), key, post(witness.url))


def test_what_a_witness_refuses_is_said(made: logs.Made) -> None:
    key = VerifierKey.parse(Witness({}).vkey)
    for logs_known, what in (({}, "does not know this log"), (
        {made.vkeys()[0].name: [Witness({}).vkey]}, "trusts no key"
    )):  # fmt: skip
        with served(Witness(logs_known)) as witness, pytest.raises(AuditError, match=what):
            cosigned(Directory(made.log), newest(made.log), key, post(witness.url))


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b""), Answer(200, b"garbage"), Answer(200, "— witness.example/w1 AAAAAAA=\n".encode()),
        Answer(409, b""), Answer(409, b"-1\n"), Answer(409, b"\xff"), Answer(500, b""),
    ],
)  # fmt: skip
def test_an_answer_that_is_none_is_refused(made: logs.Made, answer: Answer) -> None:
    public = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    key = VerifierKey("witness.example/w1", public, 4)
    with pytest.raises(AuditError):
        cosigned(Directory(made.log), newest(made.log), key, lambda body: answer)


def test_an_answer_that_brings_a_text_along_is_refused(made: logs.Made) -> None:
    witness = logs.Stranger.of("witness.example/w1")
    key = witness.vkey._replace(kind=COSIGNATURE)
    note = newest(made.log)

    def answers(text: str, lead: str) -> Answer:
        data = witness.sign(b"cosignature/v1\ntime 5\n" + text.encode())
        line = Signature(key.name, key.key_id, (5).to_bytes(8, "big") + data).line()
        return Answer(200, (lead + line).encode())

    other = answers(f"{note.text}\nother text\n", "other text\n\n")
    with pytest.raises(AuditError, match="another text"):
        cosigned(Directory(made.log), note, key, lambda body: other)
    honest = answers(note.text, "")
    assert cosigned(Directory(made.log), note, key, lambda body: honest).signers([key]) == [key]


def test_a_logs_own_key_is_no_witness(made: logs.Made) -> None:
    with pytest.raises(AuditError, match="type 4"):
        cosigned(
            Directory(made.log), newest(made.log), made.vkeys()[0], lambda body: Answer(200, b"")
        )


def test_the_request_is_the_specifications(made: logs.Made) -> None:
    sent: list[bytes] = []

    def first(body: bytes) -> Answer:
        sent.append(body)
        return Answer(409, b"300\n") if len(sent) == 1 else Answer(500, b"")

    key = VerifierKey.parse(Witness({}).vkey)
    with pytest.raises(AuditError):
        cosigned(Directory(made.log), newest(made.log), key, first)
    assert sent[0] == b"old 0\n\n" + newest(made.log).encode()
    head, _, note = sent[1].partition(b"\n\n")
    assert head.split(b"\n")[0] == b"old 300"
    assert Checkpoint.of(Note.parse(note)).size == made.size
