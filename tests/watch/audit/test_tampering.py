"""Edits of a log, each at every kind of position: found, or shown to be what only an earlier
checkpoint finds.

Some thousand entries by default, `STOCKADE_AUDIT_ENTRIES=1000000` for a million.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from stockade.core.errors import AuditError
from stockade.core.events import Event, encode_line
from stockade.watch.audit import markers, reading, tiles
from stockade.watch.audit.checkpoint import Checkpoint
from stockade.watch.audit.note import Note
from stockade.watch.audit.storage import Directory
from stockade.watch.audit.tree import Tree
from tests.watch.audit import independent, logs
from tests.watch.audit.logs import CHANGES, Made, Stranger, findings

ENTRIES = int(os.environ.get("STOCKADE_AUDIT_ENTRIES", "3000"))
SMALL = ENTRIES <= 10_000
MIDDLE = ENTRIES // 2
POSITIONS = (0, 1, 254, 255, 256, 257, 511, 512, MIDDLE, ENTRIES - 257, ENTRIES - 2)
FEW = POSITIONS if SMALL else (0, 256, MIDDLE, ENTRIES - 2)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return logs.make(tmp_path_factory.mktemp("made") / "audit", ENTRIES)


@pytest.fixture(scope="module")
def entries(made: Made) -> list[bytes]:
    return made.entries()


@pytest.fixture
def put_back(made: Made) -> Iterator[dict[Path, bytes]]:
    """Files as they were: put into this before they are changed."""
    saved: dict[Path, bytes] = {}
    yield saved
    for path, data in saved.items():
        path.write_bytes(data)
    for path in made.log.rglob("*.new"):
        path.unlink()


@pytest.fixture(autouse=True)
def no_million_is_left(tmp_path: Path) -> Iterator[None]:
    yield
    if not SMALL:
        shutil.rmtree(tmp_path)


def independent_refuses(made: Made, log: Path) -> bool:
    """What the other verifier says: whether this is not the log that the checkpoints stand for."""
    try:
        _, tree, found = independent.verified(log, [str(key) for key in made.vkeys()])
        for note in made.kept:
            kept = Checkpoint.of(note)
            independent.demand(kept.size <= len(found), "cut")
            independent.demand(tree.mth(0, kept.size) == kept.root, "another")
    except (independent.Untrue, OSError, ValueError, IndexError):
        return True
    return False


def test_an_honest_log_is_found_clean(made: Made) -> None:
    assert findings(made.log) == []
    assert findings(made.log, made.kept, made.vkeys()[:1]) == []
    if SMALL:
        assert not independent_refuses(made, made.log)
    assert made.size > ENTRIES


# -- by somebody who may write the files, and has no key -------------------------------------------


@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("change", ["flip", "delete", "insert", "reorder"])
def test_a_bundle_that_was_edited(
    made: Made, put_back: dict[Path, bytes], change: str, position: int
) -> None:
    tree = Tree(Directory(made.log), made.size)
    bundle, offset = divmod(position, tiles.WIDTH)
    before = tree.entries(bundle)
    path = made.log / tiles.entries_path(bundle, len(before))
    put_back[path] = path.read_bytes()
    path.write_bytes(tiles.pack(CHANGES[change](before, offset)))
    assert findings(made.log, made.kept)
    if SMALL:
        assert findings(made.log)
        assert independent_refuses(made, made.log)


@pytest.mark.parametrize("position", FEW)
def test_a_bundle_and_its_tile_that_were_edited_together(
    made: Made, put_back: dict[Path, bytes], position: int
) -> None:
    from stockade.watch.audit.merkle import leaf_hash

    tree = Tree(Directory(made.log), made.size)
    bundle, offset = divmod(position, tiles.WIDTH)
    changed = logs.flip(tree.entries(bundle), offset)
    for path, data in (
        (tiles.entries_path(bundle, len(changed)), tiles.pack(changed)),
        (tiles.tile_path(0, bundle, len(changed)), b"".join(map(leaf_hash, changed))),
    ):
        put_back[made.log / path] = (made.log / path).read_bytes()
        (made.log / path).write_bytes(data)
    told = findings(made.log)
    assert any("do not make the root that is signed" in one for one in told)
    if SMALL:
        assert independent_refuses(made, made.log)


def hash_tiles(made: Made) -> list[Path]:
    """The first, a middle and the last tile of each level, full and partial."""
    size, found, level = made.size, [], 0
    while size:
        last = size // tiles.WIDTH
        for index in {0, last // 2, last - 1} & set(range(last)):
            found.append(tiles.tile_path(level, index))
        if size % tiles.WIDTH:
            found.append(tiles.tile_path(level, last, size % tiles.WIDTH))
        size, level = last, level + 1
    return [made.log / path for path in found]


@pytest.mark.parametrize("how", ["flip the first", "flip the last", "cut", "lengthen", "remove"])
def test_a_hash_tile_that_was_edited(made: Made, put_back: dict[Path, bytes], how: str) -> None:
    for path in hash_tiles(made):
        data = put_back[path] = path.read_bytes()
        if how == "remove":
            path.unlink()
        else:
            path.write_bytes(
                {
                    "flip the first": bytes([data[0] ^ 128]) + data[1:],
                    "flip the last": data[:-1] + bytes([data[-1] ^ 1]),
                    "cut": data[:-32],
                    "lengthen": data + data[:32],
                }[how]
            )
        assert findings(made.log, made.kept), path
        path.write_bytes(data)


@pytest.mark.parametrize("position", FEW)
def test_a_bundle_that_was_removed(made: Made, put_back: dict[Path, bytes], position: int) -> None:
    bundle = position // tiles.WIDTH
    width = min(tiles.WIDTH, made.size - bundle * tiles.WIDTH)
    path = made.log / tiles.entries_path(bundle, width)
    put_back[path] = path.read_bytes()
    path.unlink()
    told = findings(made.log)
    assert any("missing" in one for one in told)
    if SMALL:
        assert independent_refuses(made, made.log)


def test_a_checkpoint_that_was_edited_anywhere(made: Made, put_back: dict[Path, bytes]) -> None:
    path = made.log / "checkpoint"
    data = put_back[path] = path.read_bytes()
    step = 1 if SMALL else len(data) // 8
    for at in range(0, len(data), step):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        assert findings(made.log, made.kept), at
    for changed in (b"", data[:-1], data + b"x", data.split(b"\n\n")[0]):
        path.write_bytes(changed)
        assert findings(made.log, made.kept)
    path.unlink()
    assert findings(made.log, made.kept)


@pytest.mark.parametrize("change", CHANGES)
def test_everything_computed_anew_without_a_key(
    made: Made, entries: list[bytes], tmp_path: Path, change: str
) -> None:
    made.rebuild(CHANGES[change](entries, MIDDLE), tmp_path / "log", None)
    assert findings(tmp_path / "log")
    if SMALL:
        assert independent_refuses(made, tmp_path / "log")


def line(event: Event) -> bytes:
    return encode_line(event)[:-1]


def vouched_by_themselves(origin: str) -> tuple[bytes, Stranger]:
    """A change of keys from one that a stranger made to another, and who has that one."""
    before, after = Stranger.of(origin), Stranger.of(origin)
    return line(markers.key_changed(before.vkey, after.vkey, before)), after


def test_appended_under_a_key_that_its_own_maker_vouches_for(
    made: Made, entries: list[bytes], tmp_path: Path
) -> None:
    log, newest = tmp_path / "log", made.vkeys()[:1]
    change, stranger = vouched_by_themselves(newest[0].name)
    size = Checkpoint.of(made.kept[-1]).size
    stranger.build([*entries[:size], change, b'{"name":"forged"}'], log)
    for kept, trusted in (
        (made.kept, newest),
        (made.kept, []),
        ([], newest),
        (made.kept, made.vkeys()),
    ):
        assert any("not vouched for" in one for one in findings(log, kept, trusted))
    # The owner's own change, which the key in force vouches for, is none.
    assert findings(made.log, made.kept, newest) == []


def test_appended_by_whoever_has_a_key_that_was_replaced(
    made: Made, entries: list[bytes], tmp_path: Path
) -> None:
    log, (new, old) = tmp_path / "log", made.vkeys()
    signer = made.keyring.log_signer(old.name)
    stranger = Stranger.of(old.name)
    size = Checkpoint.of(made.kept[-1]).size
    away = line(markers.key_changed(old, stranger.vkey, signer))
    stranger.build([*entries[:size], away], log)
    for trusted in ([], [new], [new, old], [old]):
        assert any("not vouched for" in one for one in findings(log, made.kept, trusted))
    # To the old key itself: it is trusted, as the keyring still has it, and was replaced.
    event = markers.key_changed(new, old, stranger)
    made.rebuild([*entries[:size], line(event)], log, 1)
    assert any("not vouched for" in one for one in findings(log, made.kept, [new, old]))


def test_a_log_from_scratch_that_names_the_true_key(made: Made, tmp_path: Path) -> None:
    """Its first entry is public: anybody can copy it."""
    log, (new, old) = tmp_path / "log", made.vkeys()
    for key in (new, old):
        change, stranger = vouched_by_themselves(key.name)
        stranger.build([line(markers.opened(key)), change, b'{"name":"forged"}'], log)
        assert findings(log, (), [key])
        assert independent_refuses(made, log)
        stranger.build([line(markers.opened(key)), b'{"name":"forged"}'], log)
        assert findings(log, (), [key])


def test_erased_with_an_entry_that_says_it_was_retention(
    made: Made, entries: list[bytes], tmp_path: Path
) -> None:
    """By somebody without a key: what was kept is then signed by nobody whom the log knows."""
    log, newest = tmp_path / "log", made.vkeys()[:1]
    size = Checkpoint.of(made.kept[-1]).size
    bundles = size // tiles.WIDTH
    stranger = Stranger.of(newest[0].name)
    removed = line(markers.pruned(bundles * tiles.WIDTH, stranger.vkey))
    stranger.build([*entries[:size], removed, b'{"name":"forged"}'], log)
    for bundle in range(bundles):
        (log / tiles.entries_path(bundle)).unlink()
    alone = logs.verified(log, made.kept)
    assert (alone.earlier.anchored, alone.earlier.unknown) == (False, len(made.kept))
    assert any("no key that you trust" in one for one in findings(log, made.kept, newest))
    # The same by the log's owner is what retention does.
    made.rebuild([*entries[:size], line(markers.pruned(bundles * tiles.WIDTH, newest[0]))], log, 0)
    for bundle in range(bundles):
        (log / tiles.entries_path(bundle)).unlink()
    for trusted in ([], newest):
        honest = logs.verified(log, made.kept[1:], trusted)
        assert (honest.findings, honest.earlier.held) == ([], 2)


def test_erased_by_whoever_has_a_key_that_was_replaced(
    made: Made, entries: list[bytes], tmp_path: Path
) -> None:
    """The keyring still trusts it, for what it signed; the entry that replaced it is erased, too."""
    log, (new, old) = tmp_path / "log", made.vkeys()
    size = Checkpoint.of(made.kept[-1]).size
    bundles = size // tiles.WIDTH
    removed = line(markers.pruned(bundles * tiles.WIDTH, old))
    change = line(markers.key_changed(new, old, Stranger.of(old.name)))
    for forged in ([removed], [line(markers.pruned(bundles * tiles.WIDTH, new)), change]):
        made.rebuild([*entries[:size], *forged], log, 1)
        for bundle in range(bundles):
            (log / tiles.entries_path(bundle)).unlink()
        for kept in (made.kept, made.kept[-1:]):
            assert not logs.verified(log, kept, [new, old]).earlier.anchored or findings(
                log, kept, [new, old]
            )
            assert logs.verified(log, kept, [new, old], former=[old]).findings
    # By the new one, what the old one signed before still counts.
    made.rebuild([*entries[:size], line(markers.pruned(bundles * tiles.WIDTH, new))], log, 0)
    for bundle in range(bundles):
        (log / tiles.entries_path(bundle)).unlink()
    honest = logs.verified(log, made.kept, [new, old], former=[old])
    assert (honest.findings, honest.earlier.held, honest.earlier.anchored) == ([], 3, True)
    alone = logs.verified(log, made.kept[:1], [new, old])
    assert (alone.findings, alone.earlier.anchored) == ([], False)


@pytest.mark.parametrize("minimum", [10**9, -256, 300])
def test_an_entry_that_excuses_what_is_removed_later(
    made: Made, entries: list[bytes], tmp_path: Path, minimum: int
) -> None:
    log, newest = tmp_path / "log", made.vkeys()[0]
    made.rebuild([*entries, line(markers.pruned(minimum, newest))], log, 0)
    assert any("nothing could remove" in one for one in findings(log))
    (log / tiles.entries_path(0)).unlink()
    assert any("does not say that they were removed" in one for one in findings(log))


def test_a_damaged_bundle_is_not_a_removed_one(
    made: Made, entries: list[bytes], tmp_path: Path
) -> None:
    log, newest = tmp_path / "log", made.vkeys()[0]
    made.rebuild([*entries, line(markers.pruned(256, newest))], log, 0)
    path = log / tiles.entries_path(0)
    path.write_bytes(b"\xff\xffjunk")
    assert any("cut short" in one for one in findings(log, made.kept))
    path.unlink()
    assert findings(log, made.kept) == []


@pytest.mark.parametrize("size", [2**62, 2**63 - 1, 10**9])
def test_a_size_that_is_made_up_does_not_take_for_ever(
    made: Made, tmp_path: Path, size: int
) -> None:
    log = tmp_path / "log"
    shutil.copytree(made.log, log)
    note = Note.parse((log / "checkpoint").read_bytes())
    text = Checkpoint.of(note)._replace(size=size).text()
    (log / "checkpoint").write_bytes(Note(text, note.signatures).encode())
    found = findings(log, made.kept, made.vkeys())
    assert any("missing" in one for one in found)
    shutil.rmtree(log / "tile" / "entries")
    with pytest.raises(AuditError):
        list(reading.entries(tmp_path))


# -- by somebody who has a key ---------------------------------------------------------------------


@pytest.mark.parametrize("position", FEW)
@pytest.mark.parametrize("change", CHANGES)
def test_everything_computed_and_signed_anew(
    made: Made, entries: list[bytes], tmp_path: Path, change: str, position: int
) -> None:
    """Without an earlier checkpoint nothing is wrong with it: with one, it is found."""
    log = tmp_path / "log"
    if position < 2:
        position = 2  # entry 1 names the log's key: without it nobody would be deceived
    changed = CHANGES[change](entries, position)
    rotated = any(b'"audit_key_changed"' in entry for entry in changed)
    made.rebuild(changed, log, 0 if rotated else 1)
    assert findings(log) == []
    told = findings(log, made.kept)
    assert any("earlier checkpoint" in one or "rolled back" in one for one in told), told
    if SMALL:
        assert independent_refuses(made, log)


def test_signed_anew_with_a_key_that_was_replaced(
    made: Made, entries: list[bytes], tmp_path: Path
) -> None:
    log = tmp_path / "log"
    # Even the right entries: after the change only the new key counts.
    made.rebuild(entries, log, 1)
    assert any("a key that was replaced" in one for one in findings(log))
    made.rebuild(logs.flip(entries, ENTRIES - 3), log, 1)
    assert any("a key that was replaced" in one for one in findings(log))
    # Cut before the change the old key was right: only who knows better finds it.
    cut = entries[: Checkpoint.of(made.kept[0]).size]
    made.rebuild(cut, log, 1)
    assert findings(log) == []
    assert findings(log, made.kept[1:])
    assert findings(log, (), made.vkeys()[:1])


def test_rolled_back_to_what_it_was(made: Made, entries: list[bytes], tmp_path: Path) -> None:
    """A copy of the log from earlier, signed in its time: true, and not all of it."""
    first = Checkpoint.of(made.kept[1])
    log = tmp_path / "log"
    made.rebuild(entries[: first.size], log, 0)
    assert Checkpoint.of(Note.parse((log / "checkpoint").read_bytes())) == first
    assert findings(log) == []
    assert findings(log, made.kept[:2]) == []
    assert any("cut or rolled back" in one for one in findings(log, made.kept[2:]))


def test_another_log_in_its_place(made: Made, tmp_path: Path) -> None:
    other = logs.make(tmp_path / "other", 300)
    assert findings(other.log) == []
    assert any("of another log" in one for one in findings(other.log, made.kept[:1]))
    assert any("no key that you trust" in one for one in findings(other.log, (), made.vkeys()))


def test_its_own_checkpoint_as_the_earlier_one(made: Made) -> None:
    note = Note.parse((made.log / "checkpoint").read_bytes())
    assert findings(made.log, [note]) == []
