"""What the audit log costs: entries from the call until they are durable, and a proof of one.

CPU time of the whole process, the sequencer's thread included. `--long` takes a million entries.
"""

from __future__ import annotations

import os
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles

import msgspec

from benchmarks.claim import Measured
from stockade.core.events import Event, now
from stockade.crypto import Keyring
from stockade.watch.audit.edge import Edge
from stockade.watch.audit.log import AuditTrail
from stockade.watch.audit.merkle import included, leaf_hash
from stockade.watch.audit.storage import Directory
from stockade.watch.audit.tree import Tree

__all__ = ["audit", "proof"]

_BATCH = 256
_ENTRIES = 50_000
_MILLION = 1_000_000
_ROUNDS = 7
_PROOFS = 2_000


def audit(effort: int) -> Measured:
    """Durable entries a second, in batches of 256; bare: encoded, written and synced, no more."""
    size = _ENTRIES if effort == 1 else _MILLION
    events = [_event(number) for number in range(_BATCH)]
    rounds = [_durable(events, size) for _ in range(_ROUNDS if effort == 1 else 3)]
    speeds = [size / cpu for cpu, _ in rounds]
    low, _, high = quantiles(speeds, n=4)
    bare = median(_written(events, _ENTRIES) for _ in range(_ROUNDS))
    peers = {"by the clock on the wall": median(size / wall for _, wall in rounds)}
    return Measured(median(speeds), bare, high - low, peers)


def proof(effort: int) -> Measured:
    """An inclusion proof from tiles that were read before; bare: reading one tile."""
    size = 2 * _ENTRIES if effort == 1 else _MILLION
    chance = random.Random(6962)
    with _tree(size) as (tree, storage):
        root = tree.root()
        first = [
            _proved(Tree(storage, size), indices)
            for indices in (chance.sample(range(size), 200) for _ in range(_ROUNDS))
        ]
        for index in range(0, size, _BATCH):
            tree.inclusion(index)
        costs = [
            _proved(tree, chance.sample(range(size), _PROOFS)) for _ in range(_ROUNDS * effort)
        ]
        index = size // 3
        entry = tree.entry(index)
        assert included(leaf_hash(entry), index, size, tree.inclusion(index), root)
        started = time.process_time_ns()
        for number in range(_PROOFS):
            storage.read(f"tile/0/{number % 100:03d}")
        bare = (time.process_time_ns() - started) / _PROOFS / 1_000
    low, _, high = quantiles(costs, n=4)
    return Measured(median(costs), bare, high - low, {"the first from a tile": median(first)})


def _event(number: int) -> Event:
    return Event(
        time=now(),
        name="authz_fail",
        severity="critical",
        outcome="blocked",
        part="access",
        request_id=f"01J9Z5M0V8Q4T3{number:04x}",
        client="203.0.113.7",
        principal="4be1f0c2a9d34be1",
        resource="/patients/{patient_id}",
        reason="You may not do this.",
        rule="access.policy",
        details={"action": "read", "policy": "clinic.0"},
    )


def _durable(events: list[Event], size: int) -> tuple[float, float]:
    """Seconds of CPU, and on the wall, until so many entries are durable."""
    with tempfile.TemporaryDirectory(prefix="stockade-benchmark-") as folder:
        trail = AuditTrail(Path(folder) / "audit", signer=Keyring.ephemeral().log_signer)
        trail.extend(events)
        assert trail.wait_durable()
        cpu, wall = time.process_time(), time.perf_counter()
        for _ in range(size // _BATCH):
            trail.extend(events)
        assert trail.wait_durable(600)
        spent = time.process_time() - cpu, time.perf_counter() - wall
        trail.close()
        assert trail.sequencer.last is not None
        assert trail.sequencer.last.checkpoint.size >= size // _BATCH * _BATCH
    return spent


def _written(events: list[Event], size: int) -> float:
    """Microseconds of CPU an entry: JSON lines in a file, one sync at the end."""
    encode = msgspec.json.Encoder().encode_lines
    with tempfile.TemporaryFile(buffering=0) as file:
        started = time.process_time_ns()
        for _ in range(size // _BATCH):
            file.write(encode(events))
        os.fsync(file.fileno())
        return (time.process_time_ns() - started) / size / 1_000


@contextmanager
def _tree(size: int) -> Iterator[tuple[Tree, Directory]]:
    with tempfile.TemporaryDirectory(prefix="stockade-benchmark-") as folder:
        storage, edge = Directory(folder), Edge()
        for start in range(0, size, 10_000):
            entries = [b"entry %d" % number for number in range(start, start + 10_000)]
            for name, data in edge.append(entries):
                storage.write(name, data)
        for name, data in edge.partial():
            storage.write(name, data)
        yield Tree(storage, size), storage


def _proved(tree: Tree, indices: list[int]) -> float:
    """Microseconds of CPU a proof."""
    started = time.process_time_ns()
    for index in indices:
        tree.inclusion(index)
    return (time.process_time_ns() - started) / len(indices) / 1_000
