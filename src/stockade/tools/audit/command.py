"""The work behind `stockade audit …`. Exit codes: 0 clean, 1 findings, 2 usage, 3 incomplete."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from stockade.core.errors import AuditError, ConfigError
from stockade.tools.audit.places import Place, kept_checkpoints, witness_keys
from stockade.tools.audit.report import REPLACED, SELF_CONSISTENT, report, say, whom
from stockade.watch.audit import segments, tiles
from stockade.watch.audit.checkpoint import Checkpoint
from stockade.watch.audit.note import Note, VerifierKey
from stockade.watch.audit.proof import SUFFIX, Proof
from stockade.watch.audit.recovery import extends
from stockade.watch.audit.tree import Tree
from stockade.watch.audit.verification import Verification
from stockade.watch.terminal import printable

__all__ = ["checkpoint", "forget", "prove", "verify", "verify_proof", "witness"]

_LONG_WORK = 100_000
_SAVE_EVERY = 256  # bundles


def verify(
    place: Place,
    *,
    checkpoints: Sequence[Path],
    vkeys: Sequence[str],
    witnesses: Sequence[str],
    state: Path | None,
    as_json: bool,
) -> int:
    """Read all of a log; with `state`, go on where an interrupted run left off."""
    if witnesses and not checkpoints:
        raise ConfigError("a witness signs a checkpoint: give one that it signed")
    kept = kept_checkpoints(checkpoints)
    first = [Checkpoint.of(note).origin for note in kept.notes[:1]]
    trusted = place.trusted(vkeys, place.origin() or "".join(first))
    verification = Verification(
        place.storage,
        earlier=kept.notes,
        trusted=trusted.keys,
        former=trusted.former,
        witnesses=witness_keys(witnesses),
    )
    if state is not None and state.exists():
        verification.resume(state.read_bytes())
    try:
        size = _newest(place)[1].size
    except AuditError:
        size = 0  # is a finding, and said by the verification
    with _progress(size) as advance:
        try:
            for number, done in enumerate(verification.steps()):
                advance(done)
                if state is not None and number % _SAVE_EVERY == 0 and not done % tiles.WIDTH:
                    _save(state, verification)
        except OSError as error:
            say(f"the log cannot be read to its end ({error.strerror or 'an error'})")
            return 3
    if state is not None:
        state.unlink(missing_ok=True)
    waiting = _waiting(place, verification.verified)
    return report(verification, kept=kept, trusted=trusted, waiting=waiting, as_json=as_json)


def verify_proof(
    place: Place, file: Path, *, checkpoints: Sequence[Path], vkeys: Sequence[str], as_json: bool
) -> int:
    """Check a `.tlog-proof` file, which takes no log; print its entry."""
    proof = Proof.parse(_read(file))
    found = Checkpoint.of(proof.note)
    if proof.entry is None:
        raise AuditError("the proof does not carry its entry, so there is nothing to check it with")
    findings = []
    if not proof.holds(proof.entry):
        findings.append("the entry is not in the log that the proof's checkpoint stands for")
    trusted = place.trusted(vkeys, found.origin)
    signers: list[VerifierKey] = []
    try:
        # Whoever is trusted for another log has no say in this one.
        signers = proof.note.signers(key for key in trusted.keys if key.name == found.origin)
    except AuditError as error:
        findings.append(str(error))
    kept = [Checkpoint.of(note) for note in kept_checkpoints(checkpoints).notes]
    if any(one[:2] == found[:2] and one != found for one in kept):
        findings.append("a checkpoint that was kept has another root for this size")
    if findings:
        verdict = "findings"
    elif found in kept or {*signers} - {*trusted.former}:
        verdict = "verified"
    else:
        verdict = REPLACED if signers else SELF_CONSISTENT
    if as_json:
        document = {
            "verdict": verdict, "origin": found.origin, "size": found.size, "index": proof.index,
            "entry": proof.entry.decode("utf-8", "replace"), "findings": findings,
            "keys_from": trusted.source, "keys_trusted": [str(key) for key in trusted.keys],
        }  # fmt: skip
        print(msgspec.json.encode(document).decode())
    else:
        print(printable(proof.entry.decode("utf-8", "replace")))
        print(whom(trusted))
        for finding in findings:
            print(f"  FOUND  {finding}")
        print(f"entry {proof.index} of {printable(found.origin)}: {verdict}")
        if verdict == SELF_CONSISTENT:
            print("no key is known that could have signed it: give one with --vkey")
        elif verdict == REPLACED:
            print(
                "whoever holds the old key can have made it since; prove the entry anew, or give "
                "the checkpoint, kept elsewhere, with --checkpoint"
            )
    return {"verified": 0, "findings": 1}.get(verdict, 3)


def prove(place: Place, *, index: int | None, request: str, output: Path | None) -> int:
    """Write the proof of an entry; of a request's entries the indices, where it has several."""
    note, newest = _newest(place)
    tree = Tree(place.storage, newest.size)
    if index is None:
        found = list(_of_request(tree, request))
        if not found:
            raise ConfigError("no signed entry has this request id")
        if len(found) > 1:
            print("\n".join(map(str, found)))
            say(f"{len(found)} entries have this request id: prove them by their number")
            return 1
        index = found[0]
    proof = Proof(index, tuple(tree.inclusion(index)), note, tree.entry(index))
    if not proof.holds(tree.entry(index)):
        say("the tiles do not prove this entry: verify the log")
        return 1
    _write(output, proof.encode(), suffix=SUFFIX)
    return 0


def checkpoint(place: Place, *, output: Path | None) -> int:
    """Write the newest checkpoint, to be kept elsewhere; over another only what extends it."""
    note, newest = _newest(place)
    if output is not None and not _extends(place, newest, output):
        say("the log does not extend the checkpoint in this file, which stays: verify the log")
        return 1
    _write(output, note.encode())
    return 0


def witness(place: Place, *, url: str, key: str, output: Path | None) -> int:
    """Have a witness sign the newest checkpoint; that it does not is a finding."""
    import httpx

    from stockade.watch.audit.witness import Answer, cosigned

    note, newest = _newest(place)

    def post(body: bytes) -> Answer:
        answer = httpx.post(f"{url.rstrip('/')}/add-checkpoint", content=body, timeout=30.0)
        return Answer(answer.status_code, answer.content)

    trusted = VerifierKey.parse(key)
    if output is not None and not _extends(place, newest, output):
        say("the log does not extend the checkpoint in this file, which stays: verify the log")
        return 1
    try:
        signed = cosigned(place.storage, note, trusted, post)
    except AuditError as error:
        say(str(error))
        return 1
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        say(f"the witness cannot be asked ({type(error).__name__})")
        return 3
    _write(output, signed.encode())
    return 0


def forget(place: Place, *, subject: str) -> int:
    """Destroy the keys by which this person's fields are sealed."""
    from stockade.app import Stockade

    stockade = Stockade(place.settings, folder=place.folder)
    if stockade.persons.forget(subject):
        say("the keys are destroyed; copies of their file are yours to destroy")
        return 0
    say("there was no key of this person")
    return 1


def _newest(place: Place) -> tuple[Note, Checkpoint]:
    data = place.storage.read(tiles.CHECKPOINT)
    if data is None:
        raise AuditError("there is no checkpoint: nothing was signed yet, or this is no audit log")
    note = Note.parse(data)
    return note, Checkpoint.of(note)


def _extends(place: Place, newest: Checkpoint, output: Path) -> bool:
    """Whether the log still has all that a checkpoint stands for which this file has by now."""
    if not output.is_file() or not output.stat().st_size:
        return True
    try:
        kept = Checkpoint.of(Note.parse(_read(output)))
    except AuditError:
        raise ConfigError(f"{output} is no checkpoint: it is not overwritten") from None
    try:
        extends(place.storage, newest, kept)
    except AuditError:
        return False
    return kept.origin == newest.origin


def _of_request(tree: Tree, request: str) -> Iterator[int]:
    wanted = msgspec.json.encode(request)
    for bundle in range(-(-tree.size // tiles.WIDTH)):
        try:
            entries = tree.entries(bundle)
        except AuditError:  # removed, or damaged: `verify` tells them apart
            tree.hashes(0, bundle)  # nothing at all is there where a size is made up
            continue
        for index, entry in enumerate(entries, bundle * tiles.WIDTH):
            if b'"request_id":' + wanted in entry:
                yield index


def _waiting(place: Place, size: int) -> int:
    """How many entries the spool has beyond the tree."""
    if place.spool is None:
        return 0
    ends = [0]
    for segment in segments.segments(place.spool):
        if not segment.path.is_file():  # gone by now, or a pipe that somebody put there
            continue
        with contextlib.suppress(FileNotFoundError):
            ends.append(segment.base + len(segments.entries_of(segment.path.read_bytes())))
    return max(0, max(ends) - size)


def _save(path: Path, verification: Verification) -> None:
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_bytes(verification.state())
    temporary.replace(path)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file} cannot be read ({error.strerror})") from None


def _write(output: Path | None, data: bytes, *, suffix: str = "") -> None:
    if output is None:
        sys.stdout.write(data.decode())
        return
    if suffix and output.suffix != suffix:
        raise ConfigError(f"the file of a proof ends in {suffix}")
    output.write_bytes(data)


@contextlib.contextmanager
def _progress(size: int) -> Iterator[Callable[[int], object]]:
    """A bar on standard error while much is read, where somebody looks on."""
    if not sys.stderr.isatty() or size < _LONG_WORK:
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("verifying"), BarColumn(), TextColumn("{task.completed:,.0f} entries"))
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=size)
        yield lambda done: progress.update(task, completed=done)
