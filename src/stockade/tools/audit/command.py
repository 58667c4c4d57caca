"""The work behind `stockade audit …`. Exit codes: 0 clean, 1 findings, 2 usage, 3 incomplete."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from stockade.core.errors import AuditError, ConfigError
from stockade.tools.audit.places import Place, kept_checkpoints
from stockade.tools.audit.report import report, say
from stockade.watch.audit import segments, tiles
from stockade.watch.audit.checkpoint import Checkpoint
from stockade.watch.audit.note import Note, VerifierKey
from stockade.watch.audit.proof import SUFFIX, Proof
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
    state: Path | None,
    as_json: bool,
) -> int:
    """Read all of a log; with `state`, go on where an interrupted run left off."""
    earlier = kept_checkpoints(checkpoints)
    verification = Verification(place.storage, earlier=earlier, trusted=place.trusted(vkeys))
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
    return report(verification, earlier=len(earlier), waiting=waiting, as_json=as_json)


def verify_proof(
    file: Path, *, checkpoints: Sequence[Path], trusted: Sequence[VerifierKey], as_json: bool
) -> int:
    """Check a `.tlog-proof` file, which takes no log; print its entry."""
    proof = Proof.parse(_read(file))
    found = Checkpoint.of(proof.note)
    if proof.entry is None:
        raise AuditError("the proof does not carry its entry, so there is nothing to check it with")
    findings = []
    if not proof.holds(proof.entry):
        findings.append("the entry is not in the log that the proof's checkpoint stands for")
    signers: list[VerifierKey] = []
    try:
        signers = proof.note.signers(trusted)
    except AuditError as error:
        findings.append(str(error))
    kept = [Checkpoint.of(note) for note in kept_checkpoints(checkpoints)]
    if any(one.size == found.size and one != found for one in kept):
        findings.append("a checkpoint that was kept has another root for this size")
    vouched = bool(signers) or found in kept
    verdict = "findings" if findings else "verified" if vouched else "self-consistent only"
    if as_json:
        document = {
            "verdict": verdict, "origin": found.origin, "size": found.size, "index": proof.index,
            "entry": proof.entry.decode("utf-8", "replace"), "findings": findings,
        }  # fmt: skip
        print(msgspec.json.encode(document).decode())
    else:
        print(printable(proof.entry.decode("utf-8", "replace")))
        for finding in findings:
            print(f"  FOUND  {finding}")
        print(f"entry {proof.index} of {printable(found.origin)}: {verdict}")
        if verdict == "self-consistent only":
            print("no key is known that could have signed it: give one with --vkey")
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
    """Write the newest checkpoint, to be kept elsewhere."""
    note, _ = _newest(place)
    _write(output, note.encode())
    return 0


def witness(place: Place, *, url: str, key: str, output: Path | None) -> int:
    """Have a witness sign the newest checkpoint; that it does not is a finding."""
    import httpx

    from stockade.watch.audit.witness import Answer, cosigned

    note, _ = _newest(place)

    def post(body: bytes) -> Answer:
        answer = httpx.post(f"{url.rstrip('/')}/add-checkpoint", content=body, timeout=30.0)
        return Answer(answer.status_code, answer.content)

    trusted = VerifierKey.parse(key)
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


def _of_request(tree: Tree, request: str) -> Iterator[int]:
    wanted = msgspec.json.encode(request)
    for bundle in range(-(-tree.size // tiles.WIDTH)):
        with contextlib.suppress(AuditError):  # removed, or damaged: `verify` tells them apart
            for index, entry in enumerate(tree.entries(bundle), bundle * tiles.WIDTH):
                if b'"request_id":' + wanted in entry:
                    yield index


def _waiting(place: Place, size: int) -> int:
    """How many entries the spool has beyond the tree."""
    if place.spool is None:
        return 0
    ends = [0]
    for segment in segments.segments(place.spool):
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
